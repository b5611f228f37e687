"""All gossip in TLS over TCP, packets and streams on one port (reference gossip, section 16)."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator

from amfast._ext.swim import Core, StreamMessage
from amfast.cluster.address import format_address
from amfast.cluster.network import Handler
from amfast.cluster.tls.context import Contexts
from amfast.cluster.tls.counters import Counters
from amfast.cluster.tls.frame import stream_frame
from amfast.cluster.tls.inbound import Reception
from amfast.cluster.tls.outbound import Dialler, Outbound
from amfast.cluster.tls.pool import Pool
from amfast.cluster.tls.refusal import Refusals
from amfast.cluster.transport import bound_socket, cannot_listen, read_message
from amfast.config.cluster_tls import ClusterTls
from amfast.model.clock import Clock
from amfast.model.metric import Family


class TlsNetwork:
    """Implements ``Network``. ``timeout_s`` is how long a peer may take for each step of any connection."""

    def __init__(self, tls: ClusterTls, clock: Clock, log: logging.Logger, timeout_s: float) -> None:
        self.counters = Counters()
        self._tls = tls
        self._clock = clock
        self._log = log
        self._timeout_s = timeout_s
        self._refusals = Refusals(clock, log)
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._contexts: Contexts
        self._dialler: Dialler
        self._pool: Pool | None = None
        self._reception: Reception | None = None

    def bind(self, ip: bytes, port: int) -> int:
        """Read the certificates and take the address, for TCP only. Raises AmfastError."""
        self._contexts = Contexts(self._tls, self._log)
        try:
            self._socket = bound_socket(socket.SOCK_STREAM, ip, port)
        except OSError as error:
            raise cannot_listen(ip, port, error) from error
        port = self._socket.getsockname()[1]
        self._dialler = Dialler(
            contexts=self._contexts,
            server_name=self._tls.client.server_name,
            refusals=self._refusals,
            timeout_s=self._timeout_s,
            clock=self._clock,
        )
        self._pool = Pool(
            self._dialler,
            from_addr=format_address(ip, port),
            counters=self.counters,
            timeout_s=self._timeout_s,
            clock=self._clock,
            log=self._log,
        )
        return port

    async def listen(self, handler: Handler) -> None:
        """Begin to hand over what arrives; after :meth:`bind`."""
        if self._socket is None:
            raise RuntimeError("listen comes after bind")
        allowed = self._tls.server.client_allowed_sans
        self._reception = Reception(
            contexts=self._contexts,
            allowed_names=None if allowed is None else frozenset(allowed),
            handler=handler,
            counters=self.counters,
            refusals=self._refusals,
            timeout_s=self._timeout_s,
            clock=self._clock,
            log=self._log,
        )
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._reception.connection, sock=self._socket, backlog=socket.SOMAXCONN
        )

    def poll(self) -> None:
        """What waits is with the event loop, which alone can hand it over.

        The core gives a late answer one more probe timeout, and by then it has come.
        """

    def send(self, core: Core) -> None:
        """Send what the core has to say; a packet that cannot be sent is lost."""
        for packet, ip, port in core.packets():
            if self._pool is not None and port:
                self._pool.send(packet, ip, port)

    async def exchange(self, ip: bytes, port: int, request: bytes, timeout_s: float) -> StreamMessage:
        """Dial, write, read one message; ``timeout_s`` for dialling, and again for the rest.

        Raises OSError (TimeoutError included), RemoteError.
        """
        reader = asyncio.StreamReader()
        connection = await self._dial_stream(ip, port, timeout_s, reader)
        try:
            async with asyncio.timeout(timeout_s):
                connection.write(request)
                return await read_message(reader)
        finally:
            connection.close()

    async def deliver(self, ip: bytes, port: int, request: bytes, timeout_s: float) -> None:
        """Dial, write, and wait for the peer to close: before, it may not have read it. Raises OSError."""
        connection = await self._dial_stream(ip, port, timeout_s, None)
        try:
            async with asyncio.timeout(timeout_s):
                connection.write(request)
                await asyncio.wait((connection.ended,))
            if connection.error is not None:
                raise connection.error
        finally:
            connection.close()

    async def _dial_stream(
        self, ip: bytes, port: int, timeout_s: float, reader: asyncio.StreamReader | None
    ) -> Outbound:
        try:
            connection = await self._dialler.dial(ip, port, timeout_s, reader)
        except OSError:
            self.counters.stream_write_errors += 1
            raise
        connection.write(stream_frame())  # a record of its own: what is with it in one record may be lost
        self.counters.streams_sent += 1
        return connection

    def metrics(self) -> Iterator[Family]:
        """The families of reference metrics, section 6, that belong to the TLS transport."""
        return self.counters.families()

    async def close(self) -> None:
        """Give up the address and cut every connection."""
        if self._server is not None:
            self._server.close()
        if self._pool is not None:
            await self._pool.close()
            self._pool = None
            await self._dialler.close()
        if self._reception is not None:
            await self._reception.close()
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
