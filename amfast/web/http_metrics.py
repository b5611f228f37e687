"""How long requests took and how big the responses were (reference metrics, section 1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

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

    def __init__(self, stopwatch_ns: Callable[[], int]) -> None:
        self._now_ns = stopwatch_ns
        self._durations: dict[tuple[str, str, str], Histogram] = {}
        self._sizes: dict[tuple[str, str], Histogram] = {}
        self._unknown_paths: set[str] = set()

    def wrap(self, handler: Handler, method: str, label: str, *, sized: bool) -> Handler:
        """The handler, measured; the size of its responses only when ``sized``.

        An answer in parts is measured when the last is sent, as one that is whole would have been made by then.
        """
        name = method.lower() if method.lower() in _METHODS else "unknown"
        size = self._sizes.setdefault((label, name), Histogram(_SIZE_BUCKETS)) if sized else None
        by_status: dict[int, Histogram] = {}
        now_ns = self._now_ns

        def count(response: Response, start_ns: int) -> None:
            duration = by_status.get(response.status)
            if duration is None:
                key = (label, name, str(response.status))
                duration = by_status[response.status] = self._durations.setdefault(key, Histogram())
            duration.observe((now_ns() - start_ns) / 1e9)
            if size is not None:
                size.observe(len(response.body) + response.sent_bytes)

        def taken(response: Response, start_ns: int) -> Response:
            if response.parts is None:
                count(response, start_ns)
            else:
                response.when_sent(lambda: count(response, start_ns))
            return response

        async def awaited(awaitable: Awaitable[Response], start_ns: int) -> Response:
            return taken(await awaitable, start_ns)

        def measured(request: Request) -> Response | Awaitable[Response]:
            start_ns = now_ns()
            result = handler(request)
            if not isinstance(result, Response):
                return awaited(result, start_ns)
            if size is None and result.parts is None and result.status in by_status:
                by_status[result.status].observe((now_ns() - start_ns) / 1e9)  # as below, in one call less
                return result
            return taken(result, start_ns)

        return measured

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
