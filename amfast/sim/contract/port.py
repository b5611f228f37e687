"""A node's place in the simulated network: what :class:`amfast.cluster.network.Network` is to production."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from amfast._ext.swim import Core, StreamMessage, StreamReader
from amfast.cluster.network import Handler
from amfast.sim.clock import MILLION
from amfast.sim.contract.loop import Process
from amfast.sim.digest import Digest
from amfast.sim.network import Network
from amfast.sim.node import PORT, ip_of
from amfast.sim.streams import Exchange


class Port:
    """The address stays, processes come and go."""

    def __init__(self, index: int, ip: bytes, network: Network, digest: Digest) -> None:
        self.index = index
        self._network = network
        self._digest = digest
        self._process: Process | None = None
        self._handler: Handler | None = None
        network.targets[ip] = self

    def open(self, process: Process) -> None:
        """Belong to a process; it listens once its peer asks for that."""
        self._process, self._handler = process, None

    # What the network sees of the node.

    @property
    def listening(self) -> bool:
        return self._handler is not None and self._process is not None and self._process.alive

    def packet(self, source: int, data: bytes) -> None:
        """Take one datagram."""
        if self._process is not None and self._handler is not None and self._process.alive:
            self._digest.packet(self._network.timeline.now_us, source, self.index, data)
            self._process.run(self._take, self._handler, source, data)

    def _take(self, handler: Handler, source: int, data: bytes) -> None:
        handler.datagram(data, ip_of(source), PORT)
        handler.pump()

    def stream(self, request: bytes, answer: Callable[[bytes], None]) -> None:
        """Take what a dialling node wrote."""
        if self._process is not None and self._handler is not None and self._process.alive:
            self._digest.packet(self._network.timeline.now_us, -1, self.index, request)
            answer(self._process.run(self._answer, self._handler, request))

    def _answer(self, handler: Handler, request: bytes) -> bytes:
        stream = handler.accept()
        if stream is None:
            return b""
        try:
            reply = stream.feed(request)
        finally:
            stream.close()
        handler.pump()
        return reply or b""

    # What the node sees of the network.

    def bind(self, _ip: bytes, port: int) -> int:
        return port

    async def listen(self, handler: Handler) -> None:
        self._handler = handler

    def poll(self) -> None:
        """Nothing waits: what arrives is handed over at once."""

    def send(self, core: Core) -> None:
        packets = core.packets()
        if self._process is not None and self._process.alive:
            for data, ip, _ in packets:
                self._network.send(self.index, data, ip)

    async def exchange(self, ip: bytes, _port: int, request: bytes, timeout_s: float) -> StreamMessage:
        reply = await self._dial(ip, request, timeout_s)
        message = StreamReader(None).feed(reply) if reply else None
        if message is None:
            raise ConnectionError("no answer")
        return message

    async def deliver(self, ip: bytes, _port: int, request: bytes, timeout_s: float) -> None:
        await self._dial(ip, request, timeout_s)

    async def _dial(self, ip: bytes, request: bytes, timeout_s: float) -> bytes | None:
        ended: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

        def end(reply: bytes | None) -> None:
            if not ended.done():
                ended.set_result(reply)

        deadline_us = self._network.timeline.now_us + round(timeout_s * MILLION)
        Exchange(self._network, self.index, ip, request, deadline_us, end)
        reply = await ended
        if reply is not None:
            self._digest.packet(self._network.timeline.now_us, -2, self.index, reply)
        return reply

    async def close(self) -> None:
        self._handler = None
