"""Parts of the native alert path beside their plain twins: order of a group, times, memory of bytes, the limit."""

from __future__ import annotations

import logging
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amfast._ext.grouping import Members, Places
from amfast._ext.instant import format_times_ms, parse_time
from amfast._ext.intake import BodyEmpty, BodyError, BodyInvalid, Intake
from amfast._ext.snapshot import Snapshot
from amfast._ext.table import Table
from amfast.alerts.store import OFFSET_HOLDS_NS, AlertStore
from amfast.model.alert import make_alert
from amfast.model.labels import Labels
from amfast.model.timestamp import DAY_S, NS, ZERO_NS, Time, format_ms, parse_rfc3339
from amfast.web.uri import is_request_uri
from tests.models.alerts import PlainTable, fingerprint, group_order
from tests.support.virtual import START_NS, VirtualClock, run_virtual

TIMEOUT_NS = 300 * NS
NOW = Time(START_NS)
SEED = random.randrange(1 << 32)


class Native:
    """A table and its intake."""

    def __init__(self, seed: int = 1) -> None:
        self.table = Table(seed)
        self.places = Places(self.table)
        self.places.begin([])
        self.group = Members(self.places, "r", bytes)
        self._intake = Intake(self.table, classic_names=False, is_uri=is_request_uri)

    def post(self, body: bytes, now_ns: int = START_NS) -> object:
        posted = self._intake.post(body, now_ns, 0, TIMEOUT_NS)
        for stored in self.places.take_unplaced():
            self.places.put(stored, (self.group,), b"[]", ("r",))
        return posted.firing, posted.resolved, posted.stored, len(posted.complaints or ())

    def held(self) -> list[Labels]:
        return [stored.labels for stored in self.group.stored()]


# Groups


def looked_at(group: Members, now_ns: int) -> Snapshot:
    """What is in order of a group."""
    snapshot = Snapshot(group, now_ns, make_alert)
    assert snapshot.look(1 << 20, closely=True)
    return snapshot


def body_of(labels: list[dict[str, str]], ends: str) -> bytes:
    texts = []
    for one in labels:
        pairs = ",".join(f'"{name}":"{value}"' for name, value in one.items())
        texts.append(f'{{"labels":{{{pairs}}},"startsAt":"2020-01-01T00:00:00Z","endsAt":"{ends}"}}')
    return ("[" + ",".join(texts) + "]").encode()


def any_labels(rng: random.Random, number: int) -> dict[str, str]:
    labels = {
        name: rng.choice("123") + rng.choice(("", "0"))
        for name in ("job", "instance", "b")
        if rng.random() < 0.8
    }
    return labels | {rng.choice(("a", "n", "z")): str(number)}


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 1000, 5000])
def test_a_group_comes_into_order_however_often_the_sort_is_interrupted(size: int) -> None:
    rng = random.Random(SEED)
    native = Native()
    live: list[dict[str, str]] = []
    gone: list[dict[str, str]] = []
    number = 0
    while number < size:
        count = min(rng.choice((1, 2, 3, 50, 3000)), size - number)
        new = [any_labels(rng, number + i) for i in range(count)]
        number += count
        ended = rng.random() < 0.3
        native.post(body_of(new, "2020-01-02T00:00:00Z" if ended else "2090-01-01T00:00:00Z"))
        (gone if ended else live).extend(new)
        for _ in range(rng.randint(0, 5)):
            native.group.sort(rng.choice((0, 1, 10, 1000)))
        if rng.random() < 0.3:
            snapshot = looked_at(native.group, START_NS)
            shown = [one.labels for one in snapshot.told()]
            assert shown == sorted(shown, key=group_order), SEED
            native.group.sort(rng.choice((0, 1, 10, 1000)))
            forgotten = snapshot.forget_ended()
            assert forgotten == sum(one in gone for one in shown), SEED
            gone = [one for one in gone if one not in shown]
    while not native.group.sort(rng.choice((1, 10, 1000))):
        pass
    assert native.held() == sorted(map(in_order, live + gone), key=group_order), SEED
    assert len(looked_at(native.group, START_NS)) == len(native.group)


def in_order(labels: dict[str, str]) -> dict[str, str]:
    return dict(sorted(labels.items()))


