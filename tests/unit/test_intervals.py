"""Time intervals: which minutes are in them, and what flushes and the API make of that."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import random
import time
from collections.abc import Iterator

import pytest

from amfast.config.load import loads
from amfast.model.flush import Flush
from amfast.model.interval import Range, TimeInterval, find_location
from amfast.model.told import Alerts
from amfast.mute.intervals import NamedIntervals
from amfast.notify.counts import Counts
from amfast.notify.stages import ActiveIntervals, MuteIntervals, Stage
from amfast.receivers.table import INTEGRATIONS
from tests.models import minutes
from tests.models.told import PlainAlerts
from tests.support.alerts import alert

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo")
"""Among them one that shifts by half an hour, one a quarter of an hour off, and one without summer time."""
FIRST = int(dt.datetime(2027, 3, 1, tzinfo=dt.UTC).timestamp())
LAST = int(dt.datetime(2029, 3, 1, tzinfo=dt.UTC).timestamp())
"""Two years, with a leap day."""
DAY = 86400
SAMPLE_MINUTES = 1 if os.environ.get("AMFAST_EVERY_MINUTE") else 67
"""Apart, on days without a change of clocks; the environment variable asks for all minutes, which takes long."""
NS = 10**9


def one(text: str) -> TimeInterval:
    """An interval written in one line of flow style."""
    config = loads(
        "route: {receiver: r}\nreceivers: [{name: r}]\n"
        f"time_intervals: [{{name: i, time_intervals: [{{{text}}}]}}]\n",
        "am.yml",
        INTEGRATIONS,
    )
    ((_, (interval,)),) = config.intervals
    return interval


def holds(interval: TimeInterval, text: str) -> bool:
    return interval.contains(int(dt.datetime.fromisoformat(text).timestamp()) * NS)


def offset(seconds: int) -> int:
    return time.localtime(seconds).tm_gmtoff


def moments(step: int) -> Iterator[int]:
    """Each minute of the days on which clocks are changed, and every ``step``-th of the others."""
    for day in range(FIRST, LAST, DAY):
        changes = offset(day) != offset(day + DAY)
        yield from range(day, day + DAY, 60 if changes else 60 * step)


def random_interval(rng: random.Random) -> TimeInterval:
    def ranges(low: int, high: int, chance: float = 0.5) -> tuple[Range, ...] | None:
        if rng.random() > chance:
            return None
        pairs = (sorted((rng.randint(low, high), rng.randint(low, high))) for _ in range(rng.randint(1, 3)))
        return tuple(Range(*pair) for pair in pairs)

    days = [Range(-3, -1), Range(1, 7), Range(25, -1), Range(31, 31), Range(-31, -29), Range(29, 31)]
    return TimeInterval(
        times=ranges(0, 1439, 0.7),
        weekdays=ranges(0, 6),
        days_of_month=tuple(rng.sample(days, 2)) if rng.random() < 0.5 else None,
        months=ranges(1, 12, 0.3),
        years=ranges(2026, 2030, 0.3),
    )


@pytest.mark.parametrize("zone", ZONES)
def test_every_minute_is_judged_as_by_a_plain_computation(zone: str) -> None:
    rng = random.Random(zone)
    plain = [
        one("times: [{start_time: '01:30', end_time: '03:00'}]"),
        one("weekdays: ['monday:friday'], times: [{start_time: '09:00', end_time: '17:00'}]"),
        *(random_interval(rng) for _ in range(4)),
    ]
    with minutes.zone(zone):
        located = [
            TimeInterval(it.times, it.weekdays, it.days_of_month, it.months, it.years, find_location(zone))
            for it in plain
        ]
        pairs = list(zip(located, map(minutes.Plain, plain), strict=True))
        held = 0
        for seconds in moments(SAMPLE_MINUTES):
            local = time.localtime(seconds)
            for ours, theirs in pairs:
                verdict = theirs.contains(local)
                assert ours.contains(seconds * NS) is verdict, (zone, seconds, ours)
                held += verdict
    assert held > 1000


def test_the_hour_that_is_skipped_is_never_and_the_hour_that_comes_twice_is_twice() -> None:
    night = one("times: [{start_time: '02:00', end_time: '03:00'}], location: Europe/Berlin")
    assert not holds(night, "2026-03-29T02:59:00+01:00")  # which is 03:59 in summer time
    assert holds(night, "2026-10-25T02:30:00+02:00")
    assert holds(night, "2026-10-25T02:30:00+01:00")
    assert not holds(night, "2026-10-25T03:00:00+01:00")


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("days_of_month: ['-1']", ["2028-02-29", "2027-02-28", "2026-12-31"], ["2028-02-28", "2026-12-30"]),
        ("days_of_month: ['31']", ["2026-01-31"], ["2026-04-30", "2026-02-28"]),
        ("days_of_month: ['30:31']", ["2026-04-30", "2026-01-31"], ["2026-02-28"]),
        ("days_of_month: ['-31:-30']", ["2026-01-01", "2026-04-01"], ["2026-02-01", "2026-01-03"]),
        ("days_of_month: ['20:-3']", ["2026-02-26", "2026-04-28"], ["2026-02-27", "2026-04-29"]),
        ("weekdays: [sunday, 'friday:saturday']", ["2026-11-22", "2026-11-27"], ["2026-11-25"]),
        ("months: ['december'], years: ['2026']", ["2026-12-31"], ["2027-12-31", "2026-11-30"]),
        ("months: []", [], ["2026-12-31"]),
        ("", ["2026-12-31"], []),
    ],
)
def test_days_are_counted_from_both_ends_of_a_month(text: str, inside: list[str], outside: list[str]) -> None:
    interval = one(text)
    assert [day for day in (*inside, *outside) if holds(interval, f"{day}T12:00:00+00:00")] == inside


def test_the_end_of_a_time_is_not_in_it_but_the_last_minute_before_is() -> None:
    office = one(
        "times: [{start_time: '09:00', end_time: '17:00'}, {start_time: '23:00', end_time: '24:00'}]"
    )
    found = [
        clock
        for clock in ("08:59:59", "09:00:00", "16:59:59", "17:00:00", "23:59:59", "00:00:00")
        if holds(office, f"2026-11-25T{clock}+00:00")
    ]
    assert found == ["09:00:00", "16:59:59", "23:59:59"]


def test_without_a_location_utc_is_meant_whatever_the_zone_of_the_machine() -> None:
    with minutes.zone("Asia/Tokyo"):
        assert holds(one("times: [{start_time: '12:00', end_time: '12:01'}]"), "2026-11-25T12:00:00+00:00")
        local = one("times: [{start_time: '21:00', end_time: '21:01'}], location: Local")
        assert holds(local, "2026-11-25T12:00:00+00:00")


MONDAY_NS = int(dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC).timestamp()) * NS
NAMED = NamedIntervals(
    (
        ("mondays", (TimeInterval(weekdays=(Range(1, 1),)), TimeInterval(weekdays=(Range(1, 2),)))),
        ("tuesdays", (TimeInterval(weekdays=(Range(2, 2),)),)),
        ("never", ()),
    )
)


class Passing:
    """One flush through the two stages."""

    def __init__(self, now_ns: int = MONDAY_NS, **names: tuple[str, ...]) -> None:
        self.counts = Counts()
        self.marks: list[tuple[str, ...]] = []
        flush = Flush("r", "{}:{}", {}, 1, now_ns, 0, mark_muted=self.marks.append, **names)
        self.alerts: Alerts = PlainAlerts((alert(i="a"), alert(i="b")), now_ns)
        stages: list[Stage] = [
            ActiveIntervals(NAMED.holding, self.counts),
            MuteIntervals(NAMED.holding, self.counts),
        ]
        for stage in stages:
            if self.alerts:
                self.alerts = asyncio.run(stage(flush, self.alerts))  # type: ignore[arg-type]

    @property
    def suppressed(self) -> dict[str, float]:
        (family,) = (it for it in self.counts.metrics() if it.name.endswith("suppressed_total"))
        return {labels[0]: count for labels, count in family.samples}  # type: ignore[misc]


def test_without_intervals_everything_passes() -> None:
    passing = Passing()
    assert (len(passing.alerts), passing.marks[-1], passing.suppressed) == (2, (), {})


def test_within_a_mute_interval_nothing_passes_and_the_group_is_muted_by_those_that_hold() -> None:
    passing = Passing(mute_time_intervals=("never", "mondays", "tuesdays"))
    assert (len(passing.alerts), passing.marks[-1]) == (0, ("mondays",))
    assert passing.suppressed == {"mute_time_interval": 2}


def test_after_a_mute_interval_the_mark_is_taken_away() -> None:
    passing = Passing(MONDAY_NS + 3 * DAY * NS, mute_time_intervals=("mondays",))
    assert (len(passing.alerts), passing.marks[-1], passing.suppressed) == (2, (), {})


def test_outside_all_active_intervals_nothing_passes_and_the_group_is_muted_by_all_of_them() -> None:
    passing = Passing(active_time_intervals=("tuesdays", "never"), mute_time_intervals=("mondays",))
    assert (len(passing.alerts), passing.marks) == (0, [("tuesdays", "never")])
    assert passing.suppressed == {"active_time_interval": 2}


def test_within_one_active_interval_everything_passes_unless_it_is_muted() -> None:
    assert len(Passing(active_time_intervals=("tuesdays", "mondays")).alerts) == 2
    passing = Passing(active_time_intervals=("mondays",), mute_time_intervals=("mondays",))
    assert (len(passing.alerts), passing.marks[-1]) == (0, ("mondays",))
