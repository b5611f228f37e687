"""Upper, lower and title case, as Go's ``strings`` and golang.org/x/text/cases have them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from .quoting import valid

_IGNORED_MAX: Final = 31
"""So many characters that have no case are looked at after a sigma."""
_MIDDLE: Final = frozenset(
    "':.\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a"
)
"""One of them between letters does not part a word, two do."""
_JOINING_CATEGORIES: Final = frozenset(
    ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc", "Cf")
)
_JOINING: Final = re.compile(
    "[\u02c2-\u02c5\u02d2-\u02d7\u02de\u02df\u02e5-\u02eb\u02ed\u02ef-\u02ff\u055a-\u055c\u055e\u058a\u05f3\u066b\u202f"
    "\ua708-\ua716\ua720\ua721\ua789\ua78a\uab5b\U0001f3fb-\U0001f3ff]"
)
"""Signs that are parts of words."""
_PARTING_LETTERS: Final = re.compile(
    "[\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb3\u0ebd-\u0ec6\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u1780-\u17b3"
    "\u17d7\u17dc\u1950-\u19cf\u1a20-\u1a54\u1aa7\u200b\u3006\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303a\u3041-\u3098"
    "\u309b-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ef\ua9fa-\ua9ff\uaa60-\uaadd\uf900-\ufaff\uff66-\uff9d"
    "\U00011700-\U0001171a\U00011740-\U0001174f\U00017000-\U00018d08\U0001aff0-\U0001b2fb\U00020000-\U0003134a]"
)
"""Letters of scripts that do not part words by spaces; each is one."""
_SIGMA: Final = "\u03a3"


def upper(text: str) -> str:
    """Go's ``strings.ToUpper``: one character for one."""
    return text.upper() if text.isascii() else "".join(map(_upper, valid(text)))


def lower(text: str) -> str:
    """Go's ``strings.ToLower``: one character for one."""
    return text.lower() if text.isascii() else "".join(map(_lower, valid(text)))


def _upper(char: str) -> str:
    for mapped in (char.upper(), char.title()):
        if len(mapped) == 1:
            return mapped
    return char


def _lower(char: str) -> str:
    return char.lower()[0]


def title(text: str) -> str:
    """Every word with a capital at its first letter that has a case, and all its other letters small."""
    parts: list[str] = []
    inside = after_middle = False
    for position, char in enumerate(text):
        middle = char in _MIDDLE
        if after_middle and middle:
            inside = False
        after_middle = middle
        if _has_case(char):
            parts.append(_small(text, position) if inside else char.title())
            inside = True
        else:
            parts.append(char)
            if not middle and _parts_words(char):
                inside = False
    return "".join(parts)


def _has_case(char: str) -> bool:
    return char.islower() or char.isupper() or char.istitle()


def _small(text: str, position: int) -> str:
    """A letter inside a word; a sigma has a form of its own at the end of a word."""
    char = text[position]
    if char != _SIGMA:
        return char.lower()
    return f"a{text[position : position + 1 + _IGNORED_MAX]}".lower()[1]


def _parts_words(char: str) -> bool:
    """Whether a character without a case ends a word (Unicode's Word_Break, by what x/text has a class for)."""
    if _PARTING_LETTERS.match(char):
        return unicodedata.category(char)[0] != "M"
    return not (unicodedata.category(char) in _JOINING_CATEGORIES or _JOINING.match(char))
