"""The web station on real sockets with small stand-ins behind its ports, and a client that hides nothing."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, Self

from amfast.model.labels import Labels
from amfast.model.timestamp import NS, Time
from amfast.web.connection import Connection
from amfast.web.message import Handler
from amfast.web.ports import BuildInfo, ClusterStatus, Ports
from amfast.web.server import Server
from amfast.web.site import Site, SiteOptions
from tests.support.alert_side import AlertSide

LOG = logging.getLogger("test.web")
CONFIG = "route: {receiver: d, group_by: [alertname], group_wait: 1h}\nreceivers: [{name: d}, {name: unused}]"
BUILD = BuildInfo(version="0.0.0")


class RealClock:
    """A Clock over the running event loop."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000

    def call_later(self, seconds: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, callback)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class StandIns:
    """The real alert side behind a stand-in for the rest: status, receivers and reload."""

    def __init__(self, clock: RealClock, config: str = CONFIG) -> None:
        self.clock = clock
        self.side = AlertSide(clock, config)
        asyncio.run(self.side.dispatcher.run())
        self.silences = self.side.silences
        self.reloads = 0
        self.reload_error: Exception | None = None
        self.reload_waits_s = 0.0
        self.uptime = Time(clock.now_ns())

    def config_text(self) -> str:
        return "route:\n  receiver: d\n"

    def cluster(self) -> ClusterStatus:
        return ClusterStatus(None, "disabled", ())

    def receivers(self) -> Sequence[tuple[str, Labels]]:
        return (("d", {"name": "d"}), ("unused", {"name": "unused"}))

    def resolve_timeout_ns(self) -> int:
        return 300 * NS

    async def reload(self) -> None:
        await asyncio.sleep(self.reload_waits_s)
        if self.reload_error is not None:
            raise self.reload_error
        self.reloads += 1

    def ports(self) -> Ports:
        return Ports(self.side.store, self.side.views, self.silences, self, self.reload)


def make_site(stand_ins: StandIns, options: SiteOptions | None = None) -> Site:
    return Site(
        stand_ins.ports(),
        options or SiteOptions(BUILD),
        clock=stand_ins.clock,
        log=LOG,
    )


class ServerThread:
    """A server on a loopback port in a thread of its own; a context manager."""

    def __init__(self, handler: Handler, clock: RealClock, loop_factory: Callable[[], object] | None = None):
        self.server = Server(handler, clock=clock, log=LOG)
        self._loop = (loop_factory or asyncio.new_event_loop)()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = threading.Event()
        self.port = 0

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._started.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        self.port = await self.server.listen("127.0.0.1:0")
        await self.server.start()

    def call(self, coroutine, timeout_s: float = 20.0):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(5)
        return self

    def __exit__(self, *_exc: object) -> None:
        self.call(self.server.stop(0.2))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for header, value in self.headers if header.lower() == name.lower()), None)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def exchange(port: int, data: bytes, timeout_s: float = 5.0) -> bytes:
    """Send bytes as they are and return everything that comes until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        with suppress(OSError):  # the answer may be there all the same
            connection.sendall(data)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    received = bytearray()
    while True:
        try:
            chunk = connection.recv(1 << 16)
        except ConnectionResetError:
            break
        if not chunk:
            break
        received += chunk
    return bytes(received)


def request_bytes(
    method: str,
    target: str,
    body: bytes | str | None = None,
    headers: Iterable[str] = (),
    content_type: str | None = "application/json",
) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close", *headers]
    data = body.encode() if isinstance(body, str) else body
    if data is not None:
        lines.append(f"Content-Length: {len(data)}")
        if content_type is not None:
            lines.append(f"Content-Type: {content_type}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (data or b"")


def parse_answer(raw: bytes) -> Answer:
    """The one response in ``raw``, whose connection was closed after it."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = [tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "") for line in lines]
    if ("Transfer-Encoding", "chunked") in headers:
        body = b"".join(re.findall(rb"[0-9a-f]+\r\n(.*?)\r\n(?=[0-9a-f]+\r\n)", body + b"0\r\n", re.DOTALL))
    return Answer(int(first.split()[1]), headers, body)  # type: ignore[arg-type]


def ask(port: int, method: str, target: str, *args: object, **kwargs: object) -> Answer:
    return parse_answer(exchange(port, request_bytes(method, target, *args, **kwargs)))  # type: ignore[arg-type]


class FakeTransport:
    """As much of a transport as a connection touches."""

    def __init__(self) -> None:
        self.written = b""
        self.unsent = 0
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[[], None]:
        return lambda: self.calls.append(name)

    def write(self, data: bytes) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return "close" in self.calls or "abort" in self.calls

    def get_extra_info(self, _name: str) -> None:
        return None

    def can_write_eof(self) -> bool:
        return True


class FakeClock(RealClock):
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.later: list[Callable[[], object]] = []

    def call_later(self, _seconds: float, callback: Callable[[], object]) -> None:  # type: ignore[override]
        self.later.append(callback)

    def now_ns(self) -> int:
        return int(self.now_s * 1e9)

    def monotonic_us(self) -> int:
        return int(self.now_s * 1e6)


def feed(connection: Connection, data: bytes) -> None:
    """Have the bytes arrive, as much at a time as there is room for."""
    while data:
        room = connection.get_buffer(-1)
        size = min(len(room), len(data))
        room[:size] = data[:size]
        del room
        connection.buffer_updated(size)
        data = data[size:]
