"""Remembered heads: against a plain twin, and a connection that remembers against one that parses everything."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amfast._ext.heads import Heads
from amfast.web import shared as bounds
from amfast.web.connection import Connection
from amfast.web.message import Request, Response
from amfast.web.shared import Shared
from tests.models import heads as plain
from tests.support.web import LOG, FakeClock, FakeTransport, feed

HEAD = (
    b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Type: application/json\r\n\r\n"
)
HOSTILE_LENGTHS = (
    b"Content-Length: +5", b"Content-Length: -5", b"Content-Length: 05", b"Content-Length:  5", b"Content-Length:5",
    b"Content-Length : 5", b"Content-Length: 5 ", b"Content-Length: 5\t", b"Content-Length: 0x5", b"Content-Length: ",
    b"Content-Length: 5,5", b"Content-Length: 5\r\nContent-Length: 5", b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: 5\r\n 0", b"Content-Length: \r\n 5", b"CONTENT-length: 5", b"content-length: 5",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked", b"Content-Length: 99999999",
    b"Content-Length: 999999999", b"Content-Length: 99999999999999999999", b"Content-Length: 5\nX: 1",
    b"Content-Length: 5\rX: 1", b"Content-Length: 5\r\r", b"X: a\r\n Content-Length: 7\r\nContent-Length: 5",
    b"Content-Length: 5\r\nExpect: 100-continue", b"Content-Length: 5\r\nConnection: close",
    b"Content-Length: 5\r\nUpgrade: h2c\r\nConnection: Upgrade", b"Content_Length: 5", b"Content-Length\x00: 5",
    b"Content-Length: 5\x00", b"Content-Length: \xb2", b"Content-Length: 0", b"Content-Length: 12",
    b"X-Content-Length: 3\r\nContent-Length: 5", b"X: Content-Length: 3\r\nContent-Length: 5", b"X: \xff\xfe",
)  # fmt: skip
FIRST_LINES = (
    b"POST /a HTTP/1.1", b"POST /a HTTP/1.0", b"POST  /a HTTP/1.1", b"post /a HTTP/1.1", b"GET /a HTTP/1.1",
    b"HEAD /a HTTP/1.1", b"CONNECT a:1 HTTP/1.1", b"POST /%zz HTTP/1.1", b"POST http://h/a?q HTTP/1.1",
    b"Content-Length: 5", b"\r\nPOST /a HTTP/1.1", b"POST /a HTTP/1.1\nX: 1", b"PUT * HTTP/1.1", b"QUERY /a HTTP/1.1",
)  # fmt: skip
BODIES = (b"", b"abcde", HEAD, HEAD[:40], b"\r\n\r\n", b"5\r\nabcde\r\n0\r\n\r\n", b"x" * 12)

heads = st.builds(
    lambda first, lines, end: b"\r\n".join([first, *lines]) + end,
    st.sampled_from(FIRST_LINES),
    st.lists(st.sampled_from((*HOSTILE_LENGTHS, b"Host: x", b"Host: x", b"Accept: */*")), max_size=4),
    st.sampled_from((b"\r\n\r\n", b"\r\n\r\n", b"\r\n\r\n", b"\n\n", b"\r\n\n", b"\r\n", b"\r\n \r\n\r\n")),
)


def pieces(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    return Heads(4).cut(bytearray(data), 0, len(data))


@given(heads | st.binary(max_size=60) | heads.map(lambda head: b"GET / HTTP/1.1\r\nX: " + b"y" * 4000 + head))
@settings(max_examples=400)
def test_a_head_is_cut_where_the_twin_cuts_it(data: bytes) -> None:
    assert pieces(data) == plain.cut(data)


@given(st.lists(heads, min_size=1, max_size=6), st.sampled_from(BODIES), st.integers(0, 3))
def test_the_heads_found_are_those_that_the_twin_finds(learned: list[bytes], body: bytes, asked: int) -> None:
    known, twin = Heads(64), plain.Heads()
    last = None
    for number, head in enumerate(learned):
        found = plain.cut(head)
        if found is not None:
            last = known.learn(found[0], found[2], number)
            twin.learn(found[0], found[2], number)
    for digits in (b"5", b"7", b"12345678", b"123456789", b"05", b"", b"x"):
        data = b"before" + learned[asked % len(learned)].replace(b"5", digits, 1) + body
        for guess in (None, last):
            head = known.find(bytearray(data), 6, len(data), guess)
            expected = twin.find(data[6:])
            assert (head and (head.meaning, known.body_at - 6, known.body_bytes)) == expected


def test_a_head_is_known_by_all_its_bytes_and_with_any_length() -> None:
    known = Heads(4)
    before, digits, after = pieces(HEAD) or (b"", b"", b"")
    head = known.learn(before, after, "alerts")
    assert (digits, head.before, head.after, head.meaning) == (b"5", before, after, "alerts")
    longer = bytearray(HEAD.replace(b": 5", b": 1234") + b"body")
    assert known.find(longer, 0, len(longer), None) is head
    assert (known.body_at, known.body_bytes) == (len(HEAD) + 3, 1234)
    for at in range(len(HEAD)):
        changed = bytearray(HEAD)
        changed[at] ^= 0x20
        assert known.find(changed, 0, len(changed), head) is None
        assert known.find(bytearray(HEAD), 0, at, head) is None


def test_a_head_without_a_length_is_known_by_all_its_bytes() -> None:
    known, request = Heads(4), b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
    assert pieces(request) == (request, b"", b"")
    head = known.learn(request, b"", "groups")
    for last in (None, head):
        assert known.find(bytearray(request + b"GET"), 0, len(request) + 3, last) is head
        assert (known.body_at, known.body_bytes) == (len(request), 0)
        for shorter in range(len(request)):
            assert known.find(bytearray(request), 0, shorter, last) is None


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (6, 5), (0, 1000)])
def test_nothing_is_read_outside_of_the_data(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        Heads(4).find(bytearray(HEAD), start, end, None)
    with pytest.raises(ValueError, match="outside"):
        Heads(4).cut(bytearray(HEAD), start, end)


def test_only_so_many_heads_are_kept_and_those_in_use_are_kept_longest() -> None:
    known = Heads(8)
    for number in range(100):
        known.learn(b"POST /%d HTTP/1.1\r\nContent-Length: " % number, b"\r\n\r\n", number)
        assert len(known) <= 8
        for seen in (0, number):
            data = bytearray(b"POST /%d HTTP/1.1\r\nContent-Length: 1\r\n\r\n" % seen)
            head = known.find(data, 0, len(data), None)
            assert head is not None
            assert head.meaning == seen


class Parsing(Connection):
    """A connection that gives every byte to the parser."""

    def _unknown(self, pad: bytearray, start: int, end: int) -> int:
        self._parse(memoryview(pad)[start:end])
        return end


class Site:
    """Notes what it is asked; every third request is answered later."""

    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def __call__(self, request: Request) -> Response:
        self.seen.append(
            (
                request.method,
                request.target,
                request.headers,
                bytes(request.body),
                request.keep_alive,
                request.is_http10,
            )
        )
        return Response(200) if len(self.seen) % 2 else Response(200, b"%d" % len(self.seen))


def outcome(kind: type[Connection], rounds: list[list[bytes]]) -> list[object]:
    """What the handler saw and the clients got on connections that one server had one after the other."""
    site = Site()
    shared = Shared(site, FakeClock(), LOG)
    found: list[object] = []
    for portions in rounds:
        connection, transport = kind(shared), FakeTransport()
        connection.connection_made(transport)  # type: ignore[arg-type]
        for portion in portions:
            feed(connection, portion)
        found += [transport.written, [call for call in transport.calls if "reading" not in call]]
        connection.connection_lost(None)
    assert shared.bodies_bytes == 0
    assert shared.pads_lent == 0
    return [*found, site.seen]


def split(data: bytes, rng: random.Random) -> list[bytes]:
    cuts = sorted({0, len(data), *(rng.randrange(len(data) + 1) for _ in range(rng.randrange(5)))})
    return [data[start:end] for start, end in pairwise(cuts)]


@given(st.lists(st.tuples(heads, st.sampled_from(BODIES)), min_size=1, max_size=5), st.randoms())
@settings(max_examples=500, deadline=None)
def test_a_connection_that_remembers_hears_what_the_parser_hears(
    requests: list[tuple[bytes, bytes]], rng: random.Random
) -> None:
    rounds = []
    for _ in range(3):  # so that heads are known from the second on
        one_by_one = [head + body for head, body in requests]
        data = b"".join(one_by_one)
        rounds += [one_by_one, [data], split(data, rng), [HEAD + b"abcde" + data, data]]
    assert outcome(Connection, rounds) == outcome(Parsing, rounds)


@pytest.mark.parametrize("line", HOSTILE_LENGTHS)
@pytest.mark.parametrize("first", FIRST_LINES)
def test_an_odd_head_means_the_same_after_its_like_was_heard(first: bytes, line: bytes) -> None:
    good = first + b"\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
    odd = first + b"\r\nHost: x\r\n" + line + b"\r\n\r\n"
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    rounds = [
        [head + body, smuggled] for _ in range(2) for head in (good, odd, good) for body in (b"abcde", b"")
    ]
    assert outcome(Connection, rounds) == outcome(Parsing, rounds)


def test_a_body_may_be_cut_anywhere() -> None:
    request = HEAD + b"abcde"
    whole = request * 3
    rounds = [[request], *([whole[:at], whole[at:]] for at in range(len(whole)))]
    rounds += [[whole[at : at + 1] for at in range(len(whole))]]
    assert outcome(Connection, rounds) == outcome(Parsing, rounds)


@pytest.mark.parametrize("size", [1000, 200_000, bounds.PAD_BYTES, 1_000_000, 5_000_000])
def test_a_known_head_may_bring_a_body_of_any_size(size: int) -> None:
    body = random.Random(size).randbytes(size)
    request = HEAD.replace(b"5", b"%d" % size) + body
    rounds = [[HEAD + b"abcde", request + request[:100], request[100:] + HEAD + b"abcde"]]
    assert outcome(Connection, rounds) == outcome(Parsing, rounds)


def test_a_known_head_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []
    parse = Connection._parse
    monkeypatch.setattr(
        Connection, "_parse", lambda self, data: (parsed.append(len(data)), parse(self, data))
    )
    outcome(Connection, [[HEAD + b"abcde"], [HEAD + b"abcde", HEAD.replace(b"5", b"7") + b"abcdefg"] * 3])
    assert sum(parsed) == len(HEAD) + 5


def test_a_body_that_is_too_long_is_refused_before_it_comes_though_its_head_is_known() -> None:
    huge = HEAD.replace(b"5", b"99999999")
    written = outcome(Connection, [[HEAD + b"abcde", huge], [huge]])
    assert b"413 Request Entity Too Large" in written[0]
    assert b"413 Request Entity Too Large" in written[2]


def test_an_announced_body_takes_memory_only_as_it_comes() -> None:
    shared = Shared(Site(), FakeClock(), LOG)
    connections = []
    for _ in range(50):
        connection = Connection(shared)
        connection.connection_made(FakeTransport())  # type: ignore[arg-type]
        feed(connection, HEAD + b"abcde")
        feed(connection, HEAD.replace(b"5", b"30000000") + b"x")
        connections.append(connection)
    assert shared.bodies_bytes == 50
    assert sum(len(connection._landing.data) for connection in connections) == 50
    for connection in connections:
        connection.connection_lost(None)
    assert shared.bodies_bytes == 0


def test_pads_are_lent_to_a_few_and_come_back() -> None:
    shared = Shared(Site(), FakeClock(), LOG)
    connections = []
    for _ in range(bounds.PADS_MAX + 5):
        connection = Connection(shared)
        connection.connection_made(FakeTransport())  # type: ignore[arg-type]
        feed(connection, HEAD + b"abcde")
        feed(connection, HEAD + b"abc")
        connections.append(connection)
    assert shared.pads_lent == bounds.PADS_MAX
    for connection in connections:
        feed(connection, b"de")
    assert shared.pads_lent == 0
    assert [seen[3] for seen in shared.handler.seen] == [b"abcde"] * (2 * bounds.PADS_MAX + 10)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("came", "most"), [(1, 4096), (5000, 5000), (100_000, 100_000), (900_000, 1 << 18)])
def test_a_large_body_takes_about_as_much_memory_as_has_come_of_it(came: int, most: int) -> None:
    shared = Shared(lambda _request: Response(200), FakeClock(), LOG)
    connection = Connection(shared)
    connection.connection_made(FakeTransport())  # type: ignore[arg-type]
    feed(connection, HEAD + b"abcde")
    feed(connection, HEAD.replace(b"5", b"20000000", 1))
    feed(connection, b"x" * came)
    assert len(connection.get_buffer(-1)) <= most
    assert shared.bodies_bytes == came
