# cython: freethreading_compatible=True
"""The membership core: probing, gossip and packets around the table of members (reference gossip, sections 6 to 13)."""

from typing import NamedTuple

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from amfast._ext.broadcast cimport Broadcasts, retransmit_limit
from amfast._ext.frame cimport Packer
from amfast._ext.members cimport S_ALIVE, S_DEAD, S_SUSPECT, Members, Node
from amfast._ext.outbox cimport Outbox
from amfast._ext.relays cimport Relay, Relays
from amfast._ext.state cimport State
from amfast._ext.unpack cimport Unpacker
from amfast._ext.wire cimport (
    BODY_BYTES_MAX,
    M_ACK,
    M_ALIVE,
    M_DEAD,
    M_ERROR,
    M_INDIRECT_PING,
    M_NACK,
    M_PING,
    M_SUSPECT,
    M_USER,
    N_INCARNATION,
    N_NACK,
    N_PORT,
    N_SEQ_NO,
    N_SOURCE_PORT,
    N_USER_MSG_LEN,
    NAME_BYTES_MAX,
    T_ADDR,
    T_ERROR,
    T_FROM,
    T_META,
    T_NODE,
    T_PAYLOAD,
    T_SOURCE_ADDR,
    T_SOURCE_NODE,
    T_TARGET,
    T_VSN,
    VSN_BYTES,
    WHOLE,
    Fields,
    Reader,
    Slice,
    clear,
    decode,
    encode,
    is_utf8,
    same,
    slice_of,
)

from amfast._ext.state import ALIVE, DEAD, LEFT, SUSPECT, Event
from amfast._ext.stream import Member, StreamMessage, StreamReader, wrap_stream
from amfast._ext.wire import RemoteError

__all__ = [
    "ALIVE",
    "DEAD",
    "LEFT",
    "SUSPECT",
    "Core",
    "Dial",
    "Event",
    "Member",
    "RemoteError",
    "StreamMessage",
    "StreamReader",
]

cdef enum:
    SELF = 0
    MEMBERSHIP_MULTIPLIER = 4
    MESSAGE_OVERHEAD = 2
    USER_OVERHEAD = 3
    INDIRECT_CHECKS = 3
    GOSSIP_TO_DEAD_US = 30_000_000
    TCP_PING_PROTOCOL = 3  # the lowest version that knows a feature
    NACK_PROTOCOL = 4
    CHECKSUM_PROTOCOL = 5
    PUSH_PULL_SCALE_FROM = 32
    USER_MESSAGES_MAX = 16384
    USER_STATE_BYTES_MAX = 20971520
    ERROR_BYTES_MAX = 1024

class Dial(NamedTuple):
    kind: str
    name: str
    ip: bytes
    port: int
    seq_no: int
    deadline_us: int


cdef object new_tuple = tuple.__new__


cdef inline bint is_ip(Slice ip) noexcept:
    return ip.size == 4 or ip.size == 16


cdef inline Slice ip_slice(Node* node) noexcept:
    return slice_of(node.ip, node.ip_size)


