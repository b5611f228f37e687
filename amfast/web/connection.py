"""One HTTP/1.1 connection: requests to the handler one after the other, responses out.

A request whose handler answers synchronously is answered from within the call that brought its last byte; while an
answer is awaited or sent in parts, or the peer does not read, nothing more is read. Whatever a peer sends, memory and
time are bounded: see the constants in :mod:`amfast.web.shared`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Iterator
from typing import TYPE_CHECKING, Final, cast

from amfast.web import shared as bounds
from amfast.web.answer_heads import NO_CONTENT
from amfast.web.message import Request, Response
from amfast.web.reading import Reading
from amfast.web.sending import Stream, close_parts, cut
from amfast.web.shared import Shared, refusal

if TYPE_CHECKING:
    from typing import TypeAlias

    Answering: TypeAlias = asyncio.Future[Response]

_JOIN_BYTES_MAX: Final = 65_536
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(Reading):
    """The protocol object of one accepted socket."""

    __slots__ = ("_reading", "_refused", "_sending", "_unsent_bytes")

    _transport: asyncio.Transport
    _waiting: deque[Request | Response]
    _answering: Answering | None
    _stream: Stream | None

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared, deque())
        self._sending: Response | None = None
        self._reading = True
        self._refused = False
        self._unsent_bytes = 0

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._shared.connections.add(self)
        sock = transport.get_extra_info("socket")
        if sock is not None and transport.get_extra_info("sslcontext") is None:
            self._socket = sock.fileno()
        if self._shared.draining:
            self._end()

    def _filled(self) -> None:
        if self._reading and not self._transport.is_closing():
            # The event loop would go on with this one for tens of pads, which are thousands of
            # requests, before it comes to another connection.
            self._reading = False
            self._transport.pause_reading()
            self._shared.clock.call_later(0, self._tune_reading)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._shared.connections.discard(self)
        self._socket = -1
        self._release(self._held_bytes)
        self._stop_landing()
        self._deaf = self._ending = True
        self._waiting.clear()
        self._stop_stream()
        self._sent()
        if self._answering is not None:
            # What was cancelled before its first step would never give back the place it has taken.
            asyncio.get_running_loop().call_soon(self._answering.cancel)
        del self._parser  # it refers back to us

    def eof_received(self) -> bool:
        """Keep the socket open for an answer under way: a client may close its half after asking."""
        self._deaf = True
        has_tls = self._transport.get_extra_info("sslcontext") is not None
        if self._answering is None and self._stream is None and not self._waiting:
            return False
        self._ending = True
        return not has_tls

    def pause_writing(self) -> None:
        self._write_paused = True
        self._since_us = self._shared.clock.monotonic_us()
        self._unsent_bytes = self._transport.get_write_buffer_size()
        if self._stream is not None:
            self._stream.pause()

    def resume_writing(self) -> None:
        self._write_paused = False
        self._since_us = self._shared.clock.monotonic_us()
        if self._stream is not None:
            self._stream.resume()
            return
        self._sent()
        self._advance()

    # From request to response

    def _queue(self, request: Request, size: int) -> None:
        if self._hold(size):
            self._body_bytes = 0
            self._take(request)

    def _answer(self, request: Request, size: int, result: Response | Awaitable[Response]) -> None:
        self._hold(size)
        self._body_bytes = 0
        self._give(request, result)

    def _owe_continue(self) -> None:
        if self._is_idle:
            self._transport.write(_CONTINUE)
        else:
            self._owes_continue = True

    def _refuse(self, response: Response) -> None:
        if not self._deaf:
            self._deaf = self._refused = True
            self._in_message = False
            self._body = b""
            self._stop_landing()
            self._release(self._body_bytes)
            self._body_bytes = 0
            self._take(response)

    @property
    def _is_free(self) -> bool:
        return self._answering is None and self._stream is None and not self._write_paused

    @property
    def _is_idle(self) -> bool:
        return self._is_free and not self._waiting

    def _take(self, item: Request | Response) -> None:
        if self._is_idle:
            self._handle(item)
        else:
            if isinstance(item, Request):
                item.body = bytes(item.body)
            self._waiting.append(item)

    def _handle(self, item: Request | Response) -> None:
        if isinstance(item, Response):
            self._write(None, item)
            return
        try:
            result = self._shared.handler(item)
        except Exception as error:  # noqa: BLE001 - it is told
            result = self._failed(item, error)
        self._give(item, result)

    def _failed(self, request: Request, error: BaseException) -> Response:
        self._shared.log.error("%s %s failed", request.method, request.target.raw_path, exc_info=error)
        return refusal(500)

    def _give(self, request: Request, result: Response | Awaitable[Response]) -> None:
        if isinstance(result, Response):
            self._write(request, result)
            return
        request.body = bytes(request.body)
        self._answering = answering = asyncio.ensure_future(result)
        answering.add_done_callback(lambda done: self._answered(request, done))

    def _answered(self, request: Request, answering: Answering) -> None:
        self._answering = None
        if answering.cancelled():
            response = refusal(503)
        elif (error := answering.exception()) is not None:
            response = self._failed(request, error)
        else:
            response = answering.result()
        self._write(request, response)
        self._advance()

    def _advance(self) -> None:
        while self._waiting and self._is_free:
            self._handle(self._waiting.popleft())
        if self._is_idle and self._owes_continue:
            self._owes_continue = False
            self._transport.write(_CONTINUE)
        self._tune_reading()

    def _tune_reading(self) -> None:
        """Read on while little is owed to the peer, so that its going away is noticed even then."""
        is_busy = self._answering is not None or self._stream is not None
        owes_much = self._write_paused or self._waiting or (is_busy and self._in_message)
        wants = self._ending or not owes_much
        if wants != self._reading and not self._transport.is_closing():
            self._reading = wants
            (self._transport.resume_reading if wants else self._transport.pause_reading)()

    def _write(self, request: Request | None, response: Response) -> None:
        if request is not None:
            self._release(len(request.body))
        self._sending = response
        if self._transport.is_closing():
            if response.parts is not None:
                close_parts(response.parts)
            self._sent()
            return
        keep = request is not None and request.keep_alive and not response.close
        keep = keep and not self._shared.draining and not self._ending
        if response.parts is not None:
            self._write_parts(request, response, response.parts, keep=keep)
            return
        is_http10 = request is not None and request.is_http10
        has_body = request is None or request.method != "HEAD"
        framing = _connection_line(keep=keep, is_http10=is_http10)
        if has_body and response.status != NO_CONTENT:
            framing = f"Content-Length: {len(response.body)}\r\n{framing}"
        head = self._shared.answer_heads.head(response.status, response.headers, framing, is_http10=is_http10)
        if not has_body or not response.body:
            self._transport.write(head)
        elif len(response.body) <= _JOIN_BYTES_MAX:
            self._transport.write(head + response.body)
        else:
            self._transport.writelines((head, response.body))
        self._written(keep=keep)

    def _written(self, *, keep: bool) -> None:
        """All of an answer is handed over to the transport."""
        if not self._write_paused:
            self._sent()
        if not self._in_message:
            self._since_us = self._shared.clock.monotonic_us()
        if not keep:
            self._end()

    def _write_parts(
        self, request: Request | None, response: Response, parts: Iterator[bytes], *, keep: bool
    ) -> None:
        is_http10 = request is not None and request.is_http10
        keep = keep and not is_http10  # there the end of the answer is the end of the connection
        framing = _connection_line(keep=keep, is_http10=is_http10)
        if not is_http10:
            framing = f"Transfer-Encoding: chunked\r\n{framing}"
        head = self._shared.answer_heads.head(response.status, response.headers, framing, is_http10=is_http10)
        if request is not None and request.method == "HEAD":
            close_parts(parts)
            self._transport.write(head)
            self._written(keep=keep)
            return
        name = "" if request is None else f"{request.method} {request.target.raw_path}"

        def done() -> None:
            self._stream = None
            self._written(keep=keep and not self._shared.draining and not self._ending)
            self._advance()

        def broken(error: Exception) -> None:
            self._shared.log.error("%s failed while its answer was sent", name, exc_info=error)
            cut(self._transport)

        self._stream = stream = Stream(
            response, parts, self._transport, is_chunked=not is_http10, done=done, broken=broken
        )
        try:
            stream.start(head, self._shared.clock)
        except Exception:
            self._shared.log.exception("%s failed", name)
            self._stop_stream()
            self._sent()
            self._write(None, refusal(500))

    def _stop_stream(self) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            try:
                stream.close()
            except Exception:
                self._shared.log.exception("the parts of an answer could not be closed")

    def _sent(self) -> None:
        """Nothing of the last response is waiting here any more."""
        if self._sending is not None:
            sending, self._sending = self._sending, None
            if sending.on_sent is not None:
                sending.on_sent()

    # The end

    def _end(self) -> None:
        """Send what is left, then close.

        A peer that still sends is heard out for a moment: a reset would take the answer away from it.
        """
        self._since_us = self._shared.clock.monotonic_us()
        self._deaf = self._ending = True
        self._stop_landing()
        self._waiting.clear()
        if self._refused and self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()
            self._tune_reading()
        else:
            self._transport.close()

    def drain(self) -> None:
        """Close when the request under way is answered, at once without one."""
        if self._is_idle and not self._in_message and not self._ending:
            self._end()

    def abort(self) -> None:
        cut(self._transport)

    def check(self, now_us: int) -> None:
        """Look whether the peer took too long over what it is doing; called every few seconds."""
        if self._was_heard:
            self._was_heard = False
            self._since_us = now_us
        waited_us = now_us - self._since_us
        unsent_bytes = self._transport.get_write_buffer_size()
        if self._write_paused or (self._ending and unsent_bytes):
            if unsent_bytes != self._unsent_bytes:
                self._unsent_bytes = unsent_bytes
                self._since_us = now_us
            elif waited_us > bounds.WRITE_TIMEOUT_US:
                cut(self._transport)
        elif self._answering is not None or self._stream is not None:
            return
        elif self._ending:
            if waited_us > bounds.LINGER_US:
                self._transport.abort()
        elif not self._waiting:
            self._check_peer(waited_us)

    def _check_peer(self, waited_us: int) -> None:
        if not self._in_message:
            if waited_us > bounds.IDLE_TIMEOUT_US:
                self._end()
            return
        allowed_us = bounds.HEADER_TIMEOUT_US
        if self._headers_done:
            allowed_us = bounds.BODY_TIMEOUT_US + self._body_bytes * 1_000_000 // bounds.BODY_BYTES_PER_S
        if waited_us > allowed_us:
            self._refuse(refusal(408))


def _connection_line(*, keep: bool, is_http10: bool) -> str:
    if not keep:
        return "Connection: close\r\n"
    return "Connection: keep-alive\r\n" if is_http10 else ""
