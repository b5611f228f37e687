"""A collector of traces on loopback (OTLP over HTTP), and what a node was seen to send to one.

``python -m tests.support.traces PROGRAM`` renews ``tests/vectors/traces.json``, recorded with version 0.34.
"""

from __future__ import annotations

import gzip
import json
import ssl
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.outside import Neighbourhood, Outside
from tests.support.reference import ReferenceAlertmanager


class Collector:
    """Takes every export; ``close`` ends it."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[tuple[str, dict[str, str], ExportTraceServiceRequest]] = []
        """Path, headers in lower case, and what was exported."""
        self._arrived = threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self._body()
                headers = {name.lower(): value for name, value in self.headers.items()}
                if headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                with collector._arrived:  # before the answer, after which the sender may look
                    found = ExportTraceServiceRequest.FromString(body)
                    collector.requests.append((self.path, headers, found))
                    collector._arrived.notify_all()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _body(self) -> bytes:
                if self.headers["Content-Length"] is not None:
                    return self.rfile.read(int(self.headers["Content-Length"]))
                whole = b""
                while size := int(self.rfile.readline(), 16):
                    whole += self.rfile.read(size)
                    self.rfile.readline()
                return whole

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.endpoint = f"127.0.0.1:{self._server.server_port}"

    def spans(self) -> list[dict[str, Any]]:
        """All spans so far, with the names of those above each, nearest first."""
        with self._arrived:
            requests = [request for _, _, request in self.requests]
        found = [
            (span, part.scope.name)
            for request in requests
            for resource in request.resource_spans
            for part in resource.scope_spans
            for span in part.spans
        ]
        by_id = {span.span_id: span for span, _ in found}
        spans = []
        for span, scope in found:
            above, at = [], span
            while at.parent_span_id in by_id:
                at = by_id[at.parent_span_id]
                above.append(at.name)
            spans.append(
                {
                    "name": span.name,
                    "scope": scope,
                    "kind": span.kind,
                    "attributes": {one.key: _value(one.value) for one in span.attributes},
                    "events": [event.name for event in span.events],
                    "failed": span.status.code == 2,
                    "message": span.status.message,
                    "above": above,
                    "trace": span.trace_id.hex(),
                    "id": span.span_id.hex(),
                    "root": span.parent_span_id == b"",
                }
            )
        return spans

    def resource(self) -> dict[str, Any]:
        """What the sender says of itself."""
        _, _, request = self.requests[0]
        return {one.key: _value(one.value) for one in request.resource_spans[0].resource.attributes}

    def wait_for(self, *names: str, within_s: float = 20.0) -> None:
        """Return when spans of these names have come."""
        with self._arrived:
            assert self._arrived.wait_for(
                lambda: (
                    set(names)
                    <= {
                        span.name
                        for _, _, request in self.requests
                        for resource in request.resource_spans
                        for part in resource.scope_spans
                        for span in part.spans
                    }
                ),
                within_s,
            )

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return None if kind is None else getattr(value, kind)


FACTS = Path(__file__).parents[1] / "vectors" / "traces.json"


def traces_of(program: type[ReferenceAlertmanager], folder: Path) -> list[dict[str, Any]]:
    """The spans of a node that is sent an alert, tells a webhook of it, and is asked for a page."""
    collector, place = Collector(), Outside()
    outside = Neighbourhood([place])
    try:
        alertmanager = program(
            folder,
            f"""
route:
  receiver: r
  group_by: [a]
  group_wait: 0s
  routes: [{{receiver: r, matchers: ['b="1"'], mute_time_intervals: [never], active_time_intervals: [always]}}]
time_intervals:
- {{name: never, time_intervals: [{{years: ['2001']}}]}}
- {{name: always, time_intervals: [{{years: ['2001:2100']}}]}}
receivers: [{{name: r, webhook_configs: [{{url: 'http://127.0.0.1:{place.port}/hook'}}]}}]
tracing:
  client_type: http
  endpoint: '{collector.endpoint}'
  insecure: true
  sampling_fraction: 1
  compression: gzip
  headers: {{X-A: {{values: [b]}}}}
""",
        )
        try:
            alertmanager.post_alerts([{"labels": {"alertname": "A", "b": "1"}}])
            alertmanager.alerts()
            outside.wait(lambda: bool(place.seen), 10)
            time.sleep(0.2)  # what comes after the webhook
        finally:
            alertmanager.close()  # sends the rest
        assert collector.requests[0][0] == "/v1/traces"
        assert collector.requests[0][1]["x-a"] == "b"
        assert collector.requests[0][1]["content-encoding"] == "gzip"
        assert collector.resource()["service.name"] == "alertmanager"
        spans = collector.spans()
        told = dict(place.seen[0]["headers"])["traceparent"].split("-")
        (sent,) = [span for span in spans if span["name"] == "HTTP POST"]
        assert told[1:3] == [place.named(sent["trace"]), place.named(sent["id"])]
        return sorted(map(_comparable, spans), key=lambda span: json.dumps(span, sort_keys=True))
    finally:
        collector.close()
        outside.close()


def _comparable(span: dict[str, Any]) -> dict[str, Any]:
    changing = (
        "port",
        "address",
        "traceparent",
        "host",
        "url.full",
        "user_agent",
        "length",
        "body.size",
        "user-agent",
    )
    attributes = {
        name: value
        for name, value in span["attributes"].items()
        if not any(word in name for word in changing)
    }
    return {
        **{name: span[name] for name in ("name", "kind", "events", "failed", "above", "root")},
        "attributes": attributes,
    }


def main(path: str) -> None:
    """Record what a program does."""

    class Program(ReferenceAlertmanager):
        def command(self) -> list[str]:
            return [path]

    with tempfile.TemporaryDirectory() as folder:
        spans = traces_of(Program, Path(folder))
    FACTS.write_text(json.dumps(spans, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
