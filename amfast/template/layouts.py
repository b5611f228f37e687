"""Layouts of times: what Go's reference time, ``Mon Jan 2 15:04:05 MST 2006``, stands for (package time, format.go)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Final, NamedTuple

from .durations import DAYS, MONTHS
from .values import FunctionError

TEXT_MAX: Final = 1 << 20
"""Characters of a formatted time."""
_KEPT_CHARS: Final = 100
"""Of a layout that is remembered in pieces."""

_ELEMENT: Final = re.compile(
    r"""January | Jan(?![a-z]) | Monday | Mon(?![a-z]) | MST
      | 0[1-6] | 002 | 15 | 1 | 2006 | 2 | _2(?!006) | __2 | 3 | 4 | 5 | PM | pm
      | [-Z]070000 | [-Z]07:00:00 | [-Z]0700 | [-Z]07:00 | [-Z]07
      | [.,](?:0++|9++)(?![0-9])""",
    re.VERBOSE,
)
_FRACTION_DIGITS: Final = 9
_NOON: Final = 12
ZONES: Final = frozenset(
    sign + form for sign in "-Z" for form in ("070000", "07:00:00", "0700", "07:00", "07")
)
"""The elements that print an offset."""


class Clock(NamedTuple):
    """A time as calendar and clocks of its zone show it."""

    year: int
    month: int
    day: int
    year_day: int
    weekday: int
    hour: int
    minute: int
    second: int
    ns: int
    zone: str
    offset_s: int


Show = Callable[[Clock], str]


def elements(layout: str) -> Iterator[tuple[str, str]]:
    """The elements of a layout, each with the plain text before it; the last one is empty."""
    position = 0
    for found in _ELEMENT.finditer(layout):
        yield layout[position : found.start()], found[0]
        position = found.end()
    yield layout[position:], ""


def is_fraction(element: str) -> bool:
    return element[:1] in (".", ",")


def fraction_digits(element: str) -> int:
    """How many digits a fraction has; Go counts them in twelve bits."""
    return (len(element) - 1) & 0xFFF


def format_clock(clock: Clock, layout: str) -> str:
    """``clock`` as the layout says. Raises FunctionError when that gets longer than TEXT_MAX."""
    if len(layout) <= _KEPT_CHARS:
        return "".join([plain + show(clock) for plain, show in _kept_pieces(layout)])
    parts: list[str] = []
    size = 0
    for plain, show in _pieces(layout):
        text = plain + show(clock)
        size += len(text)
        if size > TEXT_MAX:
            raise FunctionError(f"the formatted time is too long (at most {TEXT_MAX} characters)")
        parts.append(text)
    return "".join(parts)


def _pieces(layout: str) -> Iterator[tuple[str, Show]]:
    """Plain texts of a layout, each with what shows the element behind it."""
    for plain, element in elements(layout):
        if element in ZONES:
            yield plain, partial(_zone_offset, element)
        elif is_fraction(element):
            yield plain, partial(_fraction, element)
        else:
            yield plain, _SHOWN.get(element, _nothing)


@lru_cache(256)
def _kept_pieces(layout: str) -> tuple[tuple[str, Show], ...]:
    return tuple(_pieces(layout))


def _nothing(_: Clock) -> str:
    return ""


def padded(number: int, width: int) -> str:
    """Digits filled up with zeros; a sign comes on top."""
    return f"{number:0{width}d}" if number >= 0 else f"-{-number:0{width}d}"


def _hour12(clock: Clock) -> int:
    return clock.hour % 12 or 12


def _zone_name(clock: Clock) -> str:
    return clock.zone or _offset(clock.offset_s, "-0700")


_SHOWN: Final[dict[str, Show]] = {
    "2006": lambda clock: padded(clock.year, 4),
    "06": lambda clock: padded(abs(clock.year) % 100, 2),
    "January": lambda clock: MONTHS[clock.month - 1],
    "Jan": lambda clock: MONTHS[clock.month - 1][:3],
    "01": lambda clock: f"{clock.month:02d}",
    "1": lambda clock: str(clock.month),
    "Monday": lambda clock: DAYS[clock.weekday],
    "Mon": lambda clock: DAYS[clock.weekday][:3],
    "02": lambda clock: f"{clock.day:02d}",
    "_2": lambda clock: f"{clock.day:2d}",
    "2": lambda clock: str(clock.day),
    "002": lambda clock: f"{clock.year_day:03d}",
    "__2": lambda clock: f"{clock.year_day:3d}",
    "15": lambda clock: f"{clock.hour:02d}",
    "03": lambda clock: f"{_hour12(clock):02d}",
    "3": lambda clock: str(_hour12(clock)),
    "04": lambda clock: f"{clock.minute:02d}",
    "4": lambda clock: str(clock.minute),
    "05": lambda clock: f"{clock.second:02d}",
    "5": lambda clock: str(clock.second),
    "PM": lambda clock: "PM" if clock.hour >= _NOON else "AM",
    "pm": lambda clock: "pm" if clock.hour >= _NOON else "am",
    "MST": _zone_name,
}


def _zone_offset(element: str, clock: Clock) -> str:
    return _offset(clock.offset_s, element)


def _offset(offset_s: int, element: str) -> str:
    if element[0] == "Z" and offset_s == 0:
        return "Z"
    minutes = abs(offset_s) // 60
    sign = "-" if offset_s < 0 and minutes else "+"
    separator = ":" if ":" in element else ""
    text = sign + padded(minutes // 60, 2)
    if len(element) > len("-07"):
        text += separator + padded(minutes % 60, 2)
    if element[1:] in ("070000", "07:00:00"):
        seconds = abs(offset_s) % 60
        text += separator + padded(seconds if minutes or offset_s > 0 else -seconds, 2)
    return text


def _fraction(element: str, clock: Clock) -> str:
    digits = f"{clock.ns:09d}"[: fraction_digits(element)]
    if element[1] == "9":
        digits = digits.rstrip("0")
        return element[0] + digits if digits else ""
    return element[0] + digits
