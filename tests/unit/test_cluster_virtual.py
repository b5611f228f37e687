"""Whole nodes on virtual time, over a network that exists in memory only."""

import asyncio
import logging
import random
from functools import partial

import pytest

from amfast._ext.pb import decode_full_state, encode_full_state, encode_part
from amfast._ext.swim import Member, RemoteError, StreamMessage, StreamReader
from amfast.cluster.address import format_address, parse_ip
from amfast.cluster.options import Options
from amfast.cluster.peer import Peer
from amfast.cluster.streams import PUSH_PULLS_MAX, STREAMS_MAX
from amfast.model.errors import AmfastError
from tests.support.virtual import run_virtual

LATENCY_S = 0.001
PORT = 9094


class Wire:
    """A network without losses; a node that is down neither hears nor answers."""

    def __init__(self, clock):
        self.clock = clock
        self.handlers = {}
        self.udp_blocked = set()
        self.delivered = 0


class WireEnd:
    """One node's place on the wire."""

    def __init__(self, wire):
        self.wire = wire
        self.at = None

    def bind(self, ip, port):
        if (ip, port) in self.wire.handlers:
            raise AmfastError(f"cannot listen for the cluster on {format_address(ip, port)}: in use")
        self.at = (ip, port)
        return port

    async def listen(self, handler):
        self.wire.handlers[self.at] = handler

    def poll(self):
        """Nothing waits: what arrives is handed over at once."""

    def send(self, core):
        for packet, ip, port in core.packets():
            if not {self.at, (ip, port)} & self.wire.udp_blocked:
                self.wire.clock.call_later(LATENCY_S, partial(self._arrive, packet, (ip, port)))

    def _arrive(self, packet, to):
        handler = self.wire.handlers.get(to)
        if handler is not None and self.at is not None:
            handler.datagram(packet, *self.at)
            handler.pump()

    async def _dial(self, to, request):
        await self.wire.clock.sleep(LATENCY_S)
        handler = self.wire.handlers.get(to)
        stream = handler.accept() if handler is not None else None
        if stream is None:
            raise ConnectionRefusedError(111, "refused")
        try:
            answer = stream.feed(request[:7])
            if answer is None:
                answer = stream.feed(request[7:])
        finally:
            stream.close()
        handler.pump()
        return answer

    async def exchange(self, ip, port, request, timeout_s):
        assert timeout_s > 0
        answer = await self._dial((ip, port), request)
        await self.wire.clock.sleep(LATENCY_S)
        message = StreamReader(None).feed(answer) if answer else None
        if message is None:
            raise ConnectionError("closed without an answer")
        return message

    async def deliver(self, ip, port, request, timeout_s):
        assert timeout_s > 0
        await self._dial((ip, port), request)
        self.wire.delivered += 1

    async def close(self):
        self.wire.handlers.pop(self.at, None)
        self.at = None


class Records:
    """A set of one-byte-length records; anything unseen is news."""

    def __init__(self):
        self.seen = set()

    def marshal(self):
        return b"".join(sorted(self.seen))

    def merge(self, data):
        records = split(data)
        news = records - self.seen
        self.seen |= news
        return len(news)


def record(text, size=0):
    body = text.encode().ljust(size, b".")
    length = bytes((len(body),)) if len(body) < 128 else bytes((len(body) & 127 | 128, len(body) >> 7))
    return length + body


def split(data):
    records = set()
    while data:
        head = 2 if data[0] & 128 else 1
        size = head + (data[0] & 127 | (data[1] << 7 if head == 2 else 0))
        if size > len(data):
            raise ValueError("truncated record")
        records.add(data[:size])
        data = data[size:]
    return records


