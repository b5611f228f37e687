"""``/metrics``: what every part counted, in the text format 0.0.4 (reference metrics)."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from amfast.model.metric import Family, Histogram, Measured, Summary
from amfast.web.message import Request, Response
from amfast.web.params import Params
from amfast.web.ports import BuildInfo

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
_TOTAL: Final = "_total"
_PATH_CODES: Final = ("200", "500", "503")


class MetricsPage:
    """Asks the parts each time it is read; parts can be added and taken away.

    ``prepare`` is awaited before: what takes long to work out is worked out there, in slices.
    """

    def __init__(
        self, parts: Iterable[Measured], build: BuildInfo, prepare: Callable[[], Awaitable[None]]
    ) -> None:
        self.parts = list(parts)
        self._prepare = prepare
        self._build = build
        self._scrapes = dict.fromkeys(_PATH_CODES, 0)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Parts(self))
        ProcessCollector(registry=self._registry)

    async def get(self, request: Request) -> Response:
        """Expose everything, or the families named by ``name[]``."""
        names = Params(request.target.query).many("name[]")
        await self._prepare()
        registry = _Chosen(self._registry, frozenset(names)) if names else self._registry
        body = generate_latest(registry)
        self._scrapes["200"] += 1
        headers = [("Content-Type", CONTENT_TYPE)]
        if takes_gzip(request.header(b"accept-encoding") or ""):
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        return Response(200, body, headers)

    def metrics(self) -> Iterator[Family]:
        """The families of every part and the page's own."""
        build = self._build
        yield Family(
            "alertmanager_build_info",
            "gauge",
            "The build of this program; the value is always 1.",
            [
                (
                    (
                        build.branch,
                        build.arch,
                        build.os,
                        build.runtime,
                        build.revision,
                        build.tags,
                        build.version,
                    ),
                    1.0,
                )
            ],
            ("branch", "goarch", "goos", "goversion", "revision", "tags", "version"),
        )
        yield Family(
            "promhttp_metric_handler_requests_total",
            "counter",
            "Times this page was read, by status code.",
            [((code,), float(count)) for code, count in self._scrapes.items()],
            ("code",),
        )
        yield Family(
            "promhttp_metric_handler_requests_in_flight",
            "gauge",
            "Times this page is being read.",
            [((), 1.0)],
        )
        for part in self.parts:
            yield from part.metrics()


class _Parts(Collector):
    """The bridge to the client library."""

    def __init__(self, page: MetricsPage) -> None:
        self._page = page

    def collect(self) -> Iterator[Metric]:
        return map(_metric, sorted(self._page.metrics(), key=lambda family: family.name))


class _Chosen(Collector):
    """The families of a registry that carry one of the names."""

    def __init__(self, registry: CollectorRegistry, names: frozenset[str]) -> None:
        self._registry = registry
        self._names = names

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            name = metric.name + _TOTAL if metric.type == "counter" else metric.name
            if name in self._names:
                yield metric


def _metric(family: Family) -> Metric:
    """A family in the library's terms, which adds ``_total`` to the name of a counter by itself."""
    name = family.name.removesuffix(_TOTAL) if family.kind == "counter" else family.name
    metric = Metric(name, family.help, family.kind)
    for values, value in family.samples:
        labels = dict(zip(family.labels, values, strict=True))
        if isinstance(value, Histogram):
            _add_histogram(metric, family.name, labels, value)
        elif isinstance(value, Summary):
            metric.add_sample(f"{family.name}_sum", labels, value.total)
            metric.add_sample(f"{family.name}_count", labels, value.count)
        else:
            metric.add_sample(family.name, labels, value)
    return metric


def _add_histogram(metric: Metric, name: str, labels: dict[str, str], histogram: Histogram) -> None:
    bounds = [*map(_bound_text, histogram.bounds), "+Inf"]
    counts = list(accumulate(histogram.counts))
    for bound, count in zip(bounds, counts, strict=True):
        metric.add_sample(f"{name}_bucket", {**labels, "le": bound}, count)
    metric.add_sample(f"{name}_sum", labels, histogram.total)
    metric.add_sample(f"{name}_count", labels, counts[-1])


def _bound_text(bound: float) -> str:
    """A bound as Go prints it: ``1``, ``2.5``, ``1e+06``; the text is a label and must not differ."""
    if bound.is_integer() and bound < 1e6:  # noqa: PLR2004
        return str(int(bound))
    return repr(bound) if bound < 1e6 else f"{bound:.0e}"  # noqa: PLR2004


def takes_gzip(accept_encoding: str) -> bool:
    """Whether an ``Accept-Encoding`` header (RFC 9110, section 12.5.3) names gzip with a weight above zero."""
    for item in accept_encoding.split(","):
        coding, _, parameter = item.partition(";")
        if coding.strip().lower() == "gzip":
            weight = parameter.replace(" ", "")
            return weight not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
