"""Go's ``time.Duration``, ``time.Month`` and ``time.Weekday``, and what templates can call on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from amfast.model.duration import format_go_duration

from .values import FLOAT64, INT64, STRING, Function, Integer, Kind, Type

MICROSECOND: Final = 1_000
MILLISECOND: Final = 1_000 * MICROSECOND
SECOND: Final = 1_000 * MILLISECOND
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
MAX: Final = (1 << 63) - 1
MIN: Final = -(1 << 63)

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

DURATION: Final = Type("time.Duration", Kind.INT64)
MONTH: Final = Type("time.Month", Kind.INT)
WEEKDAY: Final = Type("time.Weekday", Kind.INT)


def duration(ns: int) -> Integer:
    """A duration; what does not fit into 64 bits is the longest one."""
    return Integer(max(MIN, min(MAX, ns)), DURATION)


def wrapped(value: int) -> int:
    """``value`` as a signed number of 64 bits, as it overflows in Go."""
    return (value - MIN) % (1 << 64) + MIN


def _quotient(ns: int, unit: int) -> Integer:
    return Integer(abs(ns) // unit * (1 if ns >= 0 else -1), INT64)


def _fraction(ns: int, unit: int) -> float:
    whole = int(_quotient(ns, unit))
    return float(whole) + float(ns - whole * unit) / float(unit)


def _truncate(ns: int, unit: int) -> Integer:
    return duration(int(_quotient(ns, unit)) * unit if unit > 0 else ns)


def _round(ns: int, unit: int) -> Integer:
    """To the nearest multiple, away from zero where two are as near."""
    if unit <= 0:
        return duration(ns)
    size, rest = abs(ns), abs(ns) % unit
    size += unit - rest if 2 * rest >= unit else -rest
    return duration(size if ns >= 0 else -size)


def _named(names: tuple[str, ...], first: int, go_name: str) -> Callable[[int], str]:
    def name(number: int) -> str:
        index = int(number) - first
        return names[index] if 0 <= index < len(names) else f"%!{go_name}({int(number) % (1 << 64)})"

    return name


def _methods(go_type: Type, *methods: tuple[str, tuple[Type, ...], Type, Callable[..., Any]]) -> None:
    for name, parameters, result, call in methods:
        go_type.methods[name] = Function(name, parameters, result, call)


_methods(
    DURATION,
    ("String", (), STRING, format_go_duration),
    ("Nanoseconds", (), INT64, lambda ns: Integer(ns, INT64)),
    ("Microseconds", (), INT64, lambda ns: _quotient(ns, MICROSECOND)),
    ("Milliseconds", (), INT64, lambda ns: _quotient(ns, MILLISECOND)),
    ("Seconds", (), FLOAT64, lambda ns: _fraction(ns, SECOND)),
    ("Minutes", (), FLOAT64, lambda ns: _fraction(ns, MINUTE)),
    ("Hours", (), FLOAT64, lambda ns: _fraction(ns, HOUR)),
    ("Truncate", (DURATION,), DURATION, _truncate),
    ("Round", (DURATION,), DURATION, _round),
    ("Abs", (), DURATION, lambda ns: duration(abs(ns))),
)
_methods(MONTH, ("String", (), STRING, _named(MONTHS, 1, "Month")))
_methods(WEEKDAY, ("String", (), STRING, _named(DAYS, 0, "Weekday")))
