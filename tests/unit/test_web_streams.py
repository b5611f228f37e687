"""Answers in parts on real sockets: framing, order, back-pressure, and every way in which they can end early."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import uvloop

from amfast.web.connection import Connection
from amfast.web.http_metrics import HttpMetrics
from amfast.web.limits import Limits
from amfast.web.message import Handler, Request, Response
from amfast.web.shared import WRITE_TIMEOUT_US, Shared
from tests.support.web import LOG, FakeClock, FakeTransport, RealClock, ServerThread, exchange, feed, read_all

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
PART = b"0123456789abcdef" * 16384


class Parts:
    """Parts to send; remembers how many were asked for and whether it was closed."""

    def __init__(self, parts: Iterator[bytes | Exception]) -> None:
        self._parts = parts
        self.asked = 0
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        part = next(self._parts)
        self.asked += 1
        if isinstance(part, Exception):
            raise part
        return part

    def close(self) -> None:
        self.closed.set()


def endless() -> Iterator[bytes]:
    while True:
        yield PART


class Streams:
    """A handler: what it streams is chosen by path."""

    def __init__(self) -> None:
        self.parts: list[Parts] = []
        self.sent = threading.Event()

    def __call__(self, request: Request) -> Response:
        kinds: dict[str, Callable[[], Iterator[bytes | Exception]]] = {
            "/three": lambda: iter([b"one", b"", b"two", b"three"]),
            "/empty": lambda: iter([]),
            "/blank": lambda: iter([b"", b""]),
            "/long": lambda: iter([PART] * 40),
            "/endless": endless,
            "/broken": lambda: iter([b"one", RuntimeError("a bug")]),
            "/broken-at-once": lambda: iter([RuntimeError("a bug")]),
        }
        if request.path not in kinds:
            return Response(200, b"plain")
        parts = Parts(kinds[request.path]())
        self.parts.append(parts)
        response = Response(200, parts=parts)
        response.when_sent(self.sent.set)
        return response


@pytest.fixture
def streams() -> Streams:
    return Streams()


@pytest.fixture(params=LOOPS.values(), ids=LOOPS.keys())
def serve(request: pytest.FixtureRequest) -> Iterator[Callable[[Handler], ServerThread]]:
    running: list[ServerThread] = []

    def start(handler: Handler) -> ServerThread:
        running.append(ServerThread(handler, RealClock(), request.param))
        return running[-1].__enter__()

    yield start
    for server in running:
        server.__exit__()


@pytest.fixture
def server(serve: Callable[[Handler], ServerThread], streams: Streams) -> ServerThread:
    return serve(streams)


def ask(path: str, *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: x", *lines, "", ""]).encode()


def connect(server: ServerThread) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    connection.settimeout(5)
    connection.connect(("127.0.0.1", server.port))
    return connection


def read_until(connection: socket.socket, end: bytes) -> bytes:
    received, looked_at = bytearray(), 0
    while received.find(end, looked_at) < 0:
        looked_at = max(len(received) - len(end), 0)
        received += connection.recv(1 << 20)
    return bytes(received)


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about")


def dechunked(body: bytes) -> bytes:
    """The body of a chunked answer, whose end must be there."""
    whole = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        count = int(size, 16)
        if count == 0:
            assert body == b"\r\n"
            return whole
        whole += body[:count]
        assert body[count : count + 2] == b"\r\n"
        body = body[count + 2 :]


def test_parts_go_out_as_chunks_and_the_connection_goes_on(server: ServerThread, streams: Streams) -> None:
    raw = exchange(server.port, ask("/three") + ask("/plain") + ask("/three", "Connection: close"))
    first, second, third = re.split(rb"(?=HTTP/1.1 200 OK\r\n)", raw)[1:]
    for answer in (first, third):
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"Transfer-Encoding: chunked" in head
        assert b"Content-Length" not in head
        assert body == b"3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"
    assert second.endswith(
        b"Content-Length: 5\r\nDate" + second[second.index(b": ", second.index(b"Date")) :]
    )
    assert second.endswith(b"plain")
    assert all(parts.closed.is_set() for parts in streams.parts)


def test_a_long_answer_arrives_whole(server: ServerThread) -> None:
    raw = exchange(server.port, ask("/long", "Connection: close"))
    assert dechunked(raw.partition(b"\r\n\r\n")[2]) == PART * 40


def test_to_http_1_0_the_end_of_the_connection_is_the_end_of_the_answer(server: ServerThread) -> None:
    raw = exchange(server.port, ask("/long", "Connection: keep-alive", version="1.0"))
    head, _, body = raw.partition(b"\r\n\r\n")
    assert body == PART * 40
    assert b"Transfer-Encoding" not in head
    assert b"Connection: close" in head


@pytest.mark.parametrize("path", ["/empty", "/blank"])
def test_an_answer_without_any_part_has_an_end_too(path: str, server: ServerThread) -> None:
    raw = exchange(server.port, ask(path) * 1000 + ask(path, "Connection: close"))
    assert raw.count(b"\r\n\r\n0\r\n\r\n") == 1001


def test_a_head_request_makes_no_parts(server: ServerThread, streams: Streams) -> None:
    raw = exchange(server.port, ask("/endless", "Connection: close", method="HEAD"))
    assert raw.endswith(b"\r\n\r\n")
    assert streams.parts[0].asked == 0
    assert streams.parts[0].closed.is_set()
    assert streams.sent.wait(5)


def test_parts_are_made_only_as_the_client_reads(server: ServerThread, streams: Streams) -> None:
    with connect(server) as connection:
        connection.sendall(ask("/endless"))
        time.sleep(0.3)
        asked = streams.parts[0].asked
        assert asked < 40
        assert exchange(server.port, ask("/plain", "Connection: close")).endswith(b"plain")
        received = 0
        while received < 60 * len(PART):
            received += len(connection.recv(1 << 20))
        assert streams.parts[0].asked > asked
        assert not streams.sent.is_set()


def test_many_streams_and_others_take_turns(server: ServerThread) -> None:
    with connect(server) as one, connect(server) as other:
        for connection in (one, other):
            connection.sendall(ask("/endless"))
        for _ in range(50):
            one.recv(1 << 20)
            other.recv(1 << 20)
            assert exchange(server.port, ask("/plain", "Connection: close")).endswith(b"plain")


def test_a_client_that_goes_away_ends_its_stream(server: ServerThread, streams: Streams) -> None:
    with connect(server) as connection:
        connection.sendall(ask("/endless"))
        connection.recv(1000)
    assert streams.parts[0].closed.wait(5)
    assert streams.sent.wait(5)
    wait_until(lambda: not server.server._shared.connections)


def test_a_client_may_close_its_half_while_parts_come(server: ServerThread) -> None:
    with connect(server) as connection:
        connection.sendall(ask("/long"))
        connection.shutdown(socket.SHUT_WR)
        assert dechunked(read_all(connection).partition(b"\r\n\r\n")[2]) == PART * 40


def test_an_error_between_parts_leaves_an_answer_that_does_not_look_whole(
    server: ServerThread, streams: Streams, caplog: pytest.LogCaptureFixture
) -> None:
    raw = exchange(server.port, ask("/broken"))
    assert b"0\r\n\r\n" not in raw
    assert "GET /broken failed" in caplog.text
    assert streams.sent.wait(5)
    assert streams.parts[0].closed.wait(5)


def test_to_http_1_0_an_answer_that_lacks_its_end_ends_with_a_reset(server: ServerThread) -> None:
    with connect(server) as connection:
        connection.sendall(ask("/broken", version="1.0"))
        with pytest.raises(ConnectionResetError):
            list(iter(lambda: connection.recv(1 << 16), b""))


def test_an_error_before_the_first_part_is_told(
    server: ServerThread, streams: Streams, caplog: pytest.LogCaptureFixture
) -> None:
    assert exchange(server.port, ask("/broken-at-once")).startswith(b"HTTP/1.1 500 ")
    assert "a bug" in caplog.text
    assert streams.parts[0].closed.is_set()
    assert streams.sent.is_set()


def test_draining_waits_for_a_stream_to_end(server: ServerThread) -> None:
    with connect(server) as connection:
        connection.sendall(ask("/long"))
        head = connection.recv(1000)
        stopping = threading.Thread(target=lambda: server.call(server.server.stop(10)))
        stopping.start()
        raw = head + read_all(connection)
        stopping.join()
    assert dechunked(raw.partition(b"\r\n\r\n")[2]) == PART * 40


def test_draining_cuts_a_stream_at_its_deadline(server: ServerThread, streams: Streams) -> None:
    with connect(server) as connection:
        connection.sendall(ask("/endless"))
        connection.recv(1000)
        server.call(server.server.stop(0.1))
        assert streams.parts[0].closed.wait(5)


def limits(gets_max: int = 8, timeout_s: float | None = None) -> Limits:
    return Limits(gets_max=gets_max, timeout_s=timeout_s, timeout_text="too long", clock=RealClock())


def test_an_answer_that_takes_too_long_is_cut(
    serve: Callable[[Handler], ServerThread], streams: Streams
) -> None:
    server = serve(limits(timeout_s=0.2).wrap(streams))
    with connect(server) as connection:
        connection.sendall(ask("/endless"))
        raw = read_all(connection)
    assert raw.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\n0\r\n\r\n" not in raw
    assert streams.parts[0].closed.wait(5)
    with connect(server) as connection:
        connection.sendall(ask("/three"))
        read_until(connection, b"0\r\n\r\n")
        time.sleep(0.3)
        connection.sendall(ask("/plain"))
        assert read_until(connection, b"plain")


def test_time_that_was_waited_for_an_answer_is_not_given_to_its_parts(
    serve: Callable[[Handler], ServerThread], streams: Streams
) -> None:
    async def later(request: Request) -> Response:
        await asyncio.sleep(0.3)
        return streams(request)

    server = serve(limits(timeout_s=0.5).wrap(later))
    with connect(server) as connection:
        connection.sendall(ask("/endless"))
        read_until(connection, b"200 OK")
        started = time.monotonic()
        assert streams.parts[0].closed.wait(5)
        assert time.monotonic() - started < 0.4


def test_a_streamed_answer_holds_its_place_among_the_gets_until_it_is_sent(
    serve: Callable[[Handler], ServerThread], streams: Streams
) -> None:
    guard = limits(gets_max=1)
    server = serve(guard.wrap(streams))
    with connect(server) as connection:
        connection.sendall(ask("/long"))
        connection.recv(1000)
        assert exchange(server.port, ask("/plain", "Connection: close")).startswith(b"HTTP/1.1 503 ")
        read_until(connection, b"\r\n0\r\n\r\n")
    wait_until(lambda: guard._gets == 0)
    assert exchange(server.port, ask("/plain", "Connection: close")).startswith(b"HTTP/1.1 200 ")


def test_the_size_of_a_streamed_answer_is_counted_when_it_is_sent(
    serve: Callable[[Handler], ServerThread], streams: Streams
) -> None:
    metrics = HttpMetrics(time.perf_counter_ns)
    server = serve(metrics.wrap(streams, "GET", "/x", sized=True))
    exchange(server.port, ask("/three", "Connection: close"))
    families = {family.name: dict(family.samples) for family in metrics.metrics()}
    size = families["alertmanager_http_response_size_bytes"]["/x", "get"]
    assert (size.total, sum(size.counts)) == (11, 1)
    assert sum(families["alertmanager_http_request_duration_seconds"]["/x", "get", "200"].counts) == 1


def test_a_stream_whose_client_stops_reading_is_cut_off() -> None:
    streams, clock, transport = Streams(), FakeClock(), FakeTransport()
    with asyncio.Runner() as runner:
        connection = Connection(Shared(streams, clock, logging.getLogger("test")))
        connection.connection_made(transport)  # type: ignore[arg-type]

        async def ask_and_stop_reading() -> None:
            feed(connection, ask("/endless"))
            transport.unsent = 1000
            connection.pause_writing()

        runner.run(ask_and_stop_reading())
    assert streams.parts[0].asked == 1
    for seconds, cut in ((30, False), (WRITE_TIMEOUT_US / 1e6, True)):
        clock.now_s += seconds
        connection.check(clock.monotonic_us())
        assert ("abort" in transport.calls) is cut


def test_a_slow_stream_is_left_alone_while_it_moves(streams: Streams) -> None:
    clock, transport = FakeClock(), FakeTransport()
    with asyncio.Runner() as runner:
        connection = Connection(Shared(streams, clock, LOG))
        connection.connection_made(transport)  # type: ignore[arg-type]

        async def ask_once() -> None:
            feed(connection, ask("/endless"))
            connection.eof_received()

        runner.run(ask_once())
    clock.now_s += 1000
    connection.check(clock.monotonic_us())
    assert "abort" not in transport.calls


def test_who_leaves_before_the_work_on_its_get_has_begun_takes_no_place_with_it() -> None:
    async def later(_request: Request) -> Response:
        await asyncio.sleep(0)
        return Response(200)

    async def main() -> None:
        guard = limits(gets_max=1, timeout_s=10)
        handler = HttpMetrics(time.perf_counter_ns).wrap(guard.wrap(later), "GET", "/x", sized=False)
        shared = Shared(handler, FakeClock(), LOG)
        for _ in range(3):
            connection, transport = Connection(shared), FakeTransport()
            connection.connection_made(transport)  # type: ignore[arg-type]
            feed(connection, ask("/plain"))
            connection.connection_lost(None)
            for _ in range(10):
                await asyncio.sleep(0)
            assert guard._gets == 0
            assert shared.bodies_bytes == 0

    with asyncio.Runner() as runner:
        runner.run(main())
