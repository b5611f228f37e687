"""What alerts cost ours and Go's Alertmanager, step by step in turns, each on the one core."""

from __future__ import annotations

import asyncio
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from alert_feed import Client, Feed, RefusedError, cost_us, fetch, quiet, rss_bytes
from processes import Machine, Node, free_port, kinds, wait_for

from amfast.load.shape import TWELFTH

SERVER_CORE, SENDER_CORE = 0, 1
CONNECTIONS = 8
"""A server that several senders keep busy is not woken for each request."""
BARE = "system calls"
"""A server that does nothing but read requests and answer them: below its cost nobody can come."""
GO_ENVIRONMENT = {"GOMAXPROCS": "1"}
FILTER = "/api/v2/alerts?" + "&".join(f"filter={quote(matcher)}" for matcher in TWELFTH)
LISTS = {"list": "/api/v2/alerts", "groups": "/api/v2/alerts/groups", "filtered list": FILTER}
TARGETS = {"list": 50.0, "groups": 40.0, "filtered list": 40.0}

_ROUTES = "\n".join(
    f"  - matchers: ['team=\"team-{team}\"', 'severity=~\"critical|warning\"']\n    receiver: nobody\n"
    f"    routes:\n    - matchers: ['cluster=~\"eu-.*\"']\n      receiver: nobody\n      continue: {flag}\n"
    f"    - matchers: ['severity=\"critical\"']\n      receiver: nobody"
    for team, flag in ((1, "true"), (2, "false"), (3, "false"))
)
CONFIG = f"""\
route:
  receiver: nobody
  group_by: [alertname, cluster]
  group_wait: 1h
  routes:
{_ROUTES}
  - matchers: ['alertname="Watchdog"']
    receiver: nobody
receivers:
- name: nobody
"""
"""Ten routes below the root. Nothing is notified: this is about taking alerts and showing them."""


class Sizes(NamedTuple):
    """How much is done."""

    repeats: int
    alerts: int
    many: int
    """For the lists of very many."""
    many_repeats: int
    step_s: float
    """How long a step is repeated."""


@dataclass(slots=True)
class Row:
    """One kind of work: values by kind of server, one for each repetition."""

    name: str
    unit: str
    target: float | None = None
    values: dict[str, list[float]] = field(default_factory=dict)

    def median(self, kind: str) -> float | None:
        values = self.values.get(kind)
        return statistics.median(values) if values else None

    def ratios(self, ours_kind: str = "amfast") -> list[float]:
        """Go's to ours, repetition by repetition."""
        ours, theirs = self.values.get(ours_kind, []), self.values.get("go", [])
        return [b / a for a, b in zip(ours, theirs, strict=False) if a > 0]


class Table:
    """Rows in the order in which they were first heard of."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def add(self, name: str, unit: str, kind: str, value: float, target: float | None = None) -> None:
        row = self.rows.setdefault(name, Row(name, unit, target))
        row.values.setdefault(kind, []).append(value)


def start(machine: Machine, kind: str, config: str = CONFIG) -> Node:
    """A server on its core, alone in the world."""
    environment = GO_ENVIRONMENT if kind == "go" else {}
    node = machine.node(kind, core=SERVER_CORE, environment=environment, config=config, alone=True)

    wait_for(lambda: answers_empty(machine, node), 60.0)
    return node


def start_bare(machine: Machine) -> list[Node]:
    """Where there is a C compiler, the server that does nothing, likewise on its core."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return []
    program, port = machine.folder / "http_echo", free_port()
    source = Path(__file__).with_name("http_echo.c")
    subprocess.run([compiler, "-O2", "-o", program, source], check=True, timeout=60)
    pid = machine.start([str(program), str(port)], SERVER_CORE)
    wait_for(lambda: not machine.runs(pid) or listens(port), 10.0)
    return [Node(BARE, pid, port, 0)]


def listens(port: int) -> bool:
    """Raises OSError while it does not."""
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def answers_empty(machine: Machine, node: Node) -> bool:
    """Whether a server that has just been started is ready. Raises RefusedError if it has ended."""
    if not machine.runs(node.pid):
        raise RefusedError(f"{node.kind} does not start")
    found: list[object] = fetch(node, "/api/v2/alerts")
    return found == []


Say = Callable[[str], None]
Work = Callable[[], Awaitable[int]]


