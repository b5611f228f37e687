"""The HTTP server on real sockets: order, framing, limits, back-pressure, drain, and hostile bytes."""

from __future__ import annotations

import asyncio
import random
import resource
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import uvloop

from amfast.model.errors import AmfastError
from amfast.web import shared as limits
from amfast.web.connection import Connection
from amfast.web.message import Request, Response
from amfast.web.server import Server, split_address
from tests.support.certificates import Authority
from tests.support.web import (
    LOG,
    FakeClock,
    FakeTransport,
    RealClock,
    ServerThread,
    exchange,
    feed,
    parse_answer,
    read_all,
)

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
HELLO = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
BIG = b"x" * 1_000_000


class Handler:
    """Answers by path, and remembers what it was asked."""

    def __init__(self) -> None:
        self.seen: list[Request] = []
        self.cancelled = threading.Event()
        self.waiting = threading.Event()

    def __call__(self, request: Request):
        self.seen.append(request)
        match request.path:
            case "/slow":
                return self._slow()
            case "/forever":
                return self._forever()
            case "/big":
                return Response(200, BIG)
            case "/broken":
                raise RuntimeError("a bug")
            case "/broken-later":
                return self._break()
        return Response(200, f"{request.method} {request.path} ".encode() + request.body)

    async def _slow(self) -> Response:
        await asyncio.sleep(0.05)
        return Response(200, b"slow")

    async def _break(self) -> Response:
        raise RuntimeError("a bug")

    async def _forever(self) -> Response:
        self.waiting.set()
        try:
            await asyncio.sleep(3600)
        finally:
            self.cancelled.set()
        return Response(200)


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture(params=LOOPS.values(), ids=LOOPS.keys())
def server(request: pytest.FixtureRequest, handler: Handler) -> Iterator[ServerThread]:
    with ServerThread(handler, RealClock(), request.param) as running:
        yield running


