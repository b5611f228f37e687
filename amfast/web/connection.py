"""One HTTP/1.1 connection: bytes in, requests to the handler one after the other, responses out.

The parser is llhttp through ``httptools``. A request whose handler answers synchronously is answered from
within the call that brought its last byte; while an answer is awaited, or the peer does not read, nothing more is
read. Whatever a peer sends, memory and time are bounded: see the constants.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final, cast

import httptools

from amfast.model.clock import Clock
from amfast.web.message import Handler, Request, Response, parse_target, reason

if TYPE_CHECKING:
    from typing import TypeAlias

    Answering: TypeAlias = asyncio.Future[Response]

HEADER_BYTES_MAX: Final = 1 << 20
HEADER_COUNT_MAX: Final = 2_000
BODY_BYTES_MAX: Final = 32 << 20
BODIES_BYTES_MAX: Final = 256 << 20
"""Bodies held at one time by all connections of a server."""
HEADER_TIMEOUT_US: Final = 30_000_000
BODY_TIMEOUT_US: Final = 30_000_000
BODY_BYTES_PER_S: Final = 16_384
"""A body may take longer than its timeout as long as it came at this rate on average."""
IDLE_TIMEOUT_US: Final = 360_000_000
"""Longer than the five minutes that Prometheus keeps an idle connection, so that it closes first."""
WRITE_TIMEOUT_US: Final = 60_000_000
LINGER_US: Final = 5_000_000

_FRAMING_RATIO: Final = 16
"""Bytes of chunk framing tolerated for each byte of body."""
_JOIN_BYTES_MAX: Final = 65_536
_BIG_BODY: Final = Response(413, b"413 Request Entity Too Large", close=True)
_PLAIN: Final = (("Content-Type", "text/plain; charset=utf-8"),)
_ONE_LINE: Final = {ord("\r"): " ", ord("\n"): " "}
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Shared:
    """What the connections of one server have in common."""

    def __init__(self, handler: Handler, clock: Clock, log: logging.Logger) -> None:
        self.handler = handler
        self.clock = clock
        self.log = log
        self.connections: set[Connection] = set()
        self.bodies_bytes = 0
        self.draining = False
        self._date_s = -1
        self._date = b""

    def date(self) -> bytes:
        """The ``Date`` header's line (RFC 9110, section 5.6.7), built once a second."""
        now_s = self.clock.now_ns() // 1_000_000_000
        if now_s != self._date_s:
            self._date_s = now_s
            self._date = b"Date: " + _http_date(now_s) + b"\r\n"
        return self._date


def _http_date(now_s: int) -> bytes:
    from email.utils import formatdate  # noqa: PLC0415 - once a second at most, and not at start-up

    return formatdate(now_s, usegmt=True).encode()


def refusal(status: int, detail: str = "") -> Response:
    """The answer to bytes that never became a request; the connection ends with it."""
    text = f"{status} {reason(status)}{': ' if detail else ''}{detail}"
    return Response(status, text.encode(), _PLAIN, close=True)


