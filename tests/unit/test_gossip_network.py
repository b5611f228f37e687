"""Whole clusters of membership cores on virtual time: joining, dying, refuting, leaving, healing."""

import hashlib
import heapq
import itertools
import random

import pytest

from amfast._ext.swim import ALIVE, DEAD, LEFT, SUSPECT, Core, StreamReader
from amfast._ext.unpack import Unpacker
from amfast._ext.wire import decode_body, encode_body

MS = 1000
SECOND = 1_000_000
LATENCY_US = 2 * MS


class Net:
    """Cores joined by a network with latency, loss and cuts; every choice comes from the seed."""

    def __init__(self, size, *, seed=1, label=b"", loss=0.0, **options):
        self.now = 0
        self.random = random.Random(seed)
        self.loss = loss
        self.label = label
        self.wire = []
        self.sent = 0
        self.trace = hashlib.sha256()
        self.stopped = set()
        self.cut = lambda _a, _b: False
        self.udp_cut = lambda _a, _b: False
        self.events = [[] for _ in range(size)]
        self.packets = []
        self.cores = []
        for i in range(size):
            self.cores.append(self.new_core(i, seed * 1000 + i, **options))

    def new_core(self, i, seed, **options):
        core = Core(
            name=f"node{i}", ip=bytes((10, 0, 0, i)), port=9094, seed=seed, label=self.label, **options
        )
        core.start(self.now)
        return core

    def drain(self, i):
        for packet, ip, port in self.cores[i].packets():
            assert port == 9094
            self.trace.update(packet)
            self.packets.append((self.now, i, ip[3], packet))
            lost = self.random.random() < self.loss or self.udp_cut(i, ip[3]) or self.cut(i, ip[3])
            if not lost:
                self.sent += 1
                heapq.heappush(self.wire, (self.now + LATENCY_US, self.sent, i, ip[3], packet))
        for event in self.cores[i].events():
            self.events[i].append((self.now, event))
        for dial in self.cores[i].dials():
            self.dial(i, dial.ip[3], dial)

    def dial(self, a, b, dial=None, *, join=False):
        """A TCP exchange, done at once; false if the other side cannot be reached."""
        if self.cut(a, b) or b in self.stopped or b >= len(self.cores):
            return False
        ours, theirs = self.cores[a], self.cores[b]
        if dial is not None and dial.kind == "ping":
            ping = StreamReader(self.label).feed(ours.ping_request(dial.name, dial.seq_no))
            assert ping.name == f"node{b}"
            pong = StreamReader(None).feed(theirs.ack_reply(ping.seq_no))
            ours.tcp_pong(self.now, pong.seq_no)
            return True
        request = StreamReader(self.label).feed(ours.push_pull_request(join, b"state of a"))
        assert request.user_state == b"state of a"
        reply = StreamReader(None).feed(theirs.push_pull_reply(request.join, b""))
        theirs.merge(self.now, request)
        ours.merge(self.now, reply)
        self.drain(b)
        return True

    def join_all(self):
        for i in range(1, len(self.cores)):
            assert self.dial(i, 0, join=True)

    def run(self, microseconds):
        until = self.now + microseconds
        running = [i for i in range(len(self.cores)) if i not in self.stopped]
        for i in running:
            self.drain(i)
        while True:
            running = [i for i in range(len(self.cores)) if i not in self.stopped]
            next_run = min(self.cores[i].next_deadline_us() for i in running)
            next_packet = self.wire[0][0] if self.wire else until + 1
            step = min(next_run, next_packet)
            if step > until:
                break
            self.now = max(self.now, step)
            while self.wire and self.wire[0][0] <= self.now:
                _, _, a, b, packet = heapq.heappop(self.wire)
                if b < len(self.cores) and b not in self.stopped:
                    self.cores[b].receive(self.now, packet, bytes((10, 0, 0, a)), 9094)
                    self.drain(b)
            for i in running:
                if self.cores[i].next_deadline_us() <= self.now:
                    self.cores[i].run(self.now)
                    self.drain(i)
        self.now = until

    def states(self, i):
        return {member.name: member.state for member in self.cores[i].members()}

    def kinds(self, i, *kinds):
        return [event for _, event in self.events[i] if event.kind in kinds]


def everyone(size, state=ALIVE):
    return {f"node{i}": state for i in range(size)}


def settled(size, **options):
    net = Net(size, **options)
    net.join_all()
    net.run(10 * SECOND)
    for i in range(size):
        assert net.states(i) == everyone(size)
    return net


@pytest.mark.parametrize("size", [2, 3, 7, 20])
@pytest.mark.parametrize("label", [b"", b"prod"])
def test_all_find_each_other_and_stay_healthy(size, label):
    net = settled(size, label=label)
    net.run(60 * SECOND)
    for i, core in enumerate(net.cores):
        assert core.alive_count() == size
        assert core.health_score() == 0
        assert core.counters()["packets_dropped"] == 0
        assert not net.kinds(i, "suspect", "dead", "leave", "conflict", "refuted", "tcp_only")
        assert {event.name for event in net.kinds(i, "join")} == set(everyone(size))
    assert all(len(packet) <= 1405 + 2 + len(label) for _, _, _, packet in net.packets)


