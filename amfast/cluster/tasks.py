"""Background tasks that are never lost: each is kept until it ends, and its failure is logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from amfast.model.clock import Clock


class Tasks:
    """The tasks of one owner, who must call :meth:`cancel` in the end."""

    def __init__(self, clock: Clock, log: logging.Logger) -> None:
        self._clock = clock
        self._log = log
        self._running: dict[asyncio.Task[None], None] = {}
        """In the order they began, in which they are cancelled."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` in the background of the running event loop; the task is only needed to cancel it alone."""
        task = asyncio.get_running_loop().create_task(work)
        self._running[task] = None
        task.add_done_callback(self._on_done)
        return task

    def every(self, interval_s: float, action: Callable[[], Awaitable[None]]) -> None:
        """Do ``action`` again and again, ``interval_s`` after the last time; first after one interval."""

        async def repeat() -> None:
            while True:
                await self._clock.sleep(interval_s)
                await action()

        self.spawn(repeat())

    async def cancel(self) -> None:
        """Cancel all and wait until they ended."""
        tasks = tuple(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("background work of the cluster failed", exc_info=error)
