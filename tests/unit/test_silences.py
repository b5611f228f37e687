"""Silences on a virtual clock: life cycle, update rules, merging."""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from amfast._ext.pb import encode_silence
from amfast.model.silence import MatcherSpec, Silence, SilenceNotFound, SilenceRefused
from amfast.mute.silences import Limits, Silences
from tests.support.virtual import VirtualClock, run_virtual
from tests.unit.test_pb import OFFICIAL, delimited

HOUR_NS = 3600 * 10**9
JOB_A = (MatcherSpec(0, "job", "a"),)


def build(clock: VirtualClock, changes: list[bytes] | None = None, **limits: int) -> Silences:
    ids = (f"id-{number}" for number in itertools.count(1))
    silences = Silences(
        clock=clock,
        retention_ns=HOUR_NS,
        new_id=lambda: next(ids),
        log=logging.getLogger("test"),
        limits=Limits(**limits),
    )
    if changes is not None:
        silences.on_change = changes.append
    return silences


def wish(clock: VirtualClock, starts_s: float = 0, ends_s: float = 60, **fields: object) -> Silence:
    """A silence as a client asks for it, times relative to now."""
    now_ns = clock.now_ns()
    silence = Silence(
        "", (JOB_A,), now_ns + int(starts_s * 1e9), now_ns + int(ends_s * 1e9), 0, "me", "why", {}
    )
    return replace(silence, **fields)  # type: ignore[arg-type]


def test_a_silence_is_pending_then_active_then_expired_and_mutes_only_while_active() -> None:
    async def main(clock: VirtualClock) -> None:
        silences = build(clock)
        silence_id = silences.set(wish(clock, starts_s=10, ends_s=20))
        for seconds, state, muting in (
            (0, "pending", ()),
            (10, "active", (silence_id,)),
            (10, "expired", ()),
        ):
            await clock.sleep(seconds)
            stored = silences.get(silence_id)
            assert stored is not None
            assert stored.state(clock.now_ns()) == state
            assert silences.silencing({"job": "a"}) == muting
        assert silences.silencing({"job": "b"}) == ()

    run_virtual(main)


def test_a_start_in_the_past_is_raised_to_now() -> None:
    async def main(clock: VirtualClock) -> None:
        silences = build(clock)
        stored = silences.get(silences.set(wish(clock, starts_s=-100)))
        assert stored is not None
        assert stored.starts_at_ns == clock.now_ns()

    run_virtual(main)


Change = Callable[[Silence, VirtualClock], Silence]
SAME_ID: list[tuple[str, float, Change]] = [
    ("another comment and end", 0, lambda s, _c: replace(s, comment="x", ends_at_ns=s.ends_at_ns + 1)),
    ("an active one shortened to now", 0, lambda s, c: replace(s, ends_at_ns=c.now_ns())),
    ("a pending one moved", 100, lambda s, _c: replace(s, starts_at_ns=s.starts_at_ns + 5)),
]
NEW_ID: list[tuple[str, float, Change]] = [
    ("other matchers", 0, lambda s, _c: replace(s, matcher_sets=((MatcherSpec(0, "job", "b"),),))),
    (
        "an active one with another start",
        0,
        lambda s, _c: replace(s, starts_at_ns=s.starts_at_ns - 2 * 10**9),
    ),
    ("a pending one moved into the past", 100, lambda s, c: replace(s, starts_at_ns=c.now_ns() - 1)),
]


@pytest.mark.parametrize(("_what", "starts_s", "change"), SAME_ID, ids=[row[0] for row in SAME_ID])
def test_a_change_that_takes_nothing_back_keeps_the_id(_what: str, starts_s: float, change: Change) -> None:
    async def main(clock: VirtualClock) -> None:
        silences = build(clock)
        silence_id = silences.set(wish(clock, starts_s=starts_s, ends_s=200))
        await clock.sleep(1)
        old = silences.get(silence_id)
        assert old is not None
        assert silences.set(change(old, clock)) == silence_id
        new = silences.get(silence_id)
        assert new is not None
        assert new.updated_at_ns == clock.now_ns()

    run_virtual(main)


@pytest.mark.parametrize(("_what", "starts_s", "change"), NEW_ID, ids=[row[0] for row in NEW_ID])
def test_any_other_change_ends_the_old_one_and_makes_a_new_one(
    _what: str, starts_s: float, change: Change
) -> None:
    async def main(clock: VirtualClock) -> None:
        silences = build(clock)
        silence_id = silences.set(wish(clock, starts_s=starts_s, ends_s=200))
        await clock.sleep(1)
        old = silences.get(silence_id)
        assert old is not None
        assert silences.set(change(old, clock)) != silence_id
        ended = silences.get(silence_id)
        assert ended is not None
        assert ended.state(clock.now_ns()) == "expired"

    run_virtual(main)


def test_an_expired_silence_comes_back_as_a_new_one() -> None:
    async def main(clock: VirtualClock) -> None:
        silences = build(clock)
        silence_id = silences.set(wish(clock))
        assert silences.expire(silence_id)
        assert silences.expire(silence_id), "ending it twice is no error"
        old = silences.get(silence_id)
        assert old is not None
        assert silences.set(replace(old, ends_at_ns=clock.now_ns() + HOUR_NS)) != silence_id

    run_virtual(main)


