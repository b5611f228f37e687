"""A simulated node: the compiled core, driven as ``amfast.cluster.peer`` drives it, on its own clock."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from amfast._ext.swim import ALIVE, SUSPECT, Core, Event, Member, RemoteError, StreamMessage, StreamReader
from amfast.cluster.channels import Channel, Channels
from amfast.cluster.peer import USER_COPIES
from amfast.sim.clock import NodeClock, Timeline
from amfast.sim.digest import Digest
from amfast.sim.network import Network
from amfast.sim.state import LastWriterWins
from amfast.sim.streams import Exchange
from amfast.sim.timing import Timing

PORT = 9094
CHANNEL = "sim"

_NEVER = 1 << 62
_MS = 1000
_LEAVE_US = 10_000_000
_BUFFERED_BYTES_MAX = 2 << 20
_NO_BYTES = b""

log = logging.getLogger("amfast.sim")


def name_of(index: int) -> str:
    """A node's name."""
    return f"node{index}"


def index_of(name: str) -> int:
    """The node of that name."""
    return int(name[4:])


def ip_of(index: int) -> bytes:
    """A node's address: 10.x.y.z."""
    return (10 << 24 | index).to_bytes(4, "big")


EventWatch = Callable[["SimNode", Event], None]
NewsWatch = Callable[["SimNode", str], None]


@dataclass(slots=True)
class Surroundings:
    """What all nodes of a world share. Watchers see everything and change nothing."""

    timeline: Timeline
    network: Network
    digest: Digest
    timing: Timing
    seed_peers: tuple[bytes, ...]
    """Addresses that every node is configured to join."""
    watchers: dict[str, list[EventWatch]]
    """By kind of event."""
    on_news: NewsWatch
    """A node learnt a user update by gossip or push/pull."""
    on_end: Callable[[SimNode], None]
    """A node's process ended."""


