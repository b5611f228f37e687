"""A run: senders, churn and pollers together until the time is over, the rounds are done or somebody stops it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from amfast.load.client import Answer, Connection
from amfast.load.plan import Plan
from amfast.load.population import Population
from amfast.load.sender import Job, Lane, Sender
from amfast.load.tally import Second, Tally
from amfast.load.target import POST_TAIL, Target
from amfast.model.errors import AmfastError

POLL: Final = "GET"
TICK_S: Final = 1.0
_RETRY_S: Final = 0.25
_DIAL_TRIES_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did."""

    plan: Plan
    began_ns: int
    """Since 1970."""
    seconds: float
    """Without the preparation of the bodies."""
    tally: Tally
    stopped: bool
    """Whether it was stopped before its end."""


class Run:
    """One run of a plan. ``stop`` may be called at any time."""

    def __init__(
        self, plan: Plan, tick: Callable[[Second, Tally], None] = lambda _second, _tally: None
    ) -> None:
        self.tally = Tally()
        self._plan = plan
        self._tick = tick
        self._stop = asyncio.Event()
        self._waiting: set[asyncio.Future[None]] = set()
        self._early = False
        self._senders: list[Sender] = []
        self._connections: list[Connection] = []

    def stop(self) -> None:
        """Finish what is under way and end."""
        self._early = True
        self._finish()

    def _finish(self) -> None:
        self._stop.set()
        for sender in self._senders:
            sender.wake()
        for waiter in self._waiting:
            _wake(waiter)

    async def go(self) -> Outcome:
        """Do it. Raises AmfastError when a target cannot be reached at the start."""
        plan = self._plan
        began_ns = time.time_ns()
        population = Population(plan.alerts, began_ns)
        await self._reach()
        self._senders = [Sender(i, plan, population) for i in range(plan.senders if plan.alerts else 0)]
        for sender in self._senders:
            await sender.prepare()
        began_s = time.monotonic()
        lanes = [lane for sender in self._senders for lane in sender.lanes(self._stop)]
        timer = (
            asyncio.get_running_loop().call_later(plan.duration_s, self._finish) if plan.duration_s else None
        )
        sending = [asyncio.create_task(self._send(lane)) for lane in lanes]
        others = [asyncio.create_task(self._poll(i)) for i in range(plan.pollers)]
        if plan.churn and self._senders:
            others.append(asyncio.create_task(self._churn(population)))
        ticker = asyncio.create_task(self._tell(began_s))
        await _all(sending or others)
        self._finish()
        if timer is not None:
            timer.cancel()
        ticker.cancel()
        await _all(others)
        seconds = time.monotonic() - began_s
        for connection in self._connections:
            connection.close()
        self._tick(self.tally.tick(seconds), self.tally)
        return Outcome(plan, began_ns, seconds, self.tally, self._early)

    async def _reach(self) -> None:
        """Every target must take a connection before anything is sent."""
        for target in self._plan.targets:
            connection = Connection(target, min(self._plan.timeout_s, _DIAL_TRIES_S))
            try:
                await connection.open()
            except (OSError, UnicodeError) as error:
                raise AmfastError(
                    f"cannot reach {target} ({_reason(error)}): start the server, or name another address"
                ) from None
            connection.close()

    def _connect(self, target: Target) -> Connection:
        connection = Connection(target, self._plan.timeout_s)
        self._connections.append(connection)
        return connection

    async def _send(self, lane: Lane) -> None:
        connections = [self._connect(target) for target in self._plan.targets]
        heads = [target.post_head() for target in self._plan.targets]
        while (job := await lane.take()) is not None:
            await self._open(connections)
            length = b"%d" % len(job.body)
            answers = [
                connection.ask((head + length + POST_TAIL, job.body))
                for connection, head in zip(connections, heads, strict=True)
            ]
            for answer in answers:
                self._count(job, await answer)

    def _count(self, job: Job, answer: Answer) -> None:
        self.tally.add(job.kind, answer, job.alerts)

    async def _open(self, connections: Sequence[Connection]) -> None:
        """Dial what is closed, each once in a while; with none that is open, wait a while.

        What stays closed answers the next request with "connection lost". A target that refuses keeps the others not
        waiting, one that says nothing does so up to the timeout.
        """
        for connection in connections:
            if not connection.is_open and time.monotonic() >= connection.closed_until_s:
                try:
                    await connection.open()
                except OSError:
                    connection.closed_until_s = time.monotonic() + _RETRY_S
        if not any(connection.is_open for connection in connections):
            await self._pause(_RETRY_S)

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until the end. Many pollers do this often, so it has to be cheap."""
        if self._stop.is_set():
            return
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiting.add(waiter)
        timer = loop.call_later(seconds, _wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiting.discard(waiter)

    async def _poll(self, index: int) -> None:
        """Ask at a fixed rate; what is missed because an answer took too long is not made up for."""
        plan = self._plan
        connection = self._connect(plan.targets[index % len(plan.targets)])
        request = (connection.target.get(plan.poll_path),)
        period_s = 1 / plan.poll_rate
        due_s = time.monotonic() + period_s * index / plan.pollers
        while True:
            await self._pause(due_s - time.monotonic())
            if self._stop.is_set():
                return
            await self._open((connection,))
            self.tally.add(f"{POLL} {plan.poll_path}", await connection.ask(request))
            now_s = time.monotonic()
            due_s += period_s * max(1, ceil((now_s - due_s) / period_s))

    async def _churn(self, population: Population) -> None:
        loop = asyncio.get_running_loop()
        last_s = loop.time()
        while not self._stop.is_set():
            await self._pause(TICK_S)
            now_s, now_ns = loop.time(), time.time_ns()
            changes = population.churn(self._plan.churn, now_s - last_s, now_ns)
            last_s = now_s
            if changes:
                for sender in self._senders:
                    sender.changed(changes, now_ns, now_s)

    async def _tell(self, began_s: float) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._tick(self.tally.tick(time.monotonic() - began_s), self.tally)


async def _all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for all; the first failure ends the others and is raised."""
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "no answer"
    return getattr(error, "strerror", None) or str(error)
