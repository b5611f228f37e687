"""Events posted to a server: one a request, or several in a JSON array (reference config, section 11)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from amfast.config.http import HttpConfig
from amfast.config.observing import WebhookOutput as WebhookConfig
from amfast.model.clock import Clock
from amfast.recorder.counts import Counts
from amfast.recorder.outputs import CLOSE_S, Entry
from amfast.recorder.queued import Queued

Post = Callable[[str, bytes, float, HttpConfig], Awaitable[str]]
"""Posts a body to a URL within so many seconds; returns why that failed, empty when it was taken."""

_TIMEOUT_NS: Final = 10_000_000_000
_WORKERS: Final = 4
_ATTEMPTS: Final = 3
_PAUSE_NS: Final = 500_000_000
_PAUSE_MAX_S: Final = 30.0
_BATCH_EVENTS: Final = 100
_BATCH_BYTES: Final = 1 << 20
_BATCH_WAIT_NS: Final = 100_000_000
_NS: Final = 1e9


class WebhookOutput(Queued):
    """Some requests go on at a time."""

    def __init__(
        self, config: WebhookConfig, post: Post, *, clock: Clock, counts: Counts, log: logging.Logger
    ) -> None:
        self._url = "" if config.url is None else config.url.reveal()
        super().__init__(f"webhook:{shown_url(self._url)}", counts, log)
        self._http = config.http_config or HttpConfig()
        self._timeout_s = (config.timeout_ns or _TIMEOUT_NS) / _NS
        self._attempts = config.max_retries if config.max_retries > 0 else _ATTEMPTS
        self._pause_s = (config.retry_backoff_ns or _PAUSE_NS) / _NS
        self._batch = _Batching(config) if config.batch else None
        self._post = post
        self._clock = clock
        self._turn = asyncio.Lock()
        """Held by the worker that waits for more events to go with one."""
        workers = config.workers if config.workers > 0 else _WORKERS
        loop = asyncio.get_running_loop()
        self._workers = [loop.create_task(self._work()) for _ in range(workers)]

    def encode(self, entry: Entry) -> bytes:
        return entry.json()

    async def close(self) -> None:
        """See :class:`Output`. Attempts that are not over then are given up."""
        self._is_closing = True
        self._came.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await asyncio.wait(self._workers)
        cut_off = sum(worker.cancel() for worker in self._workers)
        if cut_off:
            attrs = {"output": self.name, "requests": cut_off}
            self._log.warning("Posting events was cut off", extra={"attrs": attrs})
        await asyncio.gather(*self._workers, return_exceptions=True)
        if self._waiting:
            self._drop(len(self._waiting), "the output ends")
            self._waiting.clear()

    async def _work(self) -> None:
        while True:
            async with self._turn:
                body = await self._next()
            if body is None:
                return
            await self._deliver(body)

    async def _next(self) -> bytes | None:
        """The body of the next request; None when there is nothing left and nothing more will come."""
        while not self._waiting:
            if self._is_closing:
                return None
            self._came.clear()
            await self._came.wait()
        if self._batch is None:
            return self._waiting.popleft()
        await self._wait_for_more(self._batch)
        return self._batch.take(self._waiting)

    async def _wait_for_more(self, batch: _Batching) -> None:
        """Return when a batch is full, or the time for it is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(batch.wait_s):
                while not self._is_closing and not batch.is_full(self._waiting):
                    self._came.clear()
                    await self._came.wait()

    async def _deliver(self, body: bytes) -> None:
        pause_s = self._pause_s
        for attempt in range(1, self._attempts + 1):
            problem = await self._post(self._url, body, self._timeout_s, self._http)
            if not problem:
                return
            attrs = {"output": self.name, "attempt": attempt, "err": problem}
            self._log.warning("Posting events failed", extra={"attrs": attrs})
            if attempt < self._attempts:
                await self._clock.sleep(min(pause_s, _PAUSE_MAX_S))
                pause_s *= 2
        attrs = {"output": self.name, "attempts": self._attempts}
        self._log.error("Events given up, the server did not take them", extra={"attrs": attrs})


class _Batching:
    """How many events go into one request: as many as fit, but one in any case."""

    def __init__(self, config: WebhookConfig) -> None:
        self._events = config.batch_max_events or _BATCH_EVENTS
        self._bytes = config.batch_max_bytes or _BATCH_BYTES
        self.wait_s = (config.batch_flush_interval_ns or _BATCH_WAIT_NS) / _NS

    def is_full(self, waiting: deque[bytes]) -> bool:
        return self._fitting(waiting)[1]

    def take(self, waiting: deque[bytes]) -> bytes:
        count, _ = self._fitting(waiting)
        return b"[" + b",".join(waiting.popleft() for _ in range(count)) + b"]"

    def _fitting(self, waiting: deque[bytes]) -> tuple[int, bool]:
        """How many of those that wait go into one request, and whether no more would."""
        size = 2  # the brackets
        for count, event in enumerate(waiting):
            more = len(event) + (count > 0)
            if count == self._events or (count and size + more > self._bytes):
                return count, True
            size += more
        return len(waiting), len(waiting) >= self._events or size >= self._bytes


def shown_url(url: str) -> str:
    """A URL without what may be secret in it: user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "<invalid>"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
