"""Simulated receivers of webhooks, and the HTTP client that reaches them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal
from urllib.parse import urlsplit

from amfast.config.http import HttpConfig
from amfast.receivers.answers import Answer
from amfast.receivers.errors import HttpError
from amfast.sim.contract.loop import Process

Mode = Literal["well", "refuses", "fails", "hangs", "late", "denies", "swallows"]
"""What it does with a request: *refuses* the connection; *fails* with 503, or *hangs*, before it took anything; takes
it and answers *late*; takes it but *denies* that with 503; takes it and *swallows* the answer."""
TAKES: frozenset[Mode] = frozenset({"well", "late", "denies", "swallows"})
UNCONFIRMED: frozenset[Mode] = frozenset({"denies", "swallows"})

_WAY_S = 0.002
_WORK_S_MAX = 0.5
_OK, _UNAVAILABLE = 200, 503


@dataclass(frozen=True, slots=True)
class Told:
    """A notification as it came in. Alerts are named by their fingerprints."""

    number: int
    """Counts what this receiver took."""
    time_us: int
    node: int
    receiver: str
    group: str
    firing: frozenset[str]
    resolved: frozenset[str]
    reason: str


class Receiver:
    """Somebody who is told."""

    def __init__(self, name: str, now_us: Callable[[], int], random: Random) -> None:
        self.name = name
        self.mode: Mode = "well"
        self.late_s = 0.0
        self.on_told: Callable[[Told], None] = lambda _told: None
        self.logged: set[int] = set()
        """Numbers of what it took and its sender knows that it took."""
        self.cut_off: set[int] = set()
        """Nodes that cannot reach it."""
        self._now_us = now_us
        self._random = random
        self._taken = 0

    async def take(self, node: int, body: bytes) -> int:
        """One request of a node; returns the status. Raises HttpError."""
        await asyncio.sleep(_WAY_S)
        if node in self.cut_off or self.mode == "hangs":
            await asyncio.Event().wait()
        if self.mode == "refuses":
            raise HttpError("cannot connect: refused")
        mode, work_s = self.mode, self._random.random() * _WORK_S_MAX
        if mode == "fails":
            await asyncio.sleep(work_s)
            return _UNAVAILABLE
        told = self._read(node, body)
        self.on_told(told)
        if mode == "swallows":
            await asyncio.Event().wait()
        await asyncio.sleep(self.late_s if mode == "late" else work_s)
        if mode == "denies":
            return _UNAVAILABLE
        self.logged.add(
            told.number
        )  # whoever waits for this lives: a process that ends takes its waiting with it
        return _OK

    def _read(self, node: int, body: bytes) -> Told:
        said = json.loads(body)
        by_status: dict[str, set[str]] = {"firing": set(), "resolved": set()}
        for alert in said["alerts"]:
            by_status[alert["status"]].add(alert["fingerprint"])
        firing, resolved = map(frozenset, (by_status["firing"], by_status["resolved"]))
        self._taken += 1
        return Told(
            self._taken,
            self._now_us(),
            node,
            self.name,
            said["groupKey"],
            firing,
            resolved,
            said["notification_reason"],
        )


class Client:
    """The HTTP client of one process of a node."""

    def __init__(self, node: int, receivers: Mapping[str, Receiver], process: Process) -> None:
        self._node = node
        self._receivers = receivers
        self._process = process

    def check(self, config: HttpConfig) -> None:
        """Everything can be sent."""

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],  # noqa: ARG002 - as the protocol has it
        body: bytes,
        timeout_s: float | None,
        config: HttpConfig,  # noqa: ARG002
    ) -> Answer:
        """See :meth:`amfast.receivers.http.HttpClient.post`."""
        if not self._process.alive:
            raise HttpError("the process is gone", retry=False)
        try:
            async with asyncio.timeout(timeout_s):
                status = await self._receivers[str(urlsplit(url).hostname)].take(self._node, body)
        except TimeoutError:
            raise HttpError(f"no answer within {timeout_s} s") from None
        return Answer(status, b"", {})

    async def close(self) -> None:
        """Nothing is open."""
