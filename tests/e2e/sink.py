"""A webhook receiver that writes down what it gets and can misbehave on request."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .polling import eventually


@dataclass(frozen=True)
class Answer:
    """How to treat one request: wait this long, then answer with a status, or with None close unanswered."""

    status: int | None = 200
    after_s: float = 0


@dataclass(frozen=True)
class Notification:
    path: str
    body: dict[str, Any]
    status: int | None  # what was answered

    @property
    def case(self) -> str:
        return str(self.body["groupLabels"]["case"])

    @property
    def port_of_sender(self) -> int:
        """The HTTP port of the node that sent it, by its external URL."""
        return int(self.body["externalURL"].rsplit(":", 1)[1].strip("/"))


class Sink:
    """Answers 200 at once, except for the next requests after `plan`."""

    def __init__(self, ip: str = "127.0.0.1") -> None:
        self._ip = ip
        self._lock = threading.Lock()
        self._all: list[Notification] = []
        self._plan: deque[Answer] = deque()
        self._closing = threading.Event()
        self._server = _Server((ip, 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def url(self, path: str = "/") -> str:
        return f"http://{self._ip}:{self._server.server_port}{path}"

    def plan(self, *answers: Answer) -> None:
        """How to answer the next requests, one each."""
        with self._lock:
            self._plan.extend(answers)

    def forget_plan(self) -> None:
        """Answer 200 again."""
        with self._lock:
            self._plan.clear()

    def of(self, case: str) -> list[Notification]:
        """What came for one case so far, in the order of arrival."""
        with self._lock:
            return [one for one in self._all if one.case == case]

    def statuses(self, case: str) -> list[str]:
        return [one.body["status"] for one in self.of(case)]

    def wait_for(self, case: str, count: int = 1, within_s: float = 30.0) -> Notification:
        """The `count`-th notification of a case."""
        seen = eventually(
            lambda: self.of(case)[count - 1 :], f"notification {count} of case {case}", within_s=within_s
        )
        return seen[0]

    def take(self, path: str, body: bytes) -> int | None:
        with self._lock:
            answer = self._plan.popleft() if self._plan else Answer()
            self._all.append(Notification(path, json.loads(body), answer.status))
        self._closing.wait(answer.after_s)
        return answer.status

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    request_queue_size = 64


def _handler_of(sink: Sink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = sink.take(self.path, body)
            if status is None:
                self.close_connection = True
                return
            try:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                self.close_connection = True  # the sender was killed while it waited

        def log_message(self, *_: object) -> None:
            """Say nothing: the test reads what was taken."""

    return Handler