class Node:
    """A Peer with two states on the wire."""

    def __init__(self, wire, number, peers=(), **options):
        ip = f"10.0.0.{number}"
        self.address = f"{ip}:{PORT}"
        self.at = (parse_ip(ip), PORT)
        chosen = {"peer_name": f"node{number}", "listen_address": self.address}
        chosen |= {"peers": tuple(f"10.0.0.{peer}:{PORT}" for peer in peers)} | options
        self.peer = Peer(
            Options(**chosen),
            clock=wire.clock,
            log=logging.getLogger(f"test.cluster.{number}"),
            random=random.Random(number),
            network=WireEnd(wire),
        )
        self.nfl, self.sil = Records(), Records()
        self.broadcast = None

    async def start(self):
        await self.peer.start()
        self.peer.add_state("nfl", self.nfl)
        self.broadcast = self.peer.add_state("sil", self.sil)
        return await self.peer.join()

    def names(self):
        return [name for name, _ in self.peer.members()]

    def metric(self, name):
        (family,) = [family for family in self.peer.metrics() if family.name == name]
        return dict(family.samples)


def virtual_cluster(body):
    """Run ``body(wire, start)``; every node it started is closed afterwards."""

    async def main(clock):
        wire = Wire(clock)
        nodes = []

        async def start(number, peers=(), **options):
            node = Node(wire, number, peers, **options)
            nodes.append(node)
            await node.start()
            return node

        try:
            await asyncio.wait_for(body(wire, start), 100_000)
        finally:
            for node in nodes:
                await node.peer.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(main)


def test_nodes_that_join_through_one_see_each_other():
    async def body(wire, start):
        nodes = [await start(1), await start(2, [1]), await start(3, [1])]
        await wire.clock.sleep(2)
        for position, node in enumerate(nodes):
            assert node.peer.members() == [(f"node{n}", f"10.0.0.{n}:{PORT}") for n in (1, 2, 3)]
            assert node.peer.position() == position
            assert node.metric("alertmanager_cluster_members") == {(): 3}
            assert node.metric("alertmanager_peer_position") == {(): position}
            assert node.metric("alertmanager_cluster_failed_peers") == {(): 0}

    virtual_cluster(body)


@pytest.mark.parametrize("size", [10, 690, 694, 2000])
def test_an_update_of_any_size_reaches_every_node_once(size):
    async def body(wire, start):
        nodes = [await start(1)] + [await start(n, [1]) for n in (2, 3, 4)]
        await wire.clock.sleep(2)
        update = record("silence", size)
        nodes[1].sil.seen.add(update)
        nodes[1].broadcast(update)
        await wire.clock.sleep(2)
        assert [node.sil.seen for node in nodes] == [{update}] * 4
        oversize = size > 690
        assert wire.delivered == (3 if oversize else 0)
        sent = nodes[1].metric("alertmanager_oversized_gossip_message_sent_total")
        assert sent == {("nfl",): 0, ("sil",): wire.delivered}
        copies = nodes[1].metric("alertmanager_cluster_messages_sent_total")[("update",)]
        sent_bytes = nodes[1].metric("alertmanager_cluster_messages_sent_size_total")[("update",)]
        assert (copies > 0) != oversize
        assert sent_bytes == copies * len(encode_part("sil", update))
        received = nodes[0].metric("alertmanager_cluster_messages_received_total")[("update",)]
        assert received == 1 if oversize else received >= 1
        assert [node.peer.propagated("sil") for node in nodes] == [0, 0, 0, 0] if oversize else [1, 0, 1, 1]

    virtual_cluster(body)


def test_a_late_joiner_gets_everything_by_push_pull():
    async def body(wire, start):
        first = await start(1)
        first.sil.seen = {record(f"silence {n}", 100) for n in range(200)}
        first.nfl.seen = {record("entry")}
        late = await start(2, [1])
        assert late.sil.seen == first.sil.seen
        assert late.nfl.seen == first.nfl.seen
        assert late.metric("alertmanager_cluster_messages_received_total") == {
            ("full_state",): 1,
            ("update",): 0,
        }
        await wire.clock.sleep(1)

    virtual_cluster(body)


def test_a_node_settles_after_ten_seconds_alone():
    async def body(wire, start):
        node = await start(1)
        await wire.clock.sleep(9.9)
        assert node.peer.status == "settling"
        await node.peer.wait_settled()
        assert node.peer.status == "ready"
        assert wire.clock.monotonic_us() == pytest.approx(10_000_000, abs=1000)

    virtual_cluster(body)


