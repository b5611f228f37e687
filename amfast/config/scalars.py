"""What an unquoted scalar means to the dialect of yaml.v2 (reference config, section 1)."""

from __future__ import annotations

import datetime as dt
import math
import re
from functools import lru_cache
from typing import Final

Value = bool | int | float | str | None

NULLS: Final = frozenset(("", "~", "null", "Null", "NULL"))
_WORDS: Final[dict[str, Value]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(NULLS, None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_INTEGER = re.compile(
    r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|0[bB]([01]+)|(0|[1-9][0-9]{0,19}))", re.ASCII
)
_BASES: Final = (16, 8, 2, 10)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,][0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})"
    r"| [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,][0-9]+)?)?"
)


def resolve(text: str) -> Value:
    """The value of an unquoted scalar; whatever is nothing else is its text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789" or _is_timestamp(text):
        return text
    plain = text if text[0] == "." else text.replace("_", "")
    number = _integer(plain)
    if number is None and _FLOAT.fullmatch(plain) and math.isfinite(value := float(plain)):
        return value
    return text if number is None else number


@lru_cache(4096)
def reads_as_text(text: str) -> bool:
    """Whether the text, written without quotes, is read back as text by every YAML 1.1 reader."""
    return isinstance(resolve(text), str) and not _is_timestamp(text) and not _BASE_60.fullmatch(text)


def _integer(text: str) -> int | None:
    found = _INTEGER.fullmatch(text)
    if found is None:
        return None
    digits, base = next(
        (digits, base) for digits, base in zip(found.groups()[1:], _BASES, strict=True) if digits
    )
    value = int(found[1] + digits, base)
    top = 1 << 63 if found[1] else 1 << 64
    return value if -(1 << 63) <= value < top else None


def _is_timestamp(text: str) -> bool:
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return False
    try:
        dt.date(*map(int, found.groups()))
    except ValueError:
        return False
    return True
