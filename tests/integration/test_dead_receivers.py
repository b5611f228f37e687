"""A thousand groups whose receiver refuses, fails or hangs, beside others, in one process."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from amfast.notify.doors import FREE, SPACING_US, UNDER_WAY_MAX
from tests.e2e.ports import free_port
from tests.support.sink import PostSink
from tests.support.web import ask

GROUPS = 1000
OTHERS = 20
CONFIG = """
route:
  receiver: healthy
  group_by: [g]
  group_wait: 1s
  group_interval: 30s
  routes:
  - {receiver: dead, matchers: [kind="dead"]}
  - {receiver: both, matchers: [kind="both"]}
receivers:
- {name: healthy, webhook_configs: [{url: 'GOOD'}]}
- {name: dead, webhook_configs: [{url: 'BAD'}]}
- {name: both, webhook_configs: [{url: 'BAD'}, {url: 'GOOD'}]}
"""


class DeadServer:
    """Takes requests and answers none with 200; ``how`` is ``refuses``, ``fails`` or ``hangs``."""

    def __init__(self, how: str) -> None:
        self.how = how
        self.requests = 0
        self.connections = self.connections_max = 0
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=GROUPS)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        if self.how == "refuses":
            self._socket.close()
            await self._end.wait()
        else:
            async with await asyncio.start_server(self._serve, sock=self._socket):
                await self._end.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.connections_max = max(self.connections_max, self.connections)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                await reader.readuntil(b"}\n")
                if self.how == "fails":
                    writer.write(b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()
            self.connections -= 1

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()


@contextmanager
def node(folder: Path, config: str) -> Iterator[int]:
    """A node of one's own; gives its port."""
    (folder / "alertmanager.yml").write_text(config)
    port = free_port()
    command = [
        *(sys.executable, "-m", "amfast", "--cluster.listen-address="),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=log)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        try:
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()


def post(port: int, kind: str, count: int) -> None:
    alerts = [{"labels": {"alertname": "A", "kind": kind, "g": f"{kind}{number}"}} for number in range(count)]
    assert ask(port, "POST", "/api/v2/alerts", json.dumps(alerts)).status == 200


@pytest.mark.parametrize("how", ["refuses", "fails", "hangs"])
def test_a_thousand_groups_of_a_dead_receiver_cost_little_and_delay_no_other(
    tmp_path: Path, how: str
) -> None:
    dead, healthy = DeadServer(how), PostSink()
    try:
        with node(tmp_path, CONFIG.replace("GOOD", healthy.url).replace("BAD", dead.url)) as port:
            began_s = time.monotonic()
            post(port, "dead", GROUPS)
            post(port, "both", OTHERS)
            time.sleep(2)  # by now all have tried, and many are about to try again
            post(port, "healthy", OTHERS)
            told = {json.loads(body)["groupLabels"]["g"] for _, body in healthy.wait_for(2 * OTHERS)}
            lasted_s = time.monotonic() - began_s
            text = ask(port, "GET", "/metrics").body.decode()
    finally:
        dead.close()
        healthy.close()
    assert told == {f"{kind}{number}" for kind in ("both", "healthy") for number in range(OTHERS)}
    attempts = float(text.split('notification_requests_total{integration="webhook"} ')[1].split()[0])
    doors = 2
    assert attempts - 2 * OTHERS <= doors * FREE * 2 + lasted_s * 1e6 / SPACING_US
    assert dead.connections_max <= UNDER_WAY_MAX
    if how != "refuses":
        assert dead.requests > FREE / 2, "the storm did not come"
