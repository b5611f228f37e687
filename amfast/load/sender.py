"""One Prometheus: the requests that it has to send, in which order and when."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from amfast.load.batch import Batch, stamp
from amfast.load.plan import RESOLVED_S, Plan
from amfast.load.population import Change, Population
from amfast.load.shape import Shape, external_url

NEW, AGAIN, CHURN, RESOLVED = "new", "re-sent", "churn", "resolved again"
_BUILT_AT_ONCE = 32
_LATE_NS_MAX = 15_000_000_000
"""Two Prometheus servers see the same alert begin this far apart at most: one evaluation interval."""


class Job(NamedTuple):
    """A request to send now; ``kind`` is what it counts as."""

    kind: str
    body: bytes
    alerts: int


@dataclass(slots=True)
class _Resolved:
    until_s: float
    job: Job


class Sender:
    """Knows the bodies of one Prometheus. Lanes ask it for the next."""

    def __init__(self, index: int, plan: Plan, population: Population) -> None:
        self._plan = plan
        self._population = population
        self._shape = Shape(plan.labels, plan.annotations, plan.seed)
        self._url = external_url(index)
        chance = random.Random(f"{plan.seed} {index}")  # noqa: S311 - the same for the same seed
        self._late_ns = chance.randrange(0, _LATE_NS_MAX, 1_000_000)
        self._urgent: deque[Job] = deque()
        self._resolved: deque[_Resolved] = deque()
        self._dirty: set[int] = set()
        self._wake = asyncio.Event()
        self.batches: list[Batch] = []

    async def prepare(self) -> None:
        """Build all bodies; others may run meanwhile."""
        for index in range(-(-self._population.size // self._plan.batch)):
            self.batches.append(self._build(index))
            if index % _BUILT_AT_ONCE == 0:
                await asyncio.sleep(0)

    def lanes(self, stop: asyncio.Event) -> list[Lane]:
        """As many as there are connections; each batch belongs to one lane."""
        count = min(self._plan.connections, len(self.batches))
        return [Lane(self, range(i, len(self.batches), count), self._plan, stop) for i in range(count)]

    def changed(self, changes: Sequence[Change], now_ns: int, now_s: float) -> None:
        """Send at once what began and what ended, and make the bodies anew that they belong to."""
        now = stamp(now_ns)
        later = stamp(now_ns + self._plan.validity_ns)
        began = stamp(now_ns - self._late_ns)
        size = self._plan.batch
        for i in range(0, len(changes), size):
            part = changes[i : i + size]
            ended = Batch(
                self._json(change.ended, stamp(change.start_ns - self._late_ns), now) for change in part
            )
            begun = Batch(self._json(change.begun, began, later) for change in part)
            self._urgent += (
                Job(CHURN, ended.body(now), len(part)),
                Job(CHURN, begun.body(later), len(part)),
            )
            self._resolved.append(_Resolved(now_s + RESOLVED_S, Job(RESOLVED, ended.body(now), len(part))))
        self._dirty.update(change.place // size for change in changes)
        self._wake.set()

    def repeat_resolved(self, now_s: float) -> None:
        """Send again what was resolved not too long ago."""
        while self._resolved and self._resolved[0].until_s < now_s:
            self._resolved.popleft()
        self._urgent += (item.job for item in self._resolved)

    def urgent(self) -> Job | None:
        """What goes before everything else."""
        return self._urgent.popleft() if self._urgent else None

    def current(self, index: int, kind: str) -> Job:
        """A batch, with the alerts that fire now and a fresh end."""
        if index in self._dirty:
            self._dirty.discard(index)
            self.batches[index] = self._build(index)
        batch = self.batches[index]
        return Job(kind, batch.body(stamp(time.time_ns() + self._plan.validity_ns)), batch.alerts)

    async def sleep(self, seconds: float) -> None:
        """Wait so long, or until there is something urgent."""
        self._wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    def wake(self) -> None:
        """End all waiting."""
        self._wake.set()

    def _build(self, index: int) -> Batch:
        population, first = self._population, index * self._plan.batch
        places = range(first, min(first + self._plan.batch, population.size))
        return Batch(
            self._json(population.number(place), stamp(population.start_ns(place) - self._late_ns), stamp(0))
            for place in places
        )

    def _json(self, number: int, starts_at: str, ends_at: str) -> bytes:
        return self._shape.json_of(number, starts_at, ends_at, self._url)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


class Lane:
    """Goes round after round through its share of the batches."""

    def __init__(self, sender: Sender, indexes: Sequence[int], plan: Plan, stop: asyncio.Event) -> None:
        self._sender = sender
        self._indexes = indexes
        self._plan = plan
        self._stop = stop
        self._position = 0
        self._round = 0
        self._began_s = _now_s()

    async def take(self) -> Job | None:
        """The next request, as soon as it is due; None when the lane has done its work.

        The first round goes as fast as it can; from then on the batches are spread evenly over the interval.
        """
        while not self._stop.is_set():
            job = self._sender.urgent()
            if job is not None:
                return job
            if self._round == self._plan.rounds:
                return None
            wait_s = self._due_s() - _now_s()
            if wait_s <= 0:
                return self._next()
            await self._sender.sleep(wait_s)
        return None

    def _due_s(self) -> float:
        if self._round == 0:
            return 0.0
        share = self._position / len(self._indexes)
        return self._began_s + (self._round - 1 + share) * self._plan.interval_s

    def _next(self) -> Job:
        job = self._sender.current(self._indexes[self._position], AGAIN if self._round else NEW)
        self._position += 1
        if self._position == len(self._indexes):
            self._position = 0
            self._round += 1
            if self._round == 1:
                self._began_s = _now_s()
            elif self._indexes[0] == 0:
                self._sender.repeat_resolved(_now_s())
        return job