def test_a_crashed_node_is_dropped_and_found_again_when_it_is_back():
    async def body(wire, start):
        nodes = [await start(1), await start(2, [1]), await start(3, [1])]
        await wire.clock.sleep(2)
        await nodes[2].peer.close()
        await wire.clock.sleep(30)
        assert nodes[0].names() == nodes[1].names() == ["node1", "node2"]
        assert nodes[0].metric("alertmanager_cluster_failed_peers") == {(): 1}
        assert nodes[0].metric("alertmanager_cluster_reconnections_failed_total")[()] > 0
        back = await start(3)  # knows nobody: the others must find it
        await wire.clock.sleep(11)
        assert back.names() == nodes[0].names() == nodes[1].names() == ["node1", "node2", "node3"]
        assert nodes[0].metric("alertmanager_cluster_failed_peers") == {(): 0}
        reconnected = [n.metric("alertmanager_cluster_reconnections_total")[()] for n in nodes[:2]]
        assert sum(reconnected) > 0

    virtual_cluster(body)


def test_a_missing_peer_is_given_up_after_the_reconnect_timeout():
    async def body(wire, start):
        node = await start(1, [9], reconnect_timeout_s=600.0)
        assert node.metric("alertmanager_cluster_failed_peers") == {(): 1}
        await wire.clock.sleep(599)
        assert node.metric("alertmanager_cluster_failed_peers") == {(): 1}
        await wire.clock.sleep(302)
        assert node.metric("alertmanager_cluster_failed_peers") == {(): 0}

    virtual_cluster(body)


def test_a_configured_peer_that_appears_late_is_joined_by_refresh():
    async def body(wire, start):
        node = await start(1, [2], reconnect_interval_s=10_000.0)
        await wire.clock.sleep(20)
        assert node.metric("alertmanager_cluster_refresh_join_failed_total") == {(): 1}
        await start(2)
        await wire.clock.sleep(15)
        assert node.names() == ["node1", "node2"]
        await wire.clock.sleep(60)
        assert node.metric("alertmanager_cluster_refresh_join_total") == {(): 1}

    virtual_cluster(body)


def test_a_node_that_leaves_is_gone_at_once_everywhere():
    async def body(wire, start):
        nodes = [await start(1), await start(2, [1]), await start(3, [1])]
        await wire.clock.sleep(2)
        before_us = wire.clock.monotonic_us()
        await nodes[1].peer.leave()
        assert wire.clock.monotonic_us() - before_us < 1_000_000
        await wire.clock.sleep(LATENCY_S * 2)
        assert nodes[0].names() == nodes[2].names() == ["node1", "node3"]
        await nodes[1].peer.leave()

    virtual_cluster(body)


def test_leaving_alone_does_not_wait():
    async def body(wire, start):
        node = await start(1)
        await node.peer.leave()
        assert wire.clock.monotonic_us() < 1000

    virtual_cluster(body)


def test_another_label_stays_out():
    async def body(wire, start):
        node, same = await start(1, label="prod"), await start(2, [1], label="prod")
        other, none = await start(3, [1], label="dev"), await start(4, [1])
        await wire.clock.sleep(5)
        assert node.names() == same.names() == ["node1", "node2"]
        assert other.names() == ["node3"]
        assert none.names() == ["node4"]

    virtual_cluster(body)


def test_a_node_reachable_over_tcp_only_stays_a_member():
    async def body(wire, start):
        nodes = [await start(1), await start(2, [1])]
        await wire.clock.sleep(1)
        wire.udp_blocked.add(nodes[1].at)
        await wire.clock.sleep(60)
        assert nodes[0].names() == nodes[1].names() == ["node1", "node2"]
        assert nodes[0].metric("alertmanager_cluster_peers_left_total") == {(): 0}

    virtual_cluster(body)


def test_what_waits_in_the_socket_is_read_before_the_core_draws_conclusions():
    async def body(wire, start):
        node = await start(1)
        due = []
        node.peer._network.poll = lambda: due.append(
            node.peer._core.next_deadline_us() <= wire.clock.monotonic_us()
        )
        await wire.clock.sleep(3)
        assert len(due) > 2
        assert all(due)

    virtual_cluster(body)


