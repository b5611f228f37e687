"""Character references in attribute values, read as Go's html.UnescapeString reads them."""

from __future__ import annotations

import re
from html.entities import html5
from typing import Final

_REFERENCE: Final = re.compile("&(?:#[xX]([0-9a-fA-F]*);?|#([0-9]+);?|([a-zA-Z0-9]+;?))")
_NUMBER_LENGTH_MIN: Final = 4
"""Go takes no shorter one for a number, semicolon included."""
_BARE_NAME_MAX: Final = 6
"""The longest name that needs no semicolon."""
_INT32: Final = 1 << 32
_REPLACEMENT: Final = 0xFFFD
_OLD_WINDOWS: Final = range(0x80, 0xA0)
_SURROGATES: Final = range(0xD800, 0xE000)
_CODE_MAX: Final = 0x10FFFF


def unescaped(value: str) -> str:
    """``value`` with its character references replaced by what they mean."""
    return _REFERENCE.sub(_meaning, value) if "&" in value else value


def _meaning(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    if name is not None:
        return _named(name)
    if len(found[0]) < _NUMBER_LENGTH_MIN:
        return found[0]
    base, digits = (10, decimal) if hexadecimal is None else (16, hexadecimal)
    code = 0
    for digit in digits:
        code = (code * base + int(digit, 16)) % _INT32
    if code in _OLD_WINDOWS:
        return bytes([code]).decode("cp1252", "replace").replace("\ufffd", chr(code))
    return chr(_REPLACEMENT if code == 0 or code in _SURROGATES or code > _CODE_MAX else code)


def _named(name: str) -> str:
    if name in html5:
        return html5[name]
    for length in range(min(len(name) - 1, _BARE_NAME_MAX), 1, -1):
        if name[:length] in html5:
            return html5[name[:length]] + name[length:]
    return "&" + name