def test_alerts_of_one_place_that_come_in_one_body_are_in_their_group_once() -> None:
    native = Native()
    for _ in range(3):
        native.post(b'[{"labels":{"b":"1"}},{"labels":{"b":"2"}}]')
        assert len(native.group) == 2


def test_an_alert_whose_other_group_ended_is_not_put_again_into_the_one_that_holds_it() -> None:
    native = Native()
    table, places = native.table, native.places
    intake = Intake(table, classic_names=False, is_uri=is_request_uri)
    one, other = (Members(places, "r", bytes) for _ in range(2))
    intake.post(b'[{"labels":{"b":"1"}}]', START_NS, 0, TIMEOUT_NS)
    places.put(places.take_unplaced()[0], (one, other), b"[]", ("r", "r"))
    later_ns = START_NS + 2 * TIMEOUT_NS
    one.sort(100)
    assert looked_at(one, later_ns).forget_ended() == 1
    one.close()
    intake.post(b'[{"labels":{"b":"1"}}]', later_ns, 0, TIMEOUT_NS)
    new = Members(places, "r", bytes)
    places.put(places.take_unplaced()[0], (new, other), b"[]", ("r", "r"))
    assert (len(new), len(other)) == (1, 1)


# The memory of bytes

FIRST = (
    b'{"labels":{"a":"1"},"startsAt":"2026-01-01T00:00:00Z",'
    b'"endsAt":"2090-01-01T00:00:00Z","generatorURL":"http://h/"}'
)
SECOND = b'{"annotations":{"s":"x"},"labels":{"a":"2"},"startsAt":"2026-01-01T00:00:00Z"}'
THIRD = b'{"endsAt":"2090-01-01T00:00:00.5+01:00","labels":{"a":"3","b":"\\u0041"},"x":[1,{}]}'
WHOLE = b"[" + FIRST + b"," + SECOND + b"," + THIRD + b"]"


def outcome(post: object, body: bytes) -> object:
    try:
        return post(body)  # type: ignore[operator]
    except (BodyEmpty, BodyError, BodyInvalid) as error:
        return type(error), error.args


def state(table: Table) -> list[object]:
    return [make_alert(*stored.fields()) for stored in table]


def test_one_byte_changed_anywhere_in_known_bytes_makes_other_bytes() -> None:
    """Whoever knows the body says of the changed one what somebody says who has never seen either."""
    rng = random.Random(SEED)
    for at in range(len(WHOLE)):
        body = bytearray(WHOLE)
        body[at] = rng.choice([byte for byte in b'0123456789Zz"\\{}[]:, \x00\xff' if byte != body[at]])
        knows, does_not = Native(at), Native(at + 1)
        knows.post(WHOLE)
        knows.post(WHOLE)
        does_not.post(WHOLE.replace(b",", b" ,").replace(b"T00:00:00 ,5", b"T00:00:00,5"))
        mine, theirs = (outcome(one.post, bytes(body)) for one in (knows, does_not))
        assert mine == theirs, (SEED, bytes(body))
        assert state(knows.table) == state(does_not.table), (SEED, bytes(body))


@pytest.mark.parametrize(
    "end", ["2091-06-01T00:00:00Z", "2091-06-01T00:00:00.123Z", "2091-06-01 00:00:00", "2091-06-01"]
)
def test_another_end_in_known_bytes_is_read(end: str) -> None:
    native = Native()
    for _ in range(2):
        native.post(WHOLE)
    native.post(WHOLE.replace(b"2090-01-01T00:00:00Z", end.encode()))
    (first,) = (stored for stored in native.table if stored.labels["a"] == "1")
    assert make_alert(*first.fields()).ends_at == parse_rfc3339(end)


@pytest.mark.parametrize(
    "ends", [b"soon", b"2089-02-30T00:00:00Z", b'2089-06-01T00:00:0"Z', b"2089-06-01T00:00:0\\"]
)
def test_a_wrong_end_in_known_bytes_is_refused(ends: bytes) -> None:
    native = Native()
    for _ in range(2):
        native.post(WHOLE)
    before = state(native.table)
    with pytest.raises(BodyError):
        native.post(b"[" + SECOND + b"," + FIRST.replace(b"2090-01-01T00:00:00Z", ends) + b"]")
    with pytest.raises(BodyError):
        native.post(WHOLE.replace(b"2090-01-01T00:00:00.5+01:00", ends))
    assert state(native.table) == before