def test_failing_to_join_is_only_a_warning(caplog):
    caplog.set_level(logging.INFO)

    async def body(wire, start):
        assert (await start(1, [8, 9])).names() == ["node1"]
        (warning,) = [r for r in caplog.records if r.levelno == logging.WARNING]
        assert warning.message == "failed to join cluster"
        assert warning.attrs["err"] == "10.0.0.8:9094: Connection refused; 10.0.0.9:9094: Connection refused"
        assert warning.attrs["retry"] == "every 10s"
        assert wire.delivered == 0

    virtual_cluster(body)


def test_joining_counts_the_exchanges_that_worked():
    async def body(wire, start):
        await start(1)
        assert await Node(wire, 2, [1, 9]).start() == 1
        await wire.handlers[parse_ip("10.0.0.2"), PORT].close()

    virtual_cluster(body)


def test_every_metric_of_the_reference_is_there_from_the_start():
    async def body(_wire, start):
        families = {family.name: family for family in (await start(1)).peer.metrics()}
        names = """cluster_peer_info cluster_members cluster_failed_peers cluster_health_score peer_position
            cluster_messages_queued cluster_messages_pruned_total cluster_messages_received_total
            cluster_messages_received_size_total cluster_messages_sent_total cluster_messages_sent_size_total
            cluster_alive_messages_total cluster_pings_seconds cluster_peer_name_conflicts_total
            cluster_peers_joined_total cluster_peers_left_total cluster_peers_update_total
            cluster_reconnections_total cluster_reconnections_failed_total cluster_refresh_join_total
            cluster_refresh_join_failed_total oversized_gossip_message_sent_total
            oversized_gossip_message_failure_total oversized_gossip_message_dropped_total
            oversize_gossip_message_duration_seconds"""
        assert set(families) == {"alertmanager_" + name for name in names.split()}
        sent = dict(families["alertmanager_cluster_messages_sent_total"].samples)
        assert sent == {("full_state",): 0, ("update",): 0}
        assert dict(families["alertmanager_cluster_peer_info"].samples) == {("node1",): 1}
        assert dict(families["alertmanager_cluster_alive_messages_total"].samples) == {("node1",): 1}
        assert dict(families["alertmanager_cluster_peers_joined_total"].samples) == {(): 1}

    virtual_cluster(body)


def test_streams_and_push_pulls_are_capped():
    async def body(wire, start):
        node, other = await start(1), await start(2)
        request = other.peer._node.push_pull_request(join=False)
        streams = [node.peer.accept() for _ in range(STREAMS_MAX)]
        assert node.peer.accept() is None
        answers = [stream.feed(request) for stream in streams[: PUSH_PULLS_MAX + 2]]
        assert all(answers[:PUSH_PULLS_MAX])
        assert answers[PUSH_PULLS_MAX:] == [b"", b""]
        for stream in streams:
            stream.close()
        again = node.peer.accept()
        assert again.feed(request)
        again.close()
        await wire.clock.sleep(0)

    virtual_cluster(body)


def test_all_streams_together_may_only_send_so_much(monkeypatch):
    monkeypatch.setattr("amfast.cluster.streams.BUFFERED_BYTES_MAX", 1000)

    async def body(_wire, start):
        node = await start(1)
        first, second, third = (node.peer.accept() for _ in range(3))
        unfinished = b"\x09\x82\xa4Algo\x00\xa3Buf\xc6\x00\x01\x00\x00".ljust(600, b"\0")
        assert first.feed(unfinished) is None
        assert second.feed(unfinished) == b""
        second.close()
        first.close()
        assert third.feed(unfinished) is None
        third.close()
        assert node.peer._streams.buffered_bytes == 0

    virtual_cluster(body)


