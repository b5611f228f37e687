"""The HTTP layer from the bytes of a request to the bytes of its answer, without the network."""

from __future__ import annotations

import logging
import time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from amfast._ext.heads import Heads
from amfast.web.connection import Connection
from amfast.web.http_metrics import HttpMetrics
from amfast.web.message import Request, Response
from amfast.web.shared import Shared

HEAD = (
    b"POST /api/v2/alerts HTTP/1.1\r\nHost: 127.0.0.1:9093\r\nUser-Agent: Prometheus/3.5.0\r\n"
    b"Content-Length: %d\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n"
)


class Clock:
    """The system's, without timers."""

    now_ns = staticmethod(time.time_ns)

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000


class Transport:
    """Takes what is written, at once."""

    written = b""

    def write(self, data: bytes) -> None:
        self.written = data

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, _name: str) -> None:
        return None


def connection(*, remembers: bool) -> tuple[Connection, Shared, Transport]:
    answer = HttpMetrics(time.perf_counter_ns).wrap(
        lambda _: Response(200), "POST", "/api/v2/alerts", sized=False
    )

    def handler(request: Request) -> object:
        if remembers:
            request.answers[True] = answer
        return answer(request)

    transport = Transport()
    shared = Shared(handler, Clock(), logging.getLogger("bench"))  # type: ignore[arg-type]
    made = Connection(shared)
    made.connection_made(transport)  # type: ignore[arg-type]
    return made, shared, transport


@pytest.mark.parametrize("body_bytes", [880, 56 * 1024, 225 * 1024])
def test_a_request_whose_head_is_known(benchmark: BenchmarkFixture, body_bytes: int) -> None:
    made, shared, transport = connection(remembers=True)
    request = HEAD % body_bytes + b"x" * body_bytes
    shared.pad[: len(request)] = request

    def arrive() -> None:
        made.get_buffer(-1)
        made.buffer_updated(len(request))

    benchmark(arrive)
    assert transport.written.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_request_whose_head_is_new(benchmark: BenchmarkFixture) -> None:
    made, shared, transport = connection(remembers=False)
    numbers = iter(range(10_000_000))

    def arrive() -> None:
        request = HEAD.replace(b"3.5.0", b"%d" % next(numbers)) % 880 + b"x" * 880
        shared.pad[: len(request)] = request
        made.buffer_updated(len(request))

    benchmark(arrive)
    assert transport.written.startswith(b"HTTP/1.1 200 OK\r\n")


def test_finding_a_head_by_its_bytes(benchmark: BenchmarkFixture) -> None:
    heads = Heads(256)
    data = bytearray(HEAD % 880)
    before, _, after = heads.cut(data, 0, len(data)) or (b"", b"", b"")
    head = heads.learn(before, after, None)
    assert benchmark(heads.find, data, 0, len(data), None) is head
