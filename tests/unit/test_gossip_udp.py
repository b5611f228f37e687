"""Datagrams between real sockets and the core: in bulk and one by one, and the same as handing them over in Python."""

import asyncio
import random
import socket
import struct

import pytest

from amfast._ext import lzw, udp
from amfast._ext.frame import pack
from amfast._ext.swim import Core
from amfast._ext.udp import UdpSocket
from amfast._ext.unpack import Unpacker
from amfast._ext.wire import decode_body, encode_body
from amfast.cluster.address import parse_ip
from amfast.cluster.datagrams import OneByOne, datagrams_of
from amfast.cluster.transport import Sockets
from amfast.loopclock import LoopClock

VSN = b"\x01\x05\x02\x00\x00\x00"
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
LARGEST = 65507
IP_RECVERR = 11

WAYS = [
    pytest.param(
        lambda sock: UdpSocket(sock.fileno(), sock.family == socket.AF_INET6),
        id="bulk",
        marks=pytest.mark.skipif(not udp.AVAILABLE, reason="this system has no recvmmsg"),
    ),
    pytest.param(OneByOne, id="one by one"),
]
in_bulk = pytest.mark.skipif(not udp.AVAILABLE, reason="this system has no recvmmsg")


def new_core(seed=7, name="me", label=b""):
    core = Core(name=name, ip=b"\x7f\x00\x00\x01", port=9094, seed=seed, label=label)
    core.start(0)
    return core


def ping(seq_no=5, name=b"me", **more):
    return b"\x00" + encode_body(0, {"Node": name, "SeqNo": seq_no, **more})


def seq_nos(packets):
    """Of all acks in some packets."""
    messages = [message for packet in packets for message in Unpacker(b"").messages(packet)]
    return [decode_body(2, message[1:])[0]["SeqNo"] for message in messages if message[0] == 2]


class Pair:
    """A node's socket and another one, both on the loopback."""

    def __init__(self, node_family, far_family):
        self.node = socket.socket(node_family, socket.SOCK_DGRAM)
        self.far = socket.socket(far_family, socket.SOCK_DGRAM)
        if node_family == socket.AF_INET6:
            self.node.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, node_family == far_family)
        self.node.bind((LOOPBACK[node_family] if node_family == far_family else "::", 0))
        self.far.bind((LOOPBACK[far_family], 0))
        for sock in (self.node, self.far):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        self.node_address = (LOOPBACK[far_family], self.node.getsockname()[1])
        self.far_ip = parse_ip(LOOPBACK[far_family])
        self.far_port = self.far.getsockname()[1]

    def send(self, packets):
        for packet in packets:
            self.far.sendto(packet, self.node_address)

    def answers(self):
        out = []
        while True:
            try:
                out.append(self.far.recv(65536))
            except BlockingIOError:
                return out

    def close(self):
        self.node.close()
        self.far.close()


@pytest.fixture
def pair():
    pair = Pair(socket.AF_INET, socket.AF_INET)
    yield pair
    pair.close()


def traffic(rng, back):
    """One random datagram; answers, where there are any, go to where the datagram came from."""
    names = [b"me", b"", b"x", b"y", b"z"]
    name = rng.choice(names)
    address = {"SourceAddr": back[0], "SourcePort": back[1], "SourceNode": b"x"}
    kinds = [
        lambda: ping(rng.randrange(1 << 32), rng.choice(names[:2])),
        lambda: ping(rng.randrange(1 << 32), rng.choice(names), **address),
        lambda: b"\x02" + encode_body(2, {"SeqNo": rng.randrange(9), "Payload": b""}),
        lambda: b"\x04" + encode_body(4, {"Node": name, "Incarnation": rng.randrange(1, 9), "Addr": back[0],
                                          "Port": 9095, "Meta": b"", "Vsn": VSN}),
        lambda: b"\x03" + encode_body(3, {"Node": name, "Incarnation": rng.randrange(9), "From": b"y"}),
        lambda: b"\x05" + encode_body(5, {"Node": name, "Incarnation": rng.randrange(9), "From": b"z"}),
        lambda: b"\x08" + rng.randbytes(rng.randrange(200)),
        lambda: rng.randbytes(rng.randrange(40)),
    ]  # fmt: skip
    messages = [rng.choice(kinds)() for _ in range(rng.choice([1, 1, 1, 2, 5]))]
    if rng.random() < 0.2:
        return b"\x09" + encode_body(9, {"Buf": lzw.compress(messages[0])})
    return pack(messages, b"", rng.random() < 0.3)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("node_family", "far_family"),
    [
        (socket.AF_INET, socket.AF_INET),
        (socket.AF_INET6, socket.AF_INET6),
        (socket.AF_INET6, socket.AF_INET),
    ],
    ids=["IPv4", "IPv6", "IPv4 at a socket of IPv6"],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_socket_gives_what_receive_and_packets_give_byte_for_byte(way, node_family, far_family, seed):
    rng = random.Random(seed)
    pair = Pair(node_family, far_family)
    try:
        by_socket, by_hand = new_core(seed), new_core(seed)
        datagrams = way(pair.node)
        for step in range(40):
            now_us = 10_000 * step
            if step % 4 == 0:
                payload = rng.randbytes(rng.randrange(1, 500))
                by_socket.broadcast(payload)
                by_hand.broadcast(payload)
            sent = [traffic(rng, (pair.far_ip, pair.far_port)) for _ in range(rng.choice([1, 5, 60]))]
            pair.send(sent)
            datagrams.receive(by_socket, now_us)
            for packet in sent:
                by_hand.receive(now_us, packet, pair.far_ip, pair.far_port)
            wanted = by_hand.packets()
            assert {(ip, port) for _, ip, port in wanted} <= {(pair.far_ip, pair.far_port)}
            assert pair.answers() == [packet for packet, _, _ in wanted]
            assert by_socket.events() == by_hand.events()
        assert by_socket.packets() == []
        assert by_socket.counters() == by_hand.counters()
        assert by_socket.members() == by_hand.members()
        assert by_hand.counters()["user_messages_sent"] > 0
    finally:
        pair.close()


