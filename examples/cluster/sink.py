"""A webhook receiver that prints each alert it is told about, one readable line each."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_BODY_BYTES_MAX = 1 << 24


def describe(body: Any, node_names: dict[str, str]) -> list[str]:  # noqa: ANN401 - whatever JSON came
    """The lines for one notification; ``node_names`` maps a node's external URL to its name."""
    sender = node_names.get(body["externalURL"].rstrip("/"), body["externalURL"])
    lines = []
    for alert in body["alerts"]:
        labels = {name: value for name, value in sorted(alert["labels"].items()) if name != "alertname"}
        text = " ".join(f"{name}={value}" for name, value in labels.items())
        summary = alert["annotations"].get("summary", "")
        name = alert["labels"].get("alertname", "(no name)")
        lines.append(f"{alert['status'].upper():8} {name}  {text}  {summary}  (sent by {sender})")
    return lines


def start(port: int, node_names: dict[str, str], tell: Callable[[str], None]) -> ThreadingHTTPServer:
    """Listen on 127.0.0.1 in threads of its own until ``shutdown()``; raises OSError if the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            try:
                if size > _BODY_BYTES_MAX:
                    raise ValueError("too long")  # noqa: TRY301 - answered below like the other kinds of nonsense
                lines = describe(json.loads(self.rfile.read(size)), node_names)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                tell(f"a request that is no notification: {error!r}")
                self.send_response(400)
                self.close_connection = True
            else:
                for line in lines:
                    tell(line)
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing of requests as such."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, name="sink", daemon=True).start()
    return server
