"""Times read by a layout (Go's ``time.ParseInLocation`` in UTC, package time, format.go)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .durations import DAYS, MONTHS
from .gotime import Time, quote
from .layouts import ZONES, elements, fraction_digits, is_fraction
from .quoting import bytes_of, text_of
from .values import FunctionError
from .zones import UTC, fixed

_INTEGER: Final = re.compile(r"([+-]?)([0-9]*)")
_DIGITS: Final = re.compile(r"[0-9]+")
_ONE_OR_TWO: Final = re.compile(r"[0-9][0-9]?")
_ONE_TO_THREE: Final = re.compile(r"[0-9]{1,3}")
_YEAR: Final = re.compile(r"[0-9]{4}")
_FRACTION: Final = re.compile(r"[.,]([0-9]+)")
_OFFSETS: Final = {
    form: re.compile(pattern)
    for form, pattern in (
        ("07", "(.)(..)()()"),
        ("0700", "(.)(..)(..)()"),
        ("07:00", "(.)(..):(..)()"),
        ("070000", "(.)(..)(..)(..)"),
        ("07:00:00", "(.)(..):(..):(..)"),
    )
}
_SPACES_OR_NOT: Final = re.compile(" +|[^ ]+")
_SIGNED_HOURS: Final = re.compile(r"[+-]0*(?:[0-9]|1[0-9]|2[0-3])(?![0-9])")
_ZONE: Final = re.compile(r"ChST|MeST|[A-Z]{3,6}")

_SIXTY: Final = 60
_OFFSET_HOURS_MAX: Final = 24
_PIVOT: Final = 69
"""Years of two digits from here on are in the last century."""
_MONTH_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY: Final = 2
_NOON: Final = 12


class _BadError(Exception):
    """The value is not what the layout's element stands for."""


class _RangeError(Exception):
    """It is, but there is no such thing: its name."""


def parse(layout: str, value: str) -> Time:
    """The time that ``value`` writes as ``layout`` says; UTC if it names no zone. Raises FunctionError with Go's text.

    A zone that is named by letters other than UTC is kept as a name, with no offset: nobody knows which one is meant.
    """
    return _Reader(_bytewise(layout), _bytewise(value)).read()


def _bytewise(text: str) -> str:
    """The bytes of a Go string, each as the character with its number; so are positions what they are in Go."""
    return bytes_of(text).decode("latin-1")


def _quoted(bytewise: str) -> str:
    return quote(text_of(bytewise.encode("latin-1")))


