"""Many runs in one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from amfast.sim.contract.run import Result
from amfast.sim.table import aligned, number

HEAD = (
    "faults",
    "runs",
    "hours",
    "told",
    "reasons",
    "copies",
    "most of one",
    "latest",
    "equal after",
    "violations",
)


def rows(results: Iterable[Result]) -> list[tuple[str, ...]]:
    """A row for each class of faults, and one for all of them together.

    ``latest`` is the largest part of the promised time that a word was overdue; ``equal after`` the longest time after
    the last fault, in seconds, until all nodes had the same silences and log.
    """
    by_class: dict[str, list[Result]] = {}
    for result in results:
        by_class.setdefault(result.faults, []).append(result)
    table = [_row(name, runs) for name, runs in by_class.items()]
    if len(by_class) > 1:
        table.append(_row("all", [result for runs in by_class.values() for result in runs]))
    return table


def _row(name: str, runs: Sequence[Result]) -> tuple[str, ...]:
    equal = [run.equal_s for run in runs if run.equal_s is not None]
    return (
        name,
        str(len(runs)),
        number(sum(run.nodes * run.virtual_s for run in runs) / 3600, 0),
        str(sum(run.told for run in runs)),
        str(sum(run.reasons for run in runs)),
        str(sum(run.copies for run in runs)),
        str(max(run.worst for run in runs)),
        f"{100 * max(run.late_s / run.late_s_promised for run in runs):.0f} %",
        number(max(equal, default=None), 0),
        str(sum(run.violations for run in runs)),
    )


def text(results: Sequence[Result]) -> str:
    """The table for a terminal, and what was violated."""
    return "\n".join([aligned([HEAD, *rows(results)]), *violations(results)])


def markdown(results: Sequence[Result]) -> str:
    """The table for docs/guarantees.md."""
    lines = ["| " + " | ".join(row) + " |" for row in (HEAD, ("---",) * len(HEAD), *rows(results))]
    return "\n".join([*lines, *violations(results)])


def violations(results: Iterable[Result]) -> list[str]:
    """What was violated, with the command that shows it again."""
    return [
        f"VIOLATION at {found}\n  again: {again(result)}"
        for result in results
        for found in result.violation_texts
    ]


def again(result: Result) -> str:
    """The command that repeats a run."""
    return f"python -m amfast.sim contract {result.faults} --first {result.seed} --seeds 1"


def as_json(results: Iterable[Result]) -> list[dict[str, object]]:
    """Everything, for programs."""
    return [{**asdict(result), "command": again(result)} for result in results]
