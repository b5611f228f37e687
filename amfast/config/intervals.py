"""``time_intervals``: how their parts are written (reference config, section 5b)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from amfast.config.emit import Flow, Tree
from amfast.config.holders import BlockOf, ListOf
from amfast.config.kinds import TEXT, text_of
from amfast.config.schema import Block, JsonSchema, Kind, Place, Shape, key
from amfast.model.interval import Location, Range, TimeInterval, ZoneError, find_location

T = TypeVar("T")

_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_WEEKDAYS: Final = {
    name: number
    for number, name in enumerate(
        ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    )
}
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        (
            "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
            "november", "december",
        ),
        1,
    )
}  # fmt: skip
_DAY_MAX: Final = 31
_FEBRUARY: Final = 28
"""Days that every month has: by them the order of positive and negative days is judged."""
_HOUR: Final = 60


class _RangeKind(Kind[Range]):
    """``begin:end`` or a single value; ``names`` stand for numbers, ``name_of`` is how they are printed."""

    null_is_absent = True
    noun = "a value"

    def __init__(
        self, title: str, names: Mapping[str, int], *, numbers: bool = True, prints_names: bool = False
    ) -> None:
        super().__init__(Range(0, 0))
        self.title = title
        self._names = names
        self._numbers = numbers
        self._printed = {number: name for name, number in names.items()} if prints_names else {}

    def read(self, place: Place) -> Range:
        text = text_of(place)
        if text is None:
            return self.zero
        ends = [self._member(part) for part in text.lower().split(":")]
        first, last = ends[0], ends[-1]
        if len(ends) > 2 or first is None or last is None:  # noqa: PLR2004 - a begin and an end
            place.refuse(f"expected {self.title}, or two of them with : between, found {text[:40]!r}")
            return self.zero
        if problem := self._problem(first, last):
            place.refuse(problem)
        return Range(first, last)

    def _member(self, text: str) -> int | None:
        if text in self._names:
            return self._names[text]
        return int(text) if self._numbers and _NUMBER.fullmatch(text) else None

    def _problem(self, first: int, last: int) -> str | None:
        return "the end is before the begin" if last < first else None

    def show(self, value: Range) -> Tree:
        first, last = (self._printed.get(end) or str(end) for end in (value.first, value.last))
        return first if value.first == value.last else f"{first}:{last}"

    def json_schema(self) -> JsonSchema:
        return {"type": ["string", "integer"]}


class _DayRange(_RangeKind):
    def _problem(self, first: int, last: int) -> str | None:
        if not (1 <= abs(first) <= _DAY_MAX and 1 <= abs(last) <= _DAY_MAX):
            return "a day of the month is 1 to 31, or -1 to -31 from its end"
        if first < 0 < last:
            return "a begin counted from the end of the month needs such an end too"
        if last + _FEBRUARY * (last < 0) < first + _FEBRUARY * (first < 0):
            return "the end is before the begin"
        return None


class _ListOrUnset(Kind["tuple[T, ...] | None"]):
    """A list; null is not the same as empty. Printed in one line if ``flow``, and only if it holds something."""

    def __init__(self, item: Kind[T], *, flow: bool) -> None:
        super().__init__(None)
        self._list = ListOf(item)
        self._flow = flow

    def read(self, place: Place) -> tuple[T, ...]:
        return self._list.read(place)

    def show(self, value: tuple[T, ...] | None) -> Tree:
        shown = self._list.show(value or ())
        return Flow(shown) if self._flow and isinstance(shown, list) else shown

    def named(self) -> str:
        return self._list.named()

    def json_schema(self) -> JsonSchema:
        return self._list.json_schema()

    def shapes(self) -> Iterable[Shape]:
        return self._list.shapes()


class _Location(Kind["Location | None"]):
    title = "time zone"

    def read(self, place: Place) -> Location | None:
        text = text_of(place)
        if text is None:
            return None
        try:
            return find_location(text)
        except ZoneError as error:
            place.refuse(str(error))
            return None

    def show(self, value: Location | None) -> Tree:
        return None if value is None else value.name

    def json_schema(self) -> JsonSchema:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class ClockTimes(Block):
    """From one time of day up to, but not including, a later one of the same day."""

    start_time: str = key(TEXT, "", "Begin, `00:00` to `23:59`.", required=True, shown=True)
    end_time: str = key(TEXT, "", "End, up to `24:00`.", required=True, shown=True)

    def checked(self, place: Place) -> ClockTimes:
        for name in ("start_time", "end_time"):
            if not _TIME.fullmatch(getattr(self, name)):
                place.refuse("expected a time of day like 09:00, from 00:00 to 24:00", name)
                return self
        if self.end_time <= self.start_time:
            place.refuse("must be after start_time", "end_time")
        return self

    def minutes(self) -> Range:
        """As minutes of the day."""
        return Range(_minute(self.start_time), _minute(self.end_time) - 1)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * _HOUR + int(minutes)


def _ranges(item: Kind[Range]) -> _ListOrUnset[Range]:
    return _ListOrUnset(item, flow=True)


@dataclass(frozen=True, slots=True)
class IntervalBlock(Block):
    """One alternative. A moment is in it when it is in every part that is there.

    A list that is there but empty lets nothing through.
    """

    times: tuple[ClockTimes, ...] | None = key(
        _ListOrUnset(BlockOf(lambda: ClockTimes), flow=False), None, "Times of day."
    )
    weekdays: tuple[Range, ...] | None = key(
        _ranges(_RangeKind("weekday", _WEEKDAYS, numbers=False, prints_names=True)),
        None,
        "Days from Sunday to Saturday: `monday` or `monday:friday`.",
    )
    days_of_month: tuple[Range, ...] | None = key(
        _ranges(_DayRange("day of the month", {})),
        None,
        "`5`, `1:5`, or from the end of the month `-3:-1`.",
    )
    months: tuple[Range, ...] | None = key(
        _ranges(_RangeKind("month", _MONTHS)), None, "`january`, `1`, `january:march` or `1:3`."
    )
    years: tuple[Range, ...] | None = key(_ranges(_RangeKind("year", {})), None, "`2024` or `2020:2022`.")
    location: Location | None = key(
        _Location(None),
        None,
        "Zone in which all this is meant: a name of the IANA database, `UTC` or `Local`.",
    )

    def interval(self) -> TimeInterval:
        """The interval as it is asked whether it holds a moment."""
        return TimeInterval(
            times=None if self.times is None else tuple(one.minutes() for one in self.times),
            weekdays=self.weekdays,
            days_of_month=self.days_of_month,
            months=self.months,
            years=self.years,
            location=self.location,
        )


@dataclass(frozen=True, slots=True)
class NamedIntervals(Block):
    """A name for some intervals. A moment is in it when it is in any of them."""

    name: str = key(TEXT, "", "Name by which routes refer to it.", required=True, shown=True)
    time_intervals: tuple[IntervalBlock, ...] = key(
        ListOf(BlockOf(lambda: IntervalBlock)), (), "The alternatives.", shown=True
    )


DEFINED_INTERVALS: Final = "defined time intervals"


class _Named(BlockOf[NamedIntervals]):
    """Keeps the name for the routes that refer to it, even if something else about it is wrong."""

    def read(self, place: Place) -> NamedIntervals:
        found = BlockOf.read(self, place)
        names: set[str] = place.walk.found.setdefault(DEFINED_INTERVALS, set())
        if found.name in names:
            place.at_key("name", place.node).refuse(f"the time interval {found.name!r} is there twice")
        elif found.name:
            names.add(found.name)
        return found


INTERVALS: Final = ListOf(_Named(lambda: NamedIntervals))