class _Reader:
    """One value, read from left to right."""

    def __init__(self, layout: str, value: str) -> None:
        self._layout = layout
        self._value = value
        self._at = 0
        self._year = self._hour = self._minute = self._second = self._ns = 0
        self._month: int | None = None
        self._day: int | None = None
        self._year_day: int | None = None
        self._half = ""
        self._utc = False
        self._offset_s: int | None = None
        self._zone = ""

    def read(self) -> Time:
        pieces = list(elements(self._layout))
        for number, (plain, element) in enumerate(pieces):
            self._skip(plain)
            if element:
                following = pieces[number + 1][1]
                self._element(element, fraction_follows=is_fraction(following))
        if self._at < len(self._value):
            raise self._failure(f": extra text: {_quoted(self._value[self._at :])}")
        return self._time()

    def _failure(self, message: str) -> FunctionError:
        return FunctionError(f"parsing time {_quoted(self._value)}{message}")

    def _mismatch(self, position: int, wanted: str) -> FunctionError:
        rest = self._value[position:]
        return self._failure(
            f" as {_quoted(self._layout)}: cannot parse {_quoted(rest)} as {_quoted(wanted)}"
        )

    def _peek(self, size: int) -> str:
        return self._value[self._at : self._at + size]

    def _skip_spaces(self, most: int | None = None) -> None:
        end = len(self._value) if most is None else min(self._at + most, len(self._value))
        while self._at < end and self._value[self._at] == " ":
            self._at += 1

    def _skip(self, plain: str) -> None:
        """Plain text has to be there as it is, but for the number of spaces, which may be missing at the end."""
        for piece in _SPACES_OR_NOT.findall(plain):
            if piece[0] == " ":
                if self._peek(1) not in ("", " "):
                    raise self._mismatch(self._at, plain)
                self._skip_spaces()
                continue
            if not self._value.startswith(piece, self._at):
                raise self._mismatch(self._at + _common_prefix(piece, self._peek(len(piece))), plain)
            self._at += len(piece)

    def _element(self, element: str, *, fraction_follows: bool) -> None:
        before = self._at
        try:
            if element in ZONES:
                self.read_offset(element)
            elif is_fraction(element):
                self.read_fraction(element)
            else:
                _READERS[element](self, element)
            if element in ("05", "5") and not fraction_follows:
                self.read_fraction(".9")
        except _RangeError as what:
            raise self._failure(f": {what} out of range") from None
        except _BadError:
            raise self._mismatch(before, element) from None

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self._value, self._at)
        if found is None:
            raise _BadError
        self._at = found.end()
        return found

    def _number(self, element: str) -> int:
        """One digit or two; two if the element starts with a zero."""
        digits = self._take(_ONE_OR_TWO)[0]
        if element[0] == "0" and len(digits) == 1:
            raise _BadError
        return int(digits)

    def _name(self, names: tuple[str, ...], letters: int | None) -> int:
        for number, name in enumerate(names):
            wanted = name[:letters]
            if self._peek(len(wanted)).lower() == wanted.lower():
                self._at += len(wanted)
                return number
        raise _BadError

    def read_year(self, _: str) -> None:
        self._year = int(self._take(_YEAR)[0])

    def read_short_year(self, _: str) -> None:
        digits = self._peek(2)
        if len(digits) < len("06"):
            raise _BadError
        year = _integer(digits)
        self._at += len(digits)
        self._year = year + (1900 if year >= _PIVOT else 2000)

    def read_month_name(self, element: str) -> None:
        self._month = self._name(MONTHS, 3 if element == "Jan" else None) + 1

    def read_month(self, element: str) -> None:
        self._month = self._number(element)
        if not 1 <= self._month <= len(MONTHS):
            raise _RangeError("month")

    def read_weekday(self, element: str) -> None:
        self._name(DAYS, 3 if element == "Mon" else None)

    def read_day(self, element: str) -> None:
        if element == "_2":
            self._skip_spaces(1)
        self._day = self._number(element)

    def read_year_day(self, element: str) -> None:
        if element == "__2":
            self._skip_spaces(2)
        digits = self._take(_ONE_TO_THREE)[0]
        if element == "002" and len(digits) != len(element):
            raise _BadError
        self._year_day = int(digits)

    def read_hour(self, element: str) -> None:
        self._hour = self._number(element)
        if self._hour > (23 if element == "15" else _NOON):
            raise _RangeError("hour")

    def read_minute(self, element: str) -> None:
        self._minute = self._number(element)
        if self._minute >= _SIXTY:
            raise _RangeError("minute")

    def read_second(self, element: str) -> None:
        self._second = self._number(element)
        if self._second >= _SIXTY:
            raise _RangeError("second")

    def read_half(self, element: str) -> None:
        half = self._peek(2)
        if half not in (("AM", "PM") if element == "PM" else ("am", "pm")):
            raise _BadError
        self._at += len(half)
        self._half = half.upper()

    def read_fraction(self, element: str) -> None:
        """A fraction of as many digits as the element's zeros; nines stand for any number, or none."""
        if element[1] == "9":
            found = _FRACTION.match(self._value, self._at)
            if found is None:
                return
            digits = found[1]
        else:
            size = fraction_digits(element)
            text = self._peek(1 + size)
            if len(text) <= size or text[0] not in ".,":
                raise _BadError
            digits = text[1:]
        fraction = _integer(digits[:9])
        if fraction < 0:
            raise _RangeError("fractional second")
        self._ns = fraction * 10 ** (9 - len(digits[:9]))
        self._at += 1 + len(digits)

    def read_offset(self, element: str) -> None:
        if element[0] == "Z" and self._peek(1) == "Z":
            self._at += 1
            self._utc = True
            return
        found = self._take(_OFFSETS[element[1:]])
        hours, minutes, seconds = _two_digits(found[2], found[3] or "00", found[4] or "00")
        if seconds > _SIXTY:
            raise _RangeError("time zone offset second")
        if minutes > _SIXTY:
            raise _RangeError("time zone offset minute")
        if hours > _OFFSET_HOURS_MAX:
            raise _RangeError("time zone offset hour")
        if found[1] not in ("+", "-") or not all(
            part.isascii() and part.isdigit() for part in found.groups()[1:] if part
        ):
            raise _BadError
        offset = (hours * 60 + minutes) * 60 + seconds
        self._offset_s = -offset if found[1] == "-" else offset

    def read_zone_name(self, _: str) -> None:
        if self._peek(3) == "UTC":
            self._at += 3
            self._utc = True
            return
        start, self._at = self._at, _zone_end(self._value, self._at)
        if start == self._at:
            raise _BadError
        self._zone = self._value[start : self._at]

    def _time(self) -> Time:
        month, day = self._month_and_day()
        hour = self._hour
        if self._half == "PM" and hour < _NOON:
            hour += _NOON
        elif self._half == "AM" and hour == _NOON:
            hour = 0
        second = (hour * 60 + self._minute) * 60 + self._second
        time = Time.date(self._year, month, day, second, self._ns)
        if self._utc:
            return time
        zone = text_of(self._zone.encode("latin-1"))
        if self._offset_s is not None and self._offset_s != -1:  # Go has -1 stand for "none"
            if self._offset_s == 0 and zone in ("", "UTC"):
                return time
            return time.plus(-self._offset_s * 1_000_000_000).within(fixed(zone, self._offset_s))
        if zone:
            hours = _integer(zone[3:]) if zone.startswith("GMT") else 0
            return time.within(fixed(zone, hours * 3600))
        return time.within(UTC)

    def _month_and_day(self) -> tuple[int, int]:
        leap = self._year % 4 == 0 and (self._year % 100 != 0 or self._year % 400 == 0)
        lengths = [days + (leap and month == _FEBRUARY) for month, days in enumerate(_MONTH_DAYS, 1)]
        month, day = self._month, self._day
        if self._year_day is not None:
            if not 1 <= self._year_day <= sum(lengths):
                raise self._failure(": day-of-year out of range")
            left, by_year_day = self._year_day, 1
            while left > lengths[by_year_day - 1]:
                left -= lengths[by_year_day - 1]
                by_year_day += 1
            if month not in (None, by_year_day):
                raise self._failure(": day-of-year does not match month")
            if day not in (None, left):
                raise self._failure(": day-of-year does not match day")
            return by_year_day, left
        month, day = 1 if month is None else month, 1 if day is None else day
        if not 1 <= day <= lengths[month - 1]:
            raise self._failure(": day out of range")
        return month, day


