"""``python -m amfast.sim``: run a scenario, draw the curves, or hold whole nodes to what is promised."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from amfast.model.errors import AmfastError
from amfast.sim.clock import MILLION
from amfast.sim.contract.command import contract, parser
from amfast.sim.faults import Weather
from amfast.sim.network import Link
from amfast.sim.report import as_json, report, tables, write
from amfast.sim.run import run
from amfast.sim.scenarios import SCENARIOS, Scenario, scenario
from amfast.sim.table import summary
from amfast.sim.world import World

_NODES_MIN, _NODES_MAX = 2, 16_384
_SECONDS_MAX = 1_000_000
_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """Tells errors in one line."""

    def error(self, message: str) -> NoReturn:
        raise AmfastError(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Run with ``argv`` (default: the process's); the exit status is 1 on violations, 2 on errors."""
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        if args[:1] == ["contract"]:
            return _contract(args[1:])
        return _report(args[1:]) if args[:1] == ["report"] else _run(args)
    except (AmfastError, OSError) as error:
        print(f"amfast.sim: error: {error}", file=sys.stderr)  # noqa: T201 - a command line's answer
        return 2
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(args: list[str]) -> int:
    names = "".join(f"  {name:18} {make.__doc__}\n" for name, make in SCENARIOS.items())
    parser = _Parser(
        prog="python -m amfast.sim",
        description="Run a whole cluster of the real membership core on a virtual clock and network.",
        epilog=f"scenarios (any loss-N works):\n{names}\n'python -m amfast.sim report --help' for the curves,"
        "\n'python -m amfast.sim contract --help' for whole nodes and what they notify",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", nargs="?", default="swarm", help="one of the list below, or 'list'")
    parser.add_argument("--nodes", type=int, default=30, metavar="N", help="size of the cluster (default 30)")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="where all chance comes from (default 1)"
    )
    parser.add_argument(
        "--seconds", type=float, default=120.0, metavar="T", help="virtual seconds with faults"
    )
    parser.add_argument("--loss", type=float, metavar="P", help="share of packets lost meanwhile, 0 to 1")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--progress", action="store_true", help="keep a line on standard error up to date")
    chosen = parser.parse_args(args)
    if chosen.scenario == "list":
        print(names, end="")  # noqa: T201 - a command line's answer
        return 0
    plan = _plan(chosen)
    result = run(plan, chosen.seed, _Progress(plan) if chosen.progress else None)
    again = f"python -m amfast.sim {chosen.scenario} --nodes {chosen.nodes} --seed {chosen.seed}"
    again += f" --seconds {chosen.seconds:g}" + (
        f" --loss {chosen.loss:g}" if chosen.loss is not None else ""
    )
    if chosen.progress:
        print(file=sys.stderr)  # noqa: T201 - ends the progress line
    if chosen.json:
        text = json.dumps({**dataclasses.asdict(result), "command": again}, indent=2)
    else:
        text = f"{summary(result)}\n\nagain: {again}"
    print(text)  # noqa: T201 - a command line's answer
    return 1 if result.violations else 0


def _plan(chosen: argparse.Namespace) -> Scenario:
    if not _NODES_MIN <= chosen.nodes <= _NODES_MAX:
        raise AmfastError(f"--nodes must be from {_NODES_MIN} to {_NODES_MAX}, not {chosen.nodes}")
    if not 1 <= chosen.seconds <= _SECONDS_MAX:
        raise AmfastError(f"--seconds must be from 1 to {_SECONDS_MAX:,}, not {chosen.seconds:g}")
    plan = scenario(chosen.scenario, chosen.nodes, chosen.seconds, chosen.seed)
    if chosen.loss is None:
        return plan
    if not 0 <= chosen.loss < 1:
        raise AmfastError(f"--loss must be a share from 0 to less than 1, not {chosen.loss:g}")
    weather = Weather(0.0, chosen.seconds, Link(loss=chosen.loss))
    return dataclasses.replace(plan, faults=(*plan.faults, weather))


class _Progress:
    """One line on standard error, written anew each virtual second."""

    def __init__(self, plan: Scenario) -> None:
        self._plan = plan

    def __call__(self, world: World) -> None:
        phase = "faults" if world.now_us < self._plan.duration_s * MILLION else "settling"
        text = f"{world.now_us / MILLION:.0f} s of {self._plan.duration_s:.0f} s, {phase}"
        text += f", {len(world.running())} running, {world.network.packets} packets"
        print(f"\r{text}  ", end="", file=sys.stderr, flush=True)  # noqa: T201 - asked for


def _report(args: list[str]) -> int:
    parser = _Parser(
        prog="python -m amfast.sim report", description="Run clusters of many sizes and print the curves."
    )
    parser.add_argument("--sizes", default="10,20,50,100,200,500,1000", help="numbers of nodes, with commas")
    parser.add_argument("--seeds", type=int, default=3, help="runs per point (default 3)")
    parser.add_argument(
        "--nodes", type=int, default=100, help="cluster for loss and slow nodes (default 100)"
    )
    parser.add_argument("--plots", type=Path, metavar="DIR", help="write SVG files there")
    parser.add_argument("--json", action="store_true", help="print the data as JSON")
    parser.add_argument("--progress", action="store_true", help="name each run on standard error")
    chosen = parser.parse_args(args)
    sizes = _sizes(chosen.sizes)
    if chosen.seeds < 1 or not _NODES_MIN <= chosen.nodes <= _NODES_MAX:
        raise AmfastError(f"--seeds must be at least 1 and --nodes from {_NODES_MIN} to {_NODES_MAX}")
    if chosen.plots is not None:
        chosen.plots.mkdir(parents=True, exist_ok=True)
    data = report(sizes, chosen.seeds, chosen.nodes, _say if chosen.progress else lambda _: None)
    print(json.dumps(as_json(data), indent=2) if chosen.json else tables(data))  # noqa: T201 - a command line's answer
    if chosen.plots is not None:
        write(data, chosen.plots)
    return 1 if data.violations else 0


def _contract(args: list[str]) -> int:
    printed, kept = contract(parser(_Parser).parse_args(args))
    print(printed)  # noqa: T201 - a command line's answer
    return 0 if kept else 1


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - asked for


def _sizes(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() and _NODES_MIN < int(part) <= _NODES_MAX for part in parts):
        raise AmfastError(
            f"--sizes must be numbers from {_NODES_MIN + 1} to {_NODES_MAX} with commas, not {text!r}"
        )
    return [int(part) for part in parts]


if __name__ == "__main__":
    sys.exit(main())
