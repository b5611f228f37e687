"""Alerts for one server, and questions to it, with the processor time that they cost its process."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from processes import Node, cpu_ns, memory_kib

from amfast.load.batch import Batch, stamp
from amfast.load.client import Answer, Connection
from amfast.load.shape import Shape
from amfast.load.target import POST_TAIL, Target

TIMEOUT_S = 120.0
VALIDITY_NS = 3600 * 10**9
_SENDER_URL = "http://prometheus-1.example:9090"
_QUIET_SHARE = 0.02
_QUIET_WINDOW_S = 0.1
_QUIET_WAIT_S = 10.0


class RefusedError(RuntimeError):
    """A server did not do what is to be measured."""


class Feed:
    """Bodies of POSTs, made once for all servers."""

    def __init__(self, numbers: Sequence[int], batch: int, shape: Shape | None = None) -> None:
        shape = shape or Shape()
        start = stamp(time.time_ns() - 60 * 10**9)
        self.alerts = len(numbers)
        self.batches = [
            Batch(shape.json_of(number, start, stamp(0), _SENDER_URL) for number in numbers[i : i + batch])
            for i in range(0, len(numbers), batch)
        ]

    def share(self, which: int, of: int) -> Feed:
        """One of so many parts."""
        part = copy(self)
        part.batches = self.batches[which::of]
        part.alerts = sum(batch.alerts for batch in part.batches)
        return part


@dataclass(slots=True)
class Client:
    """A connection to one server."""

    node: Node
    connection: Connection

    @classmethod
    def to(cls, node: Node) -> Client:
        return cls(node, Connection(Target("127.0.0.1", node.http_port), TIMEOUT_S))

    async def send(self, feed: Feed, seconds_max: float = 3600.0) -> int:
        """Post everything once, one request after the other; returns how many alerts were taken in time."""
        head, taken = self.connection.target.post_head(), 0
        until_s = time.monotonic() + seconds_max
        for batch in feed.batches:
            body = batch.body(stamp(time.time_ns() + VALIDITY_NS))
            await self._ask((head + b"%d" % len(body) + POST_TAIL, body))
            taken += batch.alerts
            if time.monotonic() > until_s:
                break
        return taken

    async def get(self, path: str) -> Answer:
        return await self._ask((self.connection.target.get(path),))

    async def post(self, path: str, body: bytes = b"") -> Answer:
        head = self.connection.target.post_head().replace(b"/api/v2/alerts", path.encode(), 1)
        return await self._ask((head + b"%d" % len(body) + POST_TAIL, body))

    async def _ask(self, parts: Sequence[bytes]) -> Answer:
        await self.connection.open()
        answer = await self.connection.ask(parts)
        if answer.status != 200:
            raise RefusedError(f"{self.node.kind}: {answer.problem or answer.status}")
        return answer


def fetch(node: Node, path: str) -> Any:  # noqa: ANN401 - JSON
    """An answer as Python values. Raises OSError."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{node.http_port}{path}", timeout=TIMEOUT_S) as answer:
        return json.loads(answer.read())


async def quiet(node: Node) -> None:
    """Return when the process has done what it had put off, such as collecting garbage."""
    until_s = time.monotonic() + _QUIET_WAIT_S
    while time.monotonic() < until_s:
        before_ns = cpu_ns(node.pid)
        await asyncio.sleep(_QUIET_WINDOW_S)
        if cpu_ns(node.pid) - before_ns < _QUIET_SHARE * _QUIET_WINDOW_S * 1e9:
            return


async def cost_us(
    node: Node, work: Callable[[], Awaitable[int]], seconds: float = 0.0, times_max: int = 1000
) -> float:
    """Processor time of the process for each unit of work; repeated for so long.

    ``work`` returns how many units it did. What the process puts off is counted too.
    """
    await quiet(node)
    before_ns, units, times = cpu_ns(node.pid), 0, 0
    until_s = time.monotonic() + seconds
    while times == 0 or (time.monotonic() < until_s and times < times_max):
        units += await work()
        times += 1
    await quiet(node)
    return (cpu_ns(node.pid) - before_ns) / units / 1000


def rss_bytes(node: Node) -> int:
    return memory_kib(node.pid)[0] * 1024
