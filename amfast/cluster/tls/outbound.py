"""Connections that this node dials."""

from __future__ import annotations

import asyncio
import socket
import sys

from amfast.cluster.address import format_ip
from amfast.cluster.tls.connection import Connection
from amfast.cluster.tls.context import Contexts
from amfast.cluster.tls.refusal import Refusal, Refusals
from amfast.cluster.tls.session import Session
from amfast.model.clock import Clock


class Dialler:
    """Dials, and knows all connections that are open."""

    def __init__(
        self, *, contexts: Contexts, server_name: str, refusals: Refusals, timeout_s: float, clock: Clock
    ) -> None:
        self.contexts = contexts
        self.server_name = server_name
        self.refusals = refusals
        self.timeout_s = timeout_s
        self.clock = clock
        self.open: set[Outbound] = set()

    async def dial(
        self, ip: bytes, port: int, timeout_s: float, reader: asyncio.StreamReader | None = None
    ) -> Outbound:
        """Connect and shake hands; plain bytes that come go to ``reader``, which is told of the end.

        Raises OSError (TimeoutError included).
        """
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_INET6 if ":" in format_ip(ip) else socket.AF_INET)
        connection: Outbound | None = None
        try:
            sock.setblocking(False)
            if sys.platform == "linux":  # a dead path is noticed as soon as a silent peer is
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(self.timeout_s * 1000))
            async with asyncio.timeout(timeout_s):
                await loop.sock_connect(sock, (format_ip(ip), port))
                connection = Outbound(self, ip, port, reader)
                await loop.create_connection(lambda: connection, sock=sock)
                await asyncio.wait((connection.opened,))
        except BaseException:
            if connection is not None:
                connection.give_up()
            sock.close()
            raise
        if not connection.opened.result():
            raise connection.error or ConnectionError(
                "the peer closed the connection during the TLS handshake"
            )
        return connection

    async def close(self) -> None:
        """Cut all."""
        found = tuple(self.open)
        for connection in found:
            connection.abort()
        await asyncio.gather(*(connection.lost for connection in found))


class Outbound(Connection):
    """One of them."""

    def __init__(self, dialler: Dialler, ip: bytes, port: int, reader: asyncio.StreamReader | None) -> None:
        super().__init__(dialler.clock)
        self.opened: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """Whether the handshake worked, once that is known."""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when it is of no more use, which may be before it is gone; never an exception."""
        self._dialler = dialler
        self._ip = ip
        self._port = port
        self._reader = reader

    def give_up(self) -> None:
        """Cut a connection whose dialling failed or was cancelled.

        uvloop tears such a transport down and never says so, even if it has called ``connection_made``.
        """
        self.abort()
        self.connection_lost(None)

    def start(self) -> Session:
        self._dialler.open.add(self)
        name = self._dialler.server_name or format_ip(self._ip)
        return Session(self._dialler.contexts.client(), server_side=False, server_name=name)

    def on_ready(self) -> None:
        self.opened.set_result(True)

    def on_plain(self, data: bytes) -> None:
        if self._reader is not None:
            self._reader.feed_data(data)

    def on_refused(self, refusal: Refusal) -> None:
        self._dialler.refusals.dialled(refusal, self._ip, self._port)
        self._end()

    def on_lost(self) -> None:
        self._dialler.open.discard(self)
        self._end()

    def pause_writing(self) -> None:
        if not self._closing:
            self.limit(self._dialler.timeout_s, "the peer does not take what it is sent")

    def resume_writing(self) -> None:
        if not self._closing:
            self.limit(None)

    def _end(self) -> None:
        if self.ended.done():
            return
        self.ended.set_result(None)
        if not self.opened.done():
            self.opened.set_result(False)
        if self._reader is not None:
            if self.error is not None:
                self._reader.set_exception(self.error)
            self._reader.feed_eof()
