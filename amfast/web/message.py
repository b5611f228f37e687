"""An HTTP request as the handlers see it, and the response they give."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote_to_bytes

from amfast._ext.exchange import RequestFields, ResponseFields

Headers: TypeAlias = Sequence[tuple[str, str]]

TEXT_HEADERS: Headers = (("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))
"""What a plain text error carries besides its text."""

_REASONS = {int(status): status.phrase for status in HTTPStatus} | {
    413: "Request Entity Too Large",
    422: "Unprocessable Entity",
}


def reason(status: int) -> str:
    """The phrase of a status line (RFC 9110, section 15)."""
    return _REASONS.get(status, "Unknown")


class Target(NamedTuple):
    """A request target taken apart: the path as sent, the path unescaped, the query without its ``?``."""

    raw_path: str
    path: str
    query: str


class Request(RequestFields):
    """One whole request: see :class:`amfast._ext.exchange.RequestFields`."""

    __slots__ = ()

    target: Target
    answers: dict[bool, Handler]

    @property
    def path(self) -> str:
        return self.target.path

    def header(self, name: bytes) -> str | None:
        """The first value of a header, ``name`` in lower case."""
        for header, value in self.headers:
            if header == name:
                return value.decode("latin-1")
        return None

    def header_values(self, name: bytes) -> list[str]:
        return [value.decode("latin-1") for header, value in self.headers if header == name]


class Response(ResponseFields):
    """What goes back: see :class:`amfast._ext.exchange.ResponseFields`."""

    __slots__ = ()

    def when_sent(self, call: Callable[[], None]) -> None:
        """Have ``call`` called too, after what is called already."""
        first = self.on_sent

        def both() -> None:
            if first is not None:
                first()
            call()

        self.on_sent = call if first is None else both


Handler: TypeAlias = Callable[[Request], Response | Awaitable[Response]]
"""A plain result is written at once; an awaitable is run as a task while the connection waits."""


def text_error(status: int, text: str) -> Response:
    """A plain text error as the handlers outside version 2 give it, one newline added."""
    return Response(status, f"{text}\n".encode(), TEXT_HEADERS)


def parse_target(raw: bytes) -> Target | None:
    """Take a request target apart (RFC 9112, section 3.2); None if it is none or its escapes are wrong."""
    text = raw.decode("latin-1")
    if text[:7].lower() == "http://" or text[:8].lower() == "https://":
        _, _, rest = text.partition("://")
        slash = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
        text = rest[slash:] if rest[slash : slash + 1] == "/" else "/" + rest[slash:]
    raw_path, _, query = text.partition("?")
    if not raw_path.startswith("/") and raw_path != "*":
        return None
    if "%" not in raw_path and raw_path.isascii():
        return Target(raw_path, raw_path, query)
    if not _escapes_are_right(raw_path):
        return None
    path = unquote_to_bytes(raw_path.encode("latin-1")).decode("utf-8", "replace")
    return Target(raw_path, path, query)


def _escapes_are_right(text: str) -> bool:
    return all(
        len(part) >= 2 and all(digit in "0123456789abcdefABCDEF" for digit in part[:2])  # noqa: PLR2004
        for part in text.split("%")[1:]
    )
