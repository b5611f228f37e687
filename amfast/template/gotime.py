"""Go's ``time.Time``, with everything that templates can call on it.

Unlike Go's, a time has no second reading of a clock that cannot be set, so ``{{now}}`` prints without ``m=+0.1``.
``Local`` is the zone of the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final

from amfast.model import timestamp
from amfast.model.timestamp import DAY_S, NS, ZERO_NS, civil_from_days, days_from_civil

from .durations import DURATION, MONTH, MONTHS, WEEKDAY, duration, wrapped
from .layouts import Clock, format_clock
from .quoting import bytes_of
from .values import (
    BOOL,
    BYTES,
    INT,
    INT64,
    STRING,
    Function,
    FunctionError,
    Integer,
    Kind,
    Sequence,
    Type,
)
from .zones import LOCAL, LOCATION, UTC, Zone, offset_zone

TIME: Final = Type("time.Time", Kind.STRUCT)

RFC3339_NANO: Final = "2006-01-02T15:04:05.999999999Z07:00"
_STRING_LAYOUT: Final = "2006-01-02 15:04:05.999999999 -0700 MST"
_SECONDS_MAX: Final = (1 << 63) - 1
"""Since the zero time, either way."""
_THURSDAY: Final = 4
_YEAR_MAX: Final = 9999
_YEAR_10000_NS: Final = days_from_civil(_YEAR_MAX + 1, 1, 1) * DAY_S * NS
_DAY_HOURS: Final = 24


def _within(ns: int) -> int:
    """The nearest moment that Go's times can be."""
    seconds, rest = divmod(ns - ZERO_NS, NS)
    return ZERO_NS + max(-_SECONDS_MAX, min(_SECONDS_MAX, seconds)) * NS + rest


@lru_cache(1024)
def _calendar(days: int) -> tuple[int, int, int, int, int]:
    """Year, month, day, day of the year and of the week."""
    year, month, day = civil_from_days(days)
    return year, month, day, days - days_from_civil(year, 1, 1) + 1, (days + _THURSDAY) % 7


@dataclass(frozen=True, slots=True)
class Time:
    """A moment, in nanoseconds since the Unix epoch, and the zone in which it is shown."""

    ns: int
    zone: Zone = UTC

    go_type: ClassVar[Type] = TIME

    @staticmethod
    def of(ns: int, offset_s: int = 0) -> Time:
        """A time that was written with an offset from UTC."""
        return Time(ns, offset_zone(offset_s))

    @staticmethod
    def date(year: int, month: int, day: int, second_of_day: int, ns: int, zone: Zone = UTC) -> Time:
        """What calendar and clock show in a zone; months and days may be out of range and carry over."""
        year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
        shown = (days_from_civil(year, month, 1) + day - 1) * DAY_S + second_of_day
        offset = zone.at(shown - zone.at(shown).offset_s).offset_s
        return Time(_within((shown - offset) * NS + ns), zone)

    def within(self, zone: Zone) -> Time:
        """The same moment in another zone."""
        return Time(self.ns, zone)

    def plus(self, ns: int) -> Time:
        return Time(_within(self.ns + ns), self.zone)

    def clock(self) -> Clock:
        """What calendar and clocks show."""
        seconds, ns = divmod(self.ns, NS)
        moment = self.zone.at(seconds)
        days, rest = divmod(seconds + moment.offset_s, DAY_S)
        return Clock(
            *_calendar(days),
            hour=rest // 3600,
            minute=rest // 60 % 60,
            second=rest % 60,
            ns=ns,
            zone=moment.abbreviation,
            offset_s=moment.offset_s,
        )

    def format(self, layout: str) -> str:
        """The time as a layout says. Raises FunctionError when that is too long."""
        return format_clock(self.clock(), layout)

    def rfc3339(self, caller: str) -> str:
        """RFC 3339 with nanoseconds. Raises FunctionError, in the name of a method, when that cannot show it."""
        if self.zone is UTC and ZERO_NS <= self.ns < _YEAR_10000_NS:
            return timestamp.format_nano(timestamp.Time(self.ns))
        clock = self.clock()
        if not 0 <= clock.year <= _YEAR_MAX:
            raise FunctionError(f"{caller}: year outside of range [0,9999]")
        if abs(clock.offset_s) // 3600 >= _DAY_HOURS:
            raise FunctionError(f"{caller}: timezone hour outside of range [0,23]")
        return format_clock(clock, RFC3339_NANO)

    def __str__(self) -> str:
        return self.format(_STRING_LAYOUT)


ZERO: Final = Time(ZERO_NS)


def _go_string(time: Time) -> str:
    clock = time.clock()
    if time.zone is UTC or time.zone is LOCAL:
        zone = f"time.{time.zone.name}"
    else:
        zone = f"time.Location({quote(time.zone.name)})"
    parts = (clock.day, clock.hour, clock.minute, clock.second, clock.ns)
    return f"time.Date({clock.year}, time.{MONTHS[clock.month - 1]}, {', '.join(map(str, parts))}, {zone})"


