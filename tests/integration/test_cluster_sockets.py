"""Peers over real sockets on the loopback, on both event loops."""

import asyncio
import logging
import random
import socket
import time
from contextlib import suppress

import pytest

from amfast.cluster.options import Options
from amfast.cluster.peer import Peer
from amfast.cluster.streams import STREAMS_MAX
from amfast.loopclock import LoopClock
from amfast.model.errors import AmfastError

TEST_TIMEOUT_S = 18.0


class Records:
    """Records of the form: one or two length bytes, then text. Anything unseen is news."""

    def __init__(self):
        self.seen = set()

    def marshal(self):
        return b"".join(sorted(self.seen))

    def merge(self, data):
        records = set()
        while data:
            head = 2 if data[0] & 128 else 1
            size = head + (data[0] & 127 | (data[1] << 7 if head == 2 else 0))
            if size > len(data):
                raise ValueError("truncated record")
            records.add(data[:size])
            data = data[size:]
        news = records - self.seen
        self.seen |= news
        return len(news)


def record(text, size=0):
    body = text.encode().ljust(size, b".")
    return (bytes((len(body),)) if len(body) < 128 else bytes((len(body) & 127 | 128, len(body) >> 7))) + body


class Node:
    """A Peer with two states and short intervals."""

    def __init__(self, name, peers=(), listen="127.0.0.1:0", **options):
        chosen = {
            "listen_address": listen,
            "peer_name": name,
            "peers": tuple(peers),
            "gossip_interval_s": 0.05,
            "probe_interval_s": 0.2,
            "probe_timeout_s": 0.1,
            "push_pull_interval_s": 2.0,
            "reconnect_interval_s": 0.3,
            "tcp_timeout_s": 2.0,
        }
        self.peer = Peer(
            Options(**(chosen | options)),
            clock=LoopClock(),
            log=logging.getLogger("test.cluster"),
            random=random.Random(name),
        )
        self.nfl, self.sil = Records(), Records()
        self.broadcast = None

    async def start(self):
        await self.peer.start()
        self.peer.add_state("nfl", self.nfl)
        self.broadcast = self.peer.add_state("sil", self.sil)
        await self.peer.join()

    @property
    def names(self):
        return [name for name, _ in self.peer.members()]

    @property
    def udp_tcp(self):
        host, _, port = self.peer.address.rpartition(":")
        return host.strip("[]"), int(port)


class Cluster:
    """Starts nodes and closes them all."""

    def __init__(self):
        self.nodes = []

    async def start(self, name, peers=(), **options):
        node = Node(name, [peer.peer.address for peer in peers], **options)
        self.nodes.append(node)
        await node.start()
        return node

    async def three(self, **options):
        first = await self.start("a", **options)
        nodes = [first] + [await self.start(name, [first], **options) for name in "bc"]
        await until(lambda: all(node.names == ["a", "b", "c"] for node in nodes))
        return nodes


