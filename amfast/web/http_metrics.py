"""How long requests took and how big the responses were (reference metrics, section 1)."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import Final

from amfast.model.clock import Clock
from amfast.model.metric import Family, Histogram
from amfast.web.message import Handler, Request, Response

_SIZE_BUCKETS: Final = (100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8)
_METHODS: Final = frozenset(
    ("get", "put", "head", "post", "delete", "connect", "options", "notify", "trace", "patch")
)
_UNKNOWN_PATHS_MAX: Final = 100
_OTHER_PATH: Final = "/api/v2/{other}"
_KNOWN_PATHS: Final = frozenset(
    f"/api/v2/{name}"
    for name in ("alerts", "alerts/groups", "receivers", "silences", "silence/{silenceID}", "status")
)


class HttpMetrics:
    """Measures handlers; a path that nobody registered has a series of its own only while those are few."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._durations: dict[tuple[str, str, str], Histogram] = {}
        self._sizes: dict[tuple[str, str], Histogram] = {}
        self._unknown_paths: set[str] = set()

    def run(
        self, handler: Handler, request: Request, label: str, *, sized: bool
    ) -> Response | Awaitable[Response]:
        """Call the handler and measure it; the size of its responses only when ``sized``."""
        start_us = self._clock.monotonic_us()
        result = handler(request)
        if isinstance(result, Response):
            self._count(request, result, label, start_us, sized=sized)
            return result
        return self._run(result, request, label, start_us, sized=sized)

    async def _run(
        self, awaitable: Awaitable[Response], request: Request, label: str, start_us: int, *, sized: bool
    ) -> Response:
        response = await awaitable
        self._count(request, response, label, start_us, sized=sized)
        return response

    def _count(self, request: Request, response: Response, label: str, start_us: int, *, sized: bool) -> None:
        method = request.method.lower()
        if method not in _METHODS:
            method = "unknown"
        key = (label, method, str(response.status))
        duration = self._durations.get(key)
        if duration is None:
            duration = self._durations[key] = Histogram()
        duration.observe((self._clock.monotonic_us() - start_us) / 1e6)
        if sized:
            size = self._sizes.setdefault((label, method), Histogram(_SIZE_BUCKETS))
            size.observe(len(response.body))

    def path_label(self, path: str) -> str:
        """The label of a version 2 path (without the prefix), silences under one."""
        if path in _KNOWN_PATHS:
            return path
        if path.startswith("/api/v2/silence/"):
            return "/api/v2/silence/{silenceID}"
        if path not in self._unknown_paths:
            if len(self._unknown_paths) >= _UNKNOWN_PATHS_MAX:
                return _OTHER_PATH
            self._unknown_paths.add(path)
        return path

    def metrics(self) -> Iterator[Family]:
        yield Family(
            "alertmanager_http_request_duration_seconds",
            "histogram",
            "How long requests took to answer.",
            list(self._durations.items()),
            ("handler", "method", "code"),
        )
        yield Family(
            "alertmanager_http_response_size_bytes",
            "histogram",
            "How big the bodies of responses were.",
            list(self._sizes.items()),
            ("handler", "method"),
        )
