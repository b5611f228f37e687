"""Gossip over TLS without sockets: frames, sessions, and what is said about refusals."""

import asyncio
import contextlib
import itertools
import logging
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amfast._ext.pb import encode_gossip_frame
from amfast.cluster.tls import pool as pool_module
from amfast.cluster.tls.context import Contexts
from amfast.cluster.tls.counters import Counters
from amfast.cluster.tls.frame import FRAME_BYTES_MAX, FrameError, FrameReader, packet_frame, stream_frame
from amfast.cluster.tls.pool import Pool
from amfast.cluster.tls.refusal import Refusal, Refusals, refusal_of
from amfast.cluster.tls.session import Session
from amfast.config.cluster_tls import load_cluster_tls
from amfast.loopclock import LoopClock
from tests.support.certificates import Authority, tls_file

LOOPBACK = bytes((127, 0, 0, 1))


def framed(message):
    return len(message).to_bytes(4, "little") + message


def frames_of(*pieces):
    """The frames and what is left of bytes that come in pieces."""
    reader, found = FrameReader(), []
    for piece in pieces:
        reader.add(piece)
        while frame := reader.next():
            found.append(frame)
    return found, bytes(reader.rest)


def test_frames_are_those_of_a_running_node():
    assert packet_frame(b"\x00\x85", "127.0.0.1:39094").hex() == (
        "1f000000" + "0a0676302e312e30" + "1001" + "1a0f3132372e302e302e313a3339303934" + "22020085"
    )
    assert stream_frame().hex() == "080000000a0676302e312e30"


@given(st.lists(st.binary(max_size=60), max_size=6), st.lists(st.integers(0, 600), max_size=8))
def test_frames_are_found_wherever_the_bytes_are_cut(packets, cuts):
    data = b"".join(packet_frame(packet, "127.0.0.1:9094") for packet in packets) + stream_frame() + b"raw"
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:end] for start, end in itertools.pairwise(edges)]
    reader, found = FrameReader(), []
    for piece in pieces:
        reader.add(piece)
        while found[-1:] != ["stream"] and (frame := reader.next()):
            found.append(frame)
    assert found == [*((packet, LOOPBACK, 9094) for packet in packets), "stream"]
    assert reader.rest == b"raw"


def test_the_largest_packet_fits_and_nothing_much_larger():
    frames, rest = frames_of(packet_frame(bytes(65_536), "[2001:db8::1]:65535"))
    assert [len(frame.data) for frame in frames] == [65_536]
    assert rest == b""
    with pytest.raises(FrameError, match="too long"):
        frames_of((FRAME_BYTES_MAX - 3).to_bytes(4, "little"))


@pytest.mark.parametrize("length", [2**28, 2**31, 2**32 - 1])
def test_a_giant_length_is_refused_before_its_bytes_come(length):
    with pytest.raises(FrameError, match="too long"):
        frames_of(length.to_bytes(4, "little"))


@pytest.mark.parametrize(
    ("from_addr", "ip", "port"),
    [
        ("", b"", 0),
        ("127.0.0.1:9094", LOOPBACK, 9094),
        ("[::]:9094", bytes(16), 9094),
        ("[::ffff:127.0.0.1]:1", LOOPBACK, 1),
        ("[fe80::1%eth0]:9094", bytes.fromhex("fe80" + "00" * 13 + "01"), 9094),
    ],
)
def test_the_sender_is_where_it_says_it_listens(from_addr, ip, port):
    assert frames_of(packet_frame(b"x", from_addr))[0] == [(b"x", ip, port)]