class SimNode:
    """One member. It can crash, start again with nothing but its name, stop for a while, or leave."""

    def __init__(self, index: int, around: Surroundings, clock: NodeClock, seeds: Random) -> None:
        self.index = index
        self.name = name_of(index)
        self.ip = ip_of(index)
        self.clock = clock
        self.life = 0
        """Counts starts and ends: what was begun in another life is void."""
        self.listening = False
        self.up_since_us = 0
        self.core: Core
        self.state: LastWriterWins
        self._around = around
        self._network = around.network
        self._timeline = around.timeline
        self._seeds = seeds
        self._reset()

    def _reset(self) -> None:
        self._pauses = 0
        self._dropping = False
        self._buffered_bytes = 0
        self._inbox: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        self._leaving = False
        self._missing: dict[bytes, None] = {}
        self._armed_us = -1
        self._due_us = self._queued_us = _NEVER
        self._ticking_since_us = 0

    # Life.

    def start(self, phase_us: int = 0) -> None:
        """Begin a new life with an empty state; nothing is joined yet. The tickers began ``phase_us`` ago."""
        timing = self._around.timing
        self.life += 1
        self._reset()
        self._missing = dict.fromkeys(ip for ip in self._around.seed_peers if ip != self.ip)
        self.core = Core(
            name=self.name,
            ip=self.ip,
            port=PORT,
            seed=self._seeds.getrandbits(64),
            probe_interval_us=timing.probe_interval_us,
            probe_timeout_us=timing.probe_timeout_us,
            gossip_interval_us=timing.gossip_interval_us,
            gossip_nodes=timing.gossip_nodes,
            push_pull_interval_us=timing.push_pull_interval_us,
            user_retransmit=timing.gossip_nodes * USER_COPIES,
            tcp_timeout_us=timing.tcp_timeout_us,
        )
        self._channels = Channels(self._gossip, self._send_oversize, log, lambda: True)
        self.state = LastWriterWins(lambda key: self._around.on_news(self, key))
        self._channel = self._channels.add(CHANNEL, self.state)
        self.listening = True
        self.up_since_us = self._timeline.now_us
        self._ticking_since_us = self._now_us() - phase_us
        self.core.start(self._ticking_since_us)
        self.pump()

    def join(self) -> None:
        """Join the configured peers; then try again and again what is missing."""
        self._join(iter([ip for ip in self._around.seed_peers if ip != self.ip]), self.begin_rejoining)

    def begin_rejoining(self) -> None:
        """Look after missing members from now on (reference gossip, section 15.8)."""
        self._later(self._around.timing.reconnect_interval_us, self._reconnect)
        self._later(self._around.timing.refresh_interval_us, self._refresh)

    def crash(self) -> None:
        """Lose everything, without a word."""
        self.life += 1
        self.listening = False
        self._reset()
        self._around.on_end(self)

    def leave(self) -> None:
        """Tell the others that this node goes, and end once they were told."""
        self._leaving = True
        self.core.leave(self._now_us())
        self._later(_LEAVE_US, self.crash)
        self.pump()

    def pause(self, *, keep: bool) -> int:
        """Do nothing until :meth:`resume`; input is kept as the system's buffers would, or lost.

        Pauses may overlap. Returns what to give to :meth:`resume`.
        """
        self._pauses += 1
        self._dropping = self._dropping or not keep
        return self.life

    def resume(self, life: int) -> None:
        """End one pause, unless the process that was paused is gone."""
        if life != self.life or self._pauses == 0:
            return
        self._pauses -= 1
        if self._pauses:
            return
        inbox, self._inbox = self._inbox, []
        self._dropping = False
        self._buffered_bytes = 0
        for call, args in inbox:
            if life == self.life:
                call(*args)
        if life == self.life:
            self._armed_us = -1
            self._arm()

    @property
    def paused(self) -> bool:
        """Whether it stands still at the moment."""
        return self._pauses > 0

    def update(self, key: str, stamp: int, value: bytes) -> None:
        """Write to the user state and tell everybody."""
        self._channel.broadcast(self.state.put(key, stamp, value))
        self.pump()

    def living_members(self) -> list[Member]:
        """Those neither dead nor left, as this node sees it."""
        return [member for member in self.core.members() if member.state in (ALIVE, SUSPECT)]

    def entry(self, name: str) -> Member | None:
        """What the node knows of one member."""
        return next((member for member in self.core.members() if member.name == name), None)

    # Time.

    def _now_us(self) -> int:
        return self.clock.local_us(self._timeline.now_us)

    def _later(self, wait_us: int, call: Callable[[], None]) -> None:
        """Call in this life only, and not while paused."""
        life = self.life

        def due() -> None:
            if self.life == life:
                self._input(call)

        self._timeline.after(wait_us, due)

    def _arm(self) -> None:
        """Have the core run at its next deadline, rounded up to a millisecond as the event loop does."""
        deadline_us = self.core.next_deadline_us()
        timing = self._around.timing
        if timing.idle_ticks:
            interval_us = timing.gossip_interval_us
            ticks = (self._now_us() - self._ticking_since_us) // interval_us
            deadline_us = min(deadline_us, self._ticking_since_us + (ticks + 1) * interval_us)
        if deadline_us == self._armed_us:
            return
        self._armed_us = deadline_us
        now_us = self._timeline.now_us
        wait_us = max(self.clock.world_us(deadline_us) - now_us, 0)
        self._due_us = now_us - -wait_us // _MS * _MS
        self._queue_timer()

    def _queue_timer(self) -> None:
        """One call is on its way at the earliest time that was asked for; coming too early it goes round again."""
        if self._due_us < self._queued_us:
            self._queued_us = self._due_us
            self._timeline.at(self._due_us, self._on_timer, self._due_us, self.life)

    def _on_timer(self, due_us: int, life: int) -> None:
        if life != self.life or due_us != self._queued_us:
            return
        self._queued_us = _NEVER
        if self._pauses:
            return
        if self._due_us > due_us:
            self._queue_timer()
            return
        self._due_us = _NEVER
        self._armed_us = -1
        self.core.run(self._now_us())
        self.pump()

    # Input.

    def packet(self, source: int, data: bytes) -> None:
        """Take one datagram."""
        if not self.listening:
            return
        if self._pauses:
            self._buffered_bytes += len(data)
            if not self._dropping and self._buffered_bytes <= _BUFFERED_BYTES_MAX:
                self._inbox.append((self.packet, (source, data)))
            return
        now_us = self._timeline.now_us
        self._around.digest.packet(now_us, source, self.index, data)
        self.core.receive(self.clock.local_us(now_us), data, ip_of(source), PORT)
        self.pump()

    def stream(self, request: bytes, answer: Callable[[bytes], None]) -> None:
        """Take what a dialling node wrote."""
        life = self.life

        def take() -> None:
            if self.life == life:
                answer(self._answer(request))
                self.pump()

        if self.listening and not self._dropping:
            self._input(take)

    def _input(self, call: Callable[..., None], *args: object) -> None:
        if self._pauses:
            self._inbox.append((call, args))
        else:
            call(*args)

    def pump(self) -> None:
        """Carry out what the core decided since the last time, and arm its timer."""
        core = self.core
        events = core.events()
        if events:
            self._take(events)
        for packet, ip, _ in core.packets():
            self._network.send(self.index, packet, ip)
        for dial in core.dials():
            if dial.kind == "push_pull":
                self._push_pull(dial.ip)
            else:
                self._ping(dial.ip, dial.name, dial.seq_no, dial.deadline_us)
        self._arm()
        if self._leaving and core.leaving_done():
            self.crash()

    def _take(self, events: list[Event]) -> None:
        around = self._around
        now_us = self._timeline.now_us
        for event in events:
            kind = event[0]
            around.digest.event(now_us, self.index, event)
            if kind == "user":
                self._channels.receive_update(event[4])
            elif kind == "join":
                self._missing.pop(event[2], None)
            elif kind == "leave" and event[2] != self.ip:
                self._missing[event[2]] = None
            if kind in around.watchers:
                for watch in around.watchers[kind]:
                    watch(self, event)

    # Streams.

    def _answer(self, request: bytes) -> bytes:
        """The acceptor's side; the own half of a push/pull is fixed before the other's is merged."""
        self._around.digest.packet(self._timeline.now_us, -1, self.index, request)
        message = StreamReader(_NO_BYTES).feed(request)
        if message is None:
            return _NO_BYTES
        if message.kind == "ping":
            return self.core.ack_reply(message.seq_no) if message.name in ("", self.name) else _NO_BYTES
        if message.kind == "user":
            self._channels.receive_update(message.user_state)
        if message.kind != "push_pull":
            return _NO_BYTES
        reply = self.core.push_pull_reply(message.join, self._channels.local_state())
        self._merge(message)
        return reply

    def _merge(self, message: StreamMessage) -> None:
        try:
            self.core.merge(self._now_us(), message)
        except RemoteError:
            return
        if message.user_state:
            self._channels.receive_full_state(message.user_state)

    def _dial(
        self,
        ip: bytes,
        request: bytes,
        wait_us: int,
        on_reply: Callable[[StreamMessage | None], None],
    ) -> None:
        """Write, read one message; ``on_reply`` is called once, None telling that it failed."""
        life = self.life

        def ended(reply: bytes | None) -> None:
            if reply is not None:
                self._around.digest.packet(self._timeline.now_us, -2, self.index, reply)
            on_reply(StreamReader(None).feed(reply) if reply else None)
            self.pump()

        def end(reply: bytes | None) -> None:
            if self.life == life:
                self._input(ended, None if self._dropping else reply)

        deadline_us = self._timeline.now_us + wait_us
        Exchange(self._network, self.index, ip, request, deadline_us, end)

    def _push_pull(self, ip: bytes, *, join: bool = False, then: Callable[[], None] | None = None) -> None:
        def on_reply(message: StreamMessage | None) -> None:
            if message is not None and message.kind == "push_pull":
                self._merge(message)
            if then is not None:
                then()

        request = self.core.push_pull_request(join, self._channels.local_state())
        self._dial(ip, request, self._around.timing.tcp_timeout_us, on_reply)

    def _ping(self, ip: bytes, name: str, seq_no: int, deadline_us: int) -> None:
        def on_reply(message: StreamMessage | None) -> None:
            if message is not None and message.kind == "ack" and message.seq_no == seq_no:
                self.core.tcp_pong(self._now_us(), seq_no)

        wait_us = self.clock.world_us(deadline_us) - self._timeline.now_us
        self._dial(ip, self.core.ping_request(name, seq_no), wait_us, on_reply)

    # User updates on their way out.

    def _gossip(self, part: bytes) -> None:
        self.core.broadcast(part)

    def _send_oversize(self, channel: Channel) -> None:
        while channel.oversize:
            request = self.core.user_request(channel.oversize.popleft())
            for member in self.living_members():
                if member.name != self.name:
                    self._dial(member.ip, request, self._around.timing.tcp_timeout_us, _ignore)

    # Joining, one after the other.

    def _join(self, ips: Iterator[bytes], then: Callable[[], None]) -> None:
        ip = next(ips, None)
        if ip is None:
            then()
        else:
            self._push_pull(ip, join=True, then=lambda: self._join(ips, then))

    def _reconnect(self) -> None:
        interval_us = self._around.timing.reconnect_interval_us
        self._join(iter(tuple(self._missing)), lambda: self._later(interval_us, self._reconnect))

    def _refresh(self) -> None:
        """Join the configured peers that are no members: they all stand among the missing."""
        interval_us = self._around.timing.refresh_interval_us
        absent = [ip for ip in self._around.seed_peers if ip in self._missing]
        self._join(iter(absent), lambda: self._later(interval_us, self._refresh))


def _ignore(_: StreamMessage | None) -> None:
    """Nobody answers a user message."""
