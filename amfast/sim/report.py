"""Curves over the size of the cluster, the loss of packets and the share of slow nodes, as data and as plots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from amfast.sim.faults import Crash, Fault, Slow, Weather
from amfast.sim.measure import middle
from amfast.sim.network import Link
from amfast.sim.run import Result, run
from amfast.sim.scenarios import Scenario
from amfast.sim.seeds import stream
from amfast.sim.table import aligned, number
from amfast.sim.timing import Timing
from amfast.svg import Line, chart

LOSSES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
SLOW_SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3)

_SIZE_RUN_S = 90.0
_KILLS_S = (20.0, 50.0)
_FALSE_RUN_S = 300.0
_HOUR_S = 3600.0
_NO_UPDATES = float("inf")
_TIMING = Timing()

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SizeRow:
    """What one size of cluster gave: medians over all seeds, seconds; the wire at rest, per node and second."""

    nodes: int
    update_half_s: float | None
    update_most_s: float | None
    update_all_s: float | None
    updates: int
    updates_by_gossip: int
    """Updates that all nodes had within the bound for gossip; the others waited for a push/pull."""
    ticking_half_s: float | None
    ticking_all_s: float | None
    """The same with ``Timing.idle_ticks``."""
    death_first_s: float | None
    death_all_s: float | None
    deaths: int
    packets: float
    packet_bytes: float
    stream_bytes: float


@dataclass(frozen=True, slots=True)
class FalseRow:
    """Wrong beliefs about running nodes, per node and hour."""

    share: float
    """Of packets lost, or of nodes that stall."""
    suspicions: float
    deaths: float
    deaths_of_well: float
    """Deaths of nodes that did not stall, declared by nodes that did not."""


@dataclass(frozen=True, slots=True)
class Report:
    """The data of all curves."""

    seeds: int
    nodes_for_faults: int
    sizes: tuple[SizeRow, ...]
    loss: tuple[FalseRow, ...]
    slow: tuple[FalseRow, ...]
    violations: int


def report(sizes: Sequence[int], seeds: int, nodes_for_faults: int, say: Say) -> Report:
    """Make all runs; ``say`` hears of each."""
    runs = _Runs(seeds, say)
    size_rows = tuple(_size_row(nodes, runs) for nodes in sizes)
    loss = tuple(_false_row(share, _lossy(nodes_for_faults, share), runs) for share in LOSSES)
    slow = tuple(_false_row(share, _slow(nodes_for_faults, share), runs) for share in SLOW_SHARES)
    return Report(seeds, nodes_for_faults, size_rows, loss, slow, runs.violations)


class _Runs:
    """Runs a scenario once for each seed."""

    def __init__(self, seeds: int, say: Say) -> None:
        self.violations = 0
        self._seeds = seeds
        self._say = say

    def of(self, make: Callable[[int], Scenario]) -> Iterator[Result]:
        for seed in range(1, self._seeds + 1):
            scenario = make(seed)
            self._say(f"{scenario.name}, {scenario.nodes} nodes, seed {seed}")
            result = run(scenario, seed)
            self.violations += result.violations
            yield result


def _size_row(nodes: int, runs: _Runs) -> SizeRow:
    def busy(seed: int, timing: Timing = _TIMING) -> Scenario:
        victims = stream(seed, "victims").sample(range(nodes), len(_KILLS_S))
        kills = tuple(Crash((victim,), at_s) for victim, at_s in zip(victims, _KILLS_S, strict=True))
        return Scenario("updates and deaths", nodes, _SIZE_RUN_S, kills, update_every_s=1.7, timing=timing)

    results = list(runs.of(busy))
    ticking = runs.of(lambda seed: busy(seed, Timing(idle_ticks=True)))
    ticking_spreads = [spread for result in ticking for spread in result.spreads]
    still = list(runs.of(lambda _: Scenario("at rest", nodes, _SIZE_RUN_S, update_every_s=_NO_UPDATES)))
    node_seconds = sum(result.virtual_s for result in still) * nodes
    spreads = [spread for result in results for spread in result.spreads]
    deaths = [death for result in results for death in result.detections]
    bound_s = _TIMING.spread_us(nodes) / 1e6
    return SizeRow(
        nodes=nodes,
        update_half_s=middle(spread.half_s for spread in spreads),
        update_most_s=middle(spread.most_s for spread in spreads),
        update_all_s=middle(spread.all_s for spread in spreads),
        updates=len(spreads),
        updates_by_gossip=sum(spread.all_s <= bound_s for spread in spreads),
        ticking_half_s=middle(spread.half_s for spread in ticking_spreads),
        ticking_all_s=middle(spread.all_s for spread in ticking_spreads),
        death_first_s=middle(death.first_s for death in deaths),
        death_all_s=middle(death.all_s for death in deaths),
        deaths=len(deaths),
        packets=sum(result.packets for result in still) / node_seconds,
        packet_bytes=sum(result.packet_bytes for result in still) / node_seconds,
        stream_bytes=sum(result.stream_bytes for result in still) / node_seconds,
    )


def _lossy(nodes: int, share: float) -> Callable[[int], Scenario]:
    faults: tuple[Fault, ...] = (Weather(0.0, _FALSE_RUN_S, Link(loss=share)),)
    name = f"{share:.0%} loss"
    return lambda _: Scenario(name, nodes, _FALSE_RUN_S, faults, update_every_s=_NO_UPDATES)


def _slow(nodes: int, share: float) -> Callable[[int], Scenario]:
    def make(seed: int) -> Scenario:
        chosen = tuple(sorted(stream(seed, "slow").sample(range(nodes), round(share * nodes))))
        faults: tuple[Fault, ...] = (Slow(chosen, 0.0, _FALSE_RUN_S, run_s_max=0.5, stall_s_max=5.0),)
        return Scenario(f"{share:.0%} slow", nodes, _FALSE_RUN_S, faults, update_every_s=_NO_UPDATES)

    return make


def _false_row(share: float, make: Callable[[int], Scenario], runs: _Runs) -> FalseRow:
    results = list(runs.of(make))
    node_hours = sum(result.virtual_s * result.nodes for result in results) / _HOUR_S
    return FalseRow(
        share,
        sum(result.suspicions for result in results) / node_hours,
        sum(result.false_deaths for result in results) / node_hours,
        sum(result.false_deaths_of_well for result in results) / node_hours,
    )


def tables(data: Report) -> str:
    """The data for people."""
    sizes = [
        ("nodes", "half", "99%", "all", "by gossip", "half*", "all*", "death", "all", "packets", "UDP", "TCP")
    ]
    sizes += [
        (
            str(row.nodes),
            number(row.update_half_s, 3),
            number(row.update_most_s, 3),
            number(row.update_all_s, 3),
            f"{row.updates_by_gossip}/{row.updates}",
            number(row.ticking_half_s, 3),
            number(row.ticking_all_s, 3),
            number(row.death_first_s),
            number(row.death_all_s),
            number(row.packets),
            number(row.packet_bytes, 0),
            number(row.stream_bytes, 0),
        )
        for row in data.sizes
    ]
    parts = [
        f"By size ({data.seeds} seeds; seconds to half, 99 %, all; at rest packets and bytes per node and second)",
        aligned(sizes),
        "* woken at every gossip tick, as memberlist is",
    ]
    for what, rows in (("loss", data.loss), ("slow nodes", data.slow)):
        parts += [
            f"\nBy {what} ({data.nodes_for_faults} nodes, {data.seeds} seeds; per node and hour)",
            aligned(_false_table(what, rows)),
        ]
    return "\n".join([*parts, f"\nviolations  {data.violations}"])


def _false_table(what: str, rows: Sequence[FalseRow]) -> list[tuple[str, ...]]:
    head = (what, "suspicions", "false deaths", "of untroubled")
    body = [
        (f"{row.share:.0%}", number(row.suspicions), number(row.deaths, 3), number(row.deaths_of_well, 3))
        for row in rows
    ]
    return [head, *body]


def plots(data: Report) -> dict[str, str]:
    """SVG files by name."""
    return {
        "gossip-updates.svg": chart(
            "Time until an update has reached the nodes",
            "nodes",
            "seconds (median)",
            [
                _curve("half", data.sizes, lambda row: row.update_half_s),
                _curve("99 %", data.sizes, lambda row: row.update_most_s),
                _curve("all", data.sizes, lambda row: row.update_all_s),
                _curve("half, ticking", data.sizes, lambda row: row.ticking_half_s),
                _curve("all, ticking", data.sizes, lambda row: row.ticking_all_s),
            ],
            log_x=True,
        ),
        "gossip-deaths.svg": chart(
            "Time until a crash is declared a death",
            "nodes",
            "seconds (median)",
            [
                _curve("first node", data.sizes, lambda row: row.death_first_s),
                _curve("all nodes", data.sizes, lambda row: row.death_all_s),
                Line(
                    "expected", [(row.nodes, expected_death_s(row.nodes)) for row in data.sizes], dashed=True
                ),
            ],
            log_x=True,
        ),
        "gossip-wire.svg": chart(
            "Traffic of a cluster at rest",
            "nodes",
            "payload bytes per node and second",
            [
                _curve("UDP", data.sizes, lambda row: row.packet_bytes),
                _curve("TCP (push/pull)", data.sizes, lambda row: row.stream_bytes),
            ],
            log_x=True,
        ),
        "gossip-loss.svg": _false_chart(
            "False deaths when packets are lost", "packets lost, %", data.loss, split=False
        ),
        "gossip-slow.svg": _false_chart(
            "False deaths when nodes stall", "stalling nodes, %", data.slow, split=True
        ),
    }


def expected_death_s(nodes: int) -> float:
    """From a crash to the first declaration, on average, when others confirm the suspicion in time.

    Probes of one node by all others, out of step, come at random, one an interval: the first after one interval. It
    fails after another; the suspicion lives for four times max(1, log10 n).
    """
    interval_s = _TIMING.probe_interval_us / 1e6
    return 2 * interval_s + _TIMING.suspicion_us(nodes)[0] / 1e6


def _curve(name: str, rows: Sequence[SizeRow], value: Callable[[SizeRow], float | None]) -> Line:
    return Line(name, [(row.nodes, y) for row in rows if (y := value(row)) is not None])


def _false_chart(title: str, x_label: str, rows: Sequence[FalseRow], *, split: bool) -> str:
    lines = [Line("all" if split else "false deaths", [(100 * row.share, row.deaths) for row in rows])]
    if split:
        lines.append(Line("of untroubled", [(100 * row.share, row.deaths_of_well) for row in rows]))
    return chart(title, x_label, "false deaths per node and hour", lines)


def write(data: Report, folder: Path) -> list[Path]:
    """Write the plots. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in plots(data).items():
        paths.append(folder / name)
        paths[-1].write_text(text)
    return paths


def as_json(data: Report) -> dict[str, object]:
    """The data for programs."""
    return asdict(data)
