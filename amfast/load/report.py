"""The report of a run: Markdown for people, JSON for programs, and two plots."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from amfast import __version__
from amfast.load.measure import Measured
from amfast.load.plan import Plan
from amfast.load.tally import PERCENTILES, Second, Tally
from amfast.svg import Line, chart


def as_json(measured: Measured) -> dict[str, Any]:
    """Everything about a run, ready for ``json.dumps``."""
    outcome = measured.outcome
    cost = measured.cost
    return {
        "program": f"amfast-load {__version__}",
        "began": datetime.fromtimestamp(outcome.began_ns / 1e9, UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "plan": {**asdict(outcome.plan), "targets": [str(target) for target in outcome.plan.targets]},
        "seconds": round(outcome.seconds, 3),
        "stopped_early": outcome.stopped,
        "alerts": outcome.tally.alerts,
        "alerts_per_s": round(measured.alerts_per_s, 1),
        "problems": outcome.tally.problems,
        "kinds": _kinds(outcome.tally),
        "server": None
        if cost is None
        else {
            "cpu_s": round(cost.cpu_us / 1e6, 6),
            "cpu_us_per_alert": _rounded(measured.cpu_us_per_alert),
            "rss_before_bytes": cost.rss_before,
            "rss_after_bytes": cost.rss_after,
        },
        "per_second": [asdict(second) for second in outcome.tally.seconds],
    }


def _kinds(tally: Tally) -> dict[str, Any]:
    return {
        name: {
            "requests": kind.requests,
            "alerts": kind.alerts,
            "answer_bytes": kind.read_bytes,
            "statuses": dict(kind.statuses),
            "problems": dict(kind.problems),
            "latency_ms": kind.percentiles_ms(),
        }
        for name, kind in tally.kinds.items()
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def machine() -> dict[str, str]:
    """Where this runs."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cpu": model or platform.machine(),
        "cores": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def markdown(measured: Measured) -> str:
    """The report for people."""
    outcome = measured.outcome
    lines = ["# Load test", "", *_head(measured), ""]
    lines += [f"| requests | count | alerts | not 200 | {' | '.join(f'{name} ms' for name in PERCENTILES)} |"]
    lines += ["| --- |" + " ---: |" * (3 + len(PERCENTILES))]
    for name, kind in outcome.tally.kinds.items():
        latencies = kind.percentiles_ms()
        cells = [f"{latencies[key]:.2f}" if latencies else "-" for key in PERCENTILES]
        refused = kind.requests - kind.statuses["200"]
        lines.append(f"| {name} | {kind.requests:,} | {kind.alerts:,} | {refused:,} | {' | '.join(cells)} |")
    problems = [
        f"- {count:,} times {name}: {text}"
        for name, kind in outcome.tally.kinds.items()
        for text, count in kind.problems.most_common()
    ]
    if problems:
        lines += ["", "What went wrong:", "", *problems]
    return "\n".join([*lines, ""])


def _head(measured: Measured) -> list[str]:
    outcome, cost, plan = measured.outcome, measured.cost, measured.outcome.plan
    began = datetime.fromtimestamp(outcome.began_ns / 1e9, UTC)
    end = ", stopped before its end" if outcome.stopped else ""
    taken = f"{outcome.tally.alerts:,} alerts taken, {measured.alerts_per_s:,.0f} a second"
    lines = [
        f"{_plan_text(plan)} Began {began:%Y-%m-%d %H:%M:%S} UTC, took {outcome.seconds:.1f} s{end}.",
        "",
        f"{taken}; {outcome.tally.problems:,} requests failed or were refused.",
    ]
    if cost is not None:
        per_alert = measured.cpu_us_per_alert
        part = f", {per_alert:.2f} µs an alert" if per_alert is not None else ""
        memory = f"{cost.rss_before / 2**20:.1f} MiB before, {cost.rss_after / 2**20:.1f} MiB after"
        spent = f"{cost.cpu_us / 1e6:.2f} s of processor time{part}"
        lines += ["", f"Server: {spent}; resident memory {memory}."]
    return lines


def _plan_text(plan: Plan) -> str:
    to = ", ".join(str(target) for target in plan.targets)
    pace = f"every {plan.interval_s:g} s" if plan.interval_s else "as fast as possible"
    text = (
        f"{plan.alerts:,} alerts of {plan.labels} labels and {plan.annotations} annotations from {plan.senders} "
        f"sender(s) to {to}, {pace}, at most {plan.batch} in a request"
    )
    if plan.churn:
        text += f", {plan.churn:g} resolved and {plan.churn:g} new each second"
    if plan.pollers:
        text += f"; {plan.pollers} pollers of {plan.poll_path}, each at {plan.poll_rate:g} a second"
    return f"{text}."


def plots(tally: Tally) -> dict[str, str]:
    """SVG files by name; none for a run that was too short for two points."""
    seconds = tally.seconds
    if len(seconds) < 2:  # noqa: PLR2004
        return {}
    files = {
        "rate.svg": chart("Alerts taken", "seconds", "alerts a second", [Line("alerts", _rates(seconds))])
    }
    lines = [
        Line(name, points)
        for name, points in (
            ("p50", [(second.at_s, second.p50_ms) for second in seconds if second.p50_ms is not None]),
            ("p99", [(second.at_s, second.p99_ms) for second in seconds if second.p99_ms is not None]),
        )
        if points
    ]
    if lines:
        files["latency.svg"] = chart("Latency of POST", "seconds", "milliseconds", lines)
    return files


def _rates(seconds: list[Second]) -> list[tuple[float, float]]:
    points, before_s = [], 0.0
    for second in seconds:
        if second.at_s - before_s > 0.1:  # noqa: PLR2004 - what is left at the end says little about a rate
            points.append((second.at_s, second.alerts / (second.at_s - before_s)))
        before_s = second.at_s
    return points


def write(measured: Measured, folder: Path) -> list[Path]:
    """Write all files. Raises OSError."""
    files = {
        "report.md": markdown(measured) + _links(plots(measured.outcome.tally)),
        "report.json": json.dumps(as_json(measured), indent=2) + "\n",
        **plots(measured.outcome.tally),
    }
    return save(files, folder)


def _links(names: dict[str, str]) -> str:
    return "".join(f"\n![{name.removesuffix('.svg')}]({name})\n" for name in names)


def save(files: dict[str, str], folder: Path) -> list[Path]:
    """Write texts by name into a folder, which is made if need be. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return [folder / name for name in files]
