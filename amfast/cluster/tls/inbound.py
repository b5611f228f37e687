"""Connections that peers dial: packets until they stop, or one stream (reference gossip, sections 16.2 and 16.3)."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from amfast.cluster.address import is_unspecified, parse_ip
from amfast.cluster.network import Handler, Stream
from amfast.cluster.tls.connection import Connection
from amfast.cluster.tls.context import Contexts
from amfast.cluster.tls.counters import Counters
from amfast.cluster.tls.frame import FrameError, FrameReader, Packet
from amfast.cluster.tls.refusal import Refusal, Refusals
from amfast.cluster.tls.session import Session
from amfast.model.clock import Clock

HANDSHAKES_MAX: Final = 128
"""Connections that have yet to show who they are.

One more pushes out the oldest: one in earnest is there for milliseconds only.
"""
CONNECTIONS_MAX: Final = 1024
"""Connections with packets. One more pushes out the one that was silent for longest."""
IDLE_S: Final = 900.0
"""A connection without packets for this long is closed, and for twice this long at the latest.

No shorter: a Go node never reads from it, and so loses the next packets before it notices.
"""
_UNREAD_BYTES_MAX: Final = 1 << 20
"""Nothing is written on a connection with packets, but TLS itself answers some messages."""


class Reception:
    """All accepted connections of one node."""

    def __init__(
        self,
        *,
        contexts: Contexts,
        allowed_names: frozenset[str] | None,
        handler: Handler,
        counters: Counters,
        refusals: Refusals,
        timeout_s: float,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self.contexts = contexts
        self.allowed_names = allowed_names
        self.handler = handler
        self.counters = counters
        self.refusals = refusals
        self.timeout_s = timeout_s
        self.clock = clock
        self.log = log
        self.handshakes: dict[Inbound, None] = {}
        self.packets: dict[Inbound, None] = {}
        """The one that was silent for longest first."""
        self.open: set[Inbound] = set()
        """These, and the streams."""

    def connection(self) -> Inbound:
        """For the next connection that is accepted."""
        return Inbound(self)

    async def close(self) -> None:
        """Cut all."""
        found = tuple(self.open)
        for connection in found:
            connection.abort()
        await asyncio.gather(*(connection.lost for connection in found))


class Inbound(Connection):
    """One of them."""

    def __init__(self, reception: Reception) -> None:
        super().__init__(reception.clock)
        self._reception = reception
        self._reader = FrameReader()
        self._stream: Stream | None = None
        self._was_stream = False
        self._ip = b""
        self._port = 0
        self._within_frame = False

    def start(self) -> Session:
        reception = self._reception
        if self._transport is not None and (name := self._transport.get_extra_info("peername")):
            self._ip, self._port = parse_ip(str(name[0]).partition("%")[0]) or b"", name[1]
        _make_room(reception.handshakes, HANDSHAKES_MAX)
        reception.handshakes[self] = None
        reception.open.add(self)
        self.limit(reception.timeout_s)
        return Session(reception.contexts.server(), server_side=True)

    def on_ready(self) -> None:
        reception = self._reception
        reception.handshakes.pop(self, None)
        _make_room(reception.packets, CONNECTIONS_MAX)
        reception.packets[self] = None
        allowed = reception.allowed_names
        if allowed is not None and self._session.has_certificate() and not allowed & self._session.names():
            self.on_refused(Refusal("this node", "the peer's certificate has none of client_allowed_sans"))
            self.close()

    def on_refused(self, refusal: Refusal) -> None:
        if self._ip:
            self._reception.refusals.accepted(refusal, self._ip, self._port)

    def on_plain(self, data: bytes) -> None:
        if self._stream is not None:
            self._feed(self._stream, data)
        else:
            self._take_frames(data)
        self._reception.handler.pump()

    def on_lost(self) -> None:
        reception = self._reception
        reception.handshakes.pop(self, None)
        reception.packets.pop(self, None)
        reception.open.discard(self)
        if not self._was_stream:
            reception.counters.read_errors += 1
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        if self.error is not None:
            attrs = {"err": str(self.error)}
            reception.log.debug("accepted TLS connection ended", extra={"attrs": attrs})

    def _take_frames(self, data: bytes) -> None:
        reader = self._reader
        reader.add(data)
        had_frame = False
        try:
            while frame := reader.next():
                had_frame = True
                if frame == "stream":
                    self._begin_stream()
                    return
                self._take_packet(frame)
        except FrameError as error:
            attrs = {"err": str(error)}
            self._reception.log.debug("unusable bytes from a peer", extra={"attrs": attrs})
            self.close()
            return
        if self.buffered_bytes() > _UNREAD_BYTES_MAX:
            self.abort(ConnectionError("the peer does not read what TLS answers"))
            return
        self._wait_for_more(had_frame=had_frame)

    def _take_packet(self, packet: Packet) -> None:
        reception = self._reception
        reception.counters.packet_bytes_received += len(packet.data)
        known = packet.ip and not is_unspecified(packet.ip)
        reception.handler.datagram(packet.data, packet.ip if known else self._ip, packet.port)

    def _begin_stream(self) -> None:
        reception, rest = self._reception, bytes(self._reader.rest)
        self._was_stream = True
        reception.counters.streams_received += 1
        reception.packets.pop(self, None)
        self._reader.rest.clear()
        self._stream = reception.handler.accept()
        if self._stream is None:
            self.abort(ConnectionError("too many streams are open"))
            return
        self.limit(reception.timeout_s)
        if rest:
            self._feed(self._stream, rest)

    def _feed(self, stream: Stream, data: bytes) -> None:
        answer = stream.feed(data)
        if answer is not None:
            if answer:
                self.write(answer)
            self.close(self._reception.timeout_s)

    def _wait_for_more(self, *, had_frame: bool) -> None:
        """A frame that began must end in time; between frames there may be long silence."""
        if had_frame:
            packets = self._reception.packets
            packets[self] = packets.pop(self, None)
        if not self._reader.rest:
            self._within_frame = False
            self.limit(IDLE_S, "no packets for a long time")
        elif had_frame or not self._within_frame:
            self._within_frame = True
            self.limit(self._reception.timeout_s)


def _make_room(connections: dict[Inbound, None], maximum: int) -> None:
    while len(connections) >= maximum:
        oldest = next(iter(connections))
        del connections[oldest]
        oldest.abort(ConnectionError("too many connections are open"))