def test_a_change_wins_over_what_a_peer_with_a_fast_clock_said() -> None:
    async def main(clock: VirtualClock) -> None:
        from_peer: list[bytes] = []
        changes: list[bytes] = []
        here, peer = build(clock, changes), build(clock, from_peer)
        clock.skew_ns = 5 * 10**9
        silence_id = peer.set(wish(clock))
        clock.skew_ns = 0
        here.merge(from_peer[0])
        await clock.sleep(1)
        assert here.expire(silence_id)
        assert peer.merge(changes[-1]) == 1, "the peer takes the change over"
        assert here.merge(peer.marshal()) == 0, "and does not undo it"

    run_virtual(main)


def test_a_silence_until_the_end_of_time_survives_a_restart() -> None:
    async def main(clock: VirtualClock) -> None:
        here, again = build(clock), build(clock)
        here.set(wish(clock, ends_at_ns=253_402_300_799 * 10**9))
        again.load(here.marshal())
        assert list(again.list()) == list(here.list())

    run_virtual(main)


def test_what_could_not_be_read_again_or_would_stall_everything_is_refused() -> None:
    async def main(clock: VirtualClock) -> None:
        silences = build(clock)
        for fields, text in (
            ({"comment": "x" * (5 << 20)}, "at most 4194304 bytes"),
            ({"matcher_sets": ((MatcherSpec(1, "a", "b.*"),) * 1001,)}, "at most 1000 matchers"),
        ):
            with pytest.raises(SilenceRefused, match=text):
                silences.set(wish(clock, **fields))
        # Just small enough with its one matcher written once; we would have to write it twice.
        matcher = {"name": "a", "pattern": "x" * (3 << 20)}
        old_form = OFFICIAL["MeshSilence"](
            silence={"id": "a", "matchers": [matcher]}, expires_at={"seconds": 2**32}
        )
        assert silences.merge(delimited(old_form.SerializeToString())) == 0
        assert silences.marshal() == b""

    run_virtual(main)


def test_unknown_ids_are_told_apart() -> None:
    async def main(clock: VirtualClock) -> None:
        silences = build(clock)
        with pytest.raises(SilenceNotFound):
            silences.set(wish(clock, id="unknown"))
        assert silences.expire("unknown") is False
        assert silences.get("unknown") is None

    run_virtual(main)


def test_limits_refuse_what_is_too_many_or_too_large() -> None:
    async def main(clock: VirtualClock) -> None:
        silences = build(clock, silences_max=1, silence_bytes_max=200)
        silences.set(wish(clock))
        with pytest.raises(SilenceRefused, match=r"number of silences: 1 \(limit: 1\)"):
            silences.set(wish(clock))
        with pytest.raises(SilenceRefused, match=r"maximum size: \d+ bytes \(limit: 200 bytes\)"):
            build(clock, silence_bytes_max=200).set(wish(clock, comment="x" * 200))

    run_virtual(main)


def test_a_refused_replacement_leaves_the_old_silence_active() -> None:
    async def main(clock: VirtualClock) -> None:
        silences = build(clock, silences_max=1)
        silence_id = silences.set(wish(clock))
        old = silences.get(silence_id)
        assert old is not None
        with pytest.raises(SilenceRefused):
            silences.set(replace(old, matcher_sets=((MatcherSpec(0, "job", "b"),),)))
        assert silences.silencing({"job": "a"}) == (silence_id,)

    run_virtual(main)


def test_every_change_reaches_a_peer_whatever_the_order() -> None:
    async def main(clock: VirtualClock) -> None:
        changes: list[bytes] = []
        here = build(clock, changes)
        silence_id = here.set(wish(clock))
        await clock.sleep(1)
        here.expire(silence_id)
        for order in itertools.permutations(changes):
            there = build(clock)
            for record in (*order, *order):
                there.merge(record)
            assert list(there.list()) == list(here.list())
            assert there.silencing({"job": "a"}) == ()

    run_virtual(main)


