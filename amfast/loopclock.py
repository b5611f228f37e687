"""The clock of a running node: the system's wall time and the event loop's own time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class LoopClock:
    """A :class:`amfast.model.clock.Clock` over the loop that is running when it is built."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    now_ns = staticmethod(time.time_ns)  # not a call more: it is asked for with every request

    def monotonic_us(self) -> int:
        return int(self._loop.time() * 1e6)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        return self._loop.call_later(max(seconds, 0.0), callback)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def loop_fd() -> int:
    """A descriptor that is readable when the running event loop has something to do; -1 for one that does not tell."""
    backend_id = getattr(
        asyncio.get_running_loop(), "_get_backend_id", None
    )  # uvloop's, which has no public name
    return -1 if backend_id is None else int(backend_id())


def local_offset_s(wall_ns: int) -> int:
    """Seconds east of UTC that this machine's zone has at a wall time."""
    return time.localtime(wall_ns // 1_000_000_000).tm_gmtoff
