"""What comes in on a connection: bytes in, whole requests and refusals out.

The parser is llhttp through ``httptools``. A head that it has parsed before is not parsed again: see
:mod:`amfast._ext.heads`. The body behind such a head lands where the handler looks at it, and is not copied.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, TypeAlias

import httptools

from amfast._ext.arrival import Arrival
from amfast.web import shared as bounds
from amfast.web.message import Handler, Request, Response, Target, parse_target
from amfast.web.shared import Shared, refusal

_FRAMING_RATIO: Final = 16
"""Bytes of chunk framing tolerated for each byte of body."""
_BIG_BODY: Final = Response(413, b"413 Request Entity Too Large", close=True)
_UNUSUAL: Final = frozenset((b"transfer-encoding", b"expect", b"upgrade", b"trailer"))
_UNUSUAL_METHODS: Final = frozenset(("HEAD", "CONNECT"))
_ROOM_BYTES_MIN: Final = 4096


Known: TypeAlias = tuple[str, Target, list[tuple[bytes, bytes]], dict[bool, Handler]]
"""What a remembered head means: method, target, headers, and who answers by whether there is a body."""


class Reading(Arrival, asyncio.BufferedProtocol):
    """The half of a connection that reads. The other half is called with every request and refusal."""

    __slots__ = (
        "_answers",
        "_body",
        "_body_bytes",
        "_body_framing",
        "_headers",
        "_headers_done",
        "_held_bytes",
        "_is_http10",
        "_is_usual",
        "_keep_alive",
        "_length_seen",
        "_method",
        "_owes_continue",
        "_parser",
        "_raw_bytes",
        "_replaying",
        "_shared",
        "_since_us",
        "_url",
    )

    def __init__(self, shared: Shared, waiting: deque[Request | Response]) -> None:
        super().__init__(shared, waiting)
        self._shared = shared
        self._parser = httptools.HttpRequestParser(self)
        self._since_us = shared.clock.monotonic_us()
        self._held_bytes = 0
        self._body_bytes = 0
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: bytes | bytearray = b""
        self._body_framing = b""
        """How the body after an offer to upgrade is framed, as header lines; empty for every other request."""
        self._begin_message()
        self._in_message = False

    # The other half

    def _take(self, item: Request | Response) -> None:
        """Deal with a request, or with the answer that refuses one; the body is the handler's only until then."""
        raise NotImplementedError

    def _refuse(self, response: Response) -> None:
        """Answer in turn with an error, hear nothing more, and end."""
        raise NotImplementedError

    def _owe_continue(self) -> None:
        """Say that the body may come."""
        raise NotImplementedError

    # Heads that are known

    def _begun(self, meaning: Known, start: int, end: int, whole: int) -> None:
        self._begin_message()
        self._since_us = self._shared.clock.monotonic_us()
        self._headers_done = True
        self._method = meaning[0]
        if whole - start > bounds.BODY_BYTES_MAX:
            self._refuse(_BIG_BODY)
            return
        if not self._hold(end - start):
            return
        pad = self._shared.pad
        lent = self._shared.lend_pad() if whole <= len(pad) else None
        if lent is not None:
            self._landing = Landing(meaning, lent, start, end, whole, is_lent=True)
        else:
            self._landing = Landing(meaning, pad[start:end], 0, end - start, whole - start, is_lent=False)

    def _landed(self, size: int) -> None:
        landing: Landing = self._landing
        landing.end += size
        if not self._hold(size) or landing.end < landing.whole:
            return
        self._landing = None
        self._in_message = False
        self._release(self._body_bytes)
        self._body_bytes = 0
        try:
            with memoryview(landing.data)[landing.start : landing.whole] as body:
                self._take_known(landing.known, body)
        finally:
            self._leave(landing)

    def _stop_landing(self) -> None:
        landing: Landing | None = self._landing
        if landing is not None:
            self._landing = None
            self._leave(landing)

    def _leave(self, landing: Landing) -> None:
        if landing.is_lent:
            self._shared.take_back(landing.data)

    def _learn(self, pad: bytearray, start: int, end: int) -> int:
        """Have the head at ``start`` parsed by itself and remember what it meant; where to go on.

        It is remembered only if llhttp found its end just where we did, and just the number that we saw in it.
        """
        heads = self._shared.heads
        pieces = heads.cut(pad, start, end)
        if pieces is None:
            return start
        before, digits, after = pieces
        head_end = start + len(before) + len(digits) + len(after)
        view = memoryview(pad)
        self._parse(view[start : head_end - 1])
        if self._deaf or not self._in_message or self._headers_done:
            return head_end - 1
        self._parse(view[head_end - 1 : head_end])
        if self._is_usual and self._length_seen == digits:
            target = parse_target(self._url)
            if target is not None:
                known: Known = (self._method, target, self._headers, self._answers)
                self._last_head = heads.learn(before, after, known)
        return head_end

    # Everything else

    def _unknown(self, pad: bytearray, start: int, end: int) -> int:
        if not self._in_message:
            learned_to = self._learn(pad, start, end)
            if learned_to > start:
                return learned_to
        self._parse(memoryview(pad)[start:end])
        return end

    def _parse(self, data: memoryview) -> None:
        while data and not self._deaf:
            self._raw_bytes += len(data)
            rest = data[:0]
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
            if self._raw_bytes > bounds.HEADER_BYTES_MAX + len(data) + _FRAMING_RATIO * self._body_bytes:
                self._refuse(refusal(431 if not self._body_bytes else 400))
            data = rest

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
        if len(self._headers) >= bounds.HEADER_COUNT_MAX:
            self._refuse(refusal(431))
            return
        header = (name.lower(), value.strip(b" \t"))
        if header[0] == b"content-length":
            self._length_seen = header[1]
        else:
            self._headers.append(header)

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
            framing = [header for header in headers if header[0] == b"transfer-encoding"]
            if self._length_seen:
                framing.append((b"content-length", self._length_seen))
            self._body_framing = b"".join(b"%b: %b\r\n" % header for header in framing)
        if len(self._length_seen) < 20 and int(self._length_seen or b"0") > bounds.BODY_BYTES_MAX:  # noqa: PLR2004
            self._refuse(_BIG_BODY)
        for name, value in headers:
            if name == b"expect" and not self._is_http10 and not self._deaf:
                self._expect(value)
        self._is_usual = (
            version == "1.1"
            and self._keep_alive
            and self._method not in _UNUSUAL_METHODS
            and not self._deaf
            and not self._parser.should_upgrade()
            and not any(name in _UNUSUAL for name, _ in headers)
        )

    def on_body(self, body: bytes) -> None:
        if self._deaf:
            return
        if not self._hold(len(body)):
            return
        if self._body_bytes == len(body):
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
        body = self._body if isinstance(self._body, bytes) else memoryview(self._body)
        request = Request(
            self._method, target, self._headers, body, self._keep_alive, self._is_http10, self._answers
        )
        self._body = b""
        self._deaf = not self._keep_alive
        self._take(request)

    # What is held

    def _begin_message(self) -> None:
        self._in_message = True
        self._headers_done = False
        self._is_http10 = False
        self._keep_alive = True
        self._is_usual = False
        self._length_seen = b""
        self._method = ""
        self._body_framing = b""
        self._replaying = False
        self._url = b""
        self._headers = []
        self._answers: dict[bool, Handler] = {}
        self._was_heard = False
        self._body = b""
        self._body_bytes = 0
        self._raw_bytes = 0
        self._owes_continue = False

    def _expect(self, value: bytes) -> None:
        if value.lower() != b"100-continue":
            self._refuse(Response(417, close=True))
        else:
            self._owe_continue()

    def _hold(self, body_bytes: int) -> bool:
        """Count what came of a body, and refuse what is too much; whether it may be kept."""
        self._body_bytes += body_bytes
        self._held_bytes += body_bytes
        self._shared.bodies_bytes += body_bytes
        if self._body_bytes > bounds.BODY_BYTES_MAX:
            self._refuse(_BIG_BODY)
        elif self._shared.bodies_bytes > bounds.BODIES_BYTES_MAX:
            self._refuse(refusal(503))
        return not self._deaf

    def _release(self, body_bytes: int) -> None:
        self._held_bytes -= body_bytes
        self._shared.bodies_bytes -= body_bytes


class Landing:
    """A body of known size on its way into a buffer."""

    __slots__ = ("data", "end", "is_lent", "known", "start", "whole")

    def __init__(
        self, known: Known, data: bytearray, start: int, end: int, whole: int, *, is_lent: bool
    ) -> None:
        self.known = known
        self.data = data
        self.start = start
        """Where the body begins, where what is there of it ends, and where the whole of it will."""
        self.end = end
        self.whole = whole
        self.is_lent = is_lent

    def room(self) -> memoryview:
        """Where the next bytes of it go. The buffer grows with what came, not with what was announced.

        Thousands of connections may have announced a body and sent a byte of it.
        """
        if self.end == len(self.data):
            room = min(max(self.end, _ROOM_BYTES_MIN), bounds.PAD_BYTES, self.whole - self.end)
            self.data += bytes(room)
        return memoryview(self.data)[self.end : self.whole]
