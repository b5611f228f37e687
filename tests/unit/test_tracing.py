"""Traces: who is sampled, what a reload changes, what is refused, and that nothing is made while nobody wants any."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from amfast.config.headers import Header
from amfast.config.kinds import Secret
from amfast.config.observing import Tracing as Config
from amfast.config.tls import TlsConfig
from amfast.model.errors import AmfastError
from amfast.model.tracing import Tracing
from amfast.receivers.tls import make_context
from amfast.tracing.manager import TracingManager
from amfast.web.message import Request, Response, Target
from amfast.web.traces import traced
from tests.support.certificates import Authority
from tests.support.traces import Collector

LOG = logging.getLogger("test")
CALLER = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def config(collector: Collector, **changed: Any) -> Config:
    made = Config(client_type="http", endpoint=collector.endpoint, insecure=True, sampling_fraction=1.0)
    return replace(made, **changed)


def send(*configs: Config | None, caller: dict[str, str] | None = None) -> Tracing:
    """Put one configuration after the other in force, with a span named by its number under each."""
    tracing = Tracing()

    async def run() -> None:
        manager = TracingManager(tracing, make_context, LOG)
        try:
            for number, one in enumerate(configs):
                await manager.apply(one)
                with tracing.span(str(number), {}, caller=caller):
                    pass
        finally:
            await manager.stop()

    asyncio.run(run())
    return tracing


def names(collector: Collector) -> list[str]:
    return [span["name"] for span in collector.spans()]


def test_spans_go_where_the_configuration_in_force_says(collector: Collector) -> None:
    other = Collector()
    tracing = send(config(collector), config(other), None, config(collector), config(collector))
    other.close()
    assert (names(collector), names(other), tracing.tracer) == (["0", "3", "4"], ["1"], None)


def test_the_share_of_traces_counts_for_those_that_nobody_else_has_begun(collector: Collector) -> None:
    send(config(collector, sampling_fraction=0.0))
    send(config(collector, sampling_fraction=-1.0), caller={})
    assert names(collector) == []
    send(config(collector, sampling_fraction=0.0), caller=CALLER)
    (span,) = collector.spans()
    assert (span["trace"], span["root"]) == ("0af7651916cd43dd8448eb211c80319c", False)


def test_of_each_header_the_first_value_or_secret_is_sent(collector: Collector) -> None:
    headers = (("X-A", Header(values=("one", "two"))), ("X-B", Header(secrets=(Secret("three"),))))
    send(config(collector, headers=headers, compression="gzip"))
    _, sent, _ = collector.requests[0]
    assert (sent["x-a"], sent["x-b"], sent["content-encoding"]) == ("one", "three", "gzip")


def test_what_stays_is_above_what_comes_next(collector: Collector) -> None:
    async def run() -> None:
        tracing = Tracing()
        manager = TracingManager(tracing, make_context, LOG)
        await manager.apply(config(collector))

        async def chain() -> None:
            with tracing.span("first", {}, stays=True):
                pass
            with tracing.span("second", {"a": "b"}, kind="client") as span:
                span.event("now")
                span.fail("no")
                assert tracing.headers()["traceparent"].startswith("00-")

        await asyncio.create_task(chain())
        with tracing.span("third", {}):
            pass
        await manager.stop()

    asyncio.run(run())
    spans = {span["name"]: span for span in collector.spans()}
    assert [spans[name]["above"] for name in ("first", "second", "third")] == [[], ["first"], []]
    assert (spans["second"]["events"], spans["second"]["failed"], spans["second"]["message"]) == (
        ["now"],
        True,
        "no",
    )


def test_a_collector_is_trusted_by_tls_config_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign("collector", ips=(), dns=("collector.example",)))
    collector = Collector(context)
    right = TlsConfig(ca_file=str(authority.file), server_name="collector.example")
    send(config(collector, insecure=False, tls_config=right))
    send(config(collector, insecure=False, tls_config=TlsConfig(insecure_skip_verify=True)))
    before = len(collector.requests)
    for wrong in (replace(right, server_name="other.example"), replace(right, ca_file=""), None):
        send(config(collector, insecure=False, tls_config=wrong, timeout_ns=100_000_000))
    collector.close()
    gc.collect()
    assert (before, len(collector.requests)) == (2, 2)


def test_spans_go_over_grpc_too(tmp_path: Path) -> None:
    seen: list[tuple[str, dict[str, Any], ExportTraceServiceRequest]] = []

    class Service(grpc.GenericRpcHandler):
        def service(self, call: Any) -> Any:
            def export(request: bytes, _context: object) -> bytes:
                found = ExportTraceServiceRequest.FromString(request)
                seen.append((call.method, dict(call.invocation_metadata), found))
                return b""

            return grpc.unary_unary_rpc_method_handler(export)

    authority = Authority(tmp_path)
    cert, key = authority.sign("collector", dns=("collector.example",))
    server = grpc.server(ThreadPoolExecutor(1), (Service(),))
    plain = server.add_insecure_port("127.0.0.1:0")
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), cert.read_bytes())])
    protected = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    headers = (("X-A", Header(values=("b",))),)
    made = Config(endpoint=f"127.0.0.1:{plain}", insecure=True, sampling_fraction=1.0, headers=headers)
    tls = TlsConfig(ca=authority.file.read_text(), server_name="collector.example")
    try:
        send(made)
        send(
            replace(
                made, endpoint=f"127.0.0.1:{protected}", insecure=False, tls_config=tls, compression="gzip"
            )
        )
    finally:
        server.stop(None)
    assert [method for method, _, _ in seen] == [
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    ] * 2
    assert all(metadata["x-a"] == "b" for _, metadata, _ in seen)
    assert [one.resource_spans[0].scope_spans[0].spans[0].name for _, _, one in seen] == ["0", "0"]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"headers": (("X", Header(files=("f",))),)}, r"tracing\.headers\.X: files cannot be used here"),
        (
            {"client_type": "grpc", "insecure": False, "tls_config": TlsConfig(insecure_skip_verify=True)},
            "need client_type: http",
        ),
        (
            {"client_type": "grpc", "insecure": False, "tls_config": TlsConfig(ca_file="/none")},
            "cannot read /none: No such file",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_and_the_old_tracer_stays(
    changed: dict[str, Any], why: str, collector: Collector
) -> None:
    async def run() -> None:
        tracing = Tracing()
        manager = TracingManager(tracing, make_context, LOG)
        await manager.apply(config(collector))
        before = tracing.tracer
        with pytest.raises(AmfastError, match=why):
            await manager.apply(config(collector, **changed))
        assert before is tracing.tracer is not None
        await manager.stop()

    asyncio.run(run())


def test_a_collector_that_does_not_answer_holds_up_nothing_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amfast.tracing.manager.CLOSE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        made = Config(client_type="http", endpoint=endpoint, insecure=True, sampling_fraction=1.0)
        send(replace(made, timeout_ns=200_000_000))
        assert time.monotonic() - began < 2


def test_without_the_libraries_the_error_names_the_extra(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(AmfastError, match=r"tracing needs opentelemetry: pip install 'amfast\[tracing\]'"):
        send(config(collector))


def test_a_node_without_traces_does_not_load_the_libraries() -> None:
    code = (
        "import amfast.app, sys; sys.exit(bool({'opentelemetry', 'grpc', 'requests'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0


def test_without_a_tracer_a_request_is_answered_at_once_and_nothing_is_made() -> None:
    tracing = Tracing()
    answered = Response(200)
    request = Request("GET", Target("/", "/", ""), [])
    assert traced(lambda _: answered, tracing)(request) is answered
    with tracing.span("a", {}) as one, tracing.span("b", {}) as other:
        one.set("x", 1)
        one.event("y")
        one.fail("z")
    assert one is other
    assert tracing.headers() == {}
