"""Two servers in turns: the same load to both, pair by pair, and ratios.

What disturbs a machine disturbs both members of a pair, so a ratio within a pair says more than two absolute figures.
"""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from amfast.load.flags import Versus
from amfast.load.measure import Measured, measured
from amfast.load.plan import Plan
from amfast.load.process import Server, pid_of
from amfast.load.report import as_json, machine
from amfast.load.run import Run
from amfast.load.target import Target, parse_target
from amfast.model.errors import AmfastError
from amfast.svg import Bar, bars

Measure = Callable[[Measured], float | None]
MEASURES: Final[dict[str, Measure]] = {
    "CPU time of the server, µs an alert": lambda one: one.cpu_us_per_alert,
    "POST p50, ms": lambda one: one.post_ms(50.0),
    "POST p99, ms": lambda one: one.post_ms(99.0),
    "GET p50, ms": lambda one: one.get_ms(50.0),
    "GET p99, ms": lambda one: one.get_ms(99.0),
    "memory growth, bytes an alert": lambda one: one.bytes_per_alert,
}
"""What is compared; for each of them less is better."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs, one right after the other."""

    first: Measured
    against: Measured


@dataclass(frozen=True, slots=True)
class Row:
    """One measure over all pairs. A ratio is ``against`` to ``first``: above 1 the first is cheaper."""

    name: str
    first: float
    """The median."""
    against: float
    ratio: float
    ratio_min: float
    ratio_max: float


class Pairs:
    """Runs them. ``stop`` ends with the pair before the present one."""

    def __init__(self, plan: Plan, versus: Versus, run: Callable[[Plan, str], Run]) -> None:
        self._plan = plan
        self._versus = versus
        self._make = run
        self._running: Run | None = None
        self._stopped = False

    def stop(self) -> None:
        """Finish what is under way and end."""
        self._stopped = True
        if self._running is not None:
            self._running.stop()

    async def go(self) -> list[Pair]:
        """All pairs; who begins changes from pair to pair. Raises AmfastError when a server cannot be had."""
        versus, pairs = self._versus, list[Pair]()
        for number in range(versus.pairs):
            order = [versus.server, versus.against]
            if number % 2:
                order.reverse()
            runs = []
            for what in order:
                label = (
                    f"pair {number + 1} of {versus.pairs}, {'first' if what is versus.server else 'against'}"
                )
                runs.append(await self._one(what, label))
                if self._stopped:
                    return pairs
            if number % 2:
                runs.reverse()
            pairs.append(Pair(*runs))
        return pairs

    async def _one(self, what: str, label: str) -> Measured:
        async with _server(what, self._versus.cores) as (target, pid):
            await asyncio.sleep(self._versus.settle_s)
            self._running = run = self._make(replace(self._plan, targets=(target,)), label)
            if self._stopped:
                run.stop()
            return await measured(run.go, pid, self._versus.settle_s)


@asynccontextmanager
async def _server(what: str, cores: tuple[int, int] | None) -> AsyncIterator[tuple[Target, int | None]]:
    """A server that is started here, or one that runs already."""
    if "{port}" in what:
        async with Server(what, cores[0] if cores else None) as server:
            yield server.target, server.pid
    else:
        target = parse_target(what)
        yield target, pid_of(target)


def use_core(versus: Versus) -> None:
    """Send from the core that was asked for. Raises AmfastError when this machine has not got it."""
    if versus.cores is not None:
        if not hasattr(os, "sched_setaffinity"):
            raise AmfastError("--cores: this system cannot keep programs on a processor; leave the flag out")
        available = os.sched_getaffinity(0)
        if not set(versus.cores) <= available:
            raise AmfastError(f"--cores: this machine has the processors {sorted(available)}")
        os.sched_setaffinity(0, {versus.cores[1]})


def rows(pairs: Sequence[Pair]) -> list[Row]:
    """What can be compared, measure by measure."""
    found = []
    for name, measure in MEASURES.items():
        values = [(measure(pair.first), measure(pair.against)) for pair in pairs]
        known = [(a, b) for a, b in values if a is not None and b is not None and a > 0 and b > 0]
        if known:
            ratios = [b / a for a, b in known]
            first, against = (statistics.median(column) for column in zip(*known, strict=True))
            found.append(Row(name, first, against, statistics.median(ratios), min(ratios), max(ratios)))
    return found


def markdown(pairs: Sequence[Pair], versus: Versus) -> str:
    """The comparison for people."""
    problems = sum(one.outcome.tally.problems for pair in pairs for one in (pair.first, pair.against))
    lines = [
        "# Two servers in turns",
        "",
        f"First: `{versus.server}`",
        "",
        f"Against: `{versus.against}`",
        "",
        f"{len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'}, {problems} requests failed or were refused. Medians.",
        "A ratio above 1 says by how much the first is cheaper.",
        "",
        "| measure | first | against | ratio | smallest | largest |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.name} | {row.first:,.2f} | {row.against:,.2f} | {row.ratio:.2f} | {row.ratio_min:.2f} "
        f"| {row.ratio_max:.2f} |"
        for row in rows(pairs)
    ]
    return "\n".join([*lines, ""])


def comparison(pairs: Sequence[Pair], versus: Versus) -> dict[str, Any]:
    """The comparison, ready for ``json.dumps``."""
    return {
        "first": versus.server,
        "against": versus.against,
        "machine": machine(),
        "measures": {
            row.name: {
                "first": row.first,
                "against": row.against,
                "ratio": {"median": row.ratio, "min": row.ratio_min, "max": row.ratio_max},
            }
            for row in rows(pairs)
        },
        "pairs": [{"first": as_json(pair.first), "against": as_json(pair.against)} for pair in pairs],
    }


def plot(pairs: Sequence[Pair]) -> dict[str, str]:
    """The ratios as an SVG file."""
    found = [Bar(row.name.partition(",")[0], row.ratio, row.ratio_min, row.ratio_max) for row in rows(pairs)]
    return (
        {"ratios.svg": bars("Against to first: above 1 the first is cheaper", "ratio", found)}
        if found
        else {}
    )