@pytest.mark.parametrize("way", WAYS)
def test_what_the_core_says_by_itself_goes_out_too(way, pair):
    core = Core(name="me", ip=b"\x7f\x00\x00\x01", port=9094, seed=7)
    core.start(0)
    core.receive(0, b"\x04" + encode_body(4, {"Node": b"x", "Incarnation": 1, "Addr": pair.far_ip,
                                              "Port": pair.far_port, "Meta": b"", "Vsn": VSN}), b"", 0)  # fmt: skip
    core.run(1_000_000)
    way(pair.node).send(core)
    kinds = {message[0] for packet in pair.answers() for message in Unpacker(b"").messages(packet)}
    assert kinds == {0, 4}  # a probe, and the news about x


@pytest.mark.parametrize("way", WAYS)
def test_the_core_knows_an_ipv4_sender_by_its_four_bytes_at_a_socket_of_ipv6_too(way):
    pair = Pair(socket.AF_INET6, socket.AF_INET)
    try:
        core, datagrams = new_core(), way(pair.node)
        pair.send([b"\x01" + encode_body(1, {"SeqNo": 9, "Target": b"", "Port": 9, "Node": b"x", "Nack": 1})])
        datagrams.receive(core, 0)
        core.run(600_000)
        ((nack, ip, port),) = core.packets()
        assert Unpacker(b"").messages(nack)[0][0] == 11
        assert (ip, port) == (pair.far_ip, pair.far_port)
    finally:
        pair.close()


@pytest.mark.parametrize("way", WAYS)
def test_the_largest_datagrams_are_taken_among_small_ones(way, pair):
    core, datagrams = new_core(), way(pair.node)
    head = b"\x00\x83\xa4Node\xa2me\xa5SeqNo"
    for start in range(0, 100, 10):
        sent = []
        for seq_no in range(start, start + 10):
            large = head + bytes((seq_no,)) + b"\xa1?\xda"
            size = LARGEST - len(large) - 2
            sent.append(large + struct.pack(">H", size) + bytes(size) if seq_no % 3 == 0 else ping(seq_no))
        pair.send(sent)
        datagrams.receive(core, 0)
        datagrams.receive(core, 0)
    assert seq_nos(pair.answers()) == list(range(100))


@pytest.mark.parametrize("way", WAYS)
def test_an_empty_or_broken_datagram_is_dropped_alone(way, pair):
    core, datagrams = new_core(), way(pair.node)
    pair.send([ping(1), b"", b"\x07", b"\xff" * 30, ping(2)])
    datagrams.receive(core, 0)
    assert seq_nos(pair.answers()) == [1, 2]
    assert core.counters()["packets_dropped"] == 3


@pytest.mark.parametrize("way", WAYS)
def test_one_wake_up_takes_no_more_than_its_share(way, pair):
    core, datagrams = new_core(), way(pair.node)
    pair.send([ping(i) for i in range(600)])
    datagrams.receive(core, 0)
    first = core.counters()["packets_received"]
    assert 0 < first <= 256
    while core.counters()["packets_received"] < 600:
        before = core.counters()["packets_received"]
        datagrams.receive(core, 0)
        assert before < core.counters()["packets_received"] <= before + first
    assert seq_nos(pair.answers()) == list(range(600))


@in_bulk
def test_large_datagrams_end_a_wake_up_early(pair):
    core, datagrams = new_core(), UdpSocket(pair.node.fileno(), False)
    pair.node.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
    total = 0
    for _ in range(70):
        pair.send([bytes(40_000)])
    for _ in range(70):
        before = core.counters()["packets_received"]
        datagrams.receive(core, 0)
        taken = core.counters()["packets_received"] - before
        assert taken <= 64
        total += taken
    assert total == datagrams.received > 0