_READERS: Final[dict[str, Callable[[_Reader, str], None]]] = {
    "2006": _Reader.read_year,
    "06": _Reader.read_short_year,
    **dict.fromkeys(("January", "Jan"), _Reader.read_month_name),
    **dict.fromkeys(("01", "1"), _Reader.read_month),
    **dict.fromkeys(("Monday", "Mon"), _Reader.read_weekday),
    **dict.fromkeys(("02", "_2", "2"), _Reader.read_day),
    **dict.fromkeys(("002", "__2"), _Reader.read_year_day),
    **dict.fromkeys(("15", "03", "3"), _Reader.read_hour),
    **dict.fromkeys(("04", "4"), _Reader.read_minute),
    **dict.fromkeys(("05", "5"), _Reader.read_second),
    **dict.fromkeys(("PM", "pm"), _Reader.read_half),
    "MST": _Reader.read_zone_name,
}


def _common_prefix(piece: str, text: str) -> int:
    if text.startswith(piece):
        return len(piece)
    return next((i for i, char in enumerate(piece) if text[i : i + 1] != char), len(piece))


def _integer(digits: str) -> int:
    """Digits, of which there may be none, after a sign, which may be missing."""
    found = _INTEGER.fullmatch(digits)
    if found is None:
        raise _BadError
    number = int(found[2].lstrip("0") or 0)
    return -number if found[1] == "-" else number


def _two_digits(*parts: str) -> list[int]:
    """The numbers up to the first part that is none; the rest is zero, as Go leaves it."""
    numbers = [0] * len(parts)
    for index, part in enumerate(parts):
        if not (part.isascii() and part.isdigit()):
            break
        numbers[index] = int(part)
    return numbers


def _zone_end(text: str, start: int) -> int:
    """Where what looks like the name of a zone ends, or like the offset that some have for a name."""
    if text.startswith("GMT", start):
        offset = _SIGNED_HOURS.match(text, start + 3)
        return start + 3 if offset is None else offset.end()
    if text[start : start + 1] in ("+", "-"):
        offset = _SIGNED_HOURS.match(text, start) if len(text) - start >= len("+03") else None
        return start if offset is None else offset.end()
    found = _ZONE.match(text, start)
    if found is None:
        return start
    name = found[0]
    if len(name) == len("MST") or name in ("WITA", "ChST", "MeST"):
        return found.end()
    return found.end() if len(name) in (4, 5) and name[-1] == "T" else start