@pytest.mark.parametrize("last", [SECOND, THIRD, THIRD[:-1] + b' ,"y":"' + b"z" * 500 + b'"}'])
def test_what_is_expected_next_may_be_long_forgotten(last: bytes) -> None:
    native = Native()
    body = b"[" + FIRST + b"," + last + b"]"
    native.post(body)
    native.post(body)
    later_ns = parse_rfc3339("2089-12-31T23:00:00Z").ns
    for stored in list(native.table):
        if stored.labels["a"] != "1":
            stored.forget()
    native.table.collect(later_ns, 0, 1000)
    native.table.sweep(0, 1000)
    native.group.close()
    del stored
    for _ in range(2):
        native.post(body, later_ns)
        assert len(native.table) == 2


def test_what_many_senders_say_of_one_alert_is_told_apart() -> None:
    rng = random.Random(SEED)
    native, plain = Native(), PlainTable(bool)
    words = [
        f'{{"labels":{{"a":"1"}},"annotations":{{"s":"{i % 4}"}},"startsAt":"{day}","generatorURL":"http://h/{i}"}}'
        for i in range(12)
        for day in ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00")
    ]
    for step in range(300):
        now = Time(START_NS + step * rng.choice((-1, 0, 1)) * NS)
        body = ("[" + ",".join(rng.choices(words, k=rng.randint(1, 6))) + "]").encode()
        native.post(body, now.ns)
        plain.post(body, now, TIMEOUT_NS)
        assert state(native.table) == plain.in_order(), SEED


# Times

NEARLY_A_TIME = (
    r"20[0-9]{2}-[01][0-9]-[0-3][0-9]"
    r"[T ][0-2]?[0-9]:[0-6][0-9](:[0-6][0-9])?([.,][0-9]{1,10})?"
    r"(Z|[+-][0-2][0-9]:?[0-6][0-9])?"
)


@given(st.text("0123456789-:.,TZ tz+", max_size=36) | st.from_regex(NEARLY_A_TIME, fullmatch=True))
@example("0001-01-01T00:00:00Z")
@example("9999-12-31T23:59:59.9999999999-24:60")
@example("2000-02-29")
@example("1900-02-29")
def test_times_are_read_as_the_plain_twin_reads_them(text: str) -> None:
    try:
        wanted: Time | None = parse_rfc3339(text)
    except ValueError:
        wanted = None
    try:
        found: Time | None = Time(*parse_time(text))
    except ValueError:
        found = None
    assert found == wanted


SHORT_STEPS_NS = st.integers(-200 * NS, 200 * NS) | st.sampled_from([-NS, 0, NS, 59 * NS, 60 * NS])


