"""Spans by OpenTelemetry's SDK, which is imported only when a configuration wants traces."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.sdk.resources import (
    PROCESS_RUNTIME_DESCRIPTION,
    SERVICE_NAME,
    SERVICE_VERSION,
    TELEMETRY_SDK_LANGUAGE,
    TELEMETRY_SDK_NAME,
    TELEMETRY_SDK_VERSION,
    Resource,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.sdk.version import __version__ as sdk_version
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from amfast.model.tracing import Attribute, Span, SpanKind
from amfast.model.version import REFERENCE_VERSION

_KINDS: Final = {
    "internal": trace.SpanKind.INTERNAL,
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
}


class OtelTracer:
    """A :class:`amfast.model.tracing.Tracer` that hands its spans to an exporter, in batches, from a thread."""

    def __init__(self, exporter: SpanExporter, sampling_fraction: float) -> None:
        share = min(sampling_fraction, 1.0) if sampling_fraction > 0 else 0.0
        resource = Resource(
            {
                SERVICE_NAME: "alertmanager",
                SERVICE_VERSION: REFERENCE_VERSION,
                PROCESS_RUNTIME_DESCRIPTION: f"{platform.python_implementation()} {platform.python_version()}",
                TELEMETRY_SDK_LANGUAGE: "python",
                TELEMETRY_SDK_NAME: "opentelemetry",
                TELEMETRY_SDK_VERSION: sdk_version,
            }
        )
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)), resource=resource, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("amfast")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self,
        name: str,
        attributes: Mapping[str, Attribute],
        kind: SpanKind,
        caller: Mapping[str, str] | None,
        *,
        stays: bool,
    ) -> Iterator[Span]:
        """See :meth:`amfast.model.tracing.Tracing.span`."""
        above = None if caller is None else self._propagator.extract(caller, contexts.Context())
        span = self._tracer.start_span(name, above, _KINDS[kind], attributes)
        token = contexts.attach(trace.set_span_in_context(span))
        try:
            yield _Span(span)
        finally:
            span.end()
            if not stays:
                contexts.detach(token)

    def headers(self) -> Mapping[str, str]:
        """See :meth:`amfast.model.tracing.Tracing.headers`."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier

    def close(self) -> None:
        """Send what is left, and stop. Blocks for some seconds if the collector does not answer."""
        self._provider.shutdown()


class _Span:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def set(self, name: str, value: Attribute) -> None:
        self._span.set_attribute(name, value)

    def event(self, name: str) -> None:
        self._span.add_event(name)

    def fail(self, text: str) -> None:
        self._span.set_status(trace.StatusCode.ERROR, text)