def test_joined_nodes_know_each_other_within_a_second():
    net = Net(5)
    net.join_all()
    net.run(SECOND)
    assert all(net.states(i) == everyone(5) for i in range(5))


@pytest.mark.parametrize(("size", "latest_s"), [(2, 8), (3, 9), (5, 14), (12, 24)])
def test_a_killed_node_is_declared_dead_in_time_and_reaped(size, latest_s):
    net = settled(size)
    killed_at = net.now
    net.stopped.add(size - 1)
    net.run(latest_s * SECOND)
    for i in range(size - 1):
        assert net.states(i)[f"node{size - 1}"] == DEAD
        (when,) = [when for when, event in net.events[i] if event.kind == "leave"]
        assert when - killed_at >= 4 * SECOND
    net.run(60 * SECOND)
    for i in range(size - 1):
        assert net.states(i) == everyone(size - 1)
        assert net.cores[i].health_score() == 0 or size == 2  # alone, no probe can succeed again


def test_confirmations_shorten_the_suspicion_in_a_cluster_of_six():
    """Alone an accuser waits 24 s; with two more it is over after 4 s."""
    net = settled(6)
    net.stopped.add(5)
    net.run(14 * SECOND)
    assert all(net.states(i)["node5"] == DEAD for i in range(5))


def test_a_paused_node_refutes_and_nobody_loses_it():
    net = settled(3)
    net.stopped.add(2)
    net.run(3 * SECOND)
    assert any(net.states(i)["node2"] == SUSPECT for i in (0, 1))
    net.stopped.remove(2)
    net.run(10 * SECOND)
    assert all(net.states(i) == everyone(3) for i in range(3))
    assert net.kinds(2, "refuted")
    assert not net.kinds(0, "dead")
    assert {m.incarnation for i in range(3) for m in net.cores[i].members() if m.name == "node2"} >= {2}
    net.run(30 * SECOND)
    assert all(core.health_score() == 0 for core in net.cores)


def test_who_leaves_is_left_everywhere_and_stays_away():
    net = settled(4)
    net.cores[3].leave(net.now)
    net.cores[3].leave(net.now)
    assert not net.cores[3].leaving_done()
    net.run(2 * SECOND)
    assert net.cores[3].leaving_done()
    assert all(net.states(i)["node3"] == LEFT for i in range(4))
    assert not net.kinds(0, "dead")
    net.run(20 * SECOND)  # the leaver still answers, and still does not come back
    assert all(net.states(i)["node3"] == LEFT for i in range(3))
    net.stopped.add(3)
    net.run(60 * SECOND)
    assert all(net.states(i) == everyone(3) for i in range(3))


def test_a_lone_node_has_left_at_once():
    core = Core(name="a", ip=bytes(4), port=1, seed=1)
    core.start(0)
    assert not core.leaving_done()
    core.leave(0)
    assert core.leaving_done()
    assert core.alive_count() == 0


@pytest.mark.parametrize("size", [2, 5, 20])
def test_a_user_message_reaches_all_others_once_per_copy(size):
    net = settled(size)
    net.cores[1].broadcast(b"hello")
    assert net.cores[1].queued_user_messages() == 1
    net.run(2 * SECOND)
    assert net.cores[1].queued_user_messages() == 0
    copies = sum(
        message == b"\x08hello"
        for _, _, _, packet in net.packets
        for message in Unpacker(b"").messages(packet)
    )
    assert copies == (3 if size < 10 else 6)  # nobody relays here: the layer above does
    if size < 5:
        assert all(net.kinds(i, "user")[0].data == b"hello" for i in range(size) if i != 1)


def test_many_user_messages_all_leave_within_the_budget():
    net = settled(3)
    sent = [b"%03d" % i + bytes(i % 200) for i in range(300)]
    for payload in sent:
        net.cores[0].broadcast(payload)
    net.run(30 * SECOND)
    got = [event.data for i in (1, 2) for event in net.kinds(i, "user")]
    assert sorted(got) == sorted(3 * sent)  # to either of the two: the layer above sends on what is new
    assert all(len(packet) <= 1405 for _, _, _, packet in net.packets)


def test_a_partition_heals_through_push_pull_while_the_dead_are_remembered():
    net = settled(6, push_pull_interval_us=10 * SECOND)
    net.cut = lambda a, b: (a < 3) != (b < 3)
    net.run(25 * SECOND)
    assert all(net.states(0)[f"node{i}"] != ALIVE for i in range(3, 6))
    assert net.cores[0].alive_count() < 6
    net.cut = lambda _a, _b: False
    net.run(5 * SECOND)
    assert net.dial(0, 5, join=True)  # what the layer above does for a failed peer
    net.run(20 * SECOND)
    assert all(net.states(i) == everyone(6) for i in range(6))


def test_a_node_whose_udp_is_blocked_lives_on_over_tcp():
    net = settled(3)
    net.udp_cut = lambda a, b: 2 in (a, b)
    net.run(60 * SECOND)
    assert all(net.states(i) == everyone(3) for i in range(3))
    assert net.kinds(0, "tcp_only")
    assert not net.kinds(0, "suspect")