def send(server: ServerThread, *parts: bytes) -> bytes:
    """Send the parts one by one, each in packets of its own, and read to the end."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
            if len(parts) > 1:
                time.sleep(0.002)
        return read_all(connection)


def bodies(raw: bytes) -> list[bytes]:
    found = []
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        lengths = [
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")
        ]
        length = lengths[0] if lengths else 0
        found.append(rest[:length])
        raw = rest[length:]
    return found


def alive(server: ServerThread) -> bool:
    return parse_answer(send(server, LAST)).body == b"GET /last "


def test_requests_on_one_connection_are_answered_one_after_the_other(server: ServerThread) -> None:
    assert bodies(send(server, HELLO, HELLO, LAST)) == [b"GET /hello ", b"GET /hello ", b"GET /last "]


def test_pipelined_requests_are_answered_in_order_though_one_takes_long(server: ServerThread) -> None:
    slow = HELLO.replace(b"/hello", b"/slow")
    assert bodies(send(server, HELLO + slow + HELLO + slow + LAST)) == [
        b"GET /hello ",
        b"slow",
        b"GET /hello ",
        b"slow",
        b"GET /last ",
    ]


def test_a_request_may_come_byte_by_byte(server: ServerThread) -> None:
    post = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
    pieces = [post[at : at + 1] for at in range(len(post))]
    assert parse_answer(send(server, *pieces)).body == b"POST /p abc"


def test_a_chunked_body_is_put_together_and_its_trailer_left_out(
    server: ServerThread, handler: Handler
) -> None:
    head = b"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    answer = parse_answer(send(server, head, b"3;ext=1\r\nabc\r\n", b"2\r\nde\r\n0\r\nLate: 1\r\n\r\n"))
    assert answer.body == b"POST /p abcde"
    assert handler.seen[0].header(b"late") is None


def test_a_client_that_waits_for_permission_gets_it(server: ServerThread) -> None:
    head = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"z")
        assert parse_answer(read_all(connection)).body == b"POST /p z"


def test_permission_is_given_only_after_the_answers_before_it(server: ServerThread) -> None:
    slow = HELLO.replace(b"/hello", b"/slow")
    head = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(slow + head)
        received = b""
        while b"100 Continue" not in received:
            received += connection.recv(1000)
        assert received.index(b"slow") < received.index(b"100 Continue")


def test_a_body_that_is_refused_is_not_asked_for(
    server: ServerThread, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\nExpect: 100-continue\r\n\r\n"
    assert parse_answer(send(server, head)).status == 413
    assert "could not be taken in" not in caplog.text


def test_http_1_0_closes_unless_asked_not_to(server: ServerThread) -> None:
    assert parse_answer(send(server, b"GET /a HTTP/1.0\r\n\r\n")).body == b"GET /a "
    kept = send(server, b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + LAST)
    assert len(bodies(kept)) == 2
    assert b"Connection: keep-alive" in kept


def test_a_head_request_gets_no_body(server: ServerThread) -> None:
    raw = send(server, LAST.replace(b"GET", b"HEAD"))
    assert raw.endswith(b"\r\n\r\n")


def test_an_offer_to_upgrade_is_passed_over(server: ServerThread) -> None:
    upgrade = b"GET /u HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    posted = (
        upgrade.replace(b"GET", b"POST").replace(b"Host: x\r\n", b"Host: x\r\nContent-Length: 2\r\n") + b"ab"
    )
    assert bodies(send(server, upgrade + posted + HELLO + LAST)) == [
        b"GET /u ",
        b"POST /u ab",
        b"GET /hello ",
        b"GET /last ",
    ]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"garbage\r\n\r\n", 400),
        (b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET relative HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\n", 417),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX" + b"x" * 2_000_000 + b": 1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 2_000_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 2_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a:\r\n" * 5_000 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 2_000_000, 431),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: " + b"x" * 2_000_000,
            431,
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, bytes) else str(value),
)
def test_what_is_no_request_is_refused_and_the_connection_ends(
    request_: bytes, status: int, server: ServerThread, handler: Handler
) -> None:
    assert parse_answer(exchange(server.port, request_)).status == status
    assert not handler.seen
    assert alive(server)


def test_a_request_before_a_wrong_one_is_still_answered_first(server: ServerThread) -> None:
    raw = send(server, HELLO.replace(b"/hello", b"/slow") + b"garbage\r\n\r\n")
    assert raw.index(b"slow") < raw.index(b"400 Bad Request")


def test_a_body_beyond_the_limit_is_refused_however_it_is_framed(
    server: ServerThread, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BODY_BYTES_MAX", 1000)
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"100\r\n" + b"x" * 256
    assert (
        parse_answer(
            exchange(server.port, chunked + b"\r\n100\r\n" + b"x" * 256 + b"\r\n300\r\n" + b"x" * 768)
        ).status
        == 413
    )
    known = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n"
    assert parse_answer(exchange(server.port, known + b"x" * 1001)).status == 413
    assert not handler.seen
    assert (
        parse_answer(send(server, known.replace(b"1001", b"1000\r\nConnection: close") + b"x" * 1000)).status
        == 200
    )


def test_all_bodies_together_have_a_limit_that_is_given_back(
    server: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BODIES_BYTES_MAX", 1500)
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as holder:
        holder.sendall(post + b"x" * 900)
        time.sleep(0.1)
        assert parse_answer(exchange(server.port, post + b"x" * 1000)).status == 503
        holder.sendall(b"x" * 100)
        assert parse_answer(read_all(holder)).status == 200
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as holder:
        holder.sendall(post + b"x" * 900)
    time.sleep(0.1)
    assert parse_answer(exchange(server.port, post + b"x" * 1000)).status == 200
    assert server.server._shared.bodies_bytes == 0


@pytest.mark.parametrize("path", [b"/broken", b"/broken-later"])
def test_a_handler_that_breaks_costs_one_connection(
    path: bytes, server: ServerThread, caplog: pytest.LogCaptureFixture
) -> None:
    assert parse_answer(send(server, HELLO.replace(b"/hello", path))).status == 500
    assert "a bug" in caplog.text
    assert alive(server)


def test_a_client_that_goes_away_ends_the_work_for_it(server: ServerThread, handler: Handler) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(HELLO.replace(b"/hello", b"/forever"))
        assert handler.waiting.wait(5)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    assert handler.cancelled.wait(5)


def test_a_client_may_close_its_half_after_asking(server: ServerThread) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(HELLO.replace(b"/hello", b"/slow"))
        connection.shutdown(socket.SHUT_WR)
        assert bodies(read_all(connection)) == [b"slow"]


def test_a_client_that_does_not_read_is_not_answered_further(server: ServerThread, handler: Handler) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.settimeout(0.5)
        many = HELLO.replace(b"/hello", b"/big") * 2000
        with suppress(TimeoutError):
            connection.sendall(many)
        time.sleep(0.3)
        assert len(handler.seen) < 20
        assert alive(server)
        received = 0
        while received < 5 * len(BIG):
            received += len(connection.recv(1 << 20))
    assert len(handler.seen) > 5


def test_the_order_survives_back_pressure(server: ServerThread) -> None:
    requests = b"".join(HELLO.replace(b"/hello", path) for path in [b"/big", b"/slow", b"/1", b"/big", b"/2"])
    got = bodies(send(server, requests + LAST))
    assert [body[:6] for body in got] == [b"xxxxxx", b"slow", b"GET /1", b"xxxxxx", b"GET /2", b"GET /l"]


def test_draining_lets_requests_finish_and_takes_no_new_ones(server: ServerThread) -> None:
    idle = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    busy = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    with idle, busy:
        busy.sendall(HELLO.replace(b"/hello", b"/slow"))
        time.sleep(0.02)
        server.call(server.server.stop(5.0))
        raw = read_all(busy)
        assert bodies(raw) == [b"slow"]
        assert b"Connection: close" in raw
        assert read_all(idle) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=5)


def test_draining_ends_at_its_deadline(server: ServerThread, handler: Handler) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(HELLO.replace(b"/hello", b"/forever"))
        assert handler.waiting.wait(5)
        started = time.monotonic()
        server.call(server.server.stop(0.1))
        assert time.monotonic() - started < 2
        assert handler.cancelled.wait(5)


SEED = random.randrange(1 << 32)


def test_random_and_truncated_requests_never_bring_the_server_down(server: ServerThread) -> None:
    """Repeat a failure by setting SEED to the number in its message."""
    rng = random.Random(SEED)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    whole = [
        HELLO,
        LAST,
        b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789",
        b"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\nA: b\r\n\r\n",
        b"POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
        b"GET /u HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        HELLO.replace(b"/hello", b"/slow"),
    ]
    for _ in range(250):
        data = bytearray(b"".join(rng.choices(whole, k=rng.randrange(1, 5))))
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(data))
            match rng.randrange(4):
                case 0:
                    del data[at:]
                    data += b"!"
                case 1:
                    data[at] = rng.randrange(256)
                case 2:
                    data[at:at] = rng.randbytes(rng.randrange(20))
                case 3:
                    del data[at : at + rng.randrange(1, 9)]
                    data += b"?"
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            cut = rng.randrange(len(data))
            with suppress(OSError):
                connection.sendall(data[:cut])
                connection.sendall(data[cut:])
                connection.shutdown(socket.SHUT_WR)
            read_all(connection)
    assert alive(server), f"seed {SEED}"
    for _ in range(100):
        if not server.server._shared.connections:
            break
        time.sleep(0.02)
    assert not server.server._shared.connections, f"seed {SEED}"
    assert server.server._shared.bodies_bytes == 0, f"seed {SEED}"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown_kib < 50_000, f"seed {SEED}"


@pytest.fixture
def slow_peer() -> tuple[Connection, FakeTransport, Callable[[float], None]]:
    clock = FakeClock()
    connection = Connection(limits.Shared(Handler(), clock, LOG))
    transport = FakeTransport()
    connection.connection_made(transport)  # type: ignore[arg-type]

    def wait(seconds: float) -> None:
        clock.now_s += seconds
        connection.check(clock.monotonic_us())

    return connection, transport, wait


def test_a_peer_that_sends_more_than_can_be_read_at_once_gives_way_to_others(slow_peer) -> None:
    """An event loop reads one connection for as long as there is something: thousands of requests."""
    connection, transport, _ = slow_peer
    clock = connection._shared.clock
    feed(connection, (HELLO * (limits.PAD_BYTES // len(HELLO) + 1))[: limits.PAD_BYTES])
    assert transport.calls == ["pause_reading"]
    clock.later.pop()()
    assert transport.calls == ["pause_reading", "resume_reading"]
    feed(connection, HELLO[limits.PAD_BYTES % len(HELLO) :] + HELLO)
    assert (len(transport.calls), clock.later) == (2, [])
    assert transport.written.count(b"GET /hello ") == limits.PAD_BYTES // len(HELLO) + 2


def test_headers_that_trickle_in_are_given_half_a_minute(slow_peer) -> None:
    connection, transport, wait = slow_peer
    feed(connection, b"GET / HTTP/1.1\r\nHo")
    for _ in range(6):
        wait(5)
        feed(connection, b"x")
    assert not transport.written
    wait(5)
    assert b"408" in transport.written
    assert transport.calls == ["write_eof"]
    wait(4)
    assert "abort" not in transport.calls
    wait(4)
    assert transport.calls[-1] == "abort"


def test_a_body_may_be_slow_but_not_arbitrarily(slow_peer) -> None:
    connection, transport, wait = slow_peer
    feed(connection, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 1_000_000)
    wait(60)
    assert not transport.written
    wait(60)
    assert b"408" in transport.written


def test_an_idle_connection_is_closed_after_six_minutes(slow_peer) -> None:
    connection, transport, wait = slow_peer
    feed(connection, HELLO)
    wait(350)
    assert "close" not in transport.calls
    feed(connection, HELLO)
    wait(350)
    assert "close" not in transport.calls
    wait(20)
    assert transport.calls == ["close"]


def test_a_peer_that_stops_reading_is_cut_off(slow_peer) -> None:
    connection, transport, wait = slow_peer
    transport.unsent = 1000
    connection.pause_writing()
    feed(connection, HELLO)
    wait(59)
    transport.unsent = 900
    wait(2)
    wait(59)
    assert "abort" not in transport.calls
    wait(2)
    assert transport.calls[-1] == "abort"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9093", ("127.0.0.1", 9093)),
        (":9093", (None, 9093)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:1", ("localhost", 1)),
    ],
)
def test_listen_addresses_are_read(text: str, address: tuple[str | None, int]) -> None:
    assert split_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "9093", "host", "host:", "host:x", "::1:9093", "h:65536", "h:-1", "h:9999999999"]
)
def test_wrong_listen_addresses_are_told(text: str) -> None:
    with pytest.raises(AmfastError, match="listen address"):
        split_address(text)


@pytest.mark.parametrize("loop_factory", LOOPS.values(), ids=LOOPS.keys())
def test_a_port_in_use_or_an_address_not_ours_is_told_in_words(loop_factory) -> None:
    async def listen(address: str) -> str:
        with pytest.raises(AmfastError) as error:
            await Server(Handler(), clock=RealClock(), log=LOG).listen(address)
        return str(error.value)

    with asyncio.Runner(loop_factory=loop_factory) as runner, socket.create_server(("127.0.0.1", 0)) as taken:
        text = runner.run(listen(f"127.0.0.1:{taken.getsockname()[1]}"))
        assert "the port is in use" in text
        assert "this machine does not have that address" in runner.run(listen("192.0.2.1:9093"))
        unknown = "no.such.host.invalid:1"
        assert f"cannot listen on --web.listen-address={unknown}" in runner.run(listen(unknown))


@pytest.mark.parametrize("loop_factory", LOOPS.values(), ids=LOOPS.keys())
def test_bodies_of_any_size_come_through_tls_too(loop_factory, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(*authority.sign("server"))
    theirs = ssl.create_default_context(cafile=str(authority.file))

    async def ask() -> None:
        server = Server(lambda request: Response(200, bytes(request.body)), clock=RealClock(), log=LOG)
        port = await server.listen("127.0.0.1:0", tls=ours)
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=theirs)
        for size in (1, 880, 1, 225_000, 0, 1_000_000):
            body = random.Random(size).randbytes(size)
            writer.write(b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + body)
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(size) == body
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        await server.stop(1)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(asyncio.wait_for(ask(), 10))


@pytest.mark.parametrize("loop_factory", LOOPS.values(), ids=LOOPS.keys())
def test_several_addresses_are_served_and_no_host_means_both_families(loop_factory) -> None:
    async def serve() -> list[bytes]:
        server = Server(Handler(), clock=RealClock(), log=LOG)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        ports = [await server.listen(f":{port}"), await server.listen("127.0.0.1:0")]
        assert ports[0] == port
        await server.start()
        answers = []
        targets = [("127.0.0.1", port), ("127.0.0.1", ports[1])]
        targets += [("::1", port)] if socket.has_ipv6 and _has_ipv6_loopback() else []
        for host, number in targets:
            reader, writer = await asyncio.open_connection(host, number)
            writer.write(LAST)
            answers.append((await reader.read()).rpartition(b"\r\n")[2])
            writer.close()
            await writer.wait_closed()
        await server.stop(1)
        return answers

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert set(runner.run(serve())) == {b"GET /last "}


def _has_ipv6_loopback() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False