def test_each_stream_message_gets_the_answer_of_the_reference():
    async def body(_wire, start):
        node, other = await start(1), await start(2)
        core = other.peer._core

        def answer(request):
            stream = node.peer.accept()
            reply = stream.feed(request)
            stream.close()
            return StreamReader(None).feed(reply) if reply else reply

        assert answer(core.ping_request("node1", 7))[:1] == ("ack",)
        assert answer(core.ping_request("node1", 7)).seq_no == 7
        assert answer(core.ping_request("node9", 7)) == b""
        update = record("silence")
        assert answer(core.user_request(encode_part("sil", update))) == b""
        assert node.sil.seen == {update}
        assert answer(core.push_pull_request(False, b"")).kind == "push_pull"
        assert answer(core.ack_reply(7)) == b""
        assert answer(core.error_reply("no")) == b""
        assert answer(b"\x01") == b""
        assert answer(b"\x0a\0\0\0\x10").kind == "error"
        assert answer(b"\x09\x80").kind == "error"
        assert answer(b"\xf4\x03devxxx") == b""

    virtual_cluster(body)


def test_the_answer_to_a_push_pull_does_not_reflect_what_came_with_it():
    async def body(_wire, start):
        node, other = await start(1), await start(2)
        node.sil.seen, other.sil.seen = {record("mine")}, {record("theirs")}
        stream = node.peer.accept()
        reply = StreamReader(None).feed(stream.feed(other.peer._node.push_pull_request(join=True)))
        stream.close()
        assert [member.name for member in reply.nodes] == ["node1"]
        assert decode_full_state(reply.user_state) == [("nfl", b""), ("sil", record("mine"))]
        assert reply.join
        assert node.names() == ["node1", "node2"]
        assert node.sil.seen == {record("mine"), record("theirs")}

    virtual_cluster(body)


def test_incompatible_versions_are_answered_but_nothing_is_merged():
    async def body(_wire, start):
        node = await start(1)
        stranger = Member("stranger", b"\x0a\0\0\x09", PORT, 0, 1)
        state = encode_full_state([("sil", record("silence"))])
        versions = (b"\x01\x05\x09\0\0\0",)
        message = StreamMessage("push_pull", True, (stranger,), versions, state, metas=(b"",))
        assert StreamReader(None).feed(node.peer._node.answer(message)).kind == "push_pull"
        assert node.names() == ["node1"]
        assert not node.sil.seen
        fitting = message._replace(versions=(b"\x01\x05\x02\0\0\0",))
        assert node.peer._node.answer(fitting)
        assert node.names() == ["node1", "stranger"]
        assert node.sil.seen == {record("silence")}

    virtual_cluster(body)


def test_an_error_or_a_strange_answer_fails_the_exchange():
    async def body(_wire, start):
        node = (await start(1)).peer._node
        for reply in (node.core.error_reply("too busy"), node.core.ack_reply(3)):
            with pytest.raises(RemoteError, match="the peer answered"):
                node.take_push_pull(StreamReader(None).feed(reply))

    virtual_cluster(body)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"listen_address": "10.0.0.1"}, "--cluster.listen-address '10.0.0.1' is not host:port"),
        ({"listen_address": "10.0.0.1:x"}, "the port must be a number"),
        ({"advertise_address": "node.example:1"}, "--cluster.advertise-address: 'node.example' is not an IP"),
        ({"advertise_address": "10.0.0.1"}, "--cluster.advertise-address '10.0.0.1' is not host:port"),
        ({"peers": ("9:x",)}, "--cluster.peer '10.0.0.9:x:9094' is not host:port"),
        ({"label": "l" * 256}, "--cluster.label is 256 bytes long"),
        ({"peer_name": "\udcff"}, "--cluster.peer-name is not valid UTF-8"),
    ],
)
def test_a_bad_option_is_one_clear_error(options, message):
    async def body(_wire, start):
        with pytest.raises(AmfastError) as caught:
            await start(1, **options)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)

    virtual_cluster(body)


def test_peers_elsewhere_and_a_loopback_address_are_warned_about(caplog):
    async def body(_wire, start):
        await start(1, [7], listen_address="127.0.0.1:9094")
        assert caplog.messages[:2] == [
            "this node advertises itself on an unroutable address",
            "this node will be unreachable in the cluster",
        ]

    virtual_cluster(body)