@pytest.mark.parametrize("way", WAYS)
def test_a_thousand_pings_in_one_datagram_are_all_answered(way, pair):
    core, datagrams = new_core(), way(pair.node)
    part = pack([ping(i) for i in range(200)], b"", False)
    whole = b"\x07\x05" + struct.pack(">5H", *[len(part)] * 5) + part * 5
    pair.send([whole])
    datagrams.receive(core, 0)
    assert seq_nos(pair.answers()) == [*range(200)] * 5


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_cannot_be_sent_does_not_hold_up_the_others(way, pair):
    core, datagrams = new_core(), way(pair.node)
    nowhere = [b"\xff\xff\xff\xff", bytes(15) + b"\x01", b"\xfe\x80" + bytes(13) + b"\x01"]
    sent = [ping(1)]
    for number, ip in enumerate(nowhere):
        sent += [ping(100 + number, SourceAddr=ip, SourcePort=9, SourceNode=b"x"), ping(2 + number)]
    mapped = bytes(10) + b"\xff\xff\x7f\x00\x00\x01"
    sent.append(ping(5, SourceAddr=mapped, SourcePort=pair.far_port, SourceNode=b"x"))
    pair.send(sent)
    datagrams.receive(core, 0)
    assert seq_nos(pair.answers()) == [1, 2, 3, 4, 5]
    if isinstance(datagrams, UdpSocket):
        assert (datagrams.sent, datagrams.send_errors) == (5, 3)


@pytest.mark.skipif(not hasattr(socket, "SO_INCOMING_CPU"), reason="Linux reports refusals this way")
@pytest.mark.parametrize("way", WAYS)
def test_a_refused_datagram_disturbs_neither_reading_nor_sending(way, pair):
    pair.node.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    core, datagrams = new_core(), way(pair.node)
    for seq_no in range(4):
        pair.send([ping(seq_no), ping(9, SourceAddr=pair.far_ip, SourcePort=port, SourceNode=b"x")])
        datagrams.receive(core, 0)
    assert seq_nos(pair.answers()) == [0, 1, 2, 3]
    if isinstance(datagrams, UdpSocket):
        assert (datagrams.received, datagrams.receive_errors) == (8, 3)


@in_bulk
def test_a_datagram_longer_than_a_slot_is_dropped_and_counted():
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)  # UDP itself carries less
    with near, far:
        near.setblocking(False)
        core, datagrams = new_core(), UdpSocket(near.fileno(), False)
        far.send(bytes(65537))
        datagrams.receive(core, 0)
        assert (datagrams.truncated, datagrams.received) == (1, 0)
        assert core.counters()["packets_received"] == 0


@in_bulk
def test_a_socket_that_is_gone_is_an_error_counted_and_nothing_else(pair):
    core, datagrams = new_core(), UdpSocket(pair.node.fileno(), False)
    core.receive(0, ping(1), b"\x7f\x00\x00\x01", 9)
    pair.node.close()
    datagrams.receive(core, 0)
    assert datagrams.receive_errors > 0
    assert datagrams.send_errors == 1
    assert core.packets() == []


def uvloop_loop():
    return pytest.importorskip("uvloop").new_event_loop()


class Handler:
    """Answers pings, and counts how often it is told to carry on."""

    def __init__(self, core):
        self.core = core
        self.pumped = 0

    def pump(self):
        self.pumped += 1


@pytest.mark.parametrize("bulk", [pytest.param(True, marks=in_bulk), False], ids=["bulk", "one by one"])
@pytest.mark.parametrize("factory", [asyncio.SelectorEventLoop, uvloop_loop], ids=["asyncio", "uvloop"])
def test_the_loop_wakes_the_core_whichever_way_the_system_offers(factory, bulk, monkeypatch):
    monkeypatch.setattr(udp, "AVAILABLE", bulk)

    async def main():
        sockets, handler = Sockets(LoopClock(), 1.0), Handler(new_core())
        port = sockets.bind(b"\x7f\x00\x00\x01", 0)
        await sockets.listen(handler)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
                far.setblocking(False)
                far.connect(("127.0.0.1", port))
                far.send(ping(3))
                async with asyncio.timeout(5.0):
                    answer = await asyncio.get_running_loop().sock_recv(far, 65536)
                assert seq_nos([answer]) == [3]
                assert handler.pumped == 1
        finally:
            await sockets.close()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


def test_the_way_follows_what_the_system_offers(pair, monkeypatch):
    assert isinstance(datagrams_of(pair.node), UdpSocket) == udp.AVAILABLE
    monkeypatch.setattr(udp, "AVAILABLE", False)
    assert isinstance(datagrams_of(pair.node), OneByOne)