def quote(text: str) -> str:
    """As package time quotes: only ASCII, every other byte by its number."""
    parts = (
        f"\\x{byte:02x}" if byte >= 0x80 or byte < ord(" ") else chr(byte)  # noqa: PLR2004 - ASCII
        for byte in bytes_of(text.replace("\\", "\\\\").replace('"', '\\"'))
    )
    return f'"{"".join(parts)}"'


def _add_date(time: Time, years: int, months: int, days: int) -> Time:
    clock = time.clock()
    second = (clock.hour * 60 + clock.minute) * 60 + clock.second
    return Time.date(clock.year + years, clock.month + months, clock.day + days, second, clock.ns, time.zone)


def _in(time: Time, zone: Zone | None) -> Time:
    if zone is None:
        raise FunctionError("time: missing Location in call to Time.In")
    return time.within(zone)


def _truncate(time: Time, unit: int) -> Time:
    return time.plus(-((time.ns - ZERO_NS) % unit)) if unit > 0 else time


def _round(time: Time, unit: int) -> Time:
    """To the nearest multiple since the zero time, up where two are as near."""
    if unit <= 0:
        return time
    rest = (time.ns - ZERO_NS) % unit
    return time.plus(-rest if 2 * rest < unit else unit - rest)


def _compare(time: Time, other: Time) -> int:
    return (time.ns > other.ns) - (time.ns < other.ns)


def _unix(time: Time, per_second: int) -> Integer:
    return Integer(wrapped(time.ns // (NS // per_second)), INT64)


def _bytes(text: str) -> Sequence:
    return Sequence(bytes_of(text), BYTES)


TIME.methods.update(
    (name, Function(name, parameters, result, call, cost=250, rate=100))
    for name, parameters, result, call in (
        ("Format", (STRING,), STRING, Time.format),
        ("String", (), STRING, str),
        ("GoString", (), STRING, _go_string),
        ("Year", (), INT, lambda time: time.clock().year),
        ("Month", (), MONTH, lambda time: Integer(time.clock().month, MONTH)),
        ("Day", (), INT, lambda time: time.clock().day),
        ("YearDay", (), INT, lambda time: time.clock().year_day),
        ("Weekday", (), WEEKDAY, lambda time: Integer(time.clock().weekday, WEEKDAY)),
        ("Hour", (), INT, lambda time: time.clock().hour),
        ("Minute", (), INT, lambda time: time.clock().minute),
        ("Second", (), INT, lambda time: time.clock().second),
        ("Nanosecond", (), INT, lambda time: time.ns % NS),
        ("Unix", (), INT64, lambda time: _unix(time, 1)),
        ("UnixMilli", (), INT64, lambda time: _unix(time, 1_000)),
        ("UnixMicro", (), INT64, lambda time: _unix(time, 1_000_000)),
        ("UnixNano", (), INT64, lambda time: _unix(time, NS)),
        ("UTC", (), TIME, lambda time: time.within(UTC)),
        ("Local", (), TIME, lambda time: time.within(LOCAL)),
        ("In", (LOCATION,), TIME, _in),
        ("Location", (), LOCATION, lambda time: time.zone),
        ("IsDST", (), BOOL, lambda time: time.zone.at(time.ns // NS).is_dst),
        ("IsZero", (), BOOL, lambda time: time.ns == ZERO_NS),
        ("Add", (DURATION,), TIME, lambda time, ns: time.plus(int(ns))),
        ("AddDate", (INT, INT, INT), TIME, _add_date),
        ("Sub", (TIME,), DURATION, lambda time, other: duration(time.ns - other.ns)),
        ("Truncate", (DURATION,), TIME, _truncate),
        ("Round", (DURATION,), TIME, _round),
        ("Before", (TIME,), BOOL, lambda time, other: time.ns < other.ns),
        ("After", (TIME,), BOOL, lambda time, other: time.ns > other.ns),
        ("Equal", (TIME,), BOOL, lambda time, other: time.ns == other.ns),
        ("Compare", (TIME,), INT, _compare),
        ("MarshalJSON", (), BYTES, lambda time: _bytes(f'"{time.rfc3339("Time.MarshalJSON")}"')),
        ("MarshalText", (), BYTES, lambda time: _bytes(time.rfc3339("Time.MarshalText"))),
    )
)


def _uncallable(name: str, result: Type, fault: str) -> Function:
    """A method with several results, of which no template gets any."""
    return Function(name, (), result, lambda _: None, fault=fault)


def _second_result(name: str, result: Type) -> str:
    return f"invalid function signature for {name}: second return value should be error; is {result}"


TIME.methods.update(
    (name, _uncallable(name, result, fault))
    for name, result, fault in (
        ("Date", INT, "function Date has 3 return values; should be 1 or 2"),
        ("Clock", INT, "function Clock has 3 return values; should be 1 or 2"),
        ("ISOWeek", INT, _second_result("ISOWeek", INT)),
        ("Zone", STRING, _second_result("Zone", INT)),
        ("ZoneBounds", TIME, _second_result("ZoneBounds", TIME)),
    )
)
