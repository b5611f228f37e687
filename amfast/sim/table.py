"""Results as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from amfast.sim.measure import middle
from amfast.sim.run import Result


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as needed, the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    )


def number(value: float | None, digits: int = 2) -> str:
    """A number, or a dash for none."""
    return "-" if value is None else f"{value:.{digits}f}"


def summary(result: Result) -> str:
    """All about one run."""
    node_seconds = result.nodes * result.virtual_s
    sent_bytes = result.packet_bytes + result.stream_bytes
    found, spread = result.detections, result.spreads
    rows = [
        ("scenario", f"{result.scenario}, {result.nodes} nodes, seed {result.seed}"),
        ("virtual time", f"{result.virtual_s:.0f} s"),
        ("s after the faults until all agree", number(result.agreed_s, 0)),
        ("  and have every update", number(result.complete_s, 0)),
        ("calls of the timeline", f"{result.calls}"),
        ("packets", f"{result.packets}, {result.packets / node_seconds:.2f} per node and second"),
        ("streams", f"{result.streams}, {result.streams / node_seconds:.3f} per node and second"),
        ("bytes", f"{sent_bytes}, {sent_bytes / node_seconds:.0f} per node and second"),
        ("deaths noticed", f"{len(found)}"),
        ("  first, half, all (median s)", _medians([(d.first_s, d.half_s, d.all_s) for d in found])),
        ("updates everywhere", f"{len(spread)}"),
        ("  half, 99 %, all (median s)", _medians([(s.half_s, s.most_s, s.all_s) for s in spread])),
        ("suspicions of running nodes", f"{result.suspicions}"),
        ("false deaths", f"{result.false_deaths}, of {result.false_names} nodes"),
        ("  among the untroubled", f"{result.false_deaths_of_well}"),
        ("violations", f"{result.violations}"),
        ("digest", result.digest),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name.ljust(width)}  {text}" for name, text in rows]
    return "\n".join([*lines, *(f"VIOLATION at {text}" for text in result.violation_texts)])


def _medians(triples: Sequence[tuple[float, float, float]]) -> str:
    return ", ".join(number(middle(column)) for column in zip(*triples, strict=True)) or "-"
