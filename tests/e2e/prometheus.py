"""A real Prometheus, and the little target whose state it alerts on."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from .api import call
from .polling import eventually
from .ports import free_port
from .programs import Programs, real_program

if TYPE_CHECKING:
    from .cluster import Cluster

_RESEND_S = 2
_RULES = """\
groups:
- name: demo
  rules:
  - alert: DemoDown
    expr: demo_up == 0
    labels: {severity: page}
    annotations: {summary: 'demo {{ $labels.case }} is down'}
"""


class Target:
    """A metrics page with `demo_up{case="…"}`, 1 or 0 as the test says."""

    def __init__(self) -> None:
        self._up: dict[str, int] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def break_down(self, case: str) -> None:
        self._up = {**self._up, case: 0}

    def repair(self, case: str) -> None:
        self._up = {**self._up, case: 1}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(target) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = "".join(f'demo_up{{case="{case}"}} {up}\n' for case, up in target._up.items()).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def start_prometheus(programs: Programs, target: Target, cluster: Cluster) -> None:
    """Start it and wait until it scrapes the target and knows every node."""
    alertmanagers = [node.address for node in cluster]
    program = real_program("prometheus", "prometheus")
    folder = programs.folder / "prometheus"
    folder.mkdir()
    (folder / "rules.yml").write_text(_RULES)
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "demo", "static_configs": [{"targets": [target.address]}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": alertmanagers}]}]},
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    address = f"127.0.0.1:{free_port()}"
    programs.start(
        "prometheus",
        [
            program,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={address}",
            f"--rules.alert.resend-delay={_RESEND_S}s",
        ],
        folder,
    )
    url = f"http://{address}/api/v1"

    def listed(path: str, name: str) -> list[dict[str, str]]:
        status, text = call("GET", url + path)
        assert status == 200, f"Prometheus answers {status}"
        found: list[dict[str, str]] = json.loads(text)["data"][name]
        return found

    eventually(
        lambda: len(listed("/alertmanagers", "activeAlertmanagers")) == len(alertmanagers),
        "Prometheus knows every node",
    )
    eventually(
        lambda: [one["health"] for one in listed("/targets", "activeTargets")] == ["up"],
        "Prometheus scrapes the target",
    )
