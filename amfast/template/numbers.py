"""Constants of numbers, each with every kind of number that it can be (Go's text/template, parse/node.go)."""

from __future__ import annotations

import math
import re
from typing import Final

from .nodes import Number
from .quoting import quote, unquote_rune

INT_MIN: Final = -(1 << 63)
INT_MAX: Final = (1 << 63) - 1
UINT_MAX: Final = (1 << 64) - 1

_DIGITS_MAX: Final = 400
"""No longer integer fits, and Python takes quadratic time to read one."""
_INTEGER: Final = re.compile(
    r"""(?P<sign>[+-]?)(?:
        0[xX](?P<hex>(?:_?[0-9a-fA-F])+) | 0[oO](?P<octal>(?:_?[0-7])+) | 0[bB](?P<binary>(?:_?[01])+) |
        (?P<zeros>0(?:_?[0-7])+) | (?P<decimal>0|[1-9](?:_?[0-9])*)
    )""",
    re.VERBOSE,
)
_BASES: Final = {"hex": 16, "octal": 8, "binary": 2, "zeros": 8, "decimal": 10}
_DIGITS: Final = r"(?:[0-9](?:_?[0-9])*)"
_DECIMAL_FLOAT: Final = re.compile(rf"[+-]?(?:{_DIGITS}\.?{_DIGITS}?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?")
_HEX: Final = r"(?:[0-9a-fA-F](?:_?[0-9a-fA-F])*)"
_HEX_FLOAT: Final = re.compile(
    rf"[+-]?0[xX](?:_?{_HEX}\.?{_HEX}?|\.{_HEX})[pP][+-]?(?:{_DIGITS})", re.IGNORECASE
)
_SPECIAL_FLOAT: Final = re.compile("[+-]?inf(?:inity)?|nan", re.IGNORECASE)
_COMPLEX: Final = re.compile(r"(?P<real>.+?)(?P<imaginary>(?<![eEpP])[+-].*)i")


def character(position: int, text: str) -> Number:
    """The number of a character constant. Raises ValueError."""
    if len(text) == len("''"):
        raise ValueError("invalid syntax")
    try:
        code = unquote_rune(text)
    except ValueError:
        if _is_one_character(text):
            raise
        raise ValueError(f"malformed character constant: {text}") from None
    return Number(position, text, code, code, float(code), None)


def _is_one_character(text: str) -> bool:
    """Whether not even the beginning of a constant can be read as a character."""
    for end in range(2, min(len(text), 13)):
        try:
            unquote_rune(text[:end] + "'")
        except ValueError:
            continue
        return False
    return True


def number(position: int, text: str) -> Number:
    """The number of any other constant. Raises ValueError."""
    parts = _COMPLEX.fullmatch(text)
    if parts is not None:
        real, imaginary = _float(parts["real"]), _float(parts["imaginary"])
        if real is None or imaginary is None:
            raise ValueError("syntax error scanning complex number")
        return _from_complex(position, text, complex(real, imaginary))
    if text.endswith("i"):
        imaginary = _float(text[:-1])
        if imaginary is None:
            raise _illegal(text)
        return _from_complex(position, text, complex(0, imaginary))
    whole = _integer(text)
    if whole is not None:
        return Number(
            position,
            text,
            whole if INT_MIN <= whole <= INT_MAX else None,
            whole if whole >= 0 and (text[0] not in "+-" or whole == 0) else None,
            float(whole),
            None,
        )
    value = _float(text)
    if value is None:
        raise _illegal(text)
    if not any(char in ".eEpP" for char in text):
        raise ValueError(f"integer overflow: {quote(text)}")
    return Number(position, text, as_int(value), as_uint(value), value, None)


def _illegal(text: str) -> ValueError:
    return ValueError(f"illegal number syntax: {quote(text)}")


def _from_complex(position: int, text: str, value: complex) -> Number:
    if value.imag:
        return Number(position, text, None, None, None, value)
    return Number(position, text, as_int(value.real), as_uint(value.real), value.real, value)


def as_int(value: float) -> int | None:
    """The same number as an ``int64``, if it is one."""
    return int(value) if value.is_integer() and INT_MIN <= value < -INT_MIN else None


def as_uint(value: float) -> int | None:
    """The same number as a ``uint64``, if it is one."""
    return int(value) if value.is_integer() and 0 <= value < UINT_MAX else None


def _integer(text: str) -> int | None:
    found = _INTEGER.fullmatch(text)
    if found is None or len(text) > _DIGITS_MAX:
        return None
    kind = found.lastgroup or ""
    value = int(found[kind].replace("_", ""), _BASES[kind])
    if found["sign"] == "-":
        value = -value
    signed = found["sign"] != ""
    return value if INT_MIN <= value <= (INT_MAX if signed else UINT_MAX) else None


def parse_float(text: str) -> float | None:
    """Go's ``strconv.ParseFloat``: infinite if it is out of range, None if it is no number."""
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text)
    plain = text.replace("_", "")
    if _HEX_FLOAT.fullmatch(text):
        try:
            return float.fromhex(plain)
        except OverflowError:
            return math.copysign(math.inf, -1 if text[0] == "-" else 1)
    return float(plain) if _DECIMAL_FLOAT.fullmatch(text) else None


def _float(text: str) -> float | None:
    value = parse_float(text)
    return value if value is not None and math.isfinite(value) else None
