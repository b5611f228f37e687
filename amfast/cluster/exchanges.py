"""The streams that this node dials: push/pulls, pings, and updates too large for gossip."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from amfast._ext.swim import Dial, Member, RemoteError
from amfast.cluster.channels import Channel
from amfast.cluster.errors import describe
from amfast.cluster.network import Network
from amfast.cluster.node import Node
from amfast.model.clock import Clock

_US = 1_000_000


class Exchanges:
    """Dials for ``node``; ``pump`` is called after whatever changed it."""

    def __init__(
        self,
        *,
        node: Node,
        network: Network,
        tcp_timeout_s: float,
        pump: Callable[[], None],
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._node = node
        self._network = network
        self._tcp_timeout_s = tcp_timeout_s
        self._pump = pump
        self._clock = clock
        self._log = log

    async def join(self, ip: bytes, port: int) -> None:
        """One push/pull with join intent. Raises OSError, RemoteError."""
        await self._push_pull(ip, port, join=True)

    async def dial(self, dial: Dial) -> None:
        """Make the exchange that the core asked for; what a failure means is the core's business."""
        try:
            if dial.kind == "push_pull":
                await self._push_pull(dial.ip, dial.port, join=False)
            else:
                await self._ping(dial)
        except (OSError, RemoteError) as error:
            attrs = {"kind": dial.kind, "peer": dial.name, "err": describe(error)}
            self._log.debug("exchange with a member failed", extra={"attrs": attrs})

    async def send_oversize(self, channel: Channel) -> None:
        """Empty a channel's queue: one update after the other, each to all members at the same time."""
        while channel.oversize:
            request = self._node.core.user_request(channel.oversize.popleft())
            others = [member for member in self._node.members() if member.name != self._node.name]
            await asyncio.gather(*(self._deliver(channel, request, member) for member in others))

    async def _deliver(self, channel: Channel, request: bytes, member: Member) -> None:
        channel.oversize_sent += 1
        started_us = self._clock.monotonic_us()
        try:
            await self._network.deliver(member.ip, member.port, request, self._tcp_timeout_s)
        except OSError as error:
            channel.oversize_failed += 1
            attrs = {"key": channel.key, "peer": member.name, "err": describe(error)}
            self._log.debug("failed to send reliable", extra={"attrs": attrs})
        else:
            channel.oversize_seconds.observe((self._clock.monotonic_us() - started_us) / _US)

    async def _push_pull(self, ip: bytes, port: int, *, join: bool) -> None:
        request = self._node.push_pull_request(join=join)
        reply = await self._network.exchange(ip, port, request, self._tcp_timeout_s)
        self._node.take_push_pull(reply)
        self._pump()

    async def _ping(self, dial: Dial) -> None:
        timeout_s = (dial.deadline_us - self._clock.monotonic_us()) / _US
        request = self._node.core.ping_request(dial.name, dial.seq_no)
        reply = await self._network.exchange(dial.ip, dial.port, request, timeout_s)
        if reply.kind == "ack" and reply.seq_no == dial.seq_no:
            self._node.core.tcp_pong(self._clock.monotonic_us(), dial.seq_no)
            self._pump()
