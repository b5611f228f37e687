"""Virtual time: the order in which everything happens, and what each node's own clock says."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Protocol

MILLION = 1_000_000
"""Microseconds in a second; parts in a whole, for drifts in ppm."""


class Schedule(Protocol):
    """What the network needs of time."""

    @property
    def now_us(self) -> int: ...

    def at(self, when_us: int, call: Callable[..., object], *args: object) -> None:
        """Call at a time that is not in the past."""
        ...

    def after(self, wait_us: int, call: Callable[..., object], *args: object) -> None:
        """Call when so much more time has passed."""
        ...


class Timeline:
    """Calls in a total order: by time, then by when they were asked for. Times are integer microseconds."""

    def __init__(self) -> None:
        self.now_us = 0
        self.done = 0
        """Calls made so far."""
        self._heap: list[tuple[int, int, Callable[..., object], tuple[Any, ...]]] = []
        self._asked = 0

    def at(self, when_us: int, call: Callable[..., object], *args: object) -> None:
        """Call at a time that is not in the past."""
        self._asked += 1
        heappush(self._heap, (when_us, self._asked, call, args))

    def after(self, wait_us: int, call: Callable[..., object], *args: object) -> None:
        """Call when so much more time has passed."""
        self.at(self.now_us + wait_us, call, *args)

    def run_until(self, end_us: int) -> None:
        """Make every call due up to ``end_us``, which is then the time."""
        heap = self._heap
        done = 0
        while heap and heap[0][0] <= end_us:
            self.now_us, _, call, args = heappop(heap)
            call(*args)
            done += 1
        self.done += done
        self.now_us = end_us


class NodeClock:
    """A node's monotonic clock: it started at some time of its own and runs a little fast or slow."""

    def __init__(self, offset_us: int, drift_ppm: int) -> None:
        self.offset_us = offset_us
        self.drift_ppm = drift_ppm

    def local_us(self, world_us: int) -> int:
        """What the clock shows at a time of the world."""
        return self.offset_us + world_us + world_us * self.drift_ppm // MILLION

    def world_us(self, local_us: int) -> int:
        """The first time of the world at which the clock shows ``local_us``."""
        if self.drift_ppm == 0:
            return local_us - self.offset_us
        world_us = (local_us - self.offset_us) * MILLION // (MILLION + self.drift_ppm) - 1
        while self.local_us(world_us) < local_us:
            world_us += 1
        return world_us
