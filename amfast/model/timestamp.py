"""Points in time with the precision and the zone that the API keeps.

A time is nanoseconds since the Unix epoch plus the offset it was written with: an alert posted with
``+02:00`` is listed with ``+02:00``. Go's zero time (year 1) stands for "not set".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

NS = 1_000_000_000
"""Nanoseconds in a second."""

DAY_S = 86_400
FORMATTED_MAX = 4096
"""Texts of times that are remembered: an alert is told of again and again."""


class Time(NamedTuple):
    """``ns`` since the Unix epoch; ``offset_s`` east of UTC, only for printing."""

    ns: int
    offset_s: int = 0

    @property
    def is_zero(self) -> bool:
        """True for Go's zero time, whatever its offset."""
        return self.ns == ZERO_NS


ZERO_NS = -62_135_596_800 * NS
"""0001-01-01T00:00:00Z, the value of a time that is not set."""

ZERO = Time(ZERO_NS)


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a date in the proleptic Gregorian calendar, any year."""
    year -= month <= 2  # noqa: PLR2004 - the year is counted from March
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1  # noqa: PLR2004
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146_097 + day_of_era - 719_468


def civil_from_days(days: int) -> tuple[int, int, int]:
    """Year, month and day of a day number: the inverse of :func:`days_from_civil`."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9  # noqa: PLR2004
    year = era * 400 + year_of_era + (month <= 2)  # noqa: PLR2004
    return year, month, day_of_year - (153 * shifted + 2) // 5 + 1


def _seconds_text(time: Time) -> tuple[str, int]:
    """The text up to the seconds, in the time's own zone, and the nanoseconds left over."""
    seconds, ns = divmod(time.ns, NS)
    days, rest = divmod(seconds + time.offset_s, DAY_S)
    year, month, day = civil_from_days(days)
    hour, rest = divmod(rest, 3600)
    minute, second = divmod(rest, 60)
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}", ns


def _zone_text(offset_s: int) -> str:
    if offset_s == 0:
        return "Z"
    sign = "+" if offset_s > 0 else "-"
    hours, minutes = divmod(abs(offset_s) // 60, 60)
    return f"{sign}{hours:02d}:{minutes:02d}"


def format_ms(time: Time) -> str:
    """RFC 3339 with exactly three digits of fraction, cut off, as the API prints times."""
    text, ns = _seconds_text(time)
    return f"{text}.{ns // 1_000_000:03d}{_zone_text(time.offset_s)}"


@lru_cache(FORMATTED_MAX)
def format_nano(time: Time) -> str:
    """RFC 3339 with as many digits of fraction as it takes, none for whole seconds (Go's RFC3339Nano)."""
    text, ns = _seconds_text(time)
    fraction = f".{ns:09d}".rstrip("0") if ns else ""
    return f"{text}{fraction}{_zone_text(time.offset_s)}"


EPOCH = Time(0)

_FORM = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:(?P<gap>[T ])(?P<hour>\d\d?):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_COLONLESS_FRACTIONS = (3, 6)
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def parse_rfc3339(text: str) -> Time:
    """Read a time in the forms that the API takes (reference api, section 4); without a zone it is UTC.

    The empty text is the Unix epoch. Digits of a fraction after the ninth are cut off. The work grows only
    with the length of ``text``. Raises ValueError for anything else.
    """
    if not text:
        return EPOCH
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:64]!r} is not an RFC 3339 time")
    zone, fraction, second = match["zone"] or "", match["fraction"] or "", match["second"]
    days = _date_days(match["date"])
    clock_s = _clock_s(int(match["hour"] or 0), int(match["minute"] or 0), int(second or 0))
    offset_s = _offset_s(zone)
    reduced = match["gap"] is not None and second is None
    spaced = match["gap"] == " "
    colonless = zone not in ("", "Z") and ":" not in zone
    if (
        days is None
        or clock_s is None
        or offset_s is None
        or (reduced and (spaced or zone not in ("", "Z")))
        or (spaced and zone)
        or (colonless and len(fraction) not in _COLONLESS_FRACTIONS)
    ):
        raise ValueError(f"{text[:64]!r} is not an RFC 3339 time")
    fraction_ns = int(fraction[:9].ljust(9, "0")) if fraction else 0
    return Time((days * DAY_S + clock_s - offset_s) * NS + fraction_ns, offset_s)


def _date_days(date: str) -> int | None:
    year, month, day = int(date[:4]), int(date[5:7]), int(date[8:])
    if not 1 <= month <= len(_MONTH_DAYS):
        return None
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)  # noqa: PLR2004
    if not 1 <= day <= _MONTH_DAYS[month - 1] + leap:
        return None
    return days_from_civil(year, month, day)


def _clock_s(hour: int, minute: int, second: int) -> int | None:
    if hour >= 24 or minute >= 60 or second >= 60:  # noqa: PLR2004
        return None
    return hour * 3600 + minute * 60 + second


def _offset_s(zone: str) -> int | None:
    """Seconds east of UTC; 24 hours and 60 minutes are still in range, as Go has it."""
    if zone in ("", "Z"):
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 24 or minutes > 60:  # noqa: PLR2004
        return None
    seconds = hours * 3600 + minutes * 60
    return -seconds if zone[0] == "-" else seconds
