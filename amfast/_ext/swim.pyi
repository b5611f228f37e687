"""The membership core: memberlist's protocol without any I/O.

Bytes and *now* go in; packets, dials, events and the next deadline come out. Times are integers of
microseconds on a monotonic clock. Every random draw comes from the seed. See reference gossip, sections 6 to 13.
"""

from typing import NamedTuple, final

from amfast._ext.state import ALIVE, DEAD, LEFT, SUSPECT, Event
from amfast._ext.stream import Member, StreamMessage, StreamReader
from amfast._ext.wire import RemoteError

__all__ = [
    "ALIVE",
    "DEAD",
    "LEFT",
    "SUSPECT",
    "Core",
    "Dial",
    "Event",
    "Member",
    "RemoteError",
    "StreamMessage",
    "StreamReader",
]

class Dial(NamedTuple):
    """A TCP exchange that the core asks for: ``kind`` is ``push_pull`` or ``ping``."""

    kind: str
    name: str
    ip: bytes
    port: int
    seq_no: int
    deadline_us: int

@final
class Core:
    """One node of the cluster.

    After any call that takes bytes or time, drain packets, dials and events, and ask for the next deadline again.
    After a stall, hand over what waits in the sockets before calling :meth:`run`: an answer may be among it.
    """

    def __init__(
        self,
        *,
        name: str,
        ip: bytes,
        port: int,
        seed: int,
        bind_port: int = ...,
        label: bytes = ...,
        probe_interval_us: int = ...,
        probe_timeout_us: int = ...,
        gossip_interval_us: int = ...,
        gossip_nodes: int = ...,
        push_pull_interval_us: int = ...,
        user_retransmit: int = ...,
        tcp_timeout_us: int = ...,
    ) -> None:
        """Raises ValueError for a name, address, label or interval that no node can have."""

    # The node's life.
    def start(self, now_us: int) -> None:
        """Announce the node itself and arm the probe, gossip and push/pull tickers."""
    def leave(self, now_us: int) -> None:
        """Begin an orderly leave; calling again does nothing."""
    def leaving_done(self) -> bool:
        """True once the leave message used up its transmissions, or nobody is there to hear it."""

    # Bytes and time in.
    def receive(self, now_us: int, packet: bytes, ip: bytes, port: int) -> None:
        """Take one datagram. Never raises: hostile or broken packets are dropped and counted."""
    def run(self, now_us: int) -> None:
        """Do everything that is due at ``now_us``."""
    def tcp_pong(self, now_us: int, seq_no: int) -> None:
        """A ``ping`` dial was answered with the right sequence number."""
    def broadcast(self, payload: bytes) -> None:
        """Queue a user message for gossip and piggyback (without its type byte).

        Raises ValueError if it can never fit in a packet.
        """

    # What comes out.
    def next_deadline_us(self) -> int:
        """When :meth:`run` is to be called next."""
    def packets(self) -> list[tuple[bytes, bytes, int]]:
        """Drain the datagrams to send: (packet, ip, port)."""
    def dials(self) -> list[Dial]:
        """Drain the TCP exchanges to begin."""
    def events(self) -> list[Event]:
        """Drain the events, oldest first."""

    # Streams (TCP). The dialling side's bytes carry the label header, replies never do. ValueError for a user state
    # or payload over 20 MiB, or a name over 255 bytes, which no receiver takes.
    def push_pull_request(self, join: bool, user_state: bytes) -> bytes: ...
    def push_pull_reply(self, join: bool, user_state: bytes) -> bytes: ...
    def ping_request(self, name: str, seq_no: int) -> bytes: ...
    def ack_reply(self, seq_no: int) -> bytes: ...
    def user_request(self, payload: bytes) -> bytes: ...
    def error_reply(self, text: str) -> bytes: ...
    def merge(self, now_us: int, message: StreamMessage) -> None:
        """Merge the node list of a ``push_pull`` message.

        Raises RemoteError on incompatible protocol versions; then nothing was merged.
        """

    # Views.
    def members(self) -> list[Member]:
        """Every entry, dead and left ones included until they are reaped."""
    def alive_count(self) -> int:
        """Entries neither dead nor left, the node itself included."""
    def health_score(self) -> int: ...
    def queued_user_messages(self) -> int: ...
    def prune_user_messages(self, keep: int) -> int:
        """Drop all but ``keep`` queued user messages; returns how many were dropped."""
    def counters(self) -> dict[str, int]:
        """Totals since the start, by name (packets_dropped, ...)."""
