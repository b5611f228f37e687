"""What has no counterpart to compare with, or is a bound by itself: pollers, very many alerts, silences, inhibition."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from alert_beside import CONFIG, LISTS, Say, close, start
from alert_feed import Client, Feed, RefusedError, cost_us, quiet, rss_bytes
from alert_watch import WATCH, load
from processes import Machine, Node, cpu_ns, kinds

from amfast.load.shape import ALERTNAMES, CLUSTERS, TEAMS

POLLERS = 25
_BUDGET_S = 40.0
_CONNECTIONS = 8
_MANY = 1_000_000
"""The alerts for which the bounds on memory and stalls are meant."""
_ROUNDS_MIN = 9
_GO_ROUNDS = 3
"""What pollers cost it can be seen at once."""
_NOTIFYING = """\
route: {receiver: hook, group_by: [alertname, cluster], group_wait: 1s}
receivers:
- name: hook
  webhook_configs:
  - url: URL
    max_alerts: 1
"""
"""One alert in a notification, and a dozen groups a round: so little that what is added can be seen."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with the bound that it should keep."""

    name: str
    unit: str
    value: float | None
    """None where the server does not have what is to be measured."""
    bound: float | None = None
    note: str = ""
    incomplete: bool = False
    """Less was measured than the bound is for."""
    noise: float = 0.0
    """The standard error of the value, where many measurements gave it."""

    def verdict(self) -> str:
        """Whether the bound is kept, or that this run cannot tell."""
        if self.value is None or self.bound is None:
            return ""
        if 2 * self.noise > abs(self.bound - self.value):
            return "cannot tell"
        if self.value > self.bound:
            return "not kept"
        return "cannot tell" if self.incomplete else "kept"


async def with_pollers(alerts: int, rate_each: float, seconds: float, rounds: int, say: Say) -> list[Figure]:
    """How fast re-sent alerts are taken without and with pollers of the groups, in turns, by both servers.

    The pollers have the sender's core; the note says how much they take of it.
    """
    found = []
    flags = (f"--pollers={POLLERS}", f"--poll-rate={rate_each}", "--timeout=60s")
    feed = Feed(range(alerts), 64)
    what = f"{POLLERS} pollers of {alerts:,} alerts, {POLLERS * rate_each:g} requests a second"
    for kind in kinds():
        say(f"{what}: {kind}")
        with Machine() as machine:
            client = Client.to(start(machine, kind))
            await client.send(feed)
            taken, polled = [], []
            alone = [await _rate(client, feed, seconds)]
            for number in range(rounds if kind == "amfast" else _GO_ROUNDS):
                async with load(client.node, machine.folder / f"pollers{number}", *flags) as readings:
                    before_ns, began_s = cpu_ns(readings.pid), time.monotonic()
                    polled.append(await _rate(client, feed, seconds))
                    taken.append((cpu_ns(readings.pid) - before_ns) / 1e9 / (time.monotonic() - began_s))
                alone.append(await _rate(client, feed, seconds))
            close([client])
        # Each round stands between two without pollers: machines become faster and slower by themselves.
        lost = [
            100 * (1 - rate / statistics.mean(around))
            for rate, around in zip(polled, pairwise(alone), strict=True)
        ]
        bound, noise = 10.0 if kind == "amfast" else None, _noise(lost)
        note = f"{len(lost)} rounds, standard error {noise:.1f} %"
        note += f"; the pollers had {100 * statistics.median(taken):.1f} % of the sender's core"
        found += [
            Figure(
                f"{kind}: alerts a second, no pollers of {alerts:,} alerts",
                "alerts/s",
                statistics.median(alone),
            ),
            Figure(f"{kind}: alerts a second, {what}", "alerts/s", statistics.median(polled)),
            Figure(f"{kind}: lost to {what}", "%", statistics.median(lost), bound, note, noise=noise),
            Figure(f"{kind}: polls answered a second, {what}", "1/s", readings.answered_per_s()),
            Figure(f"{kind}: median wait of a poll, {what}", "ms", readings.median_ms()),
        ]
    return found


async def _rate(client: Client, feed: Feed, seconds: float) -> float:
    sent, began_s = 0, time.monotonic()
    while time.monotonic() - began_s < seconds:
        sent += await client.send(feed, seconds)
    return sent / (time.monotonic() - began_s)