def test_patterns_of_a_silence_that_take_too_long_in_all_are_as_one_that_does_not_compile(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amfast.model.regex.EFFORT_MAX", 1500)
    large = tuple(MatcherSpec(1, "job", f"a{{500}}{number}") for number in range(3))

    async def main(clock: VirtualClock) -> None:
        silences = build(clock)
        silences.set(wish(clock, matcher_sets=(large[:2],)))
        assert "too large" not in caplog.text
        silences.set(wish(clock, matcher_sets=(large,)))
        assert silences.silencing({"job": "a"}) == ()

    run_virtual(main)
    (record,) = caplog.records
    assert "too large in all" in str(vars(record)["attrs"])


def test_a_peers_pattern_that_does_not_compile_is_kept_and_never_matches(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main(clock: VirtualClock) -> None:
        changes: list[bytes] = []
        here, there = build(clock, changes), build(clock)
        here.set(wish(clock, matcher_sets=((MatcherSpec(1, "job", "(a"),),)))
        assert there.merge(changes[0]) == 1
        assert there.silencing({"job": "a"}) == ()
        assert len(list(there.list())) == 1
        assert there.marshal() == changes[0]

    run_virtual(main)
    assert "Compiling silence matchers failed" in caplog.text


def test_expired_silences_stay_listed_until_their_retention_is_over() -> None:
    async def main(clock: VirtualClock) -> None:
        changes: list[bytes] = []
        silences = build(clock, changes)
        silence_id = silences.set(wish(clock, ends_s=60))
        await clock.sleep(60 + 3599)
        assert silences.collect_garbage() == 0
        assert silences.get(silence_id) is not None
        await clock.sleep(2)
        assert silences.collect_garbage() == 1
        assert silences.get(silence_id) is None
        assert silences.merge(changes[0]) == 0, "a peer that still has it does not bring it back"

    run_virtual(main)


def test_the_index_finds_what_trying_every_silence_finds() -> None:
    async def main(clock: VirtualClock) -> None:
        seed = 7
        rng = random.Random(seed)
        silences = build(clock)
        names, values = "abc", ["", "x", "y", "z"]

        def spec() -> MatcherSpec:
            kind = rng.randrange(4)
            return MatcherSpec(
                kind, rng.choice(names), rng.choice(values if kind in (0, 2) else [".*", "x|y", "z"])
            )

        for _ in range(60):
            sets = tuple(
                tuple(spec() for _ in range(rng.randrange(1, 4))) for _ in range(rng.randrange(1, 3))
            )
            silences.set(wish(clock, matcher_sets=sets))
        for silence in rng.sample(list(silences.list()), 15):
            silences.set(replace(silence, matcher_sets=((spec(),),)))
        for step in range(400):
            if step % 20 == 0:  # what is remembered of earlier questions must not outlive a change
                clock_step = rng.choice(["add", "expire", "collect"])
                if clock_step == "add":
                    silences.set(wish(clock, matcher_sets=((spec(), spec()),)))
                elif clock_step == "expire":
                    silences.expire(rng.choice(list(silences.list())).id)
                else:
                    await clock.sleep(rng.choice([1, 70, 4000]))
                    silences.collect_garbage()
                    silences.set(wish(clock, matcher_sets=((spec(),),), ends_s=5000))
            labels = {name: rng.choice(values[1:]) for name in names if rng.random() < 0.7}
            expected = tuple(
                silence.id
                for silence in silences.list()
                if silence.state(clock.now_ns()) == "active" and _matches(silence, labels)
            )
            assert silences.silencing(labels) == expected, f"seed {seed}"

    run_virtual(main)


def _matches(silence: Silence, labels: dict[str, str]) -> bool:
    def one(spec: MatcherSpec) -> bool:
        value = labels.get(spec.name, "")
        pattern = {".*": True, "x|y": value in ("x", "y"), "z": value == "z"}
        hit = pattern[spec.pattern] if spec.type in (1, 3) else value == spec.pattern
        return hit != (spec.type in (2, 3))

    return any(all(one(spec) for spec in specs) for specs in silence.matcher_sets)


def test_what_is_read_from_a_file_mutes_as_what_was_made_here() -> None:
    async def main(clock: VirtualClock) -> None:
        specs = [
            (JOB_A,),
            ((MatcherSpec(1, "job", "a|b"), MatcherSpec(0, "env", "prod")),),
            ((MatcherSpec(1, "job", "b.*"),), (MatcherSpec(2, "env", ""),)),
            ((MatcherSpec(3, "job", "a.*"),),),
            ((MatcherSpec(1, "job", "a("),),),
            ((),),
        ]
        here = build(clock)
        there = build(clock)
        records = b"".join(
            encode_silence(wish(clock, id=f"s{number}", matcher_sets=sets), clock.now_ns() + HOUR_NS)
            for number, sets in enumerate(specs)
        )
        assert there.merge(records) == len(specs)
        here.load(records)
        for labels in ({"job": "a"}, {"job": "b", "env": "prod"}, {"job": "bc"}, {"env": "x"}, {}):
            assert here.silencing(labels) == there.silencing(labels)
        assert here.interests() == there.interests()
        assert list(here.list()) == list(there.list())
        assert here.marshal() == there.marshal() == records
        here.expire("s0")
        assert here.silencing({"job": "a"}) == ()
        await clock.sleep(2 * 3600)
        assert here.collect_garbage() == len(specs)
        assert here.silencing({"job": "b"}) == ()

    run_virtual(main)


def test_of_two_records_with_one_id_in_a_file_the_last_one_counts() -> None:
    async def main(clock: VirtualClock) -> None:
        silences = build(clock)
        later = wish(clock, id="s", updated_at_ns=2)
        earlier = wish(clock, id="s", updated_at_ns=1, matcher_sets=((MatcherSpec(0, "job", "b"),),))
        silences.load(b"".join(encode_silence(one, clock.now_ns() + HOUR_NS) for one in (later, earlier)))
        assert list(silences.list()) == [earlier]
        assert silences.silencing({"job": "a"}) == ()
        assert silences.silencing({"job": "b"}) == ("s",)

    run_virtual(main)
