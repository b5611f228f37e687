"""Packets on their way out: one connection for each address, dialled when needed (reference gossip, section 16.2).

Sending never waits and never fails: a packet that cannot be sent is lost, like a datagram, so that a peer that
cannot be reached is one that does not answer. One dead peer holds up nobody else's packets.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Final

from amfast.cluster.address import format_address
from amfast.cluster.errors import describe
from amfast.cluster.tasks import Tasks
from amfast.cluster.tls.counters import Counters
from amfast.cluster.tls.frame import packet_frame
from amfast.cluster.tls.outbound import Dialler, Outbound
from amfast.model.clock import Clock

ADDRESSES_MAX: Final = 1024
"""Connections kept. One more closes the one that was used least recently."""
_QUEUED_MAX: Final = 64
"""Packets that wait while an address is dialled; the oldest give way."""
_UNSENT_BYTES_MAX: Final = 1 << 20
"""What a slow peer may have yet to take; packets beyond that are lost."""


class Pool:
    """The connections of one node, which listens at ``from_addr`` (``ip:port``)."""

    def __init__(
        self,
        dialler: Dialler,
        *,
        from_addr: str,
        counters: Counters,
        timeout_s: float,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._dialler = dialler
        self._from_addr = from_addr
        self._counters = counters
        self._timeout_s = timeout_s
        self._log = log
        self._links: dict[tuple[bytes, int], _Link] = {}
        """The one that was used least recently first."""
        self._tasks = Tasks(clock, log)

    def send(self, packet: bytes, ip: bytes, port: int) -> None:
        """Send a packet, at once or when the connection is there."""
        address = ip, port
        link = self._links.pop(address, None)
        if link is None:
            link = _Link()
            link.task = self._tasks.spawn(self._carry(link, ip, port))
            if len(self._links) >= ADDRESSES_MAX:
                self._links.pop(next(iter(self._links))).task.cancel()
        self._links[address] = link
        if link.connection is not None:
            self._write(link.connection, packet)
            return
        if len(link.waiting) == _QUEUED_MAX:
            self._counters.packet_write_errors += 1
        link.waiting.append(packet)

    async def close(self) -> None:
        """Give up all."""
        self._links.clear()
        await self._tasks.cancel()

    async def _carry(self, link: _Link, ip: bytes, port: int) -> None:
        """Dial for a link, and keep the connection until it ends or the task is cancelled."""
        connection: Outbound | None = None
        try:
            connection = await self._dialler.dial(ip, port, self._timeout_s)
            for packet in link.waiting:
                self._write(connection, packet)
            link.waiting.clear()
            link.connection = connection
            await asyncio.wait((connection.ended,))
        except OSError as error:
            self._counters.packet_write_errors += len(link.waiting)
            attrs = {"addr": format_address(ip, port), "err": describe(error)}
            self._log.debug("cannot dial for packets", extra={"attrs": attrs})
        finally:
            if connection is not None:
                connection.close()
            if self._links.get((ip, port)) is link:
                del self._links[ip, port]

    def _write(self, connection: Outbound, packet: bytes) -> None:
        if connection.ended.done() or connection.buffered_bytes() > _UNSENT_BYTES_MAX:
            self._counters.packet_write_errors += 1
        else:
            connection.write(packet_frame(packet, self._from_addr))
            self._counters.packet_bytes_sent += len(packet)


class _Link:
    """The way to one address."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque(maxlen=_QUEUED_MAX)
        self.connection: Outbound | None = None
        self.task: asyncio.Task[None]