cdef class Core:
    def __init__(self, *, str name not None, bytes ip not None, int port, seed, int bind_port=0, bytes label=b"",
                 int64_t probe_interval_us=1_000_000, int64_t probe_timeout_us=500_000,
                 int64_t gossip_interval_us=200_000, int gossip_nodes=3, int64_t push_pull_interval_us=60_000_000,
                 int user_retransmit=3, int64_t tcp_timeout_us=10_000_000):
        cdef bytes text = name.encode()
        if not 0 < len(text) <= NAME_BYTES_MAX:
            raise ValueError(f"a peer name has 1 to {NAME_BYTES_MAX} bytes, {name!r} has {len(text)}")
        if len(ip) not in (4, 16) or not 0 < port <= 65535:
            raise ValueError("a peer is advertised with 4 or 16 address bytes and a port from 1 to 65535")
        if min(probe_interval_us, probe_timeout_us, gossip_interval_us, push_pull_interval_us) <= 0:
            raise ValueError("probe, gossip and push/pull intervals must be positive")
        self.name = text
        self.ip = ip
        self.port = port
        self.label = label
        self.probe_interval_us = probe_interval_us
        self.probe_timeout_us = probe_timeout_us
        self.gossip_interval_us = gossip_interval_us
        self.gossip_nodes = gossip_nodes
        self.push_pull_interval_us = push_pull_interval_us
        self.user_retransmit = user_retransmit
        self.tcp_timeout_us = tcp_timeout_us
        self.state = State(seed, bind_port or port, probe_interval_us)
        self.table = self.state.members
        self.users = Broadcasts(USER_MESSAGES_MAX)
        self.packer = Packer(label)
        self.unpacker = Unpacker(label)
        self.relays = Relays()
        self.outbox = Outbox()
        self.wanted = []
        self.next_probe_us = self.next_gossip_us = self.next_push_pull_us = INT64_MAX

    cdef Slice own_name(self) noexcept:
        return slice_of(PyBytes_AS_STRING(self.name), PyBytes_GET_SIZE(self.name))

    cdef Slice own_ip(self) noexcept:
        return slice_of(PyBytes_AS_STRING(self.ip), PyBytes_GET_SIZE(self.ip))

    # The node's life.

    def start(self, int64_t now_us):
        cdef Fields own
        if self.table.count > 0:
            return
        clear(&own)
        own.text[T_NODE] = self.own_name()
        own.text[T_ADDR] = self.own_ip()
        own.text[T_META] = slice_of(PyBytes_AS_STRING(self.name), 0)
        own.text[T_VSN] = slice_of(b"\x01\x05\x02\x00\x00\x00", VSN_BYTES)
        own.number[N_PORT] = self.port
        self.state.start(now_us, &own)
        self.now_us = now_us
        self.next_probe_us = now_us + self.probe_interval_us
        self.next_gossip_us = now_us + self.gossip_interval_us
        self.next_push_pull_us = now_us + <int64_t>(
            self.table.draw() % <uint64_t>self.push_pull_interval_us) + self._push_pull_interval_us()

    def leave(self, int64_t now_us):
        if self.state.left or self.table.count == 0:
            return
        self.state.left = True
        self.state.dead(now_us, self.own_name(), self.own_name(), self.table.nodes[SELF].incarnation)

    def leaving_done(self):
        return self.state.left and (self.table.living == 0 or not self.state.queue.holds(SELF))

    def broadcast(self, bytes payload not None):
        self.packer.begin()
        if PyBytes_GET_SIZE(payload) + USER_OVERHEAD > self.packer.free:
            raise ValueError(f"a user message of {len(payload)} bytes does not fit in a packet")
        self.users.push(payload)

    # Time.

    def next_deadline_us(self):
        cdef int64_t soonest = min(self.next_probe_us, self.next_push_pull_us)
        if self.phase == DIRECT:
            soonest = min(soonest, self.probe_direct_us)
        elif self.phase == INDIRECT:
            soonest = min(soonest, self.probe_until_us)
        elif self.probe_due:
            soonest = min(soonest, self.now_us)
        soonest = min(soonest, self.relays.deadline_us())
        if self.table.heap_count > 0:
            soonest = min(soonest, self.table.nodes[self.table.heap[0]].deadline_us)
        if self.table.count > 1 and self.state.queue.count + self.users.count > 0:
            soonest = min(soonest, self.next_gossip_us)
        return soonest

    def run(self, int64_t now_us):
        if self.table.count == 0:
            return
        self.now_us = now_us
        if self.phase == DIRECT and now_us >= self.probe_direct_us:
            self._probe_indirectly(now_us)
        if self.phase == INDIRECT and now_us >= self.probe_until_us:
            self._probe_failed(now_us)
        self._expire_relays(now_us)
        self.state.expire(now_us)
        if now_us >= self.next_probe_us:
            self.next_probe_us += self.probe_interval_us * ((now_us - self.next_probe_us) // self.probe_interval_us + 1)
            self.probe_due = True
        if self.probe_due and self.phase == IDLE:
            self._probe(now_us)
        if now_us >= self.next_gossip_us:
            self.next_gossip_us += self.gossip_interval_us * (
                (now_us - self.next_gossip_us) // self.gossip_interval_us + 1)
            self._gossip(now_us)
        if now_us >= self.next_push_pull_us:
            self.next_push_pull_us = now_us + self._push_pull_interval_us()
            if self._choose(1, ANY_ALIVE, SELF, now_us) > 0:
                self._dial("push_pull", self.table.picks[0], 0, now_us + self.tcp_timeout_us)

    cdef int64_t _push_pull_interval_us(self) noexcept:
        """Longer in larger clusters (12.4): once more for each doubling over 32 entries."""
        cdef int64_t times = 1
        cdef int32_t members = PUSH_PULL_SCALE_FROM
        while members < self.table.count:
            members *= 2
            times += 1
        return times * self.push_pull_interval_us

    cdef int _choose(self, int wanted, Choice choice, int32_t other, int64_t now_us) noexcept:
        """Up to ``wanted`` random members, neither self nor ``other``, at the front of ``table.picks``."""
        cdef Node* node
        cdef int32_t i, id, found = 0
        for i in range(self.table.count):
            id = self.table.order[i]
            node = &self.table.nodes[id]
            if id == SELF or id == other:
                continue
            if node.state == S_ALIVE or (choice == ANY_TO_GOSSIP and (
                node.state == S_SUSPECT
                or (node.state == S_DEAD and now_us - node.changed_us <= GOSSIP_TO_DEAD_US)
            )):
                self.table.picks[found] = id
                found += 1
        self.table.shuffle(self.table.picks, found, wanted)
        return min(found, wanted)

    cdef int _dial(self, str kind, int32_t id, uint32_t seq_no, int64_t deadline_us) except -1:
        cdef Node* node = &self.table.nodes[id]
        name = PyUnicode_DecodeUTF8(<char*>node.name, node.name_size, NULL)
        self.wanted.append(Dial(kind, name, self._ip_of(node), node.port, seq_no, deadline_us))
        return 0

    cdef bytes _ip_of(self, Node* node):
        return PyBytes_FromStringAndSize(<char*>node.ip, node.ip_size)

    # Probing (section 10).

    cdef int _probe(self, int64_t now_us) except -1:
        """Begin to probe the next member; at the end of the list, reap and go round once."""
        cdef int32_t looked = 0, id
        self.probe_due = False
        while looked < self.table.count:
            if self.place >= self.table.count:
                self.state.reap(now_us)
                self.place = 0
                looked += 1
                continue
            id = self.table.order[self.place]
            self.place += 1
            looked += 1
            if id != SELF and self.table.nodes[id].state < S_DEAD:
                return self._ping(now_us, id)
        return 0

    cdef int _ping(self, int64_t now_us, int32_t id) except -1:
        cdef Node* node = &self.table.nodes[id]
        cdef Fields fields
        cdef uint8_t message[BODY_BYTES_MAX]
        self.seq_no += 1
        self.phase = DIRECT
        self.probed = id
        self.probed_incarnation = node.incarnation
        self.probe_seq_no = self.seq_no
        self.probe_sent_us = now_us
        self.probe_until_us = now_us + self.probe_interval_us * (self.state.score + 1)
        self.probe_direct_us = min(self.probe_until_us, now_us + self.probe_timeout_us)
        self.nacks = self.nacks_expected = 0
        self.tcp_answered = False
        self._fill_ping(&fields, self.seq_no, self.state.name_of(id))
        if node.state == S_ALIVE:
            return self._send(M_PING, &fields, ip_slice(node), node.port)
        # A suspect is told so in the same packet, that it can refute at once.
        self.packer.begin()
        message[0] = M_PING
        self.packer.add(message, encode(M_PING, &fields, message + 1) - message)
        clear(&fields)
        fields.text[T_NODE] = self.state.name_of(id)
        fields.text[T_FROM] = self.own_name()
        fields.number[N_INCARNATION] = node.incarnation
        message[0] = M_SUSPECT
        self.packer.add(message, encode(M_SUSPECT, &fields, message + 1) - message)
        return self._post(node.vsn[1] >= CHECKSUM_PROTOCOL, ip_slice(node), node.port)

    cdef void _fill_ping(self, Fields* fields, uint32_t seq_no, Slice name) noexcept:
        clear(fields)
        fields.number[N_SEQ_NO] = seq_no
        fields.text[T_NODE] = name
        fields.text[T_SOURCE_ADDR] = self.own_ip()
        fields.text[T_SOURCE_NODE] = self.own_name()
        fields.number[N_SOURCE_PORT] = self.port

    cdef int _probe_indirectly(self, int64_t now_us) except -1:
        """Nothing came back: ask others, and try TCP. After a stall of this node they get their time all the same."""
        cdef Node* node = &self.table.nodes[self.probed]
        cdef Node* relay
        cdef Fields fields
        cdef int i, chosen
        self.phase = INDIRECT
        self.probe_until_us = max(self.probe_until_us, now_us + self.probe_timeout_us)
        chosen = self._choose(INDIRECT_CHECKS, ANY_ALIVE, self.probed, now_us)
        self._fill_ping(&fields, self.probe_seq_no, self.state.name_of(self.probed))
        fields.text[T_TARGET] = slice_of(node.ip, node.ip_size)
        fields.number[N_PORT] = node.port
        for i in range(chosen):
            relay = &self.table.nodes[self.table.picks[i]]
            fields.number[N_NACK] = relay.vsn[1] >= NACK_PROTOCOL
            self.nacks_expected += fields.number[N_NACK]
            self._send(M_INDIRECT_PING, &fields, ip_slice(relay), relay.port)
        if node.vsn[1] >= TCP_PING_PROTOCOL:
            self._dial("ping", self.probed, self.probe_seq_no, self.probe_until_us)
        return 0

    cdef int _probe_failed(self, int64_t now_us) except -1:
        self.phase = IDLE
        if self.tcp_answered:
            self.state.change_score(-1)
            return self.state.note("tcp_only", self.probed, 0)
        if self.nacks_expected > 0:
            self.state.change_score(max(0, self.nacks_expected - self.nacks))
        else:
            self.state.change_score(1)
        return self.state.suspect(now_us, self.state.name_of(self.probed), self.own_name(), self.probed_incarnation)

    def tcp_pong(self, int64_t now_us, uint32_t seq_no):
        if self.phase == INDIRECT and seq_no == self.probe_seq_no:
            self.tcp_answered = True

    cdef int _take_ack(self, int64_t now_us, uint32_t seq_no) except -1:
        cdef Relay* relay
        if self.phase != IDLE and seq_no == self.probe_seq_no:
            self.phase = IDLE
            self.state.change_score(-1)
            if now_us - self.probe_sent_us <= self.probe_timeout_us:
                self.state.note("ping", self.probed, now_us - self.probe_sent_us)
            return 0
        relay = self.relays.find(seq_no)
        if relay == NULL or relay.answered:
            self.ignored += 1
            return 0
        relay.answered = True
        return self._answer_relay(M_ACK, relay)

    # Pings for others.

    cdef int _relay(self, int64_t now_us, Fields* asked, Slice ip, int port) except -1:
        cdef Fields fields
        cdef Slice target = asked.text[T_TARGET], back = asked.text[T_SOURCE_ADDR]
        cdef int target_port = asked.number[N_PORT] or self.state.bind_port
        if is_ip(back) and asked.number[N_SOURCE_PORT] > 0:
            port = asked.number[N_SOURCE_PORT]
        else:
            back = ip
        if not is_ip(back) or not self.relays.add(
            now_us + self.probe_timeout_us, self.seq_no + 1, asked.number[N_SEQ_NO], asked.number[N_NACK], back, port
        ):
            self.relays_refused += 1
            return 0
        self.seq_no += 1
        if not is_ip(target) or asked.text[T_NODE].size > NAME_BYTES_MAX or not is_utf8(asked.text[T_NODE]):
            return 0  # nobody to ping; the nack tells
        self._fill_ping(&fields, self.seq_no, asked.text[T_NODE])
        return self._send(M_PING, &fields, target, target_port)

    cdef int _answer_relay(self, int kind, Relay* relay) except -1:
        cdef Fields fields
        clear(&fields)
        fields.number[N_SEQ_NO] = relay.asked_seq_no
        return self._send(kind, &fields, slice_of(relay.ip, relay.ip_size), relay.port)

    cdef int _expire_relays(self, int64_t now_us) except -1:
        cdef Relay* relay
        while self.relays.deadline_us() <= now_us:
            relay = self.relays.pop()
            if relay.nack and not relay.answered:
                self._answer_relay(M_NACK, relay)
        return 0

    # Packets out (section 6).

    cdef int _fill_packet(self) noexcept:
        """Add what is queued, as far as there is room; returns how many messages the packet then has."""
        cdef int parts
        cdef Py_ssize_t used
        if self.state.queue.count > 0:
            self.packer.fill(self.state.queue, MESSAGE_OVERHEAD,
                             retransmit_limit(MEMBERSHIP_MULTIPLIER, self.table.count), -1)
        if self.users.count > 0:
            parts, used = self.packer.parts, self.packer.used
            self.packer.fill(self.users, USER_OVERHEAD,
                             retransmit_limit(self.user_retransmit, self.table.living), M_USER)
            self.users_sent += self.packer.parts - parts
            self.user_bytes_sent += self.packer.used - used - (self.packer.parts - parts)
        return self.packer.parts

    cdef int _send(self, int kind, Fields* fields, Slice ip, int port) except -1:
        """One message, and what else there is to say."""
        cdef uint8_t message[BODY_BYTES_MAX]
        message[0] = kind
        self.packer.begin()
        self.packer.add(message, encode(kind, fields, message + 1) - message)
        self._fill_packet()
        return self._post(False, ip, port)

    cdef int _post(self, bint checksum, Slice ip, int port) except -1:
        """Close the packet that was filled, and put it on its way."""
        cdef uint8_t* packet = self.outbox.reserve()
        self.outbox.commit(self.packer.finish(packet, checksum), ip, port)
        return 0

    cdef int _gossip(self, int64_t now_us) except -1:
        cdef Node* node
        cdef int i, chosen
        if self.state.queue.count + self.users.count == 0:
            return 0
        chosen = self._choose(self.gossip_nodes, ANY_TO_GOSSIP, SELF, now_us)
        for i in range(chosen):
            node = &self.table.nodes[self.table.picks[i]]
            self.packer.begin()
            if self._fill_packet() == 0:
                break
            self._post(node.vsn[1] >= CHECKSUM_PROTOCOL, ip_slice(node), node.port)
        return 0

    # Packets in (section 7).

    def receive(self, int64_t now_us, bytes packet not None, bytes ip not None, int port):
        self.take(
            now_us, <const uint8_t*>PyBytes_AS_STRING(packet), PyBytes_GET_SIZE(packet),
            slice_of(PyBytes_AS_STRING(ip), PyBytes_GET_SIZE(ip)), port,
        )

    cdef int take(self, int64_t now_us, const uint8_t* packet, Py_ssize_t size, Slice ip, int port) except -1:
        """One datagram. A ping, or an ack that nobody waits for, makes no Python object."""
        cdef int i
        self.received += 1
        self.now_us = max(self.now_us, now_us)
        self.unpacker.unpack(packet, size)
        if self.table.count > 0:
            for i in range(self.unpacker.count):
                self._take(now_us, self.unpacker.found[i].data, self.unpacker.found[i].size, ip, port)
        return 0

    cdef int _take(self, int64_t now_us, const uint8_t* data, Py_ssize_t size, Slice ip, int port) except -1:
        """One message. A broken one is dropped, alone."""
        cdef Fields fields
        cdef Reader reader
        cdef int kind = data[0]
        if kind == M_USER:
            self.state.events.append(new_tuple(Event, (
                "user", "", b"", 0, PyBytes_FromStringAndSize(<char*>data + 1, size - 1), 0)))
            return 0
        reader.at = data + 1
        reader.end = data + size
        if kind not in (M_PING, M_INDIRECT_PING, M_ACK, M_SUSPECT, M_ALIVE, M_DEAD, M_NACK) or (
            decode(kind, &reader, &fields) != WHOLE
        ):
            self.dropped += 1
        elif kind == M_PING:
            self._take_ping(&fields, ip, port)
        elif kind == M_ACK:
            self._take_ack(now_us, fields.number[N_SEQ_NO])
        elif kind == M_NACK:
            if self.phase == INDIRECT and fields.number[N_SEQ_NO] == self.probe_seq_no:
                self.nacks += 1
            else:
                self.ignored += 1
        elif kind == M_INDIRECT_PING:
            self._relay(now_us, &fields, ip, port)
        elif kind == M_ALIVE:
            self.state.alive(now_us, &fields)
        elif kind == M_SUSPECT:
            self.state.suspect(now_us, fields.text[T_NODE], fields.text[T_FROM], fields.number[N_INCARNATION])
        else:
            self.state.dead(now_us, fields.text[T_NODE], fields.text[T_FROM], fields.number[N_INCARNATION])
        return 0

    cdef int _take_ping(self, Fields* ping, Slice ip, int port) except -1:
        cdef Slice back = ping.text[T_SOURCE_ADDR]
        cdef Fields ack
        if ping.text[T_NODE].size > 0 and not same(ping.text[T_NODE], self.own_name()):
            self.ignored += 1
            return 0
        if is_ip(back) and ping.number[N_SOURCE_PORT] > 0:
            port = ping.number[N_SOURCE_PORT]
            ip = back
        elif not is_ip(ip) or port == 0:
            self.dropped += 1
            return 0
        clear(&ack)
        ack.number[N_SEQ_NO] = ping.number[N_SEQ_NO]
        ack.text[T_PAYLOAD] = slice_of(PyBytes_AS_STRING(self.name), 0)
        return self._send(M_ACK, &ack, ip, port)

    # What comes out.

    def packets(self):
        return self.outbox.drain()

    def dials(self):
        out, self.wanted = self.wanted, []
        return out

    def events(self):
        out, self.state.events = self.state.events, []
        return out

    # Streams (section 8).

    cdef bytes _one_map(self, int kind, Fields* fields):
        cdef uint8_t message[BODY_BYTES_MAX]
        message[0] = kind
        return PyBytes_FromStringAndSize(<char*>message, encode(kind, fields, message + 1) - message)

    def push_pull_request(self, bint join, bytes user_state not None):
        return wrap_stream(self._own_state(join, user_state), self.label)

    def push_pull_reply(self, bint join, bytes user_state not None):
        return wrap_stream(self._own_state(join, user_state), b"")

    cdef bytes _own_state(self, bint join, bytes user_state):
        if PyBytes_GET_SIZE(user_state) > USER_STATE_BYTES_MAX:
            raise ValueError(f"a user state of {len(user_state)} bytes is longer than any receiver takes")
        return self.state.push_pull_message(join, user_state)

    def ping_request(self, str name not None, uint32_t seq_no):
        cdef Fields fields
        cdef bytes text = name.encode()
        if len(text) > NAME_BYTES_MAX:
            raise ValueError(f"a peer name has at most {NAME_BYTES_MAX} bytes, {name!r} has {len(text)}")
        self._fill_ping(&fields, seq_no, slice_of(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text)))
        return wrap_stream(self._one_map(M_PING, &fields), self.label)

    def ack_reply(self, uint32_t seq_no):
        cdef Fields fields
        clear(&fields)
        fields.number[N_SEQ_NO] = seq_no
        return wrap_stream(self._one_map(M_ACK, &fields), b"")

    def user_request(self, bytes payload not None):
        cdef Fields fields
        if PyBytes_GET_SIZE(payload) > USER_STATE_BYTES_MAX:
            raise ValueError(f"a user message of {len(payload)} bytes is longer than any receiver takes")
        clear(&fields)
        fields.number[N_USER_MSG_LEN] = PyBytes_GET_SIZE(payload)
        return wrap_stream(self._one_map(M_USER, &fields) + payload, self.label)

    def error_reply(self, str text not None):
        cdef Fields fields
        cdef bytes said = text.encode(errors="replace")[:ERROR_BYTES_MAX]
        clear(&fields)
        fields.text[T_ERROR] = slice_of(PyBytes_AS_STRING(said), PyBytes_GET_SIZE(said))
        return wrap_stream(self._one_map(M_ERROR, &fields), b"")

    def merge(self, int64_t now_us, message not None):
        self.state.merge(now_us, message)

    # Views.

    def members(self):
        cdef Node* node
        cdef int32_t i
        out = []
        for i in range(self.table.count):
            node = &self.table.nodes[self.table.order[i]]
            name = PyUnicode_DecodeUTF8(<char*>node.name, node.name_size, NULL)
            out.append(new_tuple(Member, (name, self._ip_of(node), node.port, node.state, node.incarnation)))
        return out

    def alive_count(self):
        return self.table.living

    def health_score(self):
        return self.state.score

    def queued_user_messages(self):
        return self.users.count

    def prune_user_messages(self, Py_ssize_t keep):
        return self.users.prune(keep)

    def counters(self):
        return {
            "packets_received": self.received,
            "packets_dropped": self.dropped + self.unpacker.dropped,
            "messages_ignored": self.ignored,
            "claims_refused": self.state.refused,
            "table_full": self.state.table_full,
            "name_conflicts": self.state.conflicts,
            "refutations": self.state.refutations,
            "relays_refused": self.relays_refused,
            "user_messages_sent": self.users_sent,
            "user_bytes_sent": self.user_bytes_sent,
            "broadcasts_dropped": self.state.queue.dropped + self.users.dropped,
        }
