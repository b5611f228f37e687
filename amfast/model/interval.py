"""Time intervals: sets of minutes told by time of day, weekday, day of month, month and year in some zone.

What is absent does not restrict; what is there but empty lets nothing through (reference config, section 5b).
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from amfast.model.timestamp import NS

_LOCAL: Final = "Local"
_UTC: Final = ("", "UTC")
_MINUTES: Final = 60
_WEEK: Final = 7


class ZoneError(ValueError):
    """A name that is no time zone."""


@dataclass(frozen=True, slots=True)
class Location:
    """A time zone by its name in the IANA database, ``UTC``, or ``Local`` for that of the process."""

    name: str
    _zone: dt.tzinfo | None

    def at(self, ns: int) -> dt.datetime:
        """What calendars and clocks there show at a moment, in nanoseconds since 1970, without the fraction."""
        return dt.datetime.fromtimestamp(ns // NS, self._zone)


def find_location(name: str) -> Location:
    """Look up a zone. Raises ZoneError."""
    if name in _UTC:
        return UTC
    if name == _LOCAL:
        return Location(name, None)
    if name.startswith(("/", "\\")) or ".." in name:
        raise ZoneError(f"not a time zone: {name[:40]!r}")
    try:
        return Location(name, ZoneInfo(name))
    except (LookupError, ValueError, OSError):
        raise ZoneError(
            f"unknown time zone {name[:40]!r} (write it like Europe/Paris, UTC or Local)"
        ) from None


UTC: Final = Location("UTC", dt.UTC)


@dataclass(frozen=True, slots=True)
class Range:
    """``first`` to ``last``, both included."""

    first: int
    last: int


Ranges = tuple[Range, ...] | None


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """One alternative: a moment is in it when it is in every part that is there."""

    times: Ranges = None
    """Minutes of the day; the last one is included here, unlike in the configuration."""
    weekdays: Ranges = None
    """0 for Sunday to 6."""
    days_of_month: Ranges = None
    """From 1, or from -1 for the last day backwards."""
    months: Ranges = None
    years: Ranges = None
    location: Location | None = None
    """None for UTC."""

    def contains(self, now_ns: int) -> bool:
        """Whether a moment, in nanoseconds since 1970, is in the interval."""
        there = (self.location or UTC).at(now_ns)
        return (
            _holds(self.times, there.hour * _MINUTES + there.minute)
            and _holds(self.weekdays, there.isoweekday() % _WEEK)
            and _holds(self.months, there.month)
            and _holds(self.years, there.year)
            and (self.days_of_month is None or _holds_day(self.days_of_month, there))
        )


def _holds(ranges: Ranges, value: int) -> bool:
    return ranges is None or any(one.first <= value <= one.last for one in ranges)


def _holds_day(ranges: Iterable[Range], there: dt.datetime) -> bool:
    """Negative days count from the end of the month; ends beyond it are cut off."""
    days = calendar.monthrange(there.year, there.month)[1]
    for one in ranges:
        first = one.first if one.first > 0 else days + 1 + one.first
        last = one.last if one.last > 0 else days + 1 + one.last
        if first <= there.day <= last:
            return True
    return False