class Connection(asyncio.Protocol):
    """The protocol object of one accepted socket."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request | Response] = deque()
        self._answering: Answering | None = None
        self._sending: Response | None = None
        self._write_paused = False
        self._reading = True
        self._deaf = False
        self._refused = False
        self._ending = False
        self._since_us = shared.clock.monotonic_us()
        self._unsent_bytes = 0
        self._held_bytes = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: bytes | bytearray = b""
        self._url = b""
        self._method = ""
        self._body_framing = b""
        """How the body after an offer to upgrade is framed, as header lines; empty for every other request."""
        self._begin_message()
        self._in_message = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._shared.connections.add(self)
        if self._shared.draining:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._shared.connections.discard(self)
        self._release(self._held_bytes)
        self._deaf = self._ending = True
        self._waiting.clear()
        self._sent()
        if self._answering is not None:
            self._answering.cancel()
        del self._parser  # it refers back to us

    def eof_received(self) -> bool:
        """Keep the socket open for an answer under way: a client may close its half after asking."""
        self._deaf = True
        has_tls = self._transport.get_extra_info("sslcontext") is not None
        if self._answering is None and not self._waiting:
            return False
        self._ending = True
        return not has_tls

    def pause_writing(self) -> None:
        self._write_paused = True
        self._since_us = self._shared.clock.monotonic_us()
        self._unsent_bytes = self._transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        self._write_paused = False
        self._since_us = self._shared.clock.monotonic_us()
        self._sent()
        self._advance()

    def data_received(self, data: bytes) -> None:
        while data and not self._deaf:
            self._raw_bytes += len(data)
            rest = b""
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                rest = data[upgrade.args[0] :]
                self._pass_over_upgrade()
            except httptools.HttpParserCallbackError:
                self._shared.log.exception("a request could not be taken in")
                self._refuse(refusal(500))
            except httptools.HttpParserError:
                self._refuse(refusal(400))
            if self._raw_bytes > HEADER_BYTES_MAX + len(data) + _FRAMING_RATIO * self._body_bytes:
                self._refuse(refusal(431 if not self._body_bytes else 400))
            data = rest
        self._tune_reading()

    def _pass_over_upgrade(self) -> None:
        """Nothing is upgraded here: read on as HTTP/1.1 with a new parser.

        The old one stopped before the body, if there is one, so the new one is told how that is framed.
        """
        self._parser = httptools.HttpRequestParser(self)
        if self._body_framing and not self._deaf:
            self._replaying = True
            self._parser.feed_data(b"POST / HTTP/1.1\r\n" + self._body_framing + b"\r\n")
            self._replaying = False

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._deaf or self._replaying:
            return
        self._begin_message()
        self._since_us = self._shared.clock.monotonic_us()

    def on_url(self, url: bytes) -> None:
        if not self._replaying:
            self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._headers_done or self._deaf or self._replaying:
            return  # a trailer, or nothing counts any more
        if len(self._headers) >= HEADER_COUNT_MAX:
            self._refuse(refusal(431))
            return
        self._headers.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        if self._deaf or self._replaying:
            return
        self._headers_done = True
        self._method = self._parser.get_method().decode("ascii")
        self._keep_alive = self._parser.should_keep_alive() and self._method != "CONNECT"
        version = self._parser.get_http_version()
        headers = self._headers
        self._is_http10 = version == "1.0"
        hosts = sum(1 for name, _ in headers if name == b"host")
        if version not in ("1.1", "1.0"):
            self._refuse(refusal(505, "unsupported protocol version"))
        elif hosts == 0 and version == "1.1":
            self._refuse(refusal(400, "missing required Host header"))
        elif hosts > 1:
            self._refuse(refusal(400))
        if self._parser.should_upgrade() and self._method != "CONNECT":
            framing = [header for header in headers if header[0] in (b"content-length", b"transfer-encoding")]
            self._body_framing = b"".join(b"%b: %b\r\n" % header for header in framing)
        for name, value in headers:
            if name == b"expect" and not self._is_http10:
                self._expect(value)
            elif name == b"content-length" and len(value) < 20 and int(value) > BODY_BYTES_MAX:  # noqa: PLR2004
                self._refuse(_BIG_BODY)

    def on_body(self, body: bytes) -> None:
        if self._deaf:
            return
        self._body_bytes += len(body)
        self._held_bytes += len(body)
        self._shared.bodies_bytes += len(body)
        if self._body_bytes > BODY_BYTES_MAX:
            self._refuse(_BIG_BODY)
        elif self._shared.bodies_bytes > BODIES_BYTES_MAX:
            self._refuse(refusal(503))
        elif self._body_bytes == len(body):
            self._body = body
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body

    def on_message_complete(self) -> None:
        if self._deaf or (self._body_framing and self._parser.should_upgrade()):
            return
        self._in_message = False
        self._raw_bytes = self._body_bytes = 0
        target = parse_target(self._url)
        if target is None and self._method == "CONNECT":
            target = parse_target(b"/" + self._url)
        if target is None:
            self._refuse(refusal(400))
            return
        body = bytes(self._body)
        request = Request(self._method, target, self._headers, body, self._keep_alive, self._is_http10)
        self._deaf = not self._keep_alive
        self._take(request)

    # From request to response

    def _begin_message(self) -> None:
        self._in_message = True
        self._headers_done = False
        self._is_http10 = False
        self._keep_alive = True
        self._method = ""
        self._body_framing = b""
        self._replaying = False
        self._url = b""
        self._headers = []
        self._body = b""
        self._body_bytes = 0
        self._raw_bytes = 0
        self._owes_continue = False

    def _expect(self, value: bytes) -> None:
        if value.lower() != b"100-continue":
            self._refuse(Response(417, close=True))
        elif self._is_idle:
            self._transport.write(_CONTINUE)
        else:
            self._owes_continue = True

    def _refuse(self, response: Response) -> None:
        """Answer in turn with an error, hear nothing more, and end."""
        if not self._deaf:
            self._deaf = self._refused = True
            self._in_message = False
            self._body = b""
            self._release(self._body_bytes)
            self._take(response)

    @property
    def _is_idle(self) -> bool:
        return self._answering is None and not self._write_paused and not self._waiting

    def _take(self, item: Request | Response) -> None:
        if self._is_idle:
            self._handle(item)
        else:
            self._waiting.append(item)

    def _handle(self, item: Request | Response) -> None:
        if isinstance(item, Response):
            self._write(None, item)
            return
        try:
            result = self._shared.handler(item)
        except Exception:
            self._shared.log.exception("%s %s failed", item.method, item.target.raw_path)
            result = refusal(500)
        if isinstance(result, Response):
            self._write(item, result)
            return
        self._answering = answering = asyncio.ensure_future(result)
        answering.add_done_callback(lambda done: self._answered(item, done))

    def _answered(self, request: Request, answering: Answering) -> None:
        self._answering = None
        if answering.cancelled():
            response = refusal(503)
        elif answering.exception() is not None:
            error = answering.exception()
            self._shared.log.error("%s %s failed", request.method, request.target.raw_path, exc_info=error)
            response = refusal(500)
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

    @property
    def _is_free(self) -> bool:
        return self._answering is None and not self._write_paused

    def _tune_reading(self) -> None:
        """Read on while little is owed to the peer, so that its going away is noticed even then."""
        owes_much = self._write_paused or self._waiting or (self._answering is not None and self._in_message)
        wants = self._ending or not owes_much
        if wants != self._reading and not self._transport.is_closing():
            self._reading = wants
            (self._transport.resume_reading if wants else self._transport.pause_reading)()

    def _write(self, request: Request | None, response: Response) -> None:
        if request is not None:
            self._release(len(request.body))
        self._sending = response
        if self._transport.is_closing():
            self._sent()
            return
        keep = request is not None and request.keep_alive and not response.close
        keep = keep and not self._shared.draining and not self._ending
        body = b"" if request is not None and request.method == "HEAD" else response.body
        head = self._head(request, response, keep)
        if len(body) <= _JOIN_BYTES_MAX:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        if not self._write_paused:
            self._sent()
        if not self._in_message:
            self._since_us = self._shared.clock.monotonic_us()
        if not keep:
            self._end()

    def _head(self, request: Request | None, response: Response, keep: bool) -> bytes:
        is_http10 = request is not None and request.is_http10
        lines = [f"HTTP/1.{0 if is_http10 else 1} {response.status} {reason(response.status)}\r\n"]
        lines += [f"{name}: {value.translate(_ONE_LINE)}\r\n" for name, value in response.headers]
        if response.status != 204 and (request is None or request.method != "HEAD"):  # noqa: PLR2004
            lines.append(f"Content-Length: {len(response.body)}\r\n")
        if not keep:
            lines.append("Connection: close\r\n")
        elif is_http10:
            lines.append("Connection: keep-alive\r\n")
        return "".join(lines).encode("latin-1", "replace") + self._shared.date() + b"\r\n"

    def _release(self, body_bytes: int) -> None:
        self._held_bytes -= body_bytes
        self._shared.bodies_bytes -= body_bytes

    def _sent(self) -> None:
        """Nothing of the last response is waiting here any more."""
        if self._sending is not None:
            sending, self._sending = self._sending, None
            sending.on_sent()

    # The end

    def _end(self) -> None:
        """Send what is left, then close.

        A peer that still sends is heard out for a moment: a reset would take the answer away from it.
        """
        self._since_us = self._shared.clock.monotonic_us()
        self._deaf = self._ending = True
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
        self._transport.abort()

    def check(self, now_us: int) -> None:
        """Look whether the peer took too long over what it is doing; called every few seconds."""
        waited_us = now_us - self._since_us
        unsent_bytes = self._transport.get_write_buffer_size()
        if self._write_paused or (self._ending and unsent_bytes):
            if unsent_bytes != self._unsent_bytes:
                self._unsent_bytes = unsent_bytes
                self._since_us = now_us
            elif waited_us > WRITE_TIMEOUT_US:
                self._transport.abort()
        elif self._ending and self._answering is None:
            if waited_us > LINGER_US:
                self._transport.abort()
        elif self._answering is None and not self._waiting:
            self._check_peer(waited_us)

    def _check_peer(self, waited_us: int) -> None:
        if not self._in_message:
            if waited_us > IDLE_TIMEOUT_US:
                self._end()
            return
        allowed_us = HEADER_TIMEOUT_US
        if self._headers_done:
            allowed_us = BODY_TIMEOUT_US + self._body_bytes * 1_000_000 // BODY_BYTES_PER_S
        if waited_us > allowed_us:
            self._refuse(refusal(408))
