"""Virtual time for tests: an event loop that jumps to its next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

START_NS = 1_800_000_000_000_000_000
"""Wall time at the loop's start, an arbitrary date."""


class _JumpingSelector(selectors.DefaultSelector):
    """Where a real selector would sleep until the next timer, time is moved there."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("virtual time: everything waits and no timer is set")
        self.now_s += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose ``time()`` is virtual."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


class VirtualClock:
    """A Clock over a :class:`VirtualLoop`; wall time runs with it, and ``skew_ns`` may set it wrong."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.skew_ns = 0

    def now_ns(self) -> int:
        return START_NS + round(self._loop.time() * 1e9) + self.skew_ns

    def monotonic_us(self) -> int:
        return round(self._loop.time() * 1e6)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        return self._loop.call_later(max(seconds, 0.0), callback)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run_virtual(main: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function to its end on a virtual clock of its own."""
    loop = VirtualLoop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main(VirtualClock(loop)))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
