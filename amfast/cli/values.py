"""The texts of flag values: numbers and durations (reference flags, section 1).

Flag durations are Go's, with ``d`` and ``w`` added; the configuration file has a different syntax of its own.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from amfast.model import goquote
from amfast.model.errors import AmfastError

_UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,  # micro sign
    "\u03bcs": 1_000,  # Greek mu
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 604_800_000_000_000,
}
_INT64_END = 1 << 63
_NUMBER = re.compile(r"([0-9]*)(?:\.([0-9]*))?")
_UNIT = re.compile(r"[^.0-9]+")
_FRACTION_DIGITS_MAX = 18


def quote(text: str) -> str:
    """Quote as the texts about durations do: what is not printable ASCII as its bytes."""
    out = []
    for byte in text.encode("utf-8", "surrogateescape"):
        if byte in b'"\\':
            out.append("\\" + chr(byte))
        elif 0x20 <= byte < 0x7F:  # noqa: PLR2004 - the printable range of ASCII
            out.append(chr(byte))
        else:
            out.append(f"\\x{byte:02x}")
    return '"' + "".join(out) + '"'


def parse_duration_ns(text: str) -> int:
    """Nanoseconds of a flag duration such as ``1h30m``, ``-1.5s``, ``2d`` or ``0``. Raises AmfastError."""
    invalid = AmfastError(f"time: invalid duration {quote(text)}")
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    if not rest:
        raise invalid
    total_ns = 0
    while rest:
        number = _NUMBER.match(rest)
        whole, fraction = number.groups() if number else ("", None)
        if not number or not (whole or fraction):
            raise invalid
        rest = rest[number.end() :]
        unit = _UNIT.match(rest)
        if unit is None:
            raise AmfastError(f"time: missing unit in duration {quote(text)}")
        if unit[0] not in _UNITS_NS:
            raise AmfastError(f"time: unknown unit {quote(unit[0])} in duration {quote(text)}")
        rest = rest[unit.end() :]
        total_ns += _amount_ns(whole, fraction or "", _UNITS_NS[unit[0]])
        if total_ns > _INT64_END:
            raise invalid
    if text[0] == "-":
        return -total_ns
    if total_ns == _INT64_END:
        raise invalid
    return total_ns


def _amount_ns(whole: str, fraction: str, unit_ns: int) -> int:
    """One ``<decimal><unit>``; digits that cannot matter are cut, which also bounds the work."""
    if len(whole.lstrip("0")) > len(str(_INT64_END)):
        return _INT64_END + 1
    digits = fraction[:_FRACTION_DIGITS_MAX]
    part_ns: int = int(digits or "0") * unit_ns // 10 ** len(digits)
    return int(whole or "0") * unit_ns + part_ns


def parse_float(text: str) -> float:
    """A finite number. Raises AmfastError with the reference's text."""
    try:
        if text != text.strip() or not text.isascii():
            raise ValueError  # noqa: TRY301 - the next lines say what is wrong, whatever it is
        value = float(text)
    except ValueError:
        raise AmfastError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax") from None
    if not math.isfinite(value):
        raise AmfastError(f"strconv.ParseFloat: parsing {quote(text)}: value out of range")
    return value


def parse_int(text: str) -> int:
    """A whole number; like the reference's, it may be written ``1e3`` or ``1.5`` and is cut towards zero."""
    return int(parse_float(text))


def parse_log_level(text: str) -> str:
    """``debug``, ``info``, ``warn`` or ``error`` in any case, returned in lower case. Raises AmfastError."""
    if text.lower() not in ("debug", "info", "warn", "error"):
        raise AmfastError(f"unrecognized log level {goquote.quote(text)}")
    return text.lower()


def parse_log_format(text: str) -> str:
    """``logfmt`` or ``json``, in lower case only. Raises AmfastError."""
    if text not in ("logfmt", "json"):
        raise AmfastError(f"unrecognized log format {goquote.quote(text)}")
    return text


def parse_markup(text: str) -> str:
    """``html`` or ``text``. Raises AmfastError."""
    if text not in ("html", "text"):
        raise AmfastError(f"enum value must be one of html,text, got '{text}'")
    return text


def parse_file(text: str) -> str:
    """The name of a file that can be opened. Raises AmfastError."""
    if not text:
        raise AmfastError("open : no such file or directory")
    try:
        with Path(text).open("rb"):
            return text
    except IsADirectoryError:
        raise AmfastError(f"read {text}: is a directory") from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise AmfastError(f"open {text}: {reason}") from None
