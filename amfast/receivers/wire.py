"""One connection to a server, kept open and asked one thing at a time (HTTP/1.1, RFC 9112)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

import httptools

from amfast.receivers import answers
from amfast.receivers.answers import BODY_BYTES_MAX, HEADER_BYTES_MAX, HEADERS_MAX, Answer
from amfast.receivers.errors import HttpError

_FINAL: Final = 200
"""Statuses below announce another answer."""
_BYTES_MAX: Final = HEADER_BYTES_MAX + 2 * BODY_BYTES_MAX
"""Of an answer, with all that is neither header nor body: announcements, the sizes of chunks, trailers."""
_NOT_HTTP: Final = "the answer is not valid HTTP"


class Wire(asyncio.Protocol):
    """``on_free`` is called when the connection can be asked again; an answer never is an exception of another kind.

    When the head of an answer has come, its body is read for as long and as far as the bounds allow; a connection with
    more to say is closed. So is one that says more than the one answer it was asked for.
    """

    def __init__(self, on_free: Callable[[Wire], None]) -> None:
        self.is_closed = False
        self._on_free = on_free
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Answer] | None = None
        self._headers: dict[str, str] = {}
        self._bytes = 0
        """That came since the request."""
        self._has_head = False
        self._status = 0
        self._body = b""
        self._timer: asyncio.TimerHandle | None = None

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        """Send a request. The answer may be an HttpError. Only when open and nothing is asked."""
        self._answer = answer = asyncio.get_running_loop().create_future()
        self._headers, self._bytes, self._has_head, self._body = {}, 0, False, b""
        if self._transport is None:
            self._fail(HttpError("the server closed the connection"))
        else:
            self._transport.write(request)
        return answer

    def close(self) -> None:
        """Give up whatever is under way."""
        self.is_closed = True
        if self._transport is not None:
            self._transport.abort()

    def _succeed(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(Answer(self._status, self._body, self._headers))

    def _fail(self, error: HttpError) -> None:
        self.close()
        if self._has_head:  # the verdict stands in the status
            self._succeed()
            return
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)

    def _cut_body(self) -> None:
        self.close()
        self._succeed()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self.is_closed:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        why = "" if exc is None else f" ({type(exc).__name__})"
        self._fail(HttpError(f"the server closed the connection{why}"))

    def data_received(self, data: bytes) -> None:
        if self._answer is None:  # nothing was asked
            self.close()
            return
        self._bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            # Somebody has read the request and answered it: another try at once would only say it twice.
            self._fail(HttpError(_NOT_HTTP, retry=False))
            return
        self._watch()

    def _watch(self) -> None:
        """Bound what is under way."""
        if self._answer is None:
            return
        if self._has_head and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(answers.BODY_WAIT_S, self._cut_body)
        if self._bytes > (_BYTES_MAX if self._has_head else HEADER_BYTES_MAX):
            self._fail(HttpError(_NOT_HTTP, retry=False))

    def eof_received(self) -> bool:
        """The end of the stream ends an answer that does not say how long it is."""
        if self._answer is None:
            self.close()
        return False

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._answer is None:  # or the next request would get an answer that was given before it
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._has_head:  # a trailer
            return
        if len(self._headers) > HEADERS_MAX:
            raise httptools.HttpParserError
        self._headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        self._has_head = self._status >= _FINAL

    def on_body(self, data: bytes) -> None:
        room = BODY_BYTES_MAX - len(self._body)
        self._body += data[:room]
        if len(data) >= room and self._answer is not None:
            self._cut_body()

    def on_message_complete(self) -> None:
        if not self._has_head:
            self._headers = {}
            return
        if self._answer is None:
            return
        transport = self._transport
        # Answered before all was sent: the rest of the request must not become the next one.
        can_go_on = transport is not None and not self.is_closed and transport.get_write_buffer_size() == 0
        if can_go_on and self._parser.should_keep_alive():
            self._succeed()
            self._on_free(self)
        else:
            self.close()
            self._succeed()
