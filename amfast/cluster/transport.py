"""The network of the operating system: one UDP socket the loop watches, one TCP server, dialled streams."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import cast

from amfast._ext.swim import Core, StreamMessage, StreamReader
from amfast.cluster.address import format_address, format_ip, is_unspecified
from amfast.cluster.datagrams import Datagrams, datagrams_of
from amfast.cluster.network import Handler, Stream
from amfast.model.clock import Clock, Timer
from amfast.model.errors import AmfastError

_READ_BYTES = 65_536
_RECEIVE_BUFFER_BYTES = 2 << 20
_FREE_PORT_TRIES = 10
_IPV4_BYTES = 4


class Sockets:
    """Implements ``Network``.

    An accepted stream has ``tcp_timeout_s`` to send its message, and again to take the answer.
    """

    def __init__(self, clock: Clock, tcp_timeout_s: float) -> None:
        self.clock = clock
        self.tcp_timeout_s = tcp_timeout_s
        self.streams: set[_Inbound] = set()
        self._udp: socket.socket | None = None
        self._tcp: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._datagrams: Datagrams | None = None
        self._handler: Handler | None = None

    def bind(self, ip: bytes, port: int) -> int:
        """Take ``ip`` for UDP and TCP; port 0 takes any port free for both. Raises AmfastError."""
        tries = 1 if port else _FREE_PORT_TRIES
        while True:
            tries -= 1
            try:
                return self._bind_both(ip, port)
            except OSError as error:
                self._close_sockets()
                if not tries:
                    raise cannot_listen(ip, port, error) from error

    def _bind_both(self, ip: bytes, port: int) -> int:
        self._tcp = bound_socket(socket.SOCK_STREAM, ip, port)
        port = self._tcp.getsockname()[1]
        self._udp = bound_socket(socket.SOCK_DGRAM, ip, port)
        self._tcp.listen(socket.SOMAXCONN)
        with suppress(OSError):  # less is slower, not wrong
            self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        return port

    async def listen(self, handler: Handler) -> None:
        """Begin to hand over what arrives; after :meth:`bind`."""
        if self._udp is None or self._tcp is None:
            raise RuntimeError("listen comes after bind")
        loop = asyncio.get_running_loop()
        self._handler = handler
        self._datagrams = datagrams_of(self._udp)
        self._server = await loop.create_server(lambda: _Inbound(self, handler), sock=self._tcp)
        loop.add_reader(self._udp, self.poll)

    def poll(self) -> None:
        """Hand over the datagrams that are here, but not so many that the loop could not do anything else."""
        if self._datagrams is None or self._handler is None:
            return
        self._datagrams.receive(self._handler.core, self.clock.monotonic_us())
        self._handler.pump()

    def send(self, core: Core) -> None:
        """Send what the core has to say; a datagram that cannot be sent is lost, as datagrams are."""
        if self._datagrams is not None:
            self._datagrams.send(core)

    async def exchange(self, ip: bytes, port: int, request: bytes, timeout_s: float) -> StreamMessage:
        """Dial, write, read one message; ``timeout_s`` for each of the steps.

        Raises OSError (TimeoutError included), RemoteError.
        """
        reader, writer = await _dial(ip, port, timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                writer.write(request)
                await writer.drain()
            async with asyncio.timeout(timeout_s):
                return await read_message(reader)
        finally:
            writer.transport.abort()  # the exchange is over: nothing is left to be sent

    async def deliver(self, ip: bytes, port: int, request: bytes, timeout_s: float) -> None:
        """Dial, write, close. Raises OSError (TimeoutError included)."""
        _, writer = await _dial(ip, port, timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                writer.write(request)
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    async def close(self) -> None:
        """Give up the address and cut every stream."""
        if self._server is not None:
            self._server.close()
        if self._udp is not None and self._handler is not None:
            asyncio.get_running_loop().remove_reader(self._udp)
        for stream in tuple(self.streams):
            stream.abort()
        if self._server is not None:
            await self._server.wait_closed()
        self._close_sockets()

    def _close_sockets(self) -> None:
        for sock in (self._tcp, self._udp):
            if sock is not None:
                sock.close()
        self._tcp = self._udp = self._datagrams = None


def bound_socket(kind: socket.SocketKind, ip: bytes, port: int) -> socket.socket:
    """A socket at an address; the unspecified one stands for all, of both families if possible. Raises OSError."""
    everywhere = is_unspecified(ip)
    if everywhere and socket.has_dualstack_ipv6():
        family, host = socket.AF_INET6, "::"
    else:
        family, host = _family(ip), format_ip(ip)
    sock = socket.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not everywhere)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def cannot_listen(ip: bytes, port: int, error: OSError) -> AmfastError:
    """What the operator reads about an address that is taken, or not this machine's."""
    return AmfastError(
        f"cannot listen for the cluster on {format_address(ip, port)}: {os.strerror(error.errno or 0)}"
        " (--cluster.listen-address)"
    )


def _family(ip: bytes) -> socket.AddressFamily:
    return socket.AF_INET if len(ip) == _IPV4_BYTES else socket.AF_INET6


async def _dial(ip: bytes, port: int, timeout_s: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(timeout_s):
        return await asyncio.open_connection(format_ip(ip), port)


async def read_message(reader: asyncio.StreamReader) -> StreamMessage:
    """The one message of an answered stream. Raises OSError, RemoteError."""
    message_reader = StreamReader(None)
    while data := await reader.read(_READ_BYTES):
        message = message_reader.feed(data)
        if message is not None:
            return message
    raise ConnectionError("the peer closed the connection without an answer")


class _Inbound(asyncio.Protocol):
    """A stream that a peer dialled: one message in, at most one out, each within the timeout."""

    def __init__(self, sockets: Sockets, handler: Handler) -> None:
        self._sockets = sockets
        self._handler = handler
        self._stream: Stream | None = None
        self._transport: asyncio.Transport | None = None
        self._deadline: Timer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not of asyncio's classes
        self._stream = self._handler.accept()
        if self._stream is None:
            self._transport.abort()
            return
        self._sockets.streams.add(self)
        self._arm()

    def data_received(self, data: bytes) -> None:
        if self._stream is None or self._transport is None or self._transport.is_closing():
            return
        answer = self._stream.feed(data)
        if answer is None:
            return
        if answer:
            self._arm()
            self._transport.write(answer)
        self._transport.close()
        self._handler.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # whatever it was, the peer is gone
        if self._deadline is not None:
            self._deadline.cancel()
        if self._stream is not None:
            self._sockets.streams.discard(self)
            self._stream.close()
            self._stream = None

    def abort(self) -> None:
        """Cut the stream."""
        if self._transport is not None:
            self._transport.abort()

    def _arm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._sockets.clock.call_later(self._sockets.tcp_timeout_s, self.abort)