@given(
    st.integers(ZERO_NS + 2 * DAY_S * NS, 253_402_300_799 * NS - 2 * DAY_S * NS),
    st.lists(st.tuples(SHORT_STEPS_NS, st.integers(-DAY_S // 60, DAY_S // 60)), max_size=20),
)
def test_times_are_written_as_the_plain_twin_writes_them(
    first_ns: int, further: list[tuple[int, int]]
) -> None:
    times = [Time(first_ns, 0)]
    for step_ns, minutes in further:
        # Most have the offset of the one before, as then what was written of that is used again.
        offset_s = minutes * 60 if minutes % 3 == 0 else times[-1].offset_s
        times.append(Time(times[-1].ns + step_ns, offset_s))
    assert format_times_ms(times) == [format_ms(time) for time in times]


# Fingerprints and the limit


@given(st.integers(0, 1 << 32))
def test_fingerprints_are_fnv_over_the_labels(seed: int) -> None:
    rng = random.Random(seed)
    labels = [
        {
            "".join(rng.choices("ab\u00e9\U0001f600", k=rng.randint(1, 9))): "x" * rng.randint(1, 99)
            for _ in range(4)
        }
        for _ in range(rng.randint(0, 9))
    ]
    native = Native()
    native.post(body_of(labels, "2090-01-01T00:00:00Z"))
    for stored in native.table:
        assert stored.fingerprint == fingerprint(stored.labels)


def test_the_zone_is_asked_for_once_in_each_quarter_of_an_hour_also_of_a_clock_that_goes_back() -> None:
    async def main(clock: VirtualClock) -> None:
        asked: list[int] = []

        def offset_s(now_ns: int) -> int:
            asked.append(now_ns)
            return 3600

        store = AlertStore(
            clock=clock, log=logging.getLogger("test"), local_offset_s=offset_s,
            is_uri=is_request_uri, stopwatch_ns=lambda: 0,
        )  # fmt: skip
        start_ns = clock.now_ns() // OFFSET_HOLDS_NS * OFFSET_HOLDS_NS
        for at_s, count in ((0, 1), (1, 1), (899, 1), (900, 2), (1799, 2), (899, 3), (5000, 4)):
            clock.skew_ns += start_ns + at_s * NS - clock.now_ns()
            store.post(b'[{"labels":{"a":"1"}}]', TIMEOUT_NS)
            assert len(asked) == count
        (stored,) = store
        assert make_alert(*stored.fields()).updated_at.offset_s == 3600

    run_virtual(main)


def test_the_limit_lets_in_whom_the_plain_twin_lets_in() -> None:
    """Ends differ, since of several alerts that end together any may go."""

    async def main(clock: VirtualClock) -> None:
        rng = random.Random(SEED)
        store = AlertStore(
            clock=clock, log=logging.getLogger("test"), local_offset_s=lambda _now_ns: 0, is_uri=is_request_uri,
            stopwatch_ns=lambda: 0, per_alertname_max=3, seed=5,
        )  # fmt: skip
        plain = PlainTable(bool, limit=3)
        for step in range(1500):
            await clock.sleep(rng.choice((0, 1, 60)))
            now_ns = clock.now_ns()
            items = []
            for number in range(rng.randint(1, 4)):
                ends = format_ms(
                    Time(now_ns + (rng.randint(-100, 300) * 1000 + step % 100 * 10 + number) * 1_000_000)
                )
                name, instance = rng.choice(("up", "down", "")), rng.randrange(8)
                items.append(
                    f'{{"labels":{{"alertname":"{name}","i":"{instance}"}},"startsAt":"2020-01-01T00:00:00Z","endsAt":"{ends}"}}'
                )
            body = ("[" + ",".join(items) + "]").encode()
            posted = store.post(body, TIMEOUT_NS)
            verdict = plain.post(body, Time(now_ns), TIMEOUT_NS)
            assert (posted.stored, posted.dropped) == (verdict.stored, verdict.dropped), SEED
            assert state(store.table) == plain.in_order(), SEED
            if step % 50 == 0:
                assert await store.collect_garbage() == plain.collect(now_ns)

    run_virtual(main)


# Hashes that somebody made to be equal

PRIME_1, PRIME_2, WORDS = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 1 << 64


def twins(rng: random.Random) -> tuple[bytes, bytes]:
    """Two alerts to which XXH64 gives the same hash under half of all seeds.

    One word differs in its highest bit only, which stays one bit up to the second multiplication; the next word of the
    same lane takes back what that made of it, if the bit was set.
    """
    back = (1 << 30) * PRIME_1 * pow(PRIME_2, -1, WORDS)
    while True:
        first, second = (int.from_bytes(bytes(rng.choices(b"abcdefgh", k=8)), "little") for _ in range(2))
        words = [(first, second), (first ^ 1 << 63, (second + back) % WORDS)]
        pairs = [tuple(word.to_bytes(8, "little") for word in pair) for pair in words]
        if all(byte >= 0x20 and byte not in b'"\\' for pair in pairs for text in pair for byte in text):
            a, b = (
                b'{"labels":{"a":"'.ljust(32, b"x") + one + b"y" * 24 + two + b"z" * 40 + b'"}}'
                for one, two in pairs
            )
            return a, b


def test_alerts_made_to_have_the_same_hash_are_told_apart() -> None:
    rng = random.Random(SEED)
    for _ in range(20):
        a, b = twins(rng)
        native = Native(rng.getrandbits(64))
        native.post(b"[" + a + b"]")
        native.post(b"[" + b + b"]")
        assert len(native.table) == 2, SEED
