"""Go's strings as bytes, and its quoted forms (the Go specification, "String literals"; package strconv)."""

from __future__ import annotations

import re
from typing import Final

REPLACEMENT: Final = "\ufffd"
"""What stands for anything that is no character."""
RUNE_MAX: Final = 0x10FFFF

_ESCAPED: Final = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
}  # fmt: skip
_MEANT: Final = {escape[1]: char for char, escape in _ESCAPED.items()} | {"\\": "\\"}
_NO_BACKQUOTE: Final = re.compile("[\0-\x08\n-\x1f`\x7f\ufeff\ud800-\udfff]")
_ASCII_END: Final = 0x80
_BMP_END: Final = 0x10000
_SURROGATES: Final = range(0xD800, 0xE000)
_STRAY_BYTES: Final = range(0xDC80, 0xDD00)

_PIECE: Final = re.compile(
    r"""(?P<plain>[^\\\n]) | \\(?:
        x(?P<byte>[0-9a-fA-F]{2}) | (?P<octal>[0-7]{3}) |
        u(?P<short>[0-9a-fA-F]{4}) | U(?P<long>[0-9a-fA-F]{8}) | (?P<letter>[abfnrtv\\'"])
    )""",
    re.VERBOSE,
)


def bytes_of(text: str) -> bytes:
    """The bytes of a Go string; a surrogate that stands for no byte becomes U+FFFD."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return "".join(char if _is_byte_or_rune(char) else REPLACEMENT for char in text).encode(
            "utf-8", "surrogateescape"
        )


def text_of(data: bytes) -> str:
    """The Go string of these bytes."""
    return data.decode("utf-8", "surrogateescape")


def whole(text: str) -> str:
    """``text`` with bytes joined to characters, as they may have come together when strings were put together."""
    return text if text.isascii() or _encodable(text) else text_of(bytes_of(text))


def valid(text: str) -> str:
    """``text`` with U+FFFD for every byte that is no UTF-8."""
    if text.isascii() or _encodable(text):
        return text
    return "".join(REPLACEMENT if ord(char) in _SURROGATES else char for char in whole(text))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_byte_or_rune(char: str) -> bool:
    return ord(char) not in _SURROGATES or ord(char) in _STRAY_BYTES


def is_printable(char: str) -> bool:
    """Go's ``unicode.IsPrint`` and strconv.IsPrint: letters, marks, numbers, punctuation, symbols, the space."""
    return char.isprintable()


def rune(code: int) -> str:
    """The character of a code point, U+FFFD if it is none."""
    return chr(code) if 0 <= code <= RUNE_MAX and code not in _SURROGATES else REPLACEMENT


def quote(text: str, mark: str = '"', *, ascii_only: bool = False) -> str:
    r"""Go's ``strconv.Quote``, or QuoteToASCII: what does not print is escaped, stray bytes as ``\xff``."""
    if text.isascii() and text.isprintable() and mark not in text and "\\" not in text:
        return mark + text + mark
    return mark + "".join(_quoted(char, mark, ascii_only=ascii_only) for char in text) + mark


def quote_rune(code: int, *, ascii_only: bool = False) -> str:
    """Go's ``strconv.QuoteRune``, or QuoteRuneToASCII: a character between single quotes."""
    return quote(rune(code), "'", ascii_only=ascii_only)


def _quoted(char: str, mark: str, *, ascii_only: bool) -> str:
    if char in (mark, "\\"):
        return "\\" + char
    if is_printable(char) and (char.isascii() or not ascii_only):
        return char
    if char in _ESCAPED:
        return _ESCAPED[char]
    code = ord(char)
    if code in _STRAY_BYTES:
        return f"\\x{code - 0xDC00:02x}"
    if code < _ASCII_END:
        return f"\\x{code:02x}"
    return f"\\u{ord(rune(code)):04x}" if code < _BMP_END else f"\\U{code:08x}"


def can_backquote(text: str) -> bool:
    """Go's ``strconv.CanBackquote``: whether a raw string on one line can hold ``text``."""
    return _NO_BACKQUOTE.search(text) is None


def unquote(quoted: str) -> str:
    """Go's ``strconv.Unquote`` of a constant between double quotes, backquotes or single ones. Raises ValueError."""
    mark, inner = quoted[:1], quoted[1:-1]
    if len(quoted) < len('""') or mark not in "\"`'" or quoted[-1] != mark:
        raise ValueError("invalid syntax")
    if mark == "`":
        if "`" in inner:
            raise ValueError("invalid syntax")
        return inner.replace("\r", "")
    pieces = _pieces(inner, mark)
    if mark == "'" and len(pieces) > 1:
        raise ValueError("invalid syntax")
    return whole("".join(pieces))


def unquote_rune(quoted: str) -> int:
    """The number that a character constant is, quotes included: ``'a'`` is 97. Raises ValueError."""
    if len(quoted) < len("'a'") or quoted[0] != "'" or quoted[-1] != "'":
        raise ValueError("invalid syntax")
    pieces = _pieces(quoted[1:-1], "'")
    if len(pieces) != 1:
        raise ValueError("invalid syntax")
    code = ord(pieces[0])
    return code - 0xDC00 if code in _STRAY_BYTES else code


def _pieces(inner: str, mark: str) -> list[str]:
    """The characters that are written between quotes; single bytes as stray ones."""
    pieces: list[str] = []
    position = 0
    while position < len(inner):
        found = _PIECE.match(inner, position)
        if found is None or found[0] == mark or (found["letter"] in ("'", '"') and found["letter"] != mark):
            raise ValueError("invalid syntax")
        pieces.append(_meant(found))
        position = found.end()
    return pieces


def _meant(found: re.Match[str]) -> str:
    if found["plain"]:
        return valid(found["plain"])
    if found["letter"]:
        return _MEANT.get(found["letter"], found["letter"])
    if found["byte"] or found["octal"]:
        code = int(found["byte"], 16) if found["byte"] else int(found["octal"], 8)
        if code > 0xFF:  # noqa: PLR2004 - a byte
            raise ValueError("invalid syntax")
        return text_of(bytes([code]))
    code = int(found["short"] or found["long"], 16)
    if code > RUNE_MAX or code in _SURROGATES:
        raise ValueError("invalid syntax")
    return chr(code)
