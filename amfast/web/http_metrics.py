"""How long requests took and how big the responses were (reference metrics, section 1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Final

from amfast._ext.meter import Meter, Tally
from amfast.model.metric import DEFAULT_BUCKETS, Family, Histogram
from amfast.web.message import Handler, Response

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
        self._durations: dict[tuple[str, str, str], Tally] = {}
        self._sizes: dict[tuple[str, str], Tally] = {}
        self._unknown_paths: set[str] = set()

    def wrap(self, handler: Handler, method: str, label: str, *, sized: bool) -> Handler:
        """The handler, measured; the size of its responses only when ``sized``.

        An answer in parts is measured when the last is sent, as one that is whole would have been made by then.
        """
        name = method.lower() if method.lower() in _METHODS else "unknown"
        sizes = self._sizes.setdefault((label, name), Tally(_SIZE_BUCKETS)) if sized else None
        now_ns = self._now_ns

        def count(response: Response, start_ns: int) -> None:
            self._duration(label, name, response.status).observe((now_ns() - start_ns) / 1e9)
            if sizes is not None:
                sizes.observe(len(response.body) + response.sent_bytes)

        def taken(response: Response, start_ns: int) -> Response:
            if response.parts is None:
                count(response, start_ns)
            else:
                response.when_sent(lambda: count(response, start_ns))
            return response

        async def awaited(awaitable: Awaitable[Response], start_ns: int) -> Response:
            return taken(await awaitable, start_ns)

        def otherwise(
            result: Response | Awaitable[Response], start_ns: int
        ) -> Response | Awaitable[Response]:
            return taken(result, start_ns) if isinstance(result, Response) else awaited(result, start_ns)

        return Meter(handler, now_ns, self._duration(label, name, 200), sizes, otherwise)

    def _duration(self, label: str, method: str, status: int) -> Tally:
        key = (label, method, str(status))
        tally = self._durations.get(key)
        if tally is None:
            tally = self._durations[key] = Tally(DEFAULT_BUCKETS)
        return tally

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
            _histograms(self._durations.items(), DEFAULT_BUCKETS),
            ("handler", "method", "code"),
        )
        yield Family(
            "alertmanager_http_response_size_bytes",
            "histogram",
            "How big the bodies of responses were.",
            _histograms(self._sizes.items(), _SIZE_BUCKETS),
            ("handler", "method"),
        )


def _histograms(
    tallies: Iterable[tuple[tuple[str, ...], Tally]], bounds: Sequence[float]
) -> list[tuple[tuple[str, ...], Histogram]]:
    """Those in which something was counted."""
    found = []
    for key, tally in tallies:
        histogram = Histogram(bounds)
        histogram.counts = tally.counts
        histogram.total = tally.total
        if any(histogram.counts):
            found.append((key, histogram))
    return found
