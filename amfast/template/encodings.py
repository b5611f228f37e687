"""Base64 and percent-encoding, with Go's errors (encoding/base64, net/url)."""

from __future__ import annotations

import base64
import re
from typing import Final

from .quoting import bytes_of, quote, text_of
from .values import FunctionError

_BLANKS: Final = b"\r\n"
_WHOLE: Final = re.compile(rb"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?")
_ALPHABET: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_PAD: Final = ord("=")
_PERCENT: Final = re.compile(rb"\+|%(?:([0-9a-fA-F]{2})|(.{0,2}))", re.DOTALL)


def base64_encode(text: str) -> str:
    """The alphabet for URLs, padded."""
    return base64.urlsafe_b64encode(bytes_of(text)).decode()


def base64_decode(text: str) -> str:
    """Raises FunctionError that names the first byte that is wrong; line ends are ignored."""
    data = bytes_of(text)
    digits = data.translate(None, _BLANKS)
    if _WHOLE.fullmatch(digits) is None:
        raise FunctionError(f"illegal base64 data at input byte {_first_wrong(data)}")
    return text_of(base64.urlsafe_b64decode(digits))


def _first_wrong(data: bytes) -> int:
    """Where Go's decoder stops."""
    in_quantum = 0
    for position, byte in enumerate(data):
        if byte in _BLANKS:
            continue
        if byte not in _ALPHABET:
            return position if byte != _PAD or in_quantum < 2 else _wrong_padding(data, position, in_quantum)  # noqa: PLR2004
        in_quantum = (in_quantum + 1) % 4
    return len(data) - in_quantum


def _wrong_padding(data: bytes, position: int, in_quantum: int) -> int:
    """What is wrong from the first ``=`` on, with two or three digits before it."""
    position = _next(data, position)
    if in_quantum == 2:  # noqa: PLR2004 - one more is due
        if position == len(data):
            return position
        if data[position] != _PAD:
            return position - 1
        position = _next(data, position)
    return position


def _next(data: bytes, position: int) -> int:
    position += 1
    while position < len(data) and data[position] in _BLANKS:
        position += 1
    return position


def query_unescape(text: str) -> str:
    """``%41`` and ``+`` of a query as what they stand for. Raises FunctionError that shows a wrong escape."""
    return text_of(_PERCENT.sub(_byte, bytes_of(text)))


def _byte(found: re.Match[bytes]) -> bytes:
    if found[0] == b"+":
        return b" "
    if found[1] is None:
        raise FunctionError(f"invalid URL escape {quote(text_of(found[0]))}")
    return bytes.fromhex(found[1].decode())
