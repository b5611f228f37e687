"""The simulated network: what becomes of a datagram, and which links are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import log
from typing import Protocol

from amfast.sim.clock import Schedule
from amfast.sim.seeds import stream


@dataclass(frozen=True, slots=True)
class Link:
    """What every link is like. Delays are one way: the floor and an exponential part, in microseconds."""

    floor_us: int = 300
    jitter_us: int = 700
    """Mean of the exponential part. It alone brings packets out of order at times."""
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    """Share of packets that are held up by as much as ``reorder_us`` more."""
    reorder_us: int = 50_000


class Target(Protocol):
    """Who can be reached at an address."""

    index: int

    @property
    def listening(self) -> bool:
        """Whether a process has the port open."""
        ...

    def packet(self, source: int, data: bytes) -> None:
        """Take one datagram."""
        ...

    def stream(self, request: bytes, answer: Callable[[bytes], None]) -> None:
        """Take what a dialling node wrote; ``answer`` once, now or later, empty to close without a word."""
        ...


Filter = Callable[[int, int, bytes], bool]
"""(source, target, data) of a datagram or of one half of a stream: whether it may pass."""


class Network:
    """Carries data between nodes by index. Cuts and the state of the links may change at any time."""

    def __init__(self, timeline: Schedule, seed: int, link: Link) -> None:
        self.timeline = timeline
        self.packets = self.packet_bytes = 0
        """Datagrams sent and their payload, lost ones included."""
        self.streams = self.stream_bytes = 0
        """Streams dialled, and what was written to them by either side."""
        self.delivered = 0
        self.filter: Filter | None = None
        """A hook for experiments: a network that treats some packets worse than others."""
        self.targets: dict[bytes, Target] = {}
        self._cuts: list[tuple[frozenset[int], frozenset[int]]] = []
        self._delay_draw = stream(seed, "delay").random
        self._loss_draw = stream(seed, "loss").random
        self._duplicate_draw = stream(seed, "duplicate").random
        self._reorder_draw = stream(seed, "reorder").random
        self.link = link

    # Changes.

    def cut(self, sources: Iterable[int], targets: Iterable[int]) -> Callable[[], None]:
        """Stop whatever goes from the first to the second; returns what ends that."""
        pair = (frozenset(sources), frozenset(targets))
        self._cuts.append(pair)
        return lambda: self._cuts.remove(pair)

    def barred(self, index: int) -> int:
        """With how many others a node cannot talk in at least one direction; an upper bound when cuts overlap."""
        return sum(
            len(far)
            for sources, targets in self._cuts
            for near, far in ((sources, targets), (targets, sources))
            if index in near
        )

    # Carrying.

    def delay_us(self) -> int:
        """The next packet's way."""
        link = self.link
        delay_us = link.floor_us + int(-log(1.0 - self._delay_draw()) * link.jitter_us)
        if link.reorder and self._reorder_draw() < link.reorder:
            delay_us += int(self._reorder_draw() * link.reorder_us)
        return delay_us

    def passes(self, source: int, target: int, data: bytes) -> bool:
        """Whether one packet gets through."""
        for sources, targets in self._cuts:
            if source in sources and target in targets:
                return False
        loss = self.link.loss
        if loss and self._loss_draw() < loss:
            return False
        return self.filter is None or self.filter(source, target, data)

    def send(self, source: int, data: bytes, ip: bytes) -> None:
        """Send a datagram."""
        self.packets += 1
        self.packet_bytes += len(data)
        target = self.targets[ip]
        if not self.passes(source, target.index, data):
            return
        self.delivered += 1
        timeline = self.timeline
        timeline.at(timeline.now_us + self.delay_us(), target.packet, source, data)
        duplicate = self.link.duplicate
        if duplicate and self._duplicate_draw() < duplicate:
            timeline.at(timeline.now_us + self.delay_us(), target.packet, source, data)
