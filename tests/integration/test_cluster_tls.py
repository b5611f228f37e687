"""Peers that gossip over TLS on the loopback, on both event loops, among friends, strangers and vandals."""

# ruff: noqa: F811 - an imported fixture is an argument of the same name

import asyncio
import logging
import os
import random
import socket
import threading
import time
from contextlib import suppress

import pytest

from amfast.cluster.address import format_address
from amfast.cluster.tls import inbound
from amfast.cluster.tls.context import Contexts
from amfast.cluster.tls.frame import packet_frame, stream_frame
from amfast.cluster.tls.outbound import Outbound
from amfast.cluster.tls.session import Session
from amfast.config.cluster_tls import load_cluster_tls
from amfast.model.errors import AmfastError
from tests.integration.test_cluster_sockets import Node, on_loop, record, until  # noqa: F401 - a fixture
from tests.support.certificates import Authority, tls_file

LOG = logging.getLogger("test.cluster")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def tls(tmp_path, authority):
    """The TLS settings of a node by its name."""

    def make(name, signer=authority, trusted=authority, *, as_client=True, server="", client="", **sign):
        pair = signer.sign(name, **sign)
        path = tls_file(
            tmp_path, name, trusted=trusted.file, pair=pair, as_client=as_client, server=server, client=client
        )
        return load_cluster_tls(path)

    return make