async def beside(sizes: Sizes, table: Table, say: Say) -> None:
    """All repetitions."""
    feeds = {size: Feed(range(sizes.alerts), size) for size in (64, 256)}
    feeds[1] = Feed(range(min(sizes.alerts, 2000)), 1)
    for repeat in range(sizes.repeats):
        with Machine() as machine:
            clients = [Client.to(start(machine, kind)) for kind in _order(repeat)]
            bare = [Client.to(node) for node in start_bare(machine)]
            say(f"repetition {repeat + 1} of {sizes.repeats}: {sizes.alerts} alerts")
            await _ingest(clients, bare, feeds, sizes, table)
            await _lists(clients, sizes.alerts, sizes, table)
            close(clients + bare)
    feed = Feed(range(sizes.many), 64)
    for repeat in range(sizes.many_repeats):
        say(f"repetition {repeat + 1} of {sizes.many_repeats}: {sizes.many} alerts")
        with Machine() as machine:
            clients = [Client.to(start(machine, kind)) for kind in _order(repeat)]
            for client in clients:
                cost = await _fill(client, feed, table)
                name = f"new alert, likewise, of {sizes.many:,}"
                table.add(name, "us", client.node.kind, cost, 12.0)
            await _lists(clients, sizes.many, sizes, table)
            close(clients)


def _order(repeat: int) -> list[str]:
    """Who begins changes from repetition to repetition."""
    return list(kinds())[:: -1 if repeat % 2 else 1]


def close(clients: list[Client]) -> None:
    for client in clients:
        client.connection.close()


async def _fill(client: Client, feed: Feed, table: Table) -> float:
    """New alerts; returns their cost and notes the memory that they take."""
    node = client.node
    await quiet(node)
    before = rss_bytes(node)
    cost = await cost_us(node, lambda: client.send(feed))
    name = f"memory per alert, {feed.alerts:,} alerts"
    table.add(name, "bytes", node.kind, (rss_bytes(node) - before) / feed.alerts, 4.0)
    return cost


async def _ingest(
    clients: list[Client], bare: list[Client], feeds: dict[int, Feed], sizes: Sizes, table: Table
) -> None:
    for client in clients:
        cost = await _fill(client, feeds[64], table)
        table.add("new alert, routed and grouped, batches of 64", "us", client.node.kind, cost, 12.0)
    for size, name, target in (
        (64, "re-sent alert, batches of 64", 60.0),
        (256, "re-sent alert, batches of 256", 60.0),
    ):
        for client in clients + bare:
            cost = await cost_us(client.node, _sending(client, feeds[size]), sizes.step_s)
            table.add(name, "us", client.node.kind, cost, target)
    for connections in (1, CONNECTIONS):
        name = f"POST of one alert, {connections} connection{'s' * (connections > 1)}"
        for client in clients + bare:
            async with _crowd(client, connections, feeds[1]) as post:
                cost = await cost_us(client.node, post, 3 * sizes.step_s)  # it is noisy
            table.add(name, "us", client.node.kind, cost, 6.0)


async def _lists(clients: list[Client], alerts: int, sizes: Sizes, table: Table) -> None:
    for name, path in LISTS.items():
        for client in clients:
            if name == "filtered list":
                _check_filter(client.node, alerts)
            cost = await cost_us(client.node, _reading(client, path), sizes.step_s, 100)
            table.add(f"{name} of {alerts:,}", "us", client.node.kind, cost, TARGETS[name])


def _sending(client: Client, feed: Feed) -> Work:
    return lambda: client.send(feed)


@asynccontextmanager
async def _crowd(client: Client, connections: int, feed: Feed) -> AsyncIterator[Work]:
    """As many connections at once, each of which posts its share of the feed."""
    clients = [Client.to(client.node) for _ in range(connections)]
    shares = [feed.share(i, connections) for i in range(connections)]

    async def post() -> int:
        return sum(
            await asyncio.gather(*(one.send(share) for one, share in zip(clients, shares, strict=True)))
        )

    yield post
    close(clients)


def _reading(client: Client, path: str) -> Work:
    async def read() -> int:
        await client.get(path)
        return 1

    return read


def _check_filter(node: Node, alerts: int) -> None:
    """A filter that selects something else would be a measurement of something else."""
    found = len(fetch(node, FILTER))
    if abs(found - alerts / 12) > 24:
        raise RuntimeError(f"{node.kind} lists {found} alerts for a twelfth of {alerts}")


def timer() -> Callable[[], float]:
    """Seconds since this was called."""
    began_s = time.monotonic()
    return lambda: time.monotonic() - began_s
