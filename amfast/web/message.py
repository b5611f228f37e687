"""An HTTP request as the handlers see it, and the response they give."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote_to_bytes

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


@dataclass(slots=True)
class Request:
    """One whole request. Header names are in lower case, values as they came.

    The body may be a view of a buffer that is used again: it is valid until a handler that answers synchronously
    returns. Before an awaitable that a handler gave is run, the body is made bytes of its own.
    """

    method: str
    target: Target
    headers: list[tuple[bytes, bytes]]
    body: bytes | memoryview = b""
    keep_alive: bool = True
    is_http10: bool = False
    answers: dict[bool, Handler] = field(default_factory=dict)
    """Who answers requests that have this head, by whether they have a body: a place for the handler to remember
    what it found out from the head. Requests whose heads are the same may share it, and the headers."""

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


def _nothing() -> None:
    """Do nothing."""


@dataclass(slots=True)
class Response:
    """What goes back. ``on_sent`` is called once, when nothing of it is held in memory any more.

    A long answer is given as ``parts`` instead of a body: each is asked for when the one before has mostly gone out,
    should be there in a few milliseconds and have up to 256 KiB. If they have a ``close``, it is called when no more
    are wanted.
    """

    status: int
    body: bytes = b""
    headers: Headers = ()
    close: bool = False
    on_sent: Callable[[], None] = field(default=_nothing)
    parts: Iterator[bytes] | None = None
    seconds_left: float | None = None
    """How long the parts may take altogether; then the connection is cut. None for no limit."""
    sent_bytes: int = 0
    """How much of the parts was handed over to be sent."""

    @property
    def is_bare(self) -> bool:
        """Whether this is a status and headers and nothing else, and the connection goes on."""
        return not self.body and self.parts is None and not self.close and self.on_sent is _nothing

    def when_sent(self, call: Callable[[], None]) -> None:
        """Have ``call`` called too, after what is called already."""
        first = self.on_sent

        def both() -> None:
            first()
            call()

        self.on_sent = call if first is _nothing else both


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