@pytest.fixture
def stranger(tmp_path):
    """Another authority."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    return Authority(folder, "stranger")


async def three(cluster, tls, **options):
    first = await cluster.start("a", tls=tls("a"), **options)
    nodes = [first] + [await cluster.start(name, [first], tls=tls(name), **options) for name in "bc"]
    await until(lambda: all(node.names == ["a", "b", "c"] for node in nodes))
    return nodes


def counts(node):
    """Metrics without labels, by what follows the common prefix."""
    prefix = "alertmanager_tls_transport_"
    return {
        f.name.removeprefix(prefix): dict(f.samples).get(()) for f in node.peer.metrics() if prefix in f.name
    }


def refusals(caplog):
    return [record.attrs for record in caplog.records if record.getMessage() == "TLS connection refused"]


async def shake_hands(node, contexts):
    """A connection of somebody who has a certificate."""
    context = contexts.client()
    context.check_hostname = False
    return await asyncio.open_connection(*node.udp_tcp, ssl=context)


async def closed(reader, timeout_s=3.0):
    async with asyncio.timeout(timeout_s):
        with suppress(OSError):
            await reader.read()


# Among friends


def test_peers_find_together_and_updates_of_any_size_travel(on_loop, tls):
    async def body(cluster):
        nodes = await three(cluster, tls)
        for node in nodes:
            for size in (20, 690, 5000):
                update = record(f"silence of {node.peer.name}", size)
                node.sil.seen.add(update)
                node.broadcast(update)
        await until(lambda: all(len(node.sil.seen) == 9 for node in nodes), 5)
        found = counts(nodes[0])
        assert found["packet_bytes_sent_total"] > 500
        assert found["packet_bytes_received_total"] > 500
        assert found["stream_connections_received_total"] >= 2
        assert found["read_errors_total"] == 0

    on_loop(body)


def test_the_metrics_are_there_only_with_tls(on_loop, tls):
    async def body(cluster):
        plain, protected = await cluster.start("a"), await cluster.start("b", tls=tls("b"))
        assert counts(plain) == {}
        assert set(counts(protected)) == {
            "packet_bytes_sent_total",
            "packet_bytes_received_total",
            "stream_connections_sent_total",
            "stream_connections_received_total",
            "read_errors_total",
            "write_errors_total",
        }

    on_loop(body)


def test_a_late_joiner_gets_a_large_state(on_loop, tls):
    async def body(cluster):
        first = await cluster.start("a", tls=tls("a"))
        first.sil.seen = {record(f"silence {number}", 1000) for number in range(2000)}
        late = await cluster.start("b", [first], tls=tls("b"))
        assert late.sil.seen == first.sil.seen

    on_loop(body)


def test_a_killed_peer_is_dropped_and_found_again(on_loop, tls):
    async def body(cluster):
        nodes = await three(cluster, tls)
        address = nodes[2].peer.address
        await nodes[2].peer.close()
        await until(lambda: nodes[0].names == nodes[1].names == ["a", "b"], 6)
        back = await cluster.start("c", tls=tls("c"), listen=address)
        await until(lambda: all(n.names == ["a", "b", "c"] for n in (*nodes[:2], back)), 6)

    on_loop(body)


def test_a_dead_peer_is_suspected_while_every_packet_to_it_fails(on_loop, tls):
    async def body(cluster):
        nodes = await three(cluster, tls)
        await nodes[2].peer.close()
        with socket.socket() as holder:  # or the address may become somebody else's
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(nodes[2].udp_tcp)
            dropping = asyncio.create_task(chatter(nodes[0]))
            await until(lambda: nodes[0].names == nodes[1].names == ["a", "b"], 6)
            dropping.cancel()
        await asyncio.gather(dropping, return_exceptions=True)
        errors = {f.name: dict(f.samples) for f in nodes[0].peer.metrics()}
        assert errors["alertmanager_tls_transport_write_errors_total"]["packet",] > 0

    async def chatter(node):
        for number in range(1000):
            node.broadcast(record(f"news {number}"))
            await asyncio.sleep(0.02)

    on_loop(body)


def test_a_peer_that_leaves_is_gone_at_once(on_loop, tls):
    async def body(cluster):
        nodes = await three(cluster, tls)
        await nodes[1].peer.leave(3.0)
        await until(lambda: nodes[0].names == nodes[2].names == ["a", "c"], 0.5)

    on_loop(body)


def test_label_and_tls_work_together_and_another_label_stays_out(on_loop, tls):
    async def body(cluster):
        nodes = await three(cluster, tls, label="prod")
        wrong = await cluster.start("d", nodes, tls=tls("d"), label="dev")
        nodes[0].broadcast(record("small"))
        nodes[0].broadcast(record("large", 3000))
        await until(lambda: len(nodes[2].sil.seen) == 2, 5)
        assert wrong.names == ["d"]
        assert nodes[0].names == ["a", "b", "c"]

    on_loop(body)


def test_after_a_stall_what_has_come_meanwhile_is_read_before_anybody_is_suspected(on_loop, tls, caplog):
    caplog.set_level(logging.DEBUG)

    async def body(cluster):
        first = await cluster.start("a", tls=tls("a"))
        elsewhere = Elsewhere("b", [first.peer.address], tls("b"))
        try:
            await until(lambda: first.names == ["a", "b"])
            for _ in range(4):
                await asyncio.sleep(0.13)
                time.sleep(0.45)  # noqa: ASYNC251 - the stall: the answer comes while nobody looks
        finally:
            await asyncio.to_thread(elsewhere.stop)
            await asyncio.get_running_loop().shutdown_default_executor()

    on_loop(body)
    suspects = [line.attrs["peer"] for line in caplog.records if line.getMessage() == "peer is suspect"]
    assert suspects.count("b") == 0


class Elsewhere:
    """A node on a thread of its own, which does not stall when others do."""

    def __init__(self, name, peers, settings):
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live(name, peers, settings)))
        self._thread.start()

    async def _live(self, name, peers, settings):
        node = Node(name, peers, tls=settings)
        await node.start()
        while not self._stopping.is_set():  # noqa: ASYNC110 - set on another thread
            await asyncio.sleep(0.02)
        await node.peer.close()

    def stop(self):
        self._stopping.set()
        self._thread.join()


def test_a_dial_cancelled_between_connection_and_handshake_leaves_nothing_open(on_loop, tls, monkeypatch):
    """Uvloop tears the connection down without a word to its protocol."""

    async def body(cluster):
        nodes = await three(cluster, tls)
        host, port = nodes[1].udp_tcp
        dialler = nodes[0].peer._tls._dialler
        dialling = asyncio.create_task(dialler.dial(socket.inet_aton(host), port, 5.0))
        start = Outbound.start

        def cancel_then_start(connection):
            if asyncio.current_task() is None:  # the loop itself has called connection_made
                dialling.cancel()
            return start(connection)

        monkeypatch.setattr(Outbound, "start", cancel_then_start)
        with pytest.raises(asyncio.CancelledError):
            await dialling
        monkeypatch.undo()
        await nodes[0].peer.close()
        assert dialler.open == set()

    on_loop(body)


def test_closing_leaves_no_thread_behind(on_loop, tls):
    before = threading.active_count()

    async def body(cluster):
        nodes = await three(cluster, tls)
        await nodes[0].peer.close()
        await nodes[0].peer.close()
        assert nodes[0].peer._tls._reception.open == set()
        assert nodes[0].peer._tls._dialler.open == set()

    on_loop(body)
    assert threading.active_count() == before


def test_ipv6_and_a_server_name(on_loop, tls):
    if not socket.has_ipv6:
        pytest.skip("needs IPv6")

    async def body(cluster):
        settings = {"ips": (), "dns": ("gossip.example",), "client": "  server_name: gossip.example\n"}
        one = await cluster.start("a", listen="[::1]:0", tls=tls("a", **settings))
        two = await cluster.start("b", [one], listen="[::1]:0", tls=tls("b", **settings))
        await until(lambda: one.names == two.names == ["a", "b"])

    on_loop(body)


# Strangers


def strangers(tls, stranger, kind):
    """Settings of a node that must stay out."""
    return {
        "another authority": lambda: tls("b", signer=stranger, trusted=stranger),
        "another authority that trusts ours": lambda: tls("b", signer=stranger),
        "expired": lambda: tls("b", days=(-9, -1)),
        "no certificate": lambda: tls("b", as_client=False),
        "wrong address": lambda: tls("b", ips=("192.0.2.1",)),
    }[kind]()


@pytest.mark.parametrize(
    ("kind", "dialling", "dialled"),
    [
        (
            "another authority",
            ("this node", "self-signed certificate in certificate chain"),
            ("peer", "unknown ca"),
        ),
        (
            "another authority that trusts ours",
            ("peer", "unknown ca"),
            ("this node", "unable to get local issuer certificate"),
        ),
        ("expired", ("peer", "certificate expired"), ("this node", "certificate has expired")),
        ("no certificate", ("peer", "certificate required"), ("this node", "the peer showed no certificate")),
    ],
)
def test_a_stranger_that_dials_stays_out_and_both_sides_say_why(
    on_loop, tls, stranger, caplog, kind, dialling, dialled
):
    caplog.set_level(logging.INFO)

    async def body(cluster):
        inside = await cluster.start("a", tls=tls("a"))
        outside = await cluster.start("b", [inside], tls=strangers(tls, stranger, kind))
        await until(lambda: inside.peer._tls.counters.read_errors > 3)
        assert (inside.names, outside.names) == (["a"], ["b"])

    on_loop(body)
    lines = {line["direction"]: (line["refused_by"], line["err"]) for line in refusals(caplog)}
    assert lines["outbound"][0] == dialling[0]
    assert lines["outbound"][1].endswith(dialling[1])
    assert lines["inbound"][0] == dialled[0]
    assert lines["inbound"][1].endswith(dialled[1])
    assert len(refusals(caplog)) == 2  # however often it was tried


@pytest.mark.parametrize("kind", ["another authority", "expired", "wrong address"])
def test_a_stranger_that_is_dialled_stays_out(on_loop, tls, stranger, caplog, kind):
    async def body(cluster):
        outside = await cluster.start("b", tls=strangers(tls, stranger, kind))
        inside = await cluster.start("a", [outside], tls=tls("a"))
        await asyncio.sleep(0.7)
        assert (inside.names, outside.names) == (["a"], ["b"])

    on_loop(body)
    assert {(line["direction"], line["refused_by"]) for line in refusals(caplog)} == {
        ("outbound", "this node"),
        ("inbound", "peer"),
    }


def test_a_stranger_gets_in_once_its_certificate_is_renewed_without_a_restart(on_loop, tls, authority):
    async def body(cluster):
        inside = await cluster.start("a", tls=tls("a"))
        outside = await cluster.start("b", [inside], tls=tls("b", days=(-9, -1)))
        await asyncio.sleep(0.5)
        assert (inside.names, outside.names) == (["a"], ["b"])
        authority.sign("b")
        await until(lambda: inside.names == outside.names == ["a", "b"], 6)

    on_loop(body)


def test_only_allowed_names_get_in(on_loop, tls, caplog):
    async def body(cluster):
        allowed = "  client_allowed_sans: [gossip.example]\n"
        inside = await cluster.start("a", tls=tls("a", dns=("gossip.example",), server=allowed))
        outside = await cluster.start("b", [inside], tls=tls("b"))
        friend = await cluster.start("c", [inside], tls=tls("c", dns=("gossip.example",)))
        await until(lambda: inside.names == friend.names == ["a", "c"])
        assert outside.names == ["b"]

    on_loop(body)
    assert "the peer's certificate has none of client_allowed_sans" in [
        line["err"] for line in refusals(caplog)
    ]


def test_a_peer_without_tls_stays_out_in_both_directions(on_loop, tls, caplog):
    async def body(cluster):
        inside = await cluster.start("a", tls=tls("a"))
        plain = await cluster.start("b", [inside])
        other = await cluster.start("c", [plain], tls=tls("c"), tcp_timeout_s=0.5)
        await asyncio.sleep(1)
        assert (inside.names, plain.names, other.names) == (["a"], ["b"], ["c"])

    on_loop(body)
    assert ("inbound", "what the peer sent is not TLS") in [
        (x["direction"], x["err"]) for x in refusals(caplog)
    ]


def test_no_line_shows_a_key(on_loop, tls, authority, stranger, caplog):
    caplog.set_level(logging.DEBUG)

    async def body(cluster):
        inside = await cluster.start("a", tls=tls("a"))
        await cluster.start("b", [inside], tls=tls("b", signer=stranger))
        await asyncio.sleep(0.5)

    on_loop(body)
    keys = [path.read_text().splitlines()[1] for path in authority.folder.rglob("*-key.pem")]
    text = "\n".join(f"{line.getMessage()} {getattr(line, 'attrs', '')}" for line in caplog.records)
    assert len(keys) == 2
    assert not any(key in text for key in keys)


# Vandals


def test_garbage_before_and_after_the_handshake_changes_nothing(on_loop, tls):
    contexts = Contexts(tls("vandal"), LOG)

    async def body(cluster):
        nodes = await three(cluster, tls)
        dice = random.Random(7)
        blobs = [dice.randbytes(dice.randrange(1, 1500)) for _ in range(20)]
        blobs += [b"\x16\x03\x01" + dice.randbytes(200), bytes(2000)]
        for blob in blobs:
            reader, writer = await asyncio.open_connection(*nodes[0].udp_tcp)
            writer.write(blob)
            writer.write_eof()
            await closed(reader)
            writer.close()
        for blob in blobs:
            reader, writer = await shake_hands(nodes[0], contexts)
            writer.write(blob)
            await closed(reader)
            writer.transport.abort()
            for begin in (stream_frame(), packet_frame(blob, "127.0.0.1:1")):
                _, writer = await shake_hands(nodes[0], contexts)
                writer.write(begin + blob)
                await writer.drain()
                writer.transport.abort()
        await asyncio.sleep(0.3)
        assert all(node.names == ["a", "b", "c"] for node in nodes)
        nodes[0].broadcast(record("still here"))
        await until(lambda: nodes[2].sil.seen, 5)
        await until(lambda: nodes[0].peer._streams.open == 0, 3)

    on_loop(body)


@pytest.mark.parametrize("data", [b"\x00\x00\x00\x10", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00"])
def test_a_giant_or_empty_frame_closes_the_connection_at_once(on_loop, tls, data):
    contexts = Contexts(tls("vandal"), LOG)

    async def body(cluster):
        node = await cluster.start("a", tls=tls("a"), tcp_timeout_s=30.0)
        reader, writer = await shake_hands(node, contexts)
        writer.write(data)
        await closed(reader, 1)
        writer.transport.abort()

    on_loop(body)


def test_silent_and_slow_connections_are_closed_in_time(on_loop, tls):
    contexts = Contexts(tls("vandal"), LOG)

    async def body(cluster):
        node = await cluster.start("a", tls=tls("a"), tcp_timeout_s=0.6)
        silent = await asyncio.open_connection(*node.udp_tcp)
        idle = await shake_hands(node, contexts)
        slow = await shake_hands(node, contexts)
        stream = await shake_hands(node, contexts)
        stream[1].write(stream_frame() + b"\x06")

        async def drip():
            for byte in packet_frame(bytes(100), "127.0.0.1:1"):
                slow[1].write(bytes((byte,)))
                await asyncio.sleep(0.1)

        started = time.monotonic()
        dripping = asyncio.create_task(drip())
        for reader, _ in (silent, idle, slow, stream):
            await closed(reader)
        assert 0.3 < time.monotonic() - started < 1.5
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
        for _, writer in (silent, idle, slow, stream):
            writer.transport.abort()
        await until(lambda: not node.peer._tls._reception.open, 2)

    on_loop(body)


def test_a_connection_between_packets_may_be_silent_for_long_but_not_for_ever(on_loop, tls, monkeypatch):
    contexts = Contexts(tls("friend"), LOG)
    monkeypatch.setattr(inbound, "IDLE_S", 1.2)

    async def body(cluster):
        node = await cluster.start("a", tls=tls("a"), tcp_timeout_s=0.3)
        reader, writer = await shake_hands(node, contexts)
        for _ in range(2):
            writer.write(packet_frame(b"x", "127.0.0.1:1"))
            await asyncio.sleep(0.8)
        assert counts(node)["packet_bytes_received_total"] == 2
        await closed(reader, 1)
        writer.transport.abort()

    on_loop(body)


def test_a_flood_of_unfinished_handshakes_keeps_nobody_out(on_loop, tls):
    async def body(cluster):
        first = await cluster.start("a", tls=tls("a"), tcp_timeout_s=30.0)
        writers = [
            (await asyncio.open_connection(*first.udp_tcp))[1] for _ in range(inbound.HANDSHAKES_MAX + 20)
        ]
        await until(lambda: len(first.peer._tls._reception.handshakes) == inbound.HANDSHAKES_MAX, 2)
        second = await cluster.start("b", [first], tls=tls("b"))
        await until(lambda: first.names == second.names == ["a", "b"], 2)
        for writer in writers:
            writer.transport.abort()
        await until(lambda: not first.peer._tls._reception.handshakes, 2)

    on_loop(body)


def test_beyond_the_limit_the_connection_that_was_silent_for_longest_goes(on_loop, tls, monkeypatch):
    contexts = Contexts(tls("friend"), LOG)
    monkeypatch.setattr(inbound, "CONNECTIONS_MAX", 3)

    async def body(cluster):
        node = await cluster.start("a", tls=tls("a"))
        friends = []
        for _ in range(3):
            friends.append(await shake_hands(node, contexts))
            friends[-1][1].write(packet_frame(b"x", "127.0.0.1:1"))
        await until(lambda: counts(node)["packet_bytes_received_total"] == 3)
        friends[0][1].write(packet_frame(b"x", "127.0.0.1:1"))
        await until(lambda: counts(node)["packet_bytes_received_total"] == 4)
        friends.append(await shake_hands(node, contexts))
        await closed(friends[1][0], 1)
        for number in (0, 2, 3):
            friends[number][1].write(packet_frame(b"x", "127.0.0.1:1"))
        await until(lambda: counts(node)["packet_bytes_received_total"] == 7)
        for _, writer in friends:
            writer.transport.abort()

    on_loop(body)


def test_frames_that_share_a_record_or_come_in_crumbs_all_arrive(on_loop, tls):
    contexts = Contexts(tls("friend"), LOG)

    async def body(cluster):
        node = await cluster.start("a", tls=tls("a"))
        _, writer = await shake_hands(node, contexts)
        frames = b"".join(packet_frame(bytes(size), "127.0.0.1:1") for size in (1, 20, 300))
        writer.write(frames)
        await until(lambda: counts(node)["packet_bytes_received_total"] == 321)
        for byte in frames[:60]:
            writer.write(bytes((byte,)))
            await asyncio.sleep(0)
        writer.write(frames[60:])
        await until(lambda: counts(node)["packet_bytes_received_total"] == 642)
        writer.transport.abort()

    on_loop(body)


def test_a_packet_comes_from_where_its_sender_listens_or_else_from_where_it_was_sent(on_loop, tls):
    contexts = Contexts(tls("friend"), LOG)

    async def body(cluster):
        node = await cluster.start("a", tls=tls("a"))
        seen = []
        node.peer.datagram = lambda packet, ip, port: seen.append((packet, format_address(ip, port)))
        _, writer = await shake_hands(node, contexts)
        for number, sender in enumerate(("192.0.2.7:1", "[::]:9094", "")):
            writer.write(packet_frame(b"%d" % number, sender))
        await until(lambda: len(seen) == 3)
        assert seen == [(b"0", "192.0.2.7:1"), (b"1", "127.0.0.1:9094"), (b"2", "127.0.0.1:0")]
        writer.transport.abort()

    on_loop(body)


@pytest.mark.parametrize(("reads", "error"), [(0, OSError), (1, TimeoutError)])
def test_an_update_counts_as_delivered_only_when_its_receiver_has_closed(on_loop, tls, reads, error):
    contexts = Contexts(tls("friend"), LOG)

    async def body(cluster):
        node = await cluster.start("a", tls=tls("a"))
        deaf = Deaf(contexts, vanish=not reads)
        server = await asyncio.get_running_loop().create_server(lambda: deaf, "127.0.0.1", 0)
        with pytest.raises(error):
            await node.peer._tls.deliver(bytes((127, 0, 0, 1)), server.sockets[0].getsockname()[1], b"x", 0.5)
        deaf.transport.abort()
        server.close()

    on_loop(body)


def test_a_path_that_went_dead_is_noticed_by_the_kernel(on_loop, tls):
    async def body(cluster):
        nodes = await three(cluster, tls)
        for connection in nodes[0].peer._tls._dialler.open:
            with socket.socket(
                fileno=os.dup(connection._transport.get_extra_info("socket").fileno())
            ) as sock:
                assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2000

    on_loop(body)


def test_a_peer_that_never_shakes_hands_holds_up_nobody_else(on_loop, tls):
    async def body(cluster):
        nodes = await three(cluster, tls, tcp_timeout_s=5.0)
        with socket.socket() as hole:
            hole.bind(("127.0.0.1", 0))
            hole.listen(8)
            for _ in range(100):  # far more packets than may wait
                nodes[0].peer._tls._pool.send(b"\x00", bytes((127, 0, 0, 1)), hole.getsockname()[1])
            started = time.monotonic()
            nodes[0].broadcast(record("news"))
            await until(lambda: nodes[1].sil.seen and nodes[2].sil.seen, 2)
            assert time.monotonic() - started < 1
            await asyncio.sleep(1)
            assert all(node.names == ["a", "b", "c"] for node in nodes)

    on_loop(body)


def test_a_peer_that_takes_nothing_is_cut_off(on_loop, tls):
    contexts = Contexts(tls("friend"), LOG)

    async def body(cluster):
        node = await cluster.start("a", tls=tls("a"), tcp_timeout_s=0.6)
        pool, deaf = node.peer._tls._pool, Deaf(contexts)
        server = await asyncio.get_running_loop().create_server(lambda: deaf, "127.0.0.1", 0)
        address = bytes((127, 0, 0, 1)), server.sockets[0].getsockname()[1]
        pool.send(b"hello", *address)
        await until(lambda: deaf.session.ready and pool._links[address].connection, 3)
        for _ in range(400):
            pool.send(bytes(60_000), *address)
        assert pool._links[address].connection.buffered_bytes() < 2 << 20
        assert node.peer._tls.counters.packet_write_errors > 0
        await until(lambda: address not in pool._links, 2)
        deaf.transport.abort()
        server.close()

    on_loop(body)


class Deaf(asyncio.Protocol):
    """Shakes hands and then reads no more, or even vanishes."""

    def __init__(self, contexts, *, vanish=False):
        self.vanish = vanish
        self.session = Session(contexts.server(), server_side=True)
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.session.feed(data)
        self.transport.write(self.session.outgoing())
        if self.session.ready and self.vanish:
            self.transport.abort()
        elif self.session.ready:
            self.transport.pause_reading()


def test_a_port_in_use_or_a_bad_file_is_one_clear_error(on_loop, tls, tmp_path):
    async def body(cluster):
        first = await cluster.start("a", tls=tls("a"))
        with pytest.raises(
            AmfastError, match=f"cannot listen for the cluster on {first.peer.address}: Address already"
        ):
            await cluster.start("b", listen=first.peer.address, tls=tls("b"))
        settings = tls("c")
        (tmp_path / "c.pem").unlink()
        with pytest.raises(
            AmfastError, match=r"c.yml:2:14: tls_server_config.cert_file: cannot read .*c.pem: No such"
        ):
            await cluster.start("c", tls=settings)

    on_loop(body)
