"""Virtual time under asyncio, and processes that can end in the middle of anything."""

from __future__ import annotations

import asyncio
import contextvars
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from amfast.sim.clock import MILLION

START_NS = 1_800_000_000_000_000_000
"""Wall time at the start, an arbitrary date."""

_T = TypeVar("_T")


class _Jumping(selectors.SelectSelector):
    """Where a real selector would sleep until the next timer, time is moved there. Nothing ever arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.now_us = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("virtual time: everything waits and no timer is set")
        if timeout > 0:
            self.now_s += timeout
            self.now_us = round(self.now_s * MILLION)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose ``time()`` is virtual and whose tasks belong to the process that begot them."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)
        self.failures: list[str] = []
        """What nobody caught."""
        self.set_task_factory(_make_task)
        self.set_exception_handler(self._note_failure)
        self._outside = contextvars.Context()

    def time(self) -> float:
        return self._jumping.now_s

    # Time as the network of the simulator wants it: in integers, and nobody's own.

    @property
    def now_us(self) -> int:
        """Microseconds since the start."""
        return self._jumping.now_us

    def at(self, when_us: int, call: Callable[..., object], *args: object) -> None:
        """Call at a time that is not in the past."""
        self.call_at(when_us / MILLION, call, *args, context=self._outside)

    def after(self, wait_us: int, call: Callable[..., object], *args: object) -> None:
        """Call when so much more time has passed."""
        self.at(self.now_us + wait_us, call, *args)

    def _note_failure(self, _loop: asyncio.AbstractEventLoop, found: dict[str, Any]) -> None:
        error = found.get("exception")
        self.failures.append(f"{found.get('message')}: {type(error).__name__}: {error}")


class Process:
    """Tasks and timers that end together, at once and without a word."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.alive = True
        self._loop = loop
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._context = contextvars.Context()
        self._context.run(_PROCESS.set, self)

    def spawn(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Begin a task of this process."""
        return self._loop.create_task(work, context=self._context)

    def run(self, call: Callable[..., _T], *args: object) -> _T:
        """Call from outside; the tasks and timers that come of it are the process's own."""
        return self._context.run(call, *args)

    def own(self, task: asyncio.Task[Any]) -> None:
        """Hold a task until it has ended."""
        self._tasks[task] = None
        task.add_done_callback(self._let_go)

    def kill(self) -> None:
        """End everything. What tasks do as they are cancelled must reach nobody: ask :attr:`alive`."""
        self.alive = False
        for task in tuple(self._tasks):
            task.cancel()

    def _let_go(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)


_PROCESS: contextvars.ContextVar[Process] = contextvars.ContextVar("process")


def _make_task(  # as asyncio calls it
    loop: asyncio.AbstractEventLoop,
    work: Any,  # noqa: ANN401
    **options: Any,  # noqa: ANN401
) -> asyncio.Task[Any]:
    context = options.get("context")
    process = context.get(_PROCESS) if context is not None else _PROCESS.get(None)
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    if process is not None:
        process.own(task)
        if not process.alive:
            task.cancel()
    return task


class Wall:
    """A machine's wall clock; it may be wrong, and step."""

    def __init__(self) -> None:
        self.wrong_ns = 0

    def now_ns(self, loop: VirtualLoop) -> int:
        """What it shows."""
        return START_NS + loop.now_us * 1000 + self.wrong_ns


class ProcessClock:
    """The :class:`amfast.model.clock.Clock` of one process."""

    def __init__(self, loop: VirtualLoop, process: Process, wall: Wall) -> None:
        self._loop = loop
        self._process = process
        self._wall = wall

    def now_ns(self) -> int:
        return self._wall.now_ns(self._loop)

    def monotonic_us(self) -> int:
        return self._loop.now_us

    def call_later(self, seconds: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        def due() -> None:
            if self._process.alive:
                callback()

        return self._loop.call_later(max(seconds, 0.0), due)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