def test_a_sender_that_stops_saying_where_it_listens_is_not_taken_for_the_last_one():
    frames, _ = frames_of(packet_frame(b"x", "127.0.0.1:9094"), packet_frame(b"y", ""))
    assert frames == [(b"x", LOOPBACK, 9094), (b"y", b"", 0)]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff",
        encode_gossip_frame("v0.2.0", 1, "", b"x"),
        encode_gossip_frame("", 0, "", b""),
        encode_gossip_frame("v0.1.0", 2, "", b"x"),
        encode_gossip_frame("v0.1.0", -1, "", b"x"),
        encode_gossip_frame("v0.1.0", 1, "localhost:9094", b"x"),
        encode_gossip_frame("v0.1.0", 1, "127.0.0.1", b"x"),
        encode_gossip_frame("v0.1.0", 1, "127.0.0.1:99999", b"x"),
    ],
)
def test_what_is_no_frame_is_refused(message):
    with pytest.raises(FrameError):
        frames_of(framed(message))


@given(st.binary(max_size=400))
def test_random_bytes_are_frames_or_refused(data):
    with contextlib.suppress(FrameError):
        frames_of(data, framed(data))


# Sessions


@pytest.fixture
def contexts(tmp_path):
    """Contexts of a node whose authority, certificate and settings may be chosen."""

    def make(authority, trusted=None, *, server="", client="", as_client=True, **sign):
        pair = authority.sign("node", **sign)
        trusted = trusted or authority
        path = tls_file(
            tmp_path,
            "tls",
            trusted=trusted.file,
            pair=pair,
            as_client=as_client,
            server=server,
            client=client,
        )
        return Contexts(load_cluster_tls(path), logging.getLogger("test.cluster"))

    return make


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


class Pair:
    """A client and a server whose bytes go from the one to the other; what each refused is kept."""

    def __init__(self, client, server, name="127.0.0.1"):
        self.client = Session(client.client(), server_side=False, server_name=name)
        self.server = Session(server.server(), server_side=True)
        self.refused = {}
        self.plain = {"client": b"", "server": b""}
        self.run()

    def run(self):
        for _ in range(6):
            for name, session, other in (
                ("client", self.client, self.server),
                ("server", self.server, self.client),
            ):
                if name not in self.refused:
                    try:
                        self.plain[name] += session.feed(other.outgoing())
                    except ssl.SSLError as error:
                        self.refused[name] = refusal_of(error)


def test_a_session_carries_bytes_both_ways_and_ends_in_order(contexts, authority):
    node = contexts(authority)
    pair = Pair(node, node)
    pair.client.write(b"to the server")
    pair.server.write(bytes(100_000))
    pair.run()
    assert pair.plain == {"client": bytes(100_000), "server": b"to the server"}
    assert pair.server.names() == {"127.0.0.1"}
    pair.client.say_end()
    pair.run()
    assert pair.server.ended
    assert pair.refused == {}


def test_one_write_is_one_record_and_large_ones_end_with_a_record(contexts, authority):
    node = contexts(authority)
    pair = Pair(node, node)
    sizes = []
    for data in (b"a", b"b" * 1000, b"c" * 40_000):
        pair.client.write(data)
        sent, records = pair.client.outgoing(), []
        while sent:
            end = 5 + int.from_bytes(sent[3:5], "big")
            records.append(end)
            sent = sent[end:]
        sizes.append(records)
    assert [len(records) for records in sizes] == [1, 1, 3]


def test_a_node_of_another_authority_is_refused_in_both_directions(contexts, authority, tmp_path):
    good = contexts(authority)
    folder = tmp_path / "other"
    folder.mkdir()
    stranger = contexts(Authority(folder, "other"))
    for client, server in ((good, stranger), (stranger, good)):
        refused = Pair(client, server).refused
        assert refused["client"].by == "this node"
        assert refused["client"].why.startswith("the peer's certificate was not accepted: ")
        assert refused["server"] == Refusal("peer", "unknown ca")


def test_a_stranger_that_trusts_us_is_refused_by_us(contexts, authority, tmp_path):
    good = contexts(authority)
    folder = tmp_path / "other"
    folder.mkdir()
    stranger = contexts(Authority(folder, "other"), trusted=authority)
    pair = Pair(stranger, good)
    assert pair.client.ready  # in TLS 1.3 it learns of the refusal only afterwards
    assert pair.refused == {
        "client": Refusal("peer", "unknown ca"),
        "server": Refusal(
            "this node", "the peer's certificate was not accepted: unable to get local issuer certificate"
        ),
    }