def test_relays_keep_a_node_alive_whose_direct_path_is_blocked():
    net = settled(4)
    net.cut = lambda a, b: {a, b} == {0, 1}
    net.run(60 * SECOND)
    assert all(net.states(i) == everyone(4) for i in range(4))
    assert not net.kinds(0, "suspect")
    kinds = [(a, b, m[0]) for _, a, b, p in net.packets for m in Unpacker(b"").messages(p)]
    assert any(kind == 1 for _, _, kind in kinds)


def test_relays_answer_that_they_heard_nothing():
    """With the usual times the answer to a first failed probe comes too late; then the score gives it time."""
    net = settled(4)
    net.stopped.add(3)
    net.run(15 * SECOND)
    nacks = [p for _, _, _, p in net.packets for m in Unpacker(b"").messages(p) if m[0] == 11]
    assert nacks
    assert all(core.health_score() <= 2 for core in net.cores[:3])  # whose relays answer is not the sick one


def test_random_loss_kills_nobody():
    net = settled(8, seed=4)
    net.loss = 0.25
    net.run(120 * SECOND)
    assert not any(net.kinds(i, "dead") for i in range(8))


def test_a_node_that_restarts_before_its_death_takes_over_its_old_incarnation():
    net = settled(3)
    net.cores[2].receive(net.now, suspect_message("node2", 5), bytes((10, 0, 0, 0)), 9094)
    net.run(5 * SECOND)
    assert {m.incarnation for m in net.cores[0].members() if m.name == "node2"} == {6}
    net.cores[2] = net.new_core(2, seed=99)
    net.dial(2, 0, join=True)
    net.run(10 * SECOND)
    assert all(net.states(i) == everyone(3) for i in range(3))
    assert {m.incarnation for m in net.cores[0].members() if m.name == "node2"} == {7}


def suspect_message(name, incarnation):
    return b"\x03" + encode_body(3, {"Node": name.encode(), "From": b"x", "Incarnation": incarnation})


def test_two_nodes_of_one_name_are_a_conflict_and_the_first_stays():
    net = settled(3)
    twin = Core(name="node1", ip=bytes((10, 0, 0, 77)), port=9094, seed=5)
    twin.start(net.now)
    message = StreamReader(b"").feed(twin.push_pull_request(True, b""))
    net.cores[0].merge(net.now, message)
    net.drain(0)
    (conflict,) = net.kinds(0, "conflict")
    assert (conflict.name, conflict.ip) == ("node1", bytes((10, 0, 0, 77)))
    assert {m.ip for m in net.cores[0].members() if m.name == "node1"} == {bytes((10, 0, 0, 1))}


def test_each_alive_message_goes_out_a_limited_number_of_times():
    """Four times per node in a small cluster, whoever it is told to."""
    net = Net(3, push_pull_interval_us=3600 * SECOND)
    net.join_all()
    net.run(20 * SECOND)
    told = [0, 0, 0]
    for _, a, _, packet in net.packets:
        for message in Unpacker(b"").messages(packet):
            if message[0] == 4 and decode_body(4, message[1:])[0]["Node"] == b"node2":
                told[a] += 1
    assert told == [4, 4, 4]


def test_push_pulls_come_less_often_in_larger_clusters():
    net = Net(2, push_pull_interval_us=10 * SECOND)
    net.join_all()
    counted = []
    for size, times in ((2, 1), (40, 2), (100, 3)):
        core = Core(name="a", ip=bytes(4), port=1, seed=1, push_pull_interval_us=10 * SECOND)
        core.start(0)
        crowd = net.cores[0].members()[0]
        names = [crowd._replace(name=f"n{i}") for i in range(size - 1)]
        vsn = b"\x01\x05\x02\x00\x00\x00"
        message = StreamReader(b"").feed(net.cores[0].push_pull_request(False, b""))
        core.merge(0, message._replace(nodes=tuple(names), versions=(vsn,) * len(names), metas=()))
        dials, now = [], 0
        while now < 200 * SECOND:
            now += 50 * MS
            core.run(now)
            dials += [now for dial in core.dials() if dial.kind == "push_pull"]
            for name in [m.name for m in core.members() if m.state != ALIVE]:
                again = names[int(name[1:])]._replace(incarnation=now // 1000)
                core.merge(now, message._replace(nodes=(again,), versions=(vsn,), metas=()))
        gaps = {b - a for a, b in itertools.pairwise(dials)}
        counted.append(gaps == {times * 10 * SECOND})
    assert counted == [True, True, True]


def trace(seed):
    net = Net(6, seed=seed, loss=0.1, push_pull_interval_us=5 * SECOND)
    net.join_all()
    net.run(10 * SECOND)
    net.cores[1].broadcast(b"x")
    net.stopped.add(4)
    net.run(30 * SECOND)
    return net.trace.hexdigest(), [net.cores[i].members() for i in range(6)], net.events


def test_equal_seeds_give_equal_traces():
    assert trace(3) == trace(3)
    assert trace(3)[0] != trace(4)[0]
