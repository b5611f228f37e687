"""One node's decisions, without sockets, tasks or timers: what to say, and what to make of what is heard.

The membership core decides who is a member; here its events and messages meet the channels and the peers.
"""

from __future__ import annotations

import logging

from amfast._ext.swim import ALIVE, SUSPECT, Core, Event, Member, RemoteError, StreamMessage
from amfast.cluster.address import format_address
from amfast.cluster.channels import Channels
from amfast.cluster.peers import PeerTable
from amfast.cluster.ration import Ration
from amfast.model.clock import Clock
from amfast.model.metric import Histogram

QUEUED_MAX = 4096
"""Gossiped updates kept when the queue is pruned."""

PING_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5)

_SERIES_MAX = 1024
"""Names come from the network: no metric gets more series than this."""


class Node:
    """The core with all that belongs to one member of the cluster."""

    def __init__(
        self,
        *,
        name: str,
        core: Core,
        channels: Channels,
        peers: PeerTable,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self.name = name
        self.core = core
        self.channels = channels
        self.peers = peers
        self.alive_messages: dict[str, int] = {}
        self.pings: dict[str, Histogram] = {}
        self.conflicts = 0
        self.pruned = 0
        self._clock = clock
        self._log = log
        self._ration = Ration(clock)

    def members(self) -> list[Member]:
        """Those neither dead nor left, suspects and the node itself included, by name."""
        return sorted(m for m in self.core.members() if m.state in (ALIVE, SUSPECT))

    def position(self) -> int:
        """Index of the own name among the members; their number when it is missing."""
        names = [member.name for member in self.members()]
        return names.index(self.name) if self.name in names else len(names)

    def push_pull_request(self, *, join: bool) -> bytes:
        """What the dialling side of a push/pull writes."""
        return self.core.push_pull_request(join, self.channels.local_state())

    def take_push_pull(self, message: StreamMessage) -> None:
        """Merge the other side's half. Raises RemoteError (nothing merged)."""
        if message.kind == "error":
            raise RemoteError(f"the peer answered: {message.error[:200]}")
        if message.kind != "push_pull":
            raise RemoteError(f"the peer answered a push/pull with {message.kind}")
        self.core.merge(self._clock.monotonic_us(), message)
        if message.user_state:
            self.channels.receive_full_state(message.user_state)

    def answer(self, message: StreamMessage) -> bytes:
        """The answer to the one message of an accepted stream; empty means close without a word.

        The own half of a push/pull is fixed before the other's is merged (reference gossip, section 12.1).
        """
        if message.kind == "ping":
            return self.core.ack_reply(message.seq_no) if message.name in ("", self.name) else b""
        if message.kind == "user" and message.user_state:
            self.channels.receive_update(message.user_state)
        if message.kind != "push_pull":
            return b""
        reply = self.core.push_pull_reply(message.join, self.channels.local_state())
        try:
            self.take_push_pull(message)
        except RemoteError as error:
            self._log.debug("failed push/pull merge", extra={"attrs": {"err": str(error)}})
        return reply

    def take_events(self) -> None:
        """Let the channels, the peer table and the counters know what happened in the core."""
        for event in self.core.events():
            self._take(event)

    def prune(self) -> None:
        """Drop the oldest gossiped updates when far too many are queued."""
        queued = self.core.queued_user_messages()
        if queued > QUEUED_MAX:
            attrs = {"current": queued, "limit": QUEUED_MAX}
            self._log.warning("dropping messages because too many are queued", extra={"attrs": attrs})
            self.pruned += self.core.prune_user_messages(QUEUED_MAX)

    def _take(self, event: Event) -> None:
        match event.kind:
            case "user":
                self.channels.receive_update(event.data)
            case "alive":
                if event.name in self.alive_messages or len(self.alive_messages) < _SERIES_MAX:
                    self.alive_messages[event.name] = self.alive_messages.get(event.name, 0) + 1
            case "ping":
                self._observe_ping(event)
            case "join" | "leave" | "update":
                self._take_membership(event)
            case "conflict":
                self.conflicts += 1
                if not self._ration.allows():
                    return
                attrs = {"peer": event.name, "addr": format_address(event.ip, event.port)}
                if event.name == self.name:
                    attrs["hint"] = "it has the name of this node: give each its own --cluster.peer-name"
                self._log.warning("Found conflicting peer IDs", extra={"attrs": attrs})
            case _:
                self._tell(event)

    def _tell(self, event: Event) -> None:
        """What is worth a line and nothing else."""
        attrs: dict[str, object] = {"peer": event.name}
        match event.kind:
            case "tcp_only":
                attrs["hint"] = (
                    "packets to it, or from it, are blocked or lost (UDP, unless gossip goes over TLS)"
                )
                self._log.warning("peer answers over TCP only", extra={"attrs": attrs})
            case "dead":
                self._log.warning("peer is dead", extra={"attrs": attrs})
            case "refuted":
                self._log.debug("refuted an accusation", extra={"attrs": {"incarnation": event.value}})
            case _:  # suspect
                self._log.debug("peer is suspect", extra={"attrs": attrs})

    def _take_membership(self, event: Event) -> None:
        address = format_address(event.ip, event.port)
        if event.kind == "join":
            message = "peer rejoined" if self.peers.joined(event.name, address) else "peer joined"
        elif event.kind == "leave":
            self.peers.left(event.name, address, self._clock.monotonic_us())
            message = "peer left"
        else:
            self.peers.updated(address)
            message = "peer updated"
        self._log.info(message, extra={"attrs": {"peer": event.name, "addr": address}})

    def _observe_ping(self, event: Event) -> None:
        histogram = self.pings.get(event.name)
        if histogram is None:
            if len(self.pings) >= _SERIES_MAX:
                return
            histogram = self.pings[event.name] = Histogram(PING_BUCKETS)
        histogram.observe(event.value / 1_000_000)
