"""The whole of what is served, put together from its parts; the only module that knows them all."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from amfast.model.clock import Clock
from amfast.model.duration import format_go_duration
from amfast.model.matcher import MatcherMode
from amfast.model.metric import Family, Measured
from amfast.model.tracing import Tracing
from amfast.web import pages
from amfast.web.api_alerts import AlertsApi
from amfast.web.api_silences import SilencesApi
from amfast.web.api_status import StatusApi, version_1_gone
from amfast.web.http_metrics import HttpMetrics
from amfast.web.limits import Limits
from amfast.web.message import Handler, Request, Response, text_error
from amfast.web.metrics import MetricsPage
from amfast.web.ports import BuildInfo, Ports
from amfast.web.router import Match, Router, clean_path, redirect
from amfast.web.traces import traced
from amfast.web.v2 import API_PATH, V2


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """``route_prefix`` is ``/`` or begins with a slash and ends without; no ``timeout_ns`` means none."""

    build: BuildInfo
    route_prefix: str = "/"
    gets_max: int = 8
    timeout_ns: int = 0
    mode: MatcherMode = MatcherMode.FALLBACK


class Site:
    """Answers every request; :meth:`handle` is the handler of the server.

    ``stopwatch_ns`` measures how long that takes: the clock of an event loop may stand still meanwhile.
    """

    def __init__(
        self,
        ports: Ports,
        options: SiteOptions,
        *,
        clock: Clock,
        log: logging.Logger,
        parts: Iterable[Measured] = (),
        stopwatch_ns: Callable[[], int] | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self._tracing = tracing or Tracing()
        self._prefix = options.route_prefix.rstrip("/")
        self._v2_path = self._prefix + API_PATH
        self._log = log
        self._alerts = AlertsApi(
            sink=ports.alerts,
            reader=ports.reader,
            status=ports.status,
            mode=options.mode,
        )
        self._v2 = V2(
            self._alerts,
            SilencesApi(ports.silences, clock, options.mode),
            StatusApi(ports.status, options.build, options.mode),
        )
        self._limits = Limits(
            gets_max=options.gets_max,
            timeout_s=options.timeout_ns / 1e9 if options.timeout_ns > 0 else None,
            timeout_text=f"Exceeded configured timeout of {format_go_duration(options.timeout_ns)}.",
            clock=clock,
        )
        self._http = HttpMetrics(stopwatch_ns or (lambda: clock.monotonic_us() * 1000))
        self.metrics_page = MetricsPage([self, *parts], options.build, ports.reader.count)
        self._router = self._routes(ports)
        self._limited_router = self._limits.wrap(self._answer_routed)

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer one request."""
        has_body = bool(request.body)
        answer = request.answers.get(has_body)
        if answer is None:
            answer = request.answers[has_body] = traced(self._find(request), self._tracing)
        return answer(request)

    def _find(self, request: Request) -> Handler:
        """Who answers all requests that have this one's head, and a body or none as it has."""
        raw_path = request.target.raw_path
        if raw_path.startswith(self._v2_path) and "//" not in raw_path and "/." not in raw_path:
            label = self._http.path_label(request.path.removeprefix(self._prefix))
            answer_v2 = self._v2.find(request, raw_path.removeprefix(self._prefix))
            limited = self._limits.wrap(answer_v2) if request.method == "GET" else answer_v2
            return self._http.wrap(limited, request.method, label, sized=False)
        if raw_path == "*":
            return _answer_asterisk
        return self._answer_elsewhere

    def metrics(self) -> Iterator[Family]:
        yield from self._alerts.metrics()
        yield from self._limits.metrics()
        yield from self._http.metrics()

    def _redirected(self, request: Request) -> Response | None:
        """Where the multiplexer in front sends a path that is not clean, or the API's without its slash.

        Go escapes the escapes of such a path once more.
        """
        raw_path = request.target.raw_path
        cleaned = clean_path(raw_path)
        if cleaned + "/" == self._v2_path:
            cleaned += "/"
        if cleaned == raw_path or request.method == "CONNECT":
            return None
        query = f"?{request.target.query}" if request.target.query else ""
        return redirect(307, cleaned.replace("%", "%25") + query, request.method)

    def _answer_elsewhere(self, request: Request) -> Response | Awaitable[Response]:
        return self._redirected(request) or self._limited_router(request)

    def _answer_routed(self, request: Request) -> Response | Awaitable[Response]:
        found = self._router.find(request)
        if isinstance(found, Match):
            return self._http.wrap(found.handler, request.method, found.label, sized=True)(request)
        return found

    def _routes(self, ports: Ports) -> Router:
        router = Router(self._prefix)
        if self._prefix:
            router.add_root(self._to_prefix)
        router.add("GET", "/", pages.index)
        router.add("GET", "/favicon.ico", _not_found)
        router.add("GET", "/assets/*path", _not_found)
        router.add("GET", "/metrics", self.metrics_page.get)
        router.add("POST", "/-/reload", pages.ReloadPage(ports.reload).post)
        for path in ("/-/healthy", "/-/ready"):
            router.add("GET HEAD", path, pages.health)
        router.add("GET POST", "/debug/*subpath", _not_found)
        gone: Handler = partial(version_1_gone, log=self._log)
        for methods, path in (
            ("GET", "/status"),
            ("GET", "/receivers"),
            ("GET POST", "/alerts"),
            ("GET POST", "/silences"),
            ("GET DELETE", "/silence/:sid"),
        ):
            router.add(methods, "/api/v1" + path, gone, path)
        return router

    def _to_prefix(self, request: Request) -> Response:
        return redirect(302, self._prefix, request.method)


def _answer_asterisk(request: Request) -> Response:
    return Response(200) if request.method == "OPTIONS" else text_error(404, "404 page not found")


def _not_found(_request: Request) -> Response:
    return text_error(404, "404 page not found")
