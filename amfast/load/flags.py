"""The command line of ``amfast-load``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from amfast import __version__
from amfast.load.plan import Plan
from amfast.load.shape import LABELS_MIN
from amfast.load.target import parse_target
from amfast.model.duration import DurationError, parse_go_duration
from amfast.model.errors import AmfastError

PROGRAM: Final = "amfast-load"
_ALERTS_MAX: Final = 10_000_000
_BIG: Final = 100_000
_DURATION_DEFAULT_S: Final = 10.0
_EPILOG: Final = """\
examples:
  amfast-load --alerts=10000 --duration=30s                      as fast as 127.0.0.1:9093 takes it
  amfast-load --target=am1:9093 --target=am2:9093 --senders=2 --alerts=50000 --interval=1m --churn=20 \\
    --pollers=25 --duration=10m --report=out                     like two Prometheus servers and 25 dashboards
  amfast-load --server='amfast --config.file=am.yml --web.listen-address=127.0.0.1:{port}
      --storage.path={folder} --cluster.listen-address=' \\
    --against='prometheus-alertmanager ...the same...' --rounds=5 --pairs=5     two servers in turns
"""


class _Parser(argparse.ArgumentParser):
    """Tells errors in one line."""

    def error(self, message: str) -> NoReturn:
        raise AmfastError(f"{message}; try --help")


@dataclass(frozen=True, slots=True)
class Versus:
    """Two servers in turns. Each is a command, or the address of a server that runs already."""

    server: str
    against: str
    pairs: int
    cores: tuple[int, int] | None
    """For the servers, and for ourselves."""
    settle_s: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    plan: Plan
    versus: Versus | None
    report: Path | None
    quiet: bool


def parse(args: Sequence[str]) -> Asked:
    """Read the flags. Raises AmfastError with what is wrong, in one line; SystemExit after ``--help``."""
    chosen = _parser().parse_args(args)
    duration_s: float | None = chosen.duration
    if duration_s is None and chosen.rounds is None:
        duration_s = _DURATION_DEFAULT_S
    plan = Plan(
        targets=tuple(parse_target(text) for text in chosen.target or ["127.0.0.1:9093"]),
        alerts=chosen.alerts,
        labels=chosen.labels,
        annotations=chosen.annotations,
        senders=chosen.senders,
        batch=chosen.batch,
        interval_s=chosen.interval,
        churn=chosen.churn,
        duration_s=duration_s,
        rounds=chosen.rounds,
        connections=chosen.connections,
        pollers=chosen.pollers,
        poll_rate=chosen.poll_rate,
        poll_path=chosen.poll_path,
        seed=chosen.seed,
        timeout_s=chosen.timeout,
    )
    _check(plan)
    return Asked(plan, _versus(chosen), chosen.report, chosen.quiet)


def _check(plan: Plan) -> None:
    if plan.alerts == 0 and plan.pollers == 0:
        raise AmfastError("nothing to do: --alerts or --pollers must be above 0")
    if plan.alerts == 0 and plan.duration_s is None:
        raise AmfastError("--rounds counts rounds of alerts: with --alerts=0 give --duration instead")
    if plan.churn > plan.alerts:
        raise AmfastError(
            f"--churn={plan.churn:g} ends more alerts each second than the {plan.alerts} of --alerts"
        )
    if not plan.poll_path.startswith("/") or not plan.poll_path.isascii() or not plan.poll_path.isprintable():
        raise AmfastError(f"--poll-path must begin with / and be an encoded URL path, not {plan.poll_path!r}")
    if " " in plan.poll_path:
        raise AmfastError("--poll-path must not have spaces: write %20")


def _versus(chosen: argparse.Namespace) -> Versus | None:
    if chosen.against is None:
        for name in ("server", "cores", "pairs"):
            if getattr(chosen, name) is not None:
                raise AmfastError(f"--{name} is for comparing two servers: name the other one with --against")
        return None
    if len(chosen.target or []) > 1 or (chosen.server is not None and chosen.target):
        raise AmfastError(
            "--against compares one server with another: name the first by one --target or --server"
        )
    first = chosen.server or (chosen.target or ["127.0.0.1:9093"])[0]
    for flag, what in (("--server" if chosen.server else "--target", first), ("--against", chosen.against)):
        if "{port}" in what:
            continue
        try:
            parse_target(what, flag)
        except AmfastError as error:
            if flag == "--target":
                raise
            raise AmfastError(f"{error}; or a command, with {{port}} where the port goes") from None
    return Versus(first, chosen.against, chosen.pairs or 3, chosen.cores, chosen.settle)


def _parser() -> _Parser:
    parser = _Parser(
        prog=PROGRAM,
        description="Send alerts as Prometheus servers do, to any Alertmanager, and measure what comes back. "
        "Nothing is sent beyond this machine unless --target names another one.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--version", action="version", version=f"{PROGRAM} {__version__}")
    add("--target", action="append", metavar="ADDRESS", help=_TARGET_HELP)
    for name, read, default, metavar, text in _flags():
        add(f"--{name}", type=read, default=default, metavar=metavar, help=text)
    add("--report", type=Path, metavar="DIR", help="write report.md, report.json and plots there")
    add("--quiet", action="store_true", help="no progress on the terminal")
    versus = parser.add_argument_group("two servers in turns")
    for name, read, default, metavar, text in _versus_flags():
        versus.add_argument(f"--{name}", type=read, default=default, metavar=metavar, help=text)
    return parser


_TARGET_HELP: Final = (
    "host:port of an Alertmanager, may be repeated: every sender sends to all (default 127.0.0.1:9093)"
)
_Row = tuple[str, Callable[[str], Any], Any, str, str]
"""Name, how its value is read, default, what stands for the value in the help, help."""


def _flags() -> list[_Row]:
    count, rate = _whole(1, 1000), _number(0.001)
    return [
        ("alerts", _whole(0, _ALERTS_MAX), 1000, "N", "alerts that fire (default 1000)"),
        ("labels", _whole(LABELS_MIN, 1000), 10, "N", "labels of each (default 10)"),
        ("annotations", _whole(0, 1000), 3, "N", "annotations of each (default 3)"),
        ("senders", count, 1, "N", "Prometheus servers, which all send the same alerts (default 1)"),
        ("connections", count, 1, "N", "from each sender to each target, one request at a time (default 1)"),
        ("batch", _whole(1, _BIG), 64, "N", "alerts of a request, at most (default 64)"),
        (
            "interval",
            _seconds(0),
            0.0,
            "TIME",
            "until an alert is sent again; 0: as fast as can be (default 0)",
        ),
        ("churn", _number(0), 0.0, "N", "alerts resolved each second, and as many new ones (default 0)"),
        ("duration", _seconds(0.001), None, "TIME", "when to end (default 10s, none with --rounds)"),
        ("rounds", _whole(1, 1 << 31), None, "N", "end when each alert was sent so often"),
        ("pollers", _whole(0, 10_000), 0, "N", "clients that read (default 0)"),
        ("poll-rate", rate, 1.0, "N", "requests a second of each (default 1)"),
        ("poll-path", str, "/api/v2/alerts/groups", "PATH", "what they read (default /api/v2/alerts/groups)"),
        ("timeout", _seconds(0.1), 10.0, "TIME", "for an answer (default 10s)"),
        ("seed", _whole(0, 1 << 62), 1, "N", "for the texts of the alerts (default 1)"),
    ]


def _versus_flags() -> list[_Row]:
    server = "start the first server so, instead of --target; {port} and {folder} are filled in"
    return [
        ("server", str, None, "COMMAND", server),
        ("against", str, None, "COMMAND|ADDRESS", "the server to compare with"),
        ("pairs", _whole(1, 1000), None, "N", "how often both have a turn (default 3)"),
        ("cores", _cores, None, "A,B", "run servers that we start on processor A and send from B"),
        ("settle", _seconds(0), 1.0, "TIME", "wait so long before memory is read (default 1s)"),
    ]


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"must be a whole number from {low} to {high}, not {text!r}")
        return int(text)

    return read


def _number(low: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= _BIG:
            raise argparse.ArgumentTypeError(f"must be a number from {low:g} to {_BIG}, not {text!r}")
        return value

    return read


def _seconds(low: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = parse_go_duration(text) / 1e9
        except DurationError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        if value < low:
            raise argparse.ArgumentTypeError(f"must be at least {low:g}s, not {text!r}")
        return value

    return read


def _cores(text: str) -> tuple[int, int]:
    first, _, second = text.partition(",")
    if not (first.isascii() and first.isdigit() and second.isascii() and second.isdigit()):
        raise argparse.ArgumentTypeError(f"must be two numbers of processors such as 0,1, not {text!r}")
    return int(first), int(second)