@pytest.mark.parametrize(
    ("days", "why", "alert"),
    [
        ((-3, -1), "certificate has expired", "certificate expired"),
        ((1, 3), "certificate is not yet valid", "bad certificate"),
    ],
)
def test_a_certificate_out_of_its_time_is_refused(contexts, authority, days, why, alert):
    good, old = contexts(authority), contexts(authority, days=days)
    words = f"the peer's certificate was not accepted: {why}"
    assert Pair(good, old).refused == {
        "client": Refusal("this node", words),
        "server": Refusal("peer", alert),
    }
    assert Pair(old, old).refused["client"] == Refusal("this node", words)


def test_a_missing_certificate_is_refused(contexts, authority):
    good, bare = contexts(authority), contexts(authority, as_client=False)
    assert Pair(bare, good).refused == {
        "client": Refusal("peer", "certificate required"),
        "server": Refusal("this node", "the peer showed no certificate"),
    }


def test_the_dialled_address_or_the_server_name_must_be_in_the_certificate(contexts, authority):
    node = contexts(authority, ips=("127.0.0.1", "::1"), dns=("node.example",))
    assert Pair(node, node, "::1").refused == {}
    assert Pair(node, node, "node.example").refused == {}
    why = Pair(node, node, "127.0.0.2").refused["client"].why
    assert "IP address mismatch, certificate is not valid for '127.0.0.2'" in why
    why = Pair(node, node, "other.example").refused["client"].why
    assert "Hostname mismatch, certificate is not valid for 'other.example'" in why


def test_names_of_a_certificate_read_as_in_the_reference(contexts, authority):
    node = contexts(authority, ips=("127.0.0.1", "2001:db8::1"), dns=("node.example",))
    assert Pair(node, node).server.names() == {"127.0.0.1", "2001:db8::1", "node.example"}


def test_whoever_is_listed_is_trusted_even_if_no_authority(tmp_path, authority):
    pair = authority.sign("node")
    path = tls_file(tmp_path, "tls", trusted=pair[0], pair=pair)
    node = Contexts(load_cluster_tls(path), logging.getLogger("test.cluster"))
    assert Pair(node, node).refused == {}


def test_a_server_neither_renegotiates_nor_resumes(contexts, authority):
    context = contexts(authority).server()
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_TICKET
    assert context.num_tickets == 0


def test_versions_that_do_not_meet_are_refused(contexts, authority):
    old = contexts(authority, client="  max_version: TLS12\n", server="  min_version: TLS13\n")
    refused = Pair(old, old).refused
    assert refused["server"] == Refusal("this node", "unsupported protocol")
    assert refused["client"] == Refusal("peer", "protocol version")


@pytest.mark.parametrize(
    "data", [b"\x05\x01\x02\x03\x04\x05\x06", b"GET / HTTP/1.1\r\n\r\n", b"\xf4\x04prod\x06\x00"]
)
def test_what_is_not_tls_is_told_as_such(contexts, authority, data):
    session = Session(contexts(authority).server(), server_side=True)
    with pytest.raises(ssl.SSLError) as caught:
        session.feed(data)
    assert refusal_of(caught.value).by == "this node"
    assert refusal_of(caught.value).why in ("what the peer sent is not TLS", "bad record type")


# What is said about refusals


class Clock:
    now_us = 10_000_000_000

    def monotonic_us(self):
        return self.now_us


@pytest.fixture
def told():
    """Refusals, their clock and the lines."""
    lines = []
    handler = logging.Handler()
    handler.emit = lines.append
    log = logging.Logger("test.cluster")  # noqa: LOG001 - one of its own, which no other test hears
    log.addHandler(handler)
    clock = Clock()
    return Refusals(clock, log), clock, lines


