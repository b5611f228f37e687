"""What a notification costs: many groups, each flushed to a webhook again and again, by both servers in turns.

Groups come to be evenly over one interval, as alerts do, and each is flushed once in an interval. What is measured is
the processor time of the server's process over one whole interval, and how late each notification came, from the
time when its group was due.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import uvloop
from alert_beside import GO_ENVIRONMENT, SENDER_CORE, SERVER_CORE, answers_empty
from alert_feed import Client
from processes import Machine, Node, cpu_ns, free_port, kinds, memory_kib, wait_for

from amfast.load.client import Connection
from amfast.load.target import Target

CONFIG = """\
route: {{receiver: sink, group_by: [instance], group_wait: 1s, group_interval: {interval}s, repeat_interval: 1s}}
receivers:
- name: sink
  webhook_configs:
  - url: http://127.0.0.1:{port}/
"""
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_LENGTH = re.compile(rb"(?i)content-length: *(\d+)")
_INSTANCE = re.compile(rb'"instance":"(\d+)"')
_WAIT_S = 1.0
_SLACK_S = 2.0
_EARLY_S = 0.1


@dataclass(slots=True)
class Arrivals:
    """When a notification of each group came, on the wall clock."""

    at_s: dict[int, list[float]] = field(default_factory=dict)

    def between(self, start_s: float, end_s: float) -> int:
        return sum(start_s <= at_s < end_s for times in self.at_s.values() for at_s in times)


class Sink(asyncio.Protocol):
    """Answers every POST with 200."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._held = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._held, 0, end)
            whole = end + 4 + int(length[1] if length else 0)
            if len(self._held) < whole:
                return
            found = _INSTANCE.search(self._held, end, whole)
            self._held = self._held[whole:]
            if found:
                self._arrivals.at_s.setdefault(int(found[1]), []).append(time.time())
            self._transport.write(_ANSWER)


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one server."""

    kind: str
    notifications: int
    cpu_us: float
    """For each of them."""
    late_s: list[float]
    """How late those of the measured interval came."""
    memory_mib: float
    lost: int
    """Groups that nothing came of."""

    def line(self) -> str:
        late = statistics.quantiles(self.late_s, n=100) if len(self.late_s) > 1 else [0.0] * 99
        return (
            f"| {self.kind} | {self.notifications:,} | {self.cpu_us:.0f} µs | {late[49] * 1e3:.1f} ms "
            f"| {late[98] * 1e3:.1f} ms | {max(self.late_s, default=0.0) * 1e3:.1f} ms | {self.memory_mib:.0f} MiB "
            f"| {self.lost} |"
        )


def alert(number: int, now: datetime) -> bytes:
    labels = {"alertname": "HighLatency", "instance": str(number), "severity": "critical", "cluster": "eu-1"}
    annotations = {"summary": f"latency of {number} is high", "runbook": "https://runbooks.example/latency"}
    said = {
        "labels": labels,
        "annotations": annotations,
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=latency",
    }
    return json.dumps([said]).encode()


async def run(kind: str, groups: int, interval_s: int) -> Result:
    """Have the groups come to be over one interval, then measure the next."""
    arrivals = Arrivals()
    port = free_port()
    server = await asyncio.get_running_loop().create_server(lambda: Sink(arrivals), "127.0.0.1", port)
    with Machine() as machine:
        config = CONFIG.format(interval=interval_s, port=port)
        environment = GO_ENVIRONMENT if kind == "go" else {}
        node = machine.node(kind, core=SERVER_CORE, environment=environment, config=config, alone=True)
        wait_for(lambda: answers_empty(machine, node), 60.0)
        posted_s = await _post_all(node, groups, interval_s)
        start_s = time.time() + _SLACK_S
        await asyncio.sleep(_SLACK_S)
        before_ns = cpu_ns(node.pid)
        await asyncio.sleep(interval_s)
        spent_ns = cpu_ns(node.pid) - before_ns
        memory_mib = memory_kib(node.pid)[0] / 1024
        count = arrivals.between(start_s, start_s + interval_s)
    server.close()
    late_s = [
        # A timer may be early by its resolution, which is no lateness of nearly an interval.
        (at_s - posted_s[number] - _WAIT_S + _EARLY_S) % interval_s - _EARLY_S
        for number, times in arrivals.at_s.items()
        for at_s in times
        if start_s <= at_s < start_s + interval_s
    ]
    return Result(
        kind, count, spent_ns / 1e3 / max(count, 1), late_s, memory_mib, groups - len(arrivals.at_s)
    )


async def _post_all(node: Node, groups: int, interval_s: int) -> list[float]:
    """Post one alert after the other, evenly; returns when each was taken."""
    client = Client(node, Connection(Target("127.0.0.1", node.http_port), 60.0))
    posted_s, began_s = [], time.monotonic()
    for number in range(groups):
        await client.post("/api/v2/alerts", alert(number, datetime.now(UTC)))
        posted_s.append(time.time())
        ahead_s = began_s + (number + 1) * interval_s / groups - time.monotonic()
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)
    client.connection.close()
    return posted_s


async def main(groups: int, interval_s: int) -> None:
    os.sched_setaffinity(0, {SENDER_CORE})
    print(f"{groups:,} groups, each flushed every {interval_s} s")
    print("| | notifications | CPU each | late, median | p99 | most | memory | groups lost |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for kind in kinds():
        print(f"{time.strftime('%H:%M:%S')} {kind}", file=sys.stderr, flush=True)
        print((await run(kind, groups, interval_s)).line(), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=10_000)
    parser.add_argument("--interval", type=int, default=60, metavar="SECONDS")
    arguments = parser.parse_args()
    uvloop.run(main(arguments.groups, arguments.interval))
