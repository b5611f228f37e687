"""Lengths of time for people (prometheus/common, helpers/templates)."""

from __future__ import annotations

import math
from typing import Final

from .durations import DURATION, MAX, MIN
from .floats import format_float
from .numbers import parse_float
from .quoting import quote
from .values import FLOAT64, INT, INT64, STRING, UINT, UINT64, FunctionError, Type, Value, type_of

_NUMBERS: Final[tuple[Type, ...]] = (FLOAT64, INT, UINT, INT64, UINT64)
_SMALL: Final = "munpfazy"
_DIGITS: Final = 4


def humanize_duration(value: Value) -> str:
    """Seconds as ``1d 2h 3m 4s``, or with four digits and a prefix: ``1.234ms``. Raises FunctionError for no number."""
    seconds = _seconds(value)
    if not math.isfinite(seconds):
        return format_float(seconds, "g", _DIGITS)
    if seconds == 0:
        return format_float(seconds, "g", _DIGITS) + "s"
    if abs(seconds) >= 1:
        return ("-" if seconds < 0 else "") + _large(abs(seconds))
    prefix = ""
    for letter in _SMALL:
        prefix = letter
        seconds *= 1000
        if abs(seconds) >= 1:
            break
    return f"{format_float(seconds, 'g', _DIGITS)}{prefix}s"


def _seconds(value: Value) -> float:
    go_type = type_of(value)
    if go_type in _NUMBERS:
        return float(value)
    if go_type is DURATION:
        seconds: float = DURATION.methods["Seconds"].call(value)
        return seconds
    if go_type is not STRING:
        raise FunctionError(f"can't convert {go_type.name} to float")
    number = parse_float(value)
    if number is None:
        raise FunctionError(f"strconv.ParseFloat: parsing {quote(value)}: invalid syntax")
    if math.isinf(number) and "n" not in value.lower():
        raise FunctionError(f"strconv.ParseFloat: parsing {quote(value)}: value out of range")
    return number


def _large(seconds: float) -> str:
    """What is too large for 64 bits becomes the smallest number, as it does in Go."""
    whole = int(seconds) if seconds <= MAX else MIN
    sign, whole = (-1, -whole) if whole < 0 else (1, whole)
    parts = [sign * part for part in (whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60)]
    units = "dhms"
    first = next((index for index, part in enumerate(parts[:3]) if part), None)
    if first is None:
        return format_float(seconds, "g", _DIGITS) + "s"
    return " ".join(f"{part}{unit}" for part, unit in zip(parts[first:], units[first:], strict=True))
