"""Two notations of durations, Prometheus' (``1d12h``) and Go's (``1h30m0.5s``); values are nanoseconds."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_US: Final = 1_000
_MS: Final = 1_000_000
_SECOND: Final = 1_000 * _MS
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_NS_MAX: Final = (1 << 63) - 1
_DIGITS_MAX: Final = 4_000
"""Longer texts are refused unread: Python converts only so many digits."""

_UNITS: Final = {
    "y": 365 * _DAY,
    "w": 7 * _DAY,
    "d": _DAY,
    "h": _HOUR,
    "m": _MINUTE,
    "s": _SECOND,
    "ms": _MS,
}
"""Largest first, the order a duration has to keep."""
_WHOLE_ONLY: Final = ("y", "w")
"""Printed only when nothing is left over: ``90d``, not ``12w6d``."""

_GO_UNITS: Final = {
    "ns": 1, "us": _US, "\u00b5s": _US, "\u03bcs": _US, "ms": _MS, "s": _SECOND, "m": _MINUTE, "h": _HOUR,
}  # fmt: skip

_PART = re.compile(r"([0-9]+)([a-z]+)")
_GO_PART = re.compile(r"([0-9]*)(?:(\.)([0-9]*))?([^0-9.]+)")


_REMEMBERED: Final = 256
"""Durations of which the value is remembered: a configuration says few of them very often."""


class DurationError(ValueError):
    """A text that is no duration."""


@lru_cache(_REMEMBERED)
def parse_duration(text: str) -> int:
    """Read a Prometheus duration; the result is in nanoseconds (reference config, section 1).

    Raises DurationError: units out of order or repeated, a sign, a fraction, no text, more than 292 years.
    """
    if text == "0":
        return 0
    total = position = 0
    units = iter(_UNITS)
    while position < len(text) <= _DIGITS_MAX:
        part = _PART.match(text, position)
        if part is None or part[2] not in units:  # the search uses up all units that may not follow any more
            break
        total += int(part[1]) * _UNITS[part[2]]
        position = part.end()
    if not text or position < len(text):
        raise DurationError(f"not a duration: {text[:40]!r} (write it like 30s, 5m or 1d12h)")
    return _in_range(total, text)


def format_duration(ns: int) -> str:
    """Print a Prometheus duration in canonical form, whole milliseconds; the rest is cut off."""
    left = ns // _MS * _MS
    if left == 0:
        return "0s"
    text = ""
    for unit, size in _UNITS.items():
        if left >= size and (unit not in _WHOLE_ONLY or left % size == 0):
            count, left = divmod(left, size)
            text += f"{count}{unit}"
    return text


def parse_go_duration(text: str) -> int:
    """Read a Go duration (Go's ``time.ParseDuration``); the result is in nanoseconds.

    Raises DurationError when a unit is missing or unknown, or the value leaves 64 bits.
    """
    sign, rest = (-1 if text[:1] == "-" else 1), text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    total = position = 0
    while position < len(rest) <= _DIGITS_MAX:
        part = _GO_PART.match(rest, position)
        if part is None or not (part[1] or part[3]) or part[4] not in _GO_UNITS:
            break
        unit, fraction = _GO_UNITS[part[4]], part[3] or ""
        total += int(part[1] or 0) * unit + int(fraction or 0) * unit // 10 ** len(fraction)
        position = part.end()
    if not rest or position < len(rest):
        raise DurationError(f"not a duration: {text[:40]!r} (write it like 10s, 1m30s or 1.5h)")
    return sign * _in_range(total, text)


def format_go_duration(ns: int) -> str:
    """Print a duration as Go does: ``0s``, ``1m30s``, ``1h0m0s``, ``1.5s``, ``250ms``."""
    if ns == 0:
        return "0s"
    sign, left = ("-" if ns < 0 else ""), abs(ns)
    if left < _SECOND:
        unit, size = next((u, s) for u, s in (("ms", _MS), ("\u00b5s", _US), ("ns", 1)) if left >= s)
        return f"{sign}{_decimal(left, size)}{unit}"
    minutes, seconds = divmod(left, _MINUTE)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(seconds, _SECOND)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else f"{sign}{text}"


def _decimal(value: int, size: int) -> str:
    whole, rest = divmod(value, size)
    if rest == 0:
        return str(whole)
    return f"{whole}.{rest:0{len(str(size)) - 1}d}".rstrip("0")


def _in_range(ns: int, text: str) -> int:
    if ns > _NS_MAX:
        raise DurationError(f"duration out of range: {text[:40]!r} (the longest is about 292 years)")
    return ns
