"""What ``amfast-load`` does with its flags."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from amfast.load import pairs, report
from amfast.load.flags import Asked, Versus, parse
from amfast.load.measure import Measured, measured
from amfast.load.plan import Plan
from amfast.load.process import pid_of
from amfast.load.progress import Progress
from amfast.load.run import Run
from amfast.model.errors import AmfastError

_T = TypeVar("_T")


def run(args: Sequence[str]) -> int:
    """Do it; 1 when requests failed. Raises AmfastError, OSError."""
    asked = parse(args)
    progress = Progress(sys.stderr, quiet=asked.quiet)
    if asked.report is not None:
        _make_folder(asked.report)  # better now than after an hour
    if asked.versus is not None:
        return _compare(asked, asked.versus, progress)
    found = _in_loop(_plain(asked.plan, progress))
    progress.end()
    _say(report.markdown(found))
    if asked.report is not None:
        report.write(found, asked.report)
    return 1 if found.outcome.tally.problems else 0


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AmfastError(f"cannot make the folder --report={path}: {error.strerror}") from None


async def _plain(plan: Plan, progress: Progress) -> Measured:
    run = Run(plan, progress)
    _on_signals(run.stop)
    pid = pid_of(plan.targets[0]) if len(plan.targets) == 1 else None
    return await measured(run.go, pid, 0.0)


def _compare(asked: Asked, versus: Versus, progress: Progress) -> int:
    pairs.use_core(versus)
    found = _in_loop(_turns(asked.plan, versus, progress))
    progress.end()
    if not found:
        raise AmfastError("stopped before the first pair was done: there is nothing to compare")
    text = pairs.markdown(found, versus)
    _say(text)
    if asked.report is not None:
        plot = pairs.plot(found)
        links = "".join(f"\n![{name}]({name})\n" for name in plot)
        data = json.dumps(pairs.comparison(found, versus), indent=2) + "\n"
        report.save({"report.md": text + links, "report.json": data, **plot}, asked.report)
    return 1 if any(one.outcome.tally.problems for pair in found for one in (pair.first, pair.against)) else 0


async def _turns(plan: Plan, versus: Versus, progress: Progress) -> list[pairs.Pair]:
    def make(turn: Plan, label: str) -> Run:
        progress.begin(label)
        return Run(turn, progress)

    turns = pairs.Pairs(plan, versus, make)
    _on_signals(turns.stop)
    return await turns.go()


def _on_signals(stop: Callable[[], None]) -> None:
    """Stop in good order at the first signal, at once at the second.

    That the terminal is closed is one of them, unless ``nohup`` has it ignored: servers must not be left behind.
    """
    loop = asyncio.get_running_loop()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)

    def first() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
        stop()

    for number in numbers:
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, first)


def _in_loop(work: Coroutine[Any, Any, _T]) -> _T:
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):  # there is none on Windows
        import uvloop  # noqa: PLC0415

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
