"""Named channels: which state a message is for, and which way an update leaves.

Nothing here knows what the states are. See reference gossip, sections 15.2 to 15.5.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from amfast._ext.pb import decode_full_state, decode_part, encode_full_state, encode_part
from amfast.model.metric import Histogram

GOSSIP_BYTES_MAX = 700
"""A larger Part goes by TCP and is never relayed: half of the packet budget."""

OVERSIZE_QUEUE_MAX = 200

STATE_BYTES_MAX = 20 << 20
"""No receiver takes a longer full state, or a longer Part by TCP."""


class State(Protocol):
    """What a channel replicates."""

    def marshal(self) -> bytes:
        """Every record, delimited."""
        ...

    def merge(self, data: bytes) -> int:
        """Take over what is newer; the number of records that changed something.

        Raises ValueError when undecodable; nothing is merged then.
        """
        ...


class Traffic:
    """Messages of one kind (``full_state`` or ``update``): how many, how many bytes."""

    __slots__ = ("received", "received_bytes", "sent", "sent_bytes")

    def __init__(self) -> None:
        self.received = self.received_bytes = self.sent = self.sent_bytes = 0

    def count_received(self, size: int) -> None:
        self.received += 1
        self.received_bytes += size

    def count_sent(self, size: int) -> None:
        self.sent += 1
        self.sent_bytes += size


class Channel:
    """The way out of one state's updates."""

    def __init__(self, key: str, state: State, channels: Channels) -> None:
        self.key = key
        self.state = state
        self.oversize: deque[bytes] = deque()
        self.oversize_sent = self.oversize_failed = self.oversize_dropped = 0
        self.oversize_seconds = Histogram()
        self.propagated = 0
        self._channels = channels

    def broadcast(self, data: bytes) -> None:
        """Send one delimited record to every member: by gossip when small enough, else by TCP."""
        part = encode_part(self.key, data)
        if len(part) <= GOSSIP_BYTES_MAX:
            self._channels.gossip(part)
        elif len(part) > STATE_BYTES_MAX or len(self.oversize) >= OVERSIZE_QUEUE_MAX:
            self.oversize_dropped += 1
        else:
            self.oversize.append(part)
            self._channels.on_oversize(self)

    def merge(self, data: bytes) -> None:
        """Merge and gossip on, once, what was news and is small. Raises ValueError.

        The whole Part decides, not its data alone: else 693 to 700 bytes of data would make every receiver
        send to everyone by TCP (reference gossip, section 21).
        """
        changed = self.state.merge(data)
        if changed:
            part = encode_part(self.key, data)
            if len(part) <= GOSSIP_BYTES_MAX:
                self.propagated += changed
                self._channels.gossip(part)


class Channels:
    """All channels of one node, in the order they were added.

    ``gossip`` queues a Part for the packets; ``on_oversize`` is told that a channel's queue has grown.
    """

    def __init__(
        self,
        gossip: Callable[[bytes], None],
        on_oversize: Callable[[Channel], None],
        log: logging.Logger,
        may_warn: Callable[[], bool],
    ) -> None:
        self.gossip = gossip
        self.on_oversize = on_oversize
        self.by_key: dict[str, Channel] = {}
        self.full_state = Traffic()
        self.update = Traffic()
        self._log = log
        self._may_warn = may_warn

    def add(self, key: str, state: State) -> Channel:
        channel = self.by_key[key] = Channel(key, state, self)
        return channel

    def local_state(self) -> bytes:
        """The full state for a push/pull; empty while there are no channels.

        What no receiver would take is left out, so that the members and the other states get through.
        """
        parts = {key: channel.state.marshal() for key, channel in self.by_key.items()}
        state = encode_full_state(tuple(parts.items()))
        while len(state) > STATE_BYTES_MAX:
            largest = max(parts, key=lambda key: len(parts[key]))
            attrs = {"key": largest, "len": len(parts.pop(largest))}
            self._log.warning("state is too large to be sent to a peer", extra={"attrs": attrs})
            state = encode_full_state(tuple(parts.items()))
        self.full_state.count_sent(len(state))
        return state

    def receive_update(self, part: bytes) -> None:
        """Take a user message of any origin; whatever is wrong with it ends in the log."""
        self.update.count_received(len(part))
        try:
            key, data = decode_part(part)
        except ValueError as error:
            self._warn("decode broadcast", error)
            return
        channel = self.by_key.get(key)
        if channel is not None:
            self._merge("merge broadcast", channel, data)

    def receive_full_state(self, state: bytes) -> None:
        """Take the user state of a push/pull; an undecodable part ends it, an unknown one is skipped."""
        self.full_state.count_received(len(state))
        try:
            parts = decode_full_state(state)
        except ValueError as error:
            self._warn("merge remote state", error)
            return
        for key, data in parts:
            channel = self.by_key.get(key)
            if channel is None:
                self._warn("unknown state key", ValueError(f"a state of {len(state)} bytes"), key[:64])
            elif not self._merge("merge remote state", channel, data):
                return

    def _merge(self, what: str, channel: Channel, data: bytes) -> bool:
        try:
            channel.merge(data)
        except ValueError as error:
            self._warn(what, error, channel.key)
            return False
        return True

    def _warn(self, what: str, error: ValueError, key: str = "") -> None:
        if self._may_warn():
            attrs = {"err": str(error)[:200]} | ({"key": key} if key else {})
            self._log.warning(what, extra={"attrs": attrs})
