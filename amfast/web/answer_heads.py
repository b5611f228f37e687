"""The first bytes of an answer: status line and headers."""

from __future__ import annotations

from typing import Final

from amfast.model.clock import Clock
from amfast.web.message import Headers, reason

REMEMBERED_MAX: Final = 64
NO_CONTENT: Final = 204
_ONE_LINE: Final = {ord("\r"): " ", ord("\n"): " "}


class AnswerHeads:
    """Writes heads. The same head is written once a second, for all who send it: only its date would change."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now_s = -1
        self._date = b""
        self._written: dict[tuple[int, Headers, str, bool], bytes] = {}

    def head(self, status: int, headers: Headers, framing: str, *, is_http10: bool) -> bytes:
        """The head as it goes out; ``framing`` is the lines about where the body ends, and the connection."""
        now_s = self._clock.now_ns() // 1_000_000_000
        if now_s != self._now_s:
            self._now_s = now_s
            self._date = b"Date: " + _http_date(now_s) + b"\r\n\r\n"
            self._written.clear()
        key = (status, tuple(headers), framing, is_http10)
        written = self._written.get(key)
        if written is None:
            written = _written(status, headers, framing, is_http10=is_http10) + self._date
            if len(self._written) < REMEMBERED_MAX:
                self._written[key] = written
        return written

    def bare(self, status: int, headers: Headers) -> bytes:
        """The whole of an answer without a body to a request of HTTP/1.1, after which the connection goes on."""
        framing = "" if status == NO_CONTENT else "Content-Length: 0\r\n"
        return self.head(status, headers, framing, is_http10=False)


def _written(status: int, headers: Headers, framing: str, *, is_http10: bool) -> bytes:
    lines = [f"HTTP/1.{0 if is_http10 else 1} {status} {reason(status)}\r\n"]
    lines += [f"{name}: {value.translate(_ONE_LINE)}\r\n" for name, value in headers]
    return ("".join(lines) + framing).encode("latin-1", "replace")


def _http_date(now_s: int) -> bytes:
    """RFC 9110, section 5.6.7."""
    from email.utils import formatdate  # noqa: PLC0415 - once a second at most, and not at start-up

    return formatdate(now_s, usegmt=True).encode()
