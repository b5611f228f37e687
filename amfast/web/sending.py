"""An answer that is sent in parts, each made when the client has taken most of those before it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Final

from amfast.model.clock import Clock, Timer
from amfast.web.message import Response

_RESET: Final = struct.pack("ii", 1, 0)
"""To linger for no time is to be reset."""
SENT_BYTES: Final = 64 * 1024
"""Less waits for more: each write is a call to the system, and packets of their own."""


class Stream:
    """Sends the parts of one answer; between two of them the event loop does what else there is.

    ``done`` is called once all is handed over to the transport. When a part cannot be made, or the answer takes too
    long, the connection is cut: an answer that lacks its end must not look whole.
    """

    def __init__(
        self,
        response: Response,
        parts: Iterator[bytes],
        transport: asyncio.Transport,
        *,
        is_chunked: bool,
        done: Callable[[], None],
        broken: Callable[[Exception], None],
    ) -> None:
        self._response = response
        self._parts = parts
        self._transport = transport
        self._is_chunked = is_chunked
        self._done = done
        self._broken = broken
        self._paused = False
        self._timer: Timer | None = None
        self._turn: asyncio.Handle | None = None
        self._pieces: list[bytes] = []
        self._held_bytes = 0

    def start(self, head: bytes, clock: Clock) -> None:
        """Send the head and the first part. Raises whatever the making of the first part raises."""
        part = next(self._parts, None)
        if self._response.seconds_left is not None:
            self._timer = clock.call_later(self._response.seconds_left, lambda: cut(self._transport))
        self._pieces.append(head)
        if part:
            self._hold(part)
        self._wait()

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._wait()

    def close(self) -> None:
        """Make no more parts."""
        if self._timer is not None:
            self._timer.cancel()
        if self._turn is not None:
            self._turn.cancel()
        close_parts(self._parts)

    def _wait(self) -> None:
        if self._turn is None and not self._paused and not self._transport.is_closing():
            self._turn = asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._turn = None
        if self._paused or self._transport.is_closing():
            return
        # Only now: the part before may have been cut short for somebody else.
        if self._held_bytes >= SENT_BYTES and not self._flush():
            return
        try:
            part = next(self._parts, None)
        except Exception as error:  # noqa: BLE001 - told by whoever is called
            self._broken(error)
            return
        if part is None:
            self._pieces.append(b"0\r\n\r\n" if self._is_chunked else b"")
            self._flush()
            self.close()
            self._done()
            return
        if part:  # an empty chunk would be the last
            self._hold(part)
        self._wait()

    def _hold(self, part: bytes) -> None:
        self._held_bytes += len(part)
        self._response.sent_bytes += len(part)
        if self._is_chunked:
            self._pieces += (b"%x\r\n" % len(part), part, b"\r\n")
        else:
            self._pieces.append(part)

    def _flush(self) -> bool:
        """Whether there may be more at once."""
        self._transport.writelines(self._pieces)
        self._pieces.clear()
        self._held_bytes = 0
        return not self._paused


def cut(transport: asyncio.Transport) -> None:
    """End a connection so that its client notices: to HTTP/1.0 an orderly end is the end of the answer."""
    sock = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def close_parts(parts: Iterator[bytes]) -> None:
    """Tell a generator, or whatever else can be closed, that no more of it is wanted."""
    close = getattr(parts, "close", None)
    if close is not None:
        close()
