"""A TCP connection with TLS on it, whoever dialled it."""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

from amfast.cluster.tls.refusal import Refusal, TlsRefusedError, refusal_of
from amfast.cluster.tls.session import Session
from amfast.model.clock import Clock, Timer

_GOODBYE_S = 1.0
"""How long the other side may take to read the last of what was sent."""


class Connection(asyncio.Protocol):
    """What both directions have in common: they say what plain bytes mean, and when to give up.

    ``error`` tells afterwards why the connection came to its end: None for an orderly one.
    """

    def __init__(self, clock: Clock) -> None:
        self.error: OSError | None = None
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when nothing more comes of the connection; never an exception."""
        self._clock = clock
        self._session: Session
        self._transport: asyncio.Transport | None = None
        self._timer: Timer | None = None
        self._closing = False

    # For those that know what a connection is for.

    def start(self) -> Session:
        """The TLS session of the new connection."""
        raise NotImplementedError

    def on_ready(self) -> None:
        """The handshake is done."""

    def on_plain(self, data: bytes) -> None:
        """Plain bytes came."""

    def on_refused(self, refusal: Refusal) -> None:
        """One side refused the other."""

    def on_lost(self) -> None:
        """It is over."""

    # For whoever has one.

    def write(self, data: bytes) -> None:
        """Encrypt and send; the end of ``data`` is the end of a record."""
        if not self._closing:
            self._session.write(data)
            self._flush()

    def buffered_bytes(self) -> int:
        """What the other side has yet to take."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def close(self, within_s: float = _GOODBYE_S) -> None:
        """Say goodbye, and close once all is sent, or cut the connection when that takes too long."""
        if self._transport is not None and not self._closing:
            self.limit(within_s)
            self._closing = True
            if self._session.ready:
                self._session.say_end()
            self._flush()
            self._transport.close()

    def abort(self, error: OSError | None = None) -> None:
        """Cut the connection."""
        self.error = self.error or error
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    def limit(self, seconds: float | None, error: str = "timed out") -> None:
        """Cut the connection ``seconds`` from now, or never; what was said before no longer counts."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None and not self.lost.done():
            self._timer = self._clock.call_later(seconds, lambda: self.abort(TimeoutError(error)))

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not of asyncio's classes
        if self._closing:  # given up while it was dialled
            self._transport.abort()
            return
        self._session = self.start()
        self._take(b"")

    def data_received(self, data: bytes) -> None:
        if not self._closing:
            self._take(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closing:
            when = "" if self._session.ready else " during the TLS handshake"
            self.error = (
                exc if isinstance(exc, OSError) else ConnectionError(f"the peer cut the connection{when}")
            )
        self.limit(None)
        self._closing = True
        self._transport = None
        if not self.lost.done():
            self.lost.set_result(None)
        self.on_lost()

    def _take(self, data: bytes) -> None:
        was_ready = self._session.ready
        try:
            plain = self._session.feed(data)
        except ssl.SSLError as error:
            self._refused(refusal_of(error))
            return
        self._flush()
        if self._session.ready and not was_ready:
            self.on_ready()
        if plain and not self._closing:
            self.on_plain(plain)
        if self._session.ended:
            self.close()

    def _refused(self, refusal: Refusal) -> None:
        self.error = TlsRefusedError(str(refusal))
        self.on_refused(refusal)
        self.close()  # with what tells the other side why

    def _flush(self) -> None:
        if self._transport is not None and (data := self._session.outgoing()):
            self._transport.write(data)