async def until(condition, timeout_s=12.0):
    """Wait for something to become true."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what is waited for is on the other side of a socket
            await asyncio.sleep(0.02)


def uvloop_loop():
    return pytest.importorskip("uvloop").new_event_loop()


@pytest.fixture(params=[asyncio.SelectorEventLoop, uvloop_loop], ids=["asyncio", "uvloop"])
def on_loop(request, caplog):
    """Run ``body(cluster)`` on a loop of the given kind; nothing may be left over or have gone wrong."""

    async def main(body):
        cluster = Cluster()
        try:
            async with asyncio.timeout(TEST_TIMEOUT_S):
                await body(cluster)
        finally:
            for node in cluster.nodes:
                await node.peer.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    def run(body):
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main(body))
        assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []

    return run


def test_three_peers_that_join_through_one_see_each_other(on_loop):
    async def body(cluster):
        nodes = await cluster.three()
        members = [(name, node.peer.address) for name, node in zip("abc", nodes, strict=True)]
        for position, node in enumerate(nodes):
            assert node.peer.members() == members
            assert node.peer.position() == position

    on_loop(body)


@pytest.mark.parametrize("size", [20, 5000])
def test_an_update_reaches_all(on_loop, size):
    async def body(cluster):
        nodes = await cluster.three()
        update = record("silence", size)
        nodes[2].broadcast(update)
        await until(lambda: update in nodes[0].sil.seen & nodes[1].sil.seen, 5)
        sent = {f.name: dict(f.samples) for f in nodes[2].peer.metrics()}
        assert sent["alertmanager_oversized_gossip_message_sent_total"]["sil",] == (2 if size > 700 else 0)
        assert sent["alertmanager_oversized_gossip_message_failure_total"]["sil",] == 0

    on_loop(body)


def test_a_late_joiner_gets_a_large_state_by_push_pull(on_loop):
    async def body(cluster):
        first = await cluster.start("a")
        first.sil.seen = {record(f"silence {number}", 1000) for number in range(2000)}
        late = await cluster.start("b", [first])
        assert late.sil.seen == first.sil.seen

    on_loop(body)


def test_a_killed_peer_is_dropped_and_found_again_when_it_is_back(on_loop):
    async def body(cluster):
        nodes = await cluster.three()
        address = nodes[2].peer.address
        await nodes[2].peer.close()
        await until(lambda: nodes[0].names == nodes[1].names == ["a", "b"])
        back = await cluster.start("c", listen=address)
        await until(lambda: all(n.names == ["a", "b", "c"] for n in (*nodes[:2], back)))

    on_loop(body)


def test_a_peer_that_leaves_is_gone_at_once(on_loop):
    async def body(cluster):
        nodes = await cluster.three()
        await nodes[1].peer.leave(3.0)
        await until(lambda: nodes[0].names == nodes[2].names == ["a", "c"], 0.5)
        await nodes[1].peer.close()
        await asyncio.sleep(0.5)
        assert nodes[0].names == nodes[2].names == ["a", "c"]

    on_loop(body)


def test_a_wrong_label_stays_out(on_loop):
    async def body(cluster):
        nodes = await cluster.three(label="prod")
        wrong, none = await cluster.start("d", nodes, label="dev"), await cluster.start("e", nodes)
        await asyncio.sleep(0.7)
        assert all(node.names == ["a", "b", "c"] for node in nodes)
        assert wrong.names == ["d"]
        assert none.names == ["e"]

    on_loop(body)


def test_a_port_in_use_is_one_clear_error(on_loop):
    async def body(cluster):
        first = await cluster.start("a")
        with pytest.raises(AmfastError) as caught:
            await cluster.start("b", listen=first.peer.address)
        expected = f"cannot listen for the cluster on {first.peer.address}: Address already in use"
        assert str(caught.value).startswith(expected)
        with pytest.raises(AmfastError, match="Cannot assign requested address"):
            await cluster.start("b", listen="192.0.2.99:0")

    on_loop(body)


def test_garbage_on_both_ports_changes_nothing(on_loop):
    async def body(cluster):
        nodes = await cluster.three()
        dice = random.Random(7)
        blobs = [dice.randbytes(dice.randrange(1, 1500)) for _ in range(300)]
        blobs += [bytes((kind,)) + dice.randbytes(20) for kind in range(256)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            for blob in [b"", *blobs]:
                udp.sendto(blob, nodes[0].udp_tcp)
        for blob in blobs[::12]:
            reader, writer = await asyncio.open_connection(*nodes[0].udp_tcp)
            writer.write(blob)
            writer.write_eof()
            async with asyncio.timeout(3):
                await reader.read()
            writer.close()
        await asyncio.sleep(0.5)
        assert all(node.names == ["a", "b", "c"] for node in nodes)
        nodes[0].broadcast(record("still here"))
        await until(lambda: nodes[2].sil.seen, 5)
        assert nodes[0].peer._streams.open == 0

    on_loop(body)


def test_silent_and_slow_streams_are_closed_at_the_absolute_deadline(on_loop):
    async def body(cluster):
        node = await cluster.start("a", tcp_timeout_s=0.6)
        silent, _silent_writer = await asyncio.open_connection(*node.udp_tcp)
        slow, slow_writer = await asyncio.open_connection(*node.udp_tcp)
        started = time.monotonic()

        async def drip():
            for byte in b"\x09" + b"\x82" * 30:
                slow_writer.write(bytes((byte,)))
                await asyncio.sleep(0.1)

        dripping = asyncio.create_task(drip())
        for reader in (silent, slow):
            with suppress(ConnectionError):
                await asyncio.wait_for(reader.read(), 3)
        assert 0.4 < time.monotonic() - started < 1.5
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
        for writer in (_silent_writer, slow_writer):
            writer.transport.abort()
        await until(lambda: node.peer._streams.open == 0, 2)

    on_loop(body)


def test_idle_connections_beyond_the_cap_are_refused_and_gossip_goes_on(on_loop):
    async def body(cluster):
        nodes = await cluster.three()
        writers = []
        for _ in range(STREAMS_MAX):
            _, writer = await asyncio.open_connection(*nodes[0].udp_tcp)
            writers.append(writer)
        await until(lambda: nodes[0].peer._streams.open >= STREAMS_MAX - 2, 2)
        reader, writer = await asyncio.open_connection(*nodes[0].udp_tcp)
        writers.append(writer)
        with suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 1) == b""
        nodes[0].broadcast(record("still here"))
        await until(lambda: nodes[1].sil.seen and nodes[2].sil.seen, 1.5)
        for writer in writers:
            writer.transport.abort()
        await until(lambda: nodes[0].peer._streams.open == 0, 4)
        assert all(node.names == ["a", "b", "c"] for node in nodes)

    on_loop(body)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"listen": "[::1]:0"}, {"listen": "[::1]:0"}),
        ({"listen": "[::1]:0"}, {"listen": ":0", "advertise_address": "[::1]:0"}),
        (
            {"listen": "[::]:0", "advertise_address": "[::1]:0"},
            {"listen": "0.0.0.0:0", "advertise_address": "127.0.0.1:0"},
        ),
    ],
    ids=["ipv6", "ipv6 and everywhere", "both families"],
)
def test_nodes_on_ipv6_and_on_every_address_form_one_cluster(on_loop, first, second):
    async def body(cluster):
        one = await cluster.start("one", **first)
        two = await cluster.start("two", [one], **second)
        assert (
            one.peer.members() == two.peer.members() == [("one", one.peer.address), ("two", two.peer.address)]
        )
        for sender, receiver in ((one, two), (two, one)):
            updates = {record("silence of " + sender.peer.name, size) for size in (20, 2000)}
            for update in updates:
                sender.broadcast(update)
            await until(lambda updates=updates, state=receiver.sil: updates <= state.seen, 5)
        await asyncio.sleep(1)  # long enough for a death, if probes did not work
        assert one.names == two.names == ["one", "two"]

    on_loop(body)


def test_a_name_as_peer_is_resolved(on_loop):
    async def body(cluster):
        first = await cluster.start("a")
        second = Node("b", [f"localhost:{first.udp_tcp[1]}"])
        cluster.nodes.append(second)
        await second.start()
        assert second.names == ["a", "b"]

    on_loop(body)


def test_closing_twice_or_before_the_start_is_harmless(on_loop):
    async def body(cluster):
        node = await cluster.start("a")
        await node.peer.close()
        await node.peer.close()
        await Node("b").peer.close()

    on_loop(body)
