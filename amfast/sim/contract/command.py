"""``python -m amfast.sim contract``: whether notifications keep what docs/guarantees.md promises."""

from __future__ import annotations

import argparse
import json
import sys

from amfast.model.errors import AmfastError
from amfast.sim.contract.faults import FAULTS, NAMES
from amfast.sim.contract.report import as_json, markdown, text
from amfast.sim.contract.run import Result, run


def parser(make: type[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """What the command takes."""
    classes = "".join(f"  {name:12} {faults[0].__doc__}\n" for name, faults in FAULTS.items() if faults)
    made = make(
        prog="python -m amfast.sim contract",
        description="Run clusters of 2 to 9 whole nodes under faults, and check what they notify.",
        epilog=f"faults:\n{classes}  calm         None.\n  chaos        All of them.\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("faults", nargs="?", default="all", help="a class of the list below, or 'all' of them")
    made.add_argument("--seeds", type=int, default=1, metavar="N", help="runs of each class (default 1)")
    made.add_argument("--first", type=int, default=1, metavar="S", help="the first seed (default 1)")
    made.add_argument("--json", action="store_true", help="print every run as JSON")
    made.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    made.add_argument("--progress", action="store_true", help="name each run on standard error")
    return made


def contract(chosen: argparse.Namespace) -> tuple[str, bool]:
    """What is to be printed, and whether all promises were kept. Raises AmfastError."""
    if chosen.seeds < 1:
        raise AmfastError(f"--seeds must be at least 1, not {chosen.seeds}")
    results = []
    for faults in NAMES if chosen.faults == "all" else (chosen.faults,):
        for seed in range(chosen.first, chosen.first + chosen.seeds):
            results.append(run(faults, seed))
            if chosen.progress:
                _say(results[-1])
    if chosen.json:
        printed = json.dumps(as_json(results), indent=2)
    else:
        printed = markdown(results) if chosen.markdown else text(results)
    return printed, not any(result.violations for result in results)


def _say(result: Result) -> None:
    line = (
        f"{result.faults} {result.seed}: {result.nodes} nodes, {result.virtual_s:.0f} s, {result.told} told"
    )
    line += f", {result.copies} copies, {result.violations} violations"
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - asked for
