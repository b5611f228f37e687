"""What a request may take: one of a few places for GETs, and a time (reference api, section 2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator

from amfast.model.clock import Clock
from amfast.model.metric import Family
from amfast.web.message import Handler, Request, Response, text_error

_HTML = (("Content-Type", "text/html; charset=utf-8"),)


class Limits:
    """Wraps handlers. A GET holds its place until its response has left this process's memory."""

    def __init__(self, *, gets_max: int, timeout_s: float | None, timeout_text: str, clock: Clock) -> None:
        self._gets_max = gets_max
        self._timeout_s = timeout_s
        self._timeout_text = timeout_text
        self._clock = clock
        self._gets = 0
        self._refused = 0

    def wrap(self, handler: Handler) -> Handler:
        """The handler within the limits."""

        def limited(request: Request) -> Response | Awaitable[Response]:
            if request.method != "GET":
                result = handler(request)
                return self._bounded(result) if isinstance(result, Response) else self._timed(result)
            if self._gets >= self._gets_max:
                self._refused += 1
                text = f"Limit of concurrent GET requests reached ({self._gets_max}), try again later.\n"
                return text_error(503, text)
            self._gets += 1
            try:
                result = handler(request)
            except BaseException:
                self._gets -= 1
                raise
            if isinstance(result, Response):
                result.when_sent(self._leave)
                return self._bounded(result)
            return self._held(self._timed(result))

        return limited

    def _leave(self) -> None:
        self._gets -= 1

    def _bounded(self, response: Response, used_s: float = 0.0) -> Response:
        """Parts that are still to be made have what is left of the time."""
        if response.parts is not None and self._timeout_s is not None:
            response.seconds_left = max(self._timeout_s - used_s, 0.0)
        return response

    async def _held(self, awaitable: Awaitable[Response]) -> Response:
        try:
            response = await awaitable
        except BaseException:
            self._gets -= 1
            raise
        response.when_sent(self._leave)
        return response

    async def _timed(self, awaitable: Awaitable[Response]) -> Response:
        if self._timeout_s is None:
            return await awaitable
        start_us = self._clock.monotonic_us()
        task = asyncio.ensure_future(awaitable)
        timer = self._clock.call_later(self._timeout_s, task.cancel)
        try:
            await asyncio.wait((task,))
        finally:
            timer.cancel()
            task.cancel()
        if task.cancelled():
            return Response(503, f"{self._timeout_text}\n".encode(), _HTML)
        return self._bounded(task.result(), (self._clock.monotonic_us() - start_us) / 1e6)

    def metrics(self) -> Iterator[Family]:
        yield Family(
            "alertmanager_http_requests_in_flight",
            "gauge",
            "GET requests being answered.",
            [(("get",), float(self._gets))],
            ("method",),
        )
        yield Family(
            "alertmanager_http_concurrency_limit_exceeded_total",
            "counter",
            "GET requests refused because too many were being answered.",
            [(("get",), float(self._refused))],
            ("method",),
        )
