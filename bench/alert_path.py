"""The path of an alert: ours beside Debian's Alertmanager, one core each, in turns within one run.

What is measured is the processor time of the server's process; the sender is on the other core. Writes
``alert_path.json``, ``.md`` and ``.svg`` into ``bench/results``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop
from alert_alone import Figure, inhibition, silences, very_many, with_pollers
from alert_beside import BARE, SENDER_CORE, SERVER_CORE, Row, Sizes, Table, beside
from processes import GO_ALERTMANAGER

from amfast import __version__
from amfast.load.report import machine
from amfast.svg import Bar, bars

INTERRUPTED = 130
RESULTS = Path(__file__).parent / "results"


class Bench:
    """What was found so far. A part that fails leaves a line and not the whole run."""

    def __init__(self) -> None:
        self.table = Table()
        self.figures: list[Figure] = []
        self.failures: list[str] = []

    async def part(self, name: str, work: Awaitable[list[Figure] | None]) -> None:
        try:
            self.figures += await work or []
        except (OSError, RuntimeError) as error:
            self.failures.append(f"{name}: {type(error).__name__}: {error}")
            say(f"FAILED {self.failures[-1]}")


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


async def measure(*, quick: bool) -> Bench:
    bench = Bench()
    sizes = Sizes(1, 10_000, 0, 0, 0.3) if quick else Sizes(5, 10_000, 100_000, 3, 1.0)
    polled_rounds, many, rules, alerts, rounds = (
        (3, 20_000, 1000, 3000, 3) if quick else (40, 1_000_000, 10_000, 10_000, 15)
    )
    await bench.part("beside", beside(sizes, bench.table, say))
    polled = 3000 if quick else 10_000
    await bench.part("pollers", with_pollers(polled, 0.4, 0.8, polled_rounds, say))
    await bench.part("pollers of few", with_pollers(50, 10.0, 0.8, polled_rounds, say))
    await bench.part("silences", silences(rules, alerts, rounds, say))
    await bench.part("inhibition", inhibition(rules, alerts, rounds, say))
    await bench.part("very many", very_many(many, say))
    return bench


def about(*, quick: bool) -> dict[str, Any]:
    """Where, what and when."""
    return {
        "machine": machine(),
        "versions": {"amfast": __version__, "go": _go_version()},
        "commit": _git("rev-parse", "--short=12", "HEAD")
        + ("+changes" if _git("status", "-s", "-uno") else ""),
        "mode": "quick" if quick else "full",
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def _go_version() -> str | None:
    if GO_ALERTMANAGER is None:
        return None
    done = subprocess.run(
        [GO_ALERTMANAGER, "--version"], capture_output=True, text=True, check=False, timeout=30
    )
    return (done.stdout + done.stderr).splitlines()[0].partition(" (")[0]


def _git(*words: str) -> str:
    command = ["git", *words]
    folder = Path(__file__).parent
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, cwd=folder)
    return done.stdout.strip() or "unknown" if words[0] == "rev-parse" else done.stdout.strip()


def as_json(bench: Bench, facts: dict[str, Any]) -> dict[str, Any]:
    rows = [
        {
            "name": row.name,
            "unit": row.unit,
            "target_ratio": row.target,
            "medians": {kind: row.median(kind) for kind in row.values},
            "values": row.values,
            "ratios": row.ratios(),
            "ratio": middle(row.ratios()),
        }
        for row in bench.table.rows.values()
    ]
    return {
        **facts,
        "beside": rows,
        "bounds": [asdict(one) for one in bench.figures],
        "failures": bench.failures,
    }


def middle(values: list[float]) -> float | None:
    return sorted(values)[len(values) // 2] if values else None


def markdown(bench: Bench, facts: dict[str, Any]) -> str:
    place, versions = facts["machine"], facts["versions"]
    where = f"{place['cpu']}, {place['cores']} cores, {place['kernel']}, Python {place['python']}"
    other = versions["go"] or "nothing (no Go Alertmanager here)"
    lines = [
        "# The path of an alert",
        "",
        f"{facts['at']}, {facts['mode']} run, commit {facts['commit']}. {where}.",
        f"amfast {versions['amfast']} beside {other}, one core each, the sender on the other.",
        "Processor time of the server's process, medians; a ratio is Go's to ours within one repetition.",
        "",
        "By the system calls alone, a server that reads requests and answers without looking: nobody comes below that.",
        "",
        "| work | amfast | Go | ratio | smallest | largest | at least | | system calls |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: |",
        *(_row(row) for row in bench.table.rows.values()),
        "",
        "| bound | measured | at most | | |",
        "| --- | ---: | ---: | --- | --- |",
        *(_figure(figure) for figure in bench.figures),
        "",
    ]
    if bench.failures:
        lines += ["Not measured:", "", *(f"- {text}" for text in bench.failures), ""]
    return "\n".join([*lines, "![ratios](alert_path.svg)", ""])


def _row(row: Row) -> str:
    ratios = row.ratios()
    ours, theirs, ratio = row.median("amfast"), row.median("go"), middle(ratios)
    cells = [row.name, _number(ours, row.unit), _number(theirs, row.unit), _number(ratio)]
    cells += [_number(min(ratios)) if ratios else "-", _number(max(ratios)) if ratios else "-"]
    bare = _number(row.median(BARE), row.unit) if BARE in row.values else ""
    return f"| {' | '.join([*cells, f'{row.target:g}' if row.target else '', _verdict(row), bare])} |"


def _verdict(row: Row) -> str:
    ratio, highest = middle(row.ratios()), middle(row.ratios(BARE))
    if ratio is None or row.target is None:
        return ""
    if ratio >= row.target:
        return "reached"
    # Said only where the machine leaves no room for it.
    no_room = highest is not None and highest < row.target
    return f"not reached; {highest:.2f} by the system calls alone" if no_room else "not reached"


def _figure(figure: Figure) -> str:
    bound = _number(figure.bound, figure.unit) if figure.bound is not None else ""
    cells = (figure.name, _number(figure.value, figure.unit), bound, figure.verdict(), figure.note)
    return f"| {' | '.join(cells)} |"


def _number(value: float | None, unit: str = "") -> str:
    if value is None:
        return "-"
    if unit == "us" and value >= 10_000:
        value, unit = value / 1000, "ms"
    return f"{value:,.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2}f} {unit.replace('us', 'µs')}".strip()


def plot(table: Table) -> str:
    found = [
        Bar(row.name, ratio, min(row.ratios()), max(row.ratios()), row.target)
        for row in table.rows.values()
        if (ratio := middle(row.ratios())) is not None
    ]
    title = "How many times cheaper than Go's Alertmanager (red: to reach)"
    return bars(title, "ratio of processor time, or of memory", found) if found else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about two minutes instead of ten")
    parser.add_argument(
        "--out", type=Path, help="where to write (default bench/results, with --quick the folder quick in it)"
    )
    chosen = parser.parse_args()
    available = os.sched_getaffinity(0)
    if not {SERVER_CORE, SENDER_CORE} <= available:
        print(f"needs the processors {SERVER_CORE} and {SENDER_CORE}, this machine has {sorted(available)}")
        return 1
    os.sched_setaffinity(0, {SENDER_CORE})
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that servers are stopped then, too
    signal.signal(signal.SIGINT, signal.default_int_handler)
    facts = about(quick=chosen.quick)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            bench = runner.run(measure(quick=chosen.quick))
    except KeyboardInterrupt:
        return INTERRUPTED
    out = chosen.out or (RESULTS / "quick" if chosen.quick else RESULTS)
    out.mkdir(parents=True, exist_ok=True)
    text = markdown(bench, facts)
    (out / "alert_path.md").write_text(text)
    (out / "alert_path.json").write_text(json.dumps(as_json(bench, facts), indent=1) + "\n")
    (out / "alert_path.svg").write_text(plot(bench.table))
    print(text)
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
