"""The alerts of a flush beside their plain twin: what is told stays what was seen, whatever happens meanwhile."""

from __future__ import annotations

import json
import random

import pytest

from amfast._ext.message import json_labels, json_text
from amfast._ext.snapshot import Snapshot
from amfast._ext.table import ALL_MARKS, SILENCE_ANCHOR, TARGET_ANCHOR
from amfast.model.alert import Alert, make_alert
from amfast.model.labels import make_labels
from amfast.model.timestamp import NS, ZERO, Time
from tests.models.told import PlainAlerts, encode_json
from tests.support.alerts import alert, at
from tests.support.told import OneGroup, told
from tests.support.virtual import START_NS

SEED = random.randrange(1 << 32)
TEXTS = (
    "",
    "x",
    "y" * 3000,
    "<&>",
    'say "hi"\\',
    "\x00\x1f\x7f\b\f\n\r\t",
    "é\u2028\u2029\u202a😀",
    "http://h/?a=1&b=2",
)
NAMES = ("a", "alertname", "instance", "job", "é", "z")


def any_time(rng: random.Random) -> Time:
    ns = rng.choice((0, 1, 120_000_000, 999_999_999, 100, rng.randrange(NS)))
    seconds = rng.choice(
        (-60_000_000_000, -1, 0, 1_000_000_000, 200_000_000_000, rng.randrange(3_000_000_000))
    )
    return Time(seconds * NS + ns, 60 * rng.choice((0, 0, 60, -60, 330, -570, rng.randrange(-1400, 1400))))


def any_alert(rng: random.Random, number: int) -> Alert:
    starts = any_time(rng)
    return Alert(
        labels=make_labels(
            {name: rng.choice(TEXTS[1:]) for name in NAMES if rng.random() < 0.5} | {"n": str(number)}
        ),
        annotations=make_labels({name: rng.choice(TEXTS) for name in NAMES if rng.random() < 0.5}),
        starts_at=starts,
        ends_at=ZERO
        if starts.ns < START_NS and rng.random() < 0.3
        else Time(starts.ns + rng.randrange(1, 4 * 10**18), starts.offset_s),
        updated_at=ZERO,
        generator_url=rng.choice(("", "http://h/graph?a=1&b=%3C")),
    )


def plain(group: OneGroup, now_ns: int) -> PlainAlerts:
    """The members as values."""
    return PlainAlerts(
        tuple(make_alert(*stored.fields(), now_ns) for stored in group.members.stored()), now_ns
    )