async def very_many(alerts: int, say: Say) -> list[Figure]:
    """Memory, a full re-send and the longest stalls with a million alerts or so."""
    say(f"{alerts:,} alerts: making the bodies")
    feed = Feed(range(alerts), 256)
    with Machine() as machine:
        client = Client.to(start(machine, "amfast", CONFIG.replace("group_wait: 1h", "group_wait: 5s")))
        node = client.node
        before = rss_bytes(node)
        say(f"{alerts:,} alerts: sending")
        held = await client.send(feed, _BUDGET_S)
        note = "" if held == feed.alerts else f"only {held:,} were taken in {_BUDGET_S:g} s"
        if note:
            feed.batches, feed.alerts = feed.batches[: held // 256], held
        await quiet(node)
        found = [
            Figure(f"memory with {feed.alerts:,} alerts", "MiB", rss_bytes(node) / 2**20, 1638.4, note),
            Figure(
                "memory per alert at that size", "bytes", (rss_bytes(node) - before) / feed.alerts, 1500.0
            ),
        ]
        say(f"{feed.alerts:,} alerts: sending again")
        cost = await cost_us(node, lambda: client.send(feed, _BUDGET_S))
        found.append(Figure("a full re-send at that size, CPU", "s", cost * feed.alerts / 1e6, 2.0))
        found += await _stalls(client, feed, machine, say)
        close([client])
    return [replace(figure, incomplete=figure.incomplete or held < _MANY) for figure in found]


async def _stalls(client: Client, feed: Feed, machine: Machine, say: Say) -> list[Figure]:
    async def resend() -> None:
        await client.send(feed, 5.0)

    async def read(path: str) -> None:
        await client.get(path)

    async def reload() -> None:
        """The groups are made anew, and flushed after group_wait."""
        await client.post("/-/reload")
        await asyncio.sleep(12.0)

    steps: dict[str, Callable[[], Awaitable[None]]] = {
        "nothing to do": lambda: asyncio.sleep(3.0),
        "re-sending": resend,
        **{name: (lambda path=path: read(path)) for name, path in LISTS.items()},  # type: ignore[misc]
        "reload, and the flush after it": reload,
    }
    found: list[Figure] = []
    for name, step in steps.items():
        say(f"{feed.alerts:,} alerts: stalls, {name}")
        note = ""
        async with load(client.node, machine.folder / f"watch{len(found)}", *WATCH) as readings:
            try:
                await asyncio.wait_for(step(), _BUDGET_S)
            except (TimeoutError, RefusedError) as error:
                note = str(error) or f"not done in {_BUDGET_S:g} s"
                client.connection.close()
        longest_ms = readings.longest_ms()
        if longest_ms is None:
            note = "no answer until the watch was given up"
        found.append(Figure(f"longest stall: {name}", "ms", longest_ms, 100.0, note, incomplete=bool(note)))
    return found


async def silences(count: int, alerts: int, rounds: int, say: Say) -> list[Figure]:
    """What silences, none of which matches, add to a new alert until its group was notified."""
    say(f"{count:,} silences")
    costs = await _without_and_with(alerts, rounds, silences=count)
    return [_difference(f"{count:,} silences add to a new alert and its flush", costs, 1.0)]


async def inhibition(count: int, alerts: int, rounds: int, say: Say) -> list[Figure]:
    """The same with inhibition rules."""
    rules = "inhibit_rules:\n" + "".join(
        f"- source_matchers: [alertname=Rack{i}Down]\n  target_matchers: [severity=info, rack=r{i}]\n"
        f"  equal: [cluster]\n"
        for i in range(count)
    )
    name = f"{count:,} inhibition rules add to a new alert and its flush"
    say(f"{count:,} inhibition rules")
    try:
        costs = await _without_and_with(alerts, rounds, config=rules)
    except RefusedError as error:
        return [Figure(name, "us", None, 5.0, f"{error} with inhibit_rules")]
    return [_difference(name, costs, 5.0)]


def _difference(name: str, costs: list[tuple[float, float]], bound: float) -> Figure:
    """The median of what was added in each round; the noise is about the standard error of that."""
    added = [later - before for before, later in costs]
    noise = _noise(added)
    without = statistics.median(before for before, _ in costs)
    note = f"{without:.1f} µs without, {len(costs)} rounds, standard error {noise:.2f} µs"
    return Figure(name, "us", statistics.median(added), bound, note, len(costs) < _ROUNDS_MIN, noise)


async def _without_and_with(
    alerts: int, rounds: int, *, silences: int = 0, config: str = ""
) -> list[tuple[float, float]]:
    """The costs of new alerts for two servers, one without what the other has; both in turns in each round."""
    costs = []
    async with _receiver() as url:
        with Machine() as machine:
            plain = _NOTIFYING.replace("URL", url)
            clients = [Client.to(start(machine, "amfast", text)) for text in (plain, plain + config)]
            await asyncio.gather(
                *(_silence(clients[1].node, range(i, silences, _CONNECTIONS)) for i in range(_CONNECTIONS))
            )
            for number in range(rounds):
                feed = Feed(_of_one_name(number, alerts), 64)
                found = {}
                for which in (0, 1)[:: -1 if number % 2 else 1]:
                    found[which] = await _new(clients[which], feed)
                costs.append((found[0], found[1]))
            close(clients)
    return costs


def _noise(values: list[float]) -> float:
    """About the standard error of the median."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / len(values) ** 0.5


def _of_one_name(name: int, count: int) -> list[int]:
    """The numbers of so many alerts with the same alertname, which no other name has."""
    block = CLUSTERS * TEAMS
    return [at // block * block * ALERTNAMES + name % ALERTNAMES * block + at % block for at in range(count)]


async def _new(client: Client, feed: Feed) -> float:
    """The cost of new alerts until their groups were notified, group_wait of 1 s included."""

    async def work() -> int:
        sent = await client.send(feed)
        await asyncio.sleep(1.5)
        return sent

    return await cost_us(client.node, work)


async def _silence(node: Node, numbers: range) -> None:
    """Set silences that match nothing."""
    client = Client.to(node)
    for number in numbers:
        await client.post("/api/v2/silences", _silence_json(number))
    close([client])


def _silence_json(number: int) -> bytes:
    now = datetime.now(UTC)
    return json.dumps(
        {
            "matchers": [
                {"name": "alertname", "value": f"ServiceObjectiveMissed{number % 50:02d}", "isRegex": False},
                {"name": "instance", "value": f"silenced-{number}", "isRegex": False},
            ],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=2)).isoformat(),
            "createdBy": "bench",
            "comment": "measured",
        }
    ).encode()


class _receiver:  # noqa: N801 - used like a function
    """A webhook receiver that is content with everything."""

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 24)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                )
                await reader.readexactly(length)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
