"""URLs: how far a template has come in one, and what is printed into it (Go's html/template, url.go)."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from typing import Final

from amfast.template.content import SRCSET, URL
from amfast.template.quoting import bytes_of
from amfast.template.values import Value

from .context import Context, UrlPart
from .printed import FAILSAFE, printed

_QUERY: Final = re.compile("[#?]")
_NOT_SPACE: Final = re.compile("[^ \t\n\f\r]")
_SCHEMES: Final = frozenset({"http", "https", "mailto"})

_UNRESERVED: Final = frozenset((string.ascii_letters + string.digits + "-._~").encode())
_RESERVED: Final = frozenset(b"!#$&*+,/:;=?@[]")
_ESCAPED: Final = [chr(byte) if byte in _UNRESERVED else f"%{byte:02x}" for byte in range(256)]
_NORMAL: Final = [chr(byte) if byte in _RESERVED else text for byte, text in enumerate(_ESCAPED)]
_NORMAL_ALREADY: Final = re.compile(r"(?:[-._~!#$&*+,/:;=?@\[\]A-Za-z0-9]|%[0-9a-fA-F]{2})*+")
_PERCENT: Final = re.compile(rb"(%[0-9a-fA-F]{2})")

_SOURCE: Final = re.compile(r"([\t\n\f\r ]*+)([^\t\n\f\r ]*+)([\t\n\f\r 0-9a-zA-Z]*+)")
"""Of a ``srcset``: space, a URL, and what is said about it."""


def part_of_url(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """Text of a URL."""
    return after(context, source, start, end), end


def after(context: Context, source: str, start: int, end: int) -> Context:
    """The context with the part of the URL that the span leads to."""
    if _QUERY.search(source, start, end):
        return replace(context, url=UrlPart.QUERY)
    if context.url is UrlPart.NONE and _NOT_SPACE.search(source, start, end):
        return replace(context, url=UrlPart.BEFORE_QUERY)
    return context


def is_safe(url: str) -> bool:
    """Whether the URL has no scheme, or one that runs nothing."""
    scheme, colon, _ = url.partition(":")
    return not colon or "/" in scheme or scheme.casefold() in _SCHEMES


def filtered(*values: Value) -> str:
    """A URL from its start, unless its scheme may run something."""
    text, content = printed(values)
    return text if content is URL or is_safe(text) else "#" + FAILSAFE


def escaped(*values: Value) -> str:
    """A part of a query, percent-encoded; a vouched-for URL is normalised only."""
    text, content = printed(values)
    return normal(text) if content is URL else "".join(map(_ESCAPED.__getitem__, bytes_of(text)))


def normalized(*values: Value) -> str:
    """A URL whose structure stays what it is."""
    return normal(printed(values)[0])


def normal(url: str) -> str:
    """``url`` with everything percent-encoded that is neither allowed in a URL nor an encoded byte."""
    if _NORMAL_ALREADY.fullmatch(url):
        return url
    pieces = _PERCENT.split(bytes_of(url))
    return "".join(
        piece.decode() if number % 2 else "".join(map(_NORMAL.__getitem__, piece))
        for number, piece in enumerate(pieces)
    )


def srcset(*values: Value) -> str:
    """Sources with their sizes, each replaced if its URL is unsafe."""
    text, content = printed(values)
    if content is SRCSET:
        return text
    if content is URL:
        return normal(text).replace(",", "%2c")
    return ",".join(map(_safe_source, text.split(",")))


def _safe_source(source: str) -> str:
    found = _SOURCE.fullmatch(source)
    if found is None or not is_safe(found[2]):
        return "#" + FAILSAFE
    return found[1] + normal(found[2]) + found[3]
