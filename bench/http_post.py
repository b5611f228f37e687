"""What the HTTP layer costs the server for each POST of alerts, the reading of the body left out.

The server is a process of its own on one core, the client on another. ``floor`` is a protocol under the same event
loop that looks at nothing but sizes and answers fixed bytes; ``site`` is the whole of ``amfast.web`` with an
operation that does nothing. CPU time is the kernel's count for the server's threads, system calls included.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

from amfast.loopclock import LoopClock
from amfast.web import api_alerts
from amfast.web.message import Request, Response
from amfast.web.ports import BuildInfo
from amfast.web.server import Server
from amfast.web.site import Site, SiteOptions

SIZES = {"1 alert": 880, "64 alerts": 56 * 1024, "256 alerts": 225 * 1024}
HEAD = (
    "POST /api/v2/alerts HTTP/1.1\r\nHost: 127.0.0.1:9093\r\nUser-Agent: Prometheus/3.5.0\r\n"
    "Content-Length: {}\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n"
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nVary: Origin\r\nContent-Length: 0\r\n"
    b"Date: Wed, 25 Nov 2026 13:00:00 GMT\r\n\r\n"
)
SECONDS = 1.0
WARM_S = 0.3


class Floor(asyncio.BufferedProtocol):
    """Answers when as many bytes came as one request has."""

    pad = bytearray(256 * 1024)

    def __init__(self, size: int) -> None:
        self._size = self._left = size

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast("asyncio.Transport", transport).write

    def get_buffer(self, _sizehint: int) -> bytearray:
        return self.pad

    def buffer_updated(self, nbytes: int) -> None:
        self._left -= nbytes
        if self._left == 0:
            self._left = self._size
            self._write(ANSWER)


async def serve(kind: str, size: int) -> None:
    loop = asyncio.get_running_loop()
    if kind == "floor":
        listener = await loop.create_server(lambda: Floor(size), "127.0.0.1", 0)
        print(listener.sockets[0].getsockname()[1], flush=True)
    else:
        api_alerts.AlertsApi.post = _taken  # type: ignore[method-assign]
        clock = LoopClock()
        site = Site(
            _Ports(),
            SiteOptions(BuildInfo("0")),
            clock=clock,
            log=logging.getLogger(),
            stopwatch_ns=time.perf_counter_ns,
        )  # type: ignore[arg-type]
        server = Server(site.handle, clock=clock, log=logging.getLogger())
        port = await server.listen("127.0.0.1:0")
        await server.start()
        print(port, flush=True)
    await asyncio.Event().wait()


class _Ports:
    """Nothing behind the API: whatever is looked up here is not called by this benchmark."""

    def __getattr__(self, _name: str) -> _Ports:
        return self


def _taken(_api: api_alerts.AlertsApi, _request: Request) -> Response:
    return Response(200)


def cpu_ns(pid: int) -> int:
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def measure(kind: str, body: int, connections: int, core: int, seconds: float) -> tuple[float, float]:
    """Microseconds of CPU time of the server for each request, and of wall time."""
    request = HEAD.format(body).encode() + b"x" * body
    command = [sys.executable, __file__, "--serve", kind, "--size", str(len(request))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            os.sched_setaffinity(server.pid, {core})
            return load(server.pid, int(server.stdout.readline()), request, connections, seconds)
        finally:
            server.kill()


def load(pid: int, port: int, request: bytes, connections: int, seconds: float) -> tuple[float, float]:
    """Send the request on every connection, hear the answers, and so on."""
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            for _ in range(connections)
        ]
        count = start_ns = 0
        start_s = time.monotonic() + WARM_S
        while True:
            now_s = time.monotonic()
            if not start_ns and now_s > start_s:
                start_ns, start_s, count = cpu_ns(pid), now_s, 0
            if start_ns and now_s > start_s + seconds:
                break
            for client in clients:
                client.sendall(request)
            for client in clients:
                if not client.recv(4096).startswith(b"HTTP/1.1 200 "):
                    raise RuntimeError("the server does not take the requests")
            count += connections
        return (cpu_ns(pid) - start_ns) / count / 1e3, (now_s - start_s) / count * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--kinds", default="floor,site")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(chosen.serve, chosen.size))
        return
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    print(f"{chosen.connections} connections, medians of {chosen.rounds} rounds in turns")
    for name, body in SIZES.items():
        results: dict[str, list[tuple[float, float]]] = {kind: [] for kind in chosen.kinds.split(",")}
        for _ in range(chosen.rounds):
            for kind, found in results.items():
                found.append(measure(kind, body, chosen.connections, cores[0], chosen.seconds))
        for kind, found in results.items():
            cpu_us = [cpu for cpu, _ in found]
            wall_us = statistics.median(wall for _, wall in found)
            print(
                f"{name:10} {kind:6} {statistics.median(cpu_us):7.1f} us of CPU for each request "
                f"(least {min(cpu_us):.1f}); one every {wall_us:.1f} us"
            )


if __name__ == "__main__":
    main()
