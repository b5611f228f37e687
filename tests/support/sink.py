"""A web server on loopback that keeps what is posted to it, byte for byte."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class PostSink:
    """Answers every POST with 200; ``close`` ends it."""

    def __init__(self) -> None:
        self._posts: list[tuple[str, bytes]] = []
        self._arrived = threading.Condition()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()
                with sink._arrived:
                    sink._posts.append((self.path, body))
                    sink._arrived.notify_all()

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def wait_for(self, count: int, within_s: float = 20.0) -> list[tuple[str, bytes]]:
        """The path and the body of each post, once there are ``count``."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self._posts) >= count, within_s), (
                f"only {len(self._posts)} came"
            )
            return list(self._posts)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