@pytest.mark.parametrize("count", [0, 1, 2, 3, 40])
def test_what_is_told_is_what_python_would_tell(count: int) -> None:
    rng = random.Random(SEED)
    for _ in range(30):
        group = OneGroup(rng.getrandbits(64))
        for number in range(count):
            group.post(any_alert(rng, number), now_ns=START_NS + number)
        now_ns = rng.choice((0, START_NS, START_NS + count, 9 * 10**18))
        native = group.snapshot(now_ns).told()
        twin = plain(group, now_ns)
        places = sorted(rng.sample(range(count), rng.randint(0, count)))
        since_ns, also = START_NS + count // 2, set(twin.hashes[::5])
        for mine, right in (
            (native, twin),
            (native.without(places), twin.without(places)),
            (native.first(count // 2), twin.first(count // 2)),
            (native.still_firing(), twin.still_firing()),
            (native.ended(), twin.ended()),
            (native.heard(since_ns, also), twin.heard(since_ns, also)),
            (native.still_firing().first(5).without([0]), twin.still_firing().first(5).without([0])),
        ):
            assert len(mine) == len(right), SEED
            assert tuple(mine) == right.alerts, SEED
            assert (mine.hashes, mine.firing, mine.resolved) == (
                right.hashes,
                right.firing,
                right.resolved,
            ), SEED
            said, expected = mine.json(), right.json()
            while not said.go_on(rng.choice((1, 1000))):
                pass
            assert said.alerts == expected.alerts, SEED
            assert said.common_labels == expected.common_labels, SEED
            assert said.common_annotations == expected.common_annotations, SEED


def test_what_alerts_have_in_common_an_absent_annotation_is_as_good_as_an_empty_one() -> None:
    alerts = (
        alert(i="1", annotations={"a": "", "b": "1", "c": ""}),
        alert(i="2", annotations={"b": "1", "c": "2"}),
    )
    said = told(*alerts).json()
    assert said.go_on(1 << 20)
    assert json.loads(said.common_annotations) == {"a": "", "b": "1"}
    assert json.loads(said.common_labels) == {}


def test_what_was_seen_stays_as_it_was_when_it_is_said_anew_or_forgotten() -> None:
    before = alert(i="1", ends=100, annotations={"summary": "before"})
    group = OneGroup()
    group.post(before)
    seen = group.snapshot().told()
    group.post(alert(i="1", ends=0, annotations={"summary": "after"}))
    group.members.close()
    group.table.collect(START_NS + 1000 * NS, 0, 1 << 20)
    group.table.sweep(0, 1 << 20)
    for number in range(50):  # where the texts were, if nobody held them, are others by now
        group.table.watch(SILENCE_ANCHOR, {("other", str(number))}, set())
    (one,) = seen
    assert (one.labels, one.annotations, one.ends_at) == (before.labels, before.annotations, ZERO)
    said = seen.json()
    assert said.go_on(1)
    (written,) = json.loads(b"[" + said.alerts + b"]")
    assert (written["status"], written["annotations"]) == ("firing", {"summary": "before"})


def test_texts_are_given_back_when_nobody_tells_them_any_more() -> None:
    group = OneGroup()
    group.post(alert(i="1", ends=100, annotations={"summary": "before"}))
    seen = group.snapshot().told()
    group.members.close()
    group.table.collect(START_NS + 1000 * NS, 0, 1 << 20)
    group.table.sweep(0, 1 << 20)
    assert len(group.table.pool) == 2
    del seen
    assert len(group.table.pool) == 0


def test_only_alerts_with_a_mark_are_asked_about() -> None:
    group = OneGroup()
    group.post(*(alert(i=str(n), team="a" if n % 2 else "b") for n in range(6)))
    group.table.watch(SILENCE_ANCHOR, {("team", "a")}, set())
    seen = group.snapshot(closely=False).told()
    assert [place for place, _, _ in seen.marked(0, 6, SILENCE_ANCHOR)] == [1, 3, 5]
    assert [place for place, _, _ in seen.marked(2, 3, SILENCE_ANCHOR)] == [3]
    assert seen.marked(0, 6, TARGET_ANCHOR) == []
    every = seen.marked(0, 6, ALL_MARKS)
    assert [labels for _, labels, _ in every] == [
        {"i": str(n), "team": "a" if n % 2 else "b"} for n in range(6)
    ]
    assert every[3][2] == alert(i="3", team="a").fingerprint
    some = seen.without([1, 2])
    assert [(place, labels["i"]) for place, labels, _ in some.marked(0, 6, SILENCE_ANCHOR)] == [
        (1, "3"),
        (3, "5"),
    ]


def test_nothing_is_told_before_all_is_looked_at_and_no_more_than_was_looked_for() -> None:
    group = OneGroup()
    group.post(alert(i="1"), alert(i="2"))
    while not group.members.sort(10):
        pass
    snapshot = Snapshot(group.members, START_NS, make_alert)
    assert not snapshot.look(1, closely=False)
    with pytest.raises(ValueError, match="not everything"):
        snapshot.told()
    assert snapshot.look(1, closely=False)
    for ask in (list, lambda it: it.firing, lambda it: it.json(), lambda it: it.heard(0, ())):
        with pytest.raises(ValueError, match="closely"):
            ask(snapshot.told())


def test_a_group_forgets_what_had_ended_unless_it_was_said_anew_since() -> None:
    group = OneGroup()
    fires, ended, again, anew = (alert(i=str(i), ends=ends) for i, ends in enumerate((50, 5, 5, 5)))
    group.post(fires, ended, again, anew)
    snapshot = group.snapshot(at(10).ns)
    group.post(alert(i="2", starts=9, ends=50))
    group.post(alert(i="3", starts=6, ends=7))
    group.post(alert(i="00", ends=5))
    assert snapshot.forget_ended() == 1
    assert [one.labels["i"] for one in group.snapshot(at(10).ns).told()] == ["0", "00", "2", "3"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_safe_in_html(text: str) -> None:
    assert json_text(text) == encode_json(text)
    assert json_labels({"b": text, text: "a"}) == encode_json({"b": text, text: "a"})


def test_a_text_that_is_none_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        json_text("\ud800")