def test_a_refusal_is_one_line_with_the_side_the_reason_and_the_address(told):
    refusals, _, lines = told
    refusals.accepted(Refusal("this node", "certificate has expired"), LOOPBACK, 4711)
    refusals.dialled(Refusal("peer", "unknown ca"), LOOPBACK, 9094)
    assert [(line.levelname, line.getMessage(), line.attrs) for line in lines] == [
        (
            "WARNING",
            "TLS connection refused",
            {
                "peer": "127.0.0.1:4711",
                "direction": "inbound",
                "refused_by": "this node",
                "err": "certificate has expired",
            },
        ),
        (
            "WARNING",
            "TLS connection refused",
            {"peer": "127.0.0.1:9094", "direction": "outbound", "refused_by": "peer", "err": "unknown ca"},
        ),
    ]


def test_a_peer_that_tries_again_and_again_is_told_once_in_five_minutes(told):
    refusals, clock, lines = told
    for attempt in range(1000):
        refusals.accepted(Refusal("this node", "certificate has expired"), LOOPBACK, 1000 + attempt)
        clock.now_us += 1_000_000
    assert [line.attrs.get("repeated") for line in lines] == [None, "299", "299", "299"]


def test_another_reason_is_told_at_once(told):
    refusals, _, lines = told
    for why in ("certificate has expired", "unknown ca", "certificate has expired"):
        refusals.accepted(Refusal("this node", why), LOOPBACK, 4711)
    assert len(lines) == 2


def test_many_addresses_do_not_flood_the_log_or_memory(told):
    refusals, clock, lines = told
    for number in range(5000):
        refusals.accepted(Refusal("this node", "broken TLS"), number.to_bytes(4, "big"), 1)
    assert len(lines) <= 32
    assert len(refusals._told) <= 256
    clock.now_us += 301_000_000
    refusals.accepted(Refusal("this node", "broken TLS"), bytes((192, 0, 2, 1)), 1)
    assert lines[-1].attrs["peer"] == "192.0.2.1:1"


# Packets on their way out


class Dialler:
    """Dials for ever."""

    def __init__(self):
        self.dialling = []

    async def dial(self, _ip, port, _timeout_s):
        self.dialling.append(port)
        try:
            await asyncio.Event().wait()
        finally:
            self.dialling.remove(port)


@pytest.fixture
def with_pool():
    """Run ``body(pool, dialler, counters)``."""

    async def main(body):
        dialler, counters = Dialler(), Counters()
        pool = Pool(
            dialler,
            from_addr="127.0.0.1:9094",
            counters=counters,
            timeout_s=1.0,
            clock=LoopClock(),
            log=logging.getLogger("test.cluster"),
        )
        try:
            await body(pool, dialler, counters)
        finally:
            await pool.close()
        assert dialler.dialling == []

    return lambda body: asyncio.run(main(body))


def test_beyond_the_limit_the_address_that_was_used_least_recently_is_given_up(with_pool, monkeypatch):
    monkeypatch.setattr(pool_module, "ADDRESSES_MAX", 3)

    async def body(pool, dialler, _counters):
        for port in (1, 2, 3, 1, 4):
            pool.send(b"x", LOOPBACK, port)
            await asyncio.sleep(0)
        for _ in range(3):
            await asyncio.sleep(0)
        assert sorted(dialler.dialling) == [1, 3, 4]

    with_pool(body)


def test_an_address_is_dialled_once_and_of_its_packets_the_newest_wait(with_pool):
    async def body(pool, dialler, counters):
        for number in range(70):
            pool.send(b"%d" % number, LOOPBACK, 9094)
            await asyncio.sleep(0)
        assert dialler.dialling == [9094]
        assert counters.packet_write_errors == 6
        assert pool._links[LOOPBACK, 9094].waiting[0] == b"6"

    with_pool(body)
