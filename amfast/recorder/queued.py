"""What the outputs share that send events over the network: a bounded queue."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Final

from amfast.recorder.counts import Counts

QUEUE_MAX: Final = 1024


class Queued:
    """What comes while as many events wait as may is dropped, counted and logged."""

    def __init__(self, name: str, counts: Counts, log: logging.Logger, queue_max: int = QUEUE_MAX) -> None:
        self.name = name
        self._counts = counts
        self._log = log
        self._queue_max = queue_max
        self._waiting: deque[bytes] = deque()
        self._came = asyncio.Event()
        """Set when more waits, or no more will come."""
        self._is_closing = False

    async def write(self, payloads: Sequence[bytes]) -> str:
        """See :class:`amfast.recorder.outputs.Output`."""
        room = self._queue_max - len(self._waiting)
        self._waiting.extend(payloads[:room])
        if len(payloads) > room:
            self._drop(len(payloads) - room, "the queue is full")
        self._came.set()
        return ""

    def _drop(self, count: int, why: str) -> None:
        self._counts.output_drops[self.name] += count
        attrs = {"output": self.name, "events": count, "err": why}
        self._log.warning("Events dropped", extra={"attrs": attrs})
