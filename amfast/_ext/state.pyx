# cython: freethreading_compatible=True
"""What is believed of each member, and the rules that change it (reference gossip, sections 9, 10.5 and 12)."""

from typing import NamedTuple

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8
from libc.math cimport floor, log, log10
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy

from amfast._ext.broadcast cimport Broadcasts
from amfast._ext.members cimport (
    MEMBERS_MAX,
    S_ALIVE,
    S_DEAD,
    S_LEFT,
    S_SUSPECT,
    Members,
    Node,
)
from amfast._ext.wire cimport (
    BODY_BYTES_MAX,
    M_ALIVE,
    M_DEAD,
    M_PUSH_PULL,
    M_SUSPECT,
    META_BYTES_MAX,
    N_INCARNATION,
    N_JOIN,
    N_NODES,
    N_PORT,
    N_STATE,
    N_USER_STATE_LEN,
    NAME_BYTES_MAX,
    NODE_STATE,
    T_ADDR,
    T_FROM,
    T_META,
    T_NAME,
    T_NODE,
    T_VSN,
    VSN_BYTES,
    Fields,
    Slice,
    clear,
    encode,
    is_utf8,
    same,
    slice_of,
)

from amfast._ext.wire import RemoteError

ALIVE = 0
SUSPECT = 1
DEAD = 2
LEFT = 3

cdef enum:
    SELF = 0  # the node's own id
    SUSPICION_MULTIPLIER = 4
    SUSPICION_LONGEST = 6
    CONFIRMATIONS = 2
    SCORE_MAX = 7
    GOSSIP_TO_DEAD_US = 30_000_000
    NODE_BYTES_MAX = 128  # of a push/pull entry, without its name and meta
    PROTOCOL = 2
    DELEGATE = 0

class Event(NamedTuple):
    kind: str
    name: str = ""
    ip: bytes = b""
    port: int = 0
    data: bytes = b""
    value: int = 0


cdef object new_tuple = tuple.__new__


cdef int64_t shortest_suspicion_us(Py_ssize_t members, int64_t probe_interval_us) noexcept nogil:
    cdef double scale = log10(<double>members) if members > 10 else 1.0
    return SUSPICION_MULTIPLIER * <int64_t>(scale * 1000) * probe_interval_us // 1000


cdef int64_t total_suspicion_us(int64_t shortest_us, int64_t longest_us, int confirmations, int wanted) noexcept nogil:
    cdef double share = log(<double>confirmations + 1) / log(<double>wanted + 1)
    cdef double seconds = longest_us / 1e6 - share * ((longest_us - shortest_us) / 1e6)
    return max(shortest_us, <int64_t>floor(1000 * seconds) * 1000)


def suspicion_span_us(Py_ssize_t members, int64_t probe_interval_us):
    cdef int64_t shortest = shortest_suspicion_us(members, probe_interval_us)
    return shortest, SUSPICION_LONGEST * shortest


def suspicion_total_us(int64_t shortest_us, int64_t longest_us, int confirmations, int confirmations_max):
    return total_suspicion_us(shortest_us, longest_us, confirmations, confirmations_max)


cdef class State:
    def __cinit__(self, seed, int bind_port, int64_t probe_interval_us):
        self.members = Members(seed)
        self.queue = Broadcasts(MEMBERS_MAX)
        self.events = []
        self.bind_port = bind_port
        self.probe_interval_us = probe_interval_us

    cdef Slice name_of(self, int id) noexcept:
        return slice_of(self.members.nodes[id].name, self.members.nodes[id].name_size)

    cdef int note(self, str kind, int id, int64_t value) except -1:
        """Add an event about a member."""
        cdef Node* node = &self.members.nodes[id]
        name = PyUnicode_DecodeUTF8(<char*>node.name, node.name_size, NULL)
        ip = PyBytes_FromStringAndSize(<char*>node.ip, node.ip_size)
        self.events.append(new_tuple(Event, (kind, name, ip, node.port, b"", value)))
        return 0

    cdef void change_score(self, int by) noexcept:
        self.score = max(0, min(SCORE_MAX, self.score + by))

    # What is sent on.

    cdef int announce(self, Fields* alive, int id) except -1:
        """Queue an alive message with these fields."""
        cdef uint8_t message[BODY_BYTES_MAX]
        message[0] = M_ALIVE
        self.queue.put(message, encode(M_ALIVE, alive, message + 1) - message, id)
        return 0

    cdef int spread(self, int kind, Slice accused, Slice accuser, uint32_t incarnation, int id) except -1:
        """Queue a suspect or dead message."""
        cdef uint8_t message[BODY_BYTES_MAX]
        cdef Fields fields
        clear(&fields)
        fields.text[T_NODE] = accused
        fields.text[T_FROM] = accuser
        fields.number[N_INCARNATION] = incarnation
        message[0] = kind
        self.queue.put(message, encode(kind, &fields, message + 1) - message, id)
        return 0

    # The rules.

    cdef int start(self, int64_t now_us, Fields* own) except -1:
        """Enter the node itself; its id is 0."""
        self.incarnation += 1
        own.number[N_INCARNATION] = self.incarnation
        self.members.insert(own.text[T_NODE])
        self._set_address(own, SELF)
        self.note("alive", SELF, 0)
        self._take_over(now_us, own, SELF)
        return 0

    cdef bint sane(self, Fields* alive) noexcept:
        """Whether an alive message may be kept and sent on: nothing in it can harm another node.

        Other versions than the ones that every Alertmanager speaks would make every later exchange fail, for everyone.
        """
        cdef Slice name = alive.text[T_NODE]
        cdef Slice vsn = alive.text[T_VSN]
        cdef const uint8_t* v = vsn.data
        if name.size == 0 or name.size > NAME_BYTES_MAX or not is_utf8(name):
            return False
        if alive.text[T_META].size > META_BYTES_MAX or alive.text[T_ADDR].size not in (4, 16):
            return False
        if vsn.size < VSN_BYTES or v[0] == 0 or v[0] > PROTOCOL or v[1] < PROTOCOL or v[2] != PROTOCOL:
            return False
        return v[3] == DELEGATE and v[5] == DELEGATE

    cdef void _set_address(self, Fields* claim, int id) noexcept:
        cdef Node* node = &self.members.nodes[id]
        node.ip_size = claim.text[T_ADDR].size
        memcpy(node.ip, claim.text[T_ADDR].data, node.ip_size)
        node.port = claim.number[N_PORT]
        memcpy(node.vsn, claim.text[T_VSN].data, VSN_BYTES)

    cdef int alive(self, int64_t now_us, Fields* claim) except -1:
        """Rule 9.1. ``claim`` has the fields of an alive message; its port and version bytes are put right."""
        cdef int id = self.members.find(claim.text[T_NODE])
        cdef uint32_t incarnation = claim.number[N_INCARNATION]
        cdef bint moved = False
        cdef Node* node
        if id == SELF and self.left:
            return 0
        if not self.sane(claim) or (id < 0 and incarnation == 0):
            self.refused += 1
            return 0
        claim.text[T_VSN].size = VSN_BYTES
        if claim.number[N_PORT] == 0:
            claim.number[N_PORT] = self.bind_port
        if id < 0:
            id = self.members.insert(claim.text[T_NODE])
            if id < 0:
                self.table_full += 1
                return 0
            self._set_address(claim, id)
        self.note("alive", id, 0)
        node = &self.members.nodes[id]
        if node.port != claim.number[N_PORT] or not same(slice_of(node.ip, node.ip_size), claim.text[T_ADDR]):
            if node.state != S_LEFT:
                return self._conflict(claim)
            moved = True
        if incarnation < node.incarnation and not moved:
            return 0
        if incarnation == node.incarnation and id != SELF and not moved:
            return 0
        self.members.disarm(id)
        if id != SELF:
            return self._take_over(now_us, claim, id)
        if incarnation == node.incarnation and claim.text[T_META].size == node.meta_size == 0:
            if memcmp(node.vsn, claim.text[T_VSN].data, VSN_BYTES) == 0:
                return 0
        return self.refute(incarnation)

    cdef int _conflict(self, Fields* claim) except -1:
        """The name is taken by another address: the first one known stays."""
        cdef Slice name = claim.text[T_NODE]
        cdef Slice ip = claim.text[T_ADDR]
        self.conflicts += 1
        self.events.append(new_tuple(Event, (
            "conflict", PyUnicode_DecodeUTF8(<char*>name.data, name.size, NULL),
            PyBytes_FromStringAndSize(<char*>ip.data, ip.size), claim.number[N_PORT], b"", 0,
        )))
        return 0

    cdef int _take_over(self, int64_t now_us, Fields* claim, int id) except -1:
        """Believe the claim, and pass it on."""
        cdef Node* node = &self.members.nodes[id]
        cdef int before = node.state
        cdef bint updated = not same(slice_of(node.meta, node.meta_size), claim.text[T_META])
        self.announce(claim, id)
        node.incarnation = claim.number[N_INCARNATION]
        self.members.set_meta(node, claim.text[T_META])
        self._set_address(claim, id)
        if before != S_ALIVE:
            self.members.set_state(node, S_ALIVE, now_us)
        if before >= S_DEAD:
            self.note("join", id, 0)
        elif updated:
            self.note("update", id, 0)
        return 0

    cdef int refute(self, uint32_t accused) except -1:
        """Rule 9.4: the node is alive after all, at an incarnation above the one in the accusation.

        The counter passes over 0 when it wraps: at 0 nobody would ever believe an alive message again.
        """
        cdef Node* node = &self.members.nodes[SELF]
        cdef Fields own
        self.incarnation += 1
        if accused >= self.incarnation:
            self.incarnation = accused + 1
        if self.incarnation == 0:
            self.incarnation = 1
        node.incarnation = self.incarnation
        self.change_score(1)
        self.refutations += 1
        clear(&own)
        own.text[T_NODE] = self.name_of(SELF)
        own.text[T_ADDR] = slice_of(node.ip, node.ip_size)
        own.text[T_META] = slice_of(node.name, 0)
        own.text[T_VSN] = slice_of(node.vsn, VSN_BYTES)
        own.number[N_PORT] = node.port
        own.number[N_INCARNATION] = node.incarnation
        self.announce(&own, SELF)
        self.note("refuted", SELF, node.incarnation)
        return 0

    cdef int suspect(self, int64_t now_us, Slice accused, Slice accuser, uint32_t incarnation) except -1:
        """Rule 9.2."""
        cdef int id = self.members.find(accused)
        cdef Node* node
        if id < 0:
            return 0
        node = &self.members.nodes[id]
        if incarnation < node.incarnation:
            return 0
        if accuser.size > NAME_BYTES_MAX or not is_utf8(accuser):
            self.refused += 1
            return 0
        if node.heap_place >= 0:
            if self._confirm(now_us, id, accuser):
                self.spread(M_SUSPECT, accused, accuser, incarnation, id)
            return 0
        if node.state != S_ALIVE:
            return 0
        if id == SELF:
            return self.refute(incarnation)
        self.spread(M_SUSPECT, accused, accuser, incarnation, id)
        node.incarnation = incarnation
        self.members.set_state(node, S_SUSPECT, now_us)
        self._arm(now_us, id, accuser)
        return self.note("suspect", id, 0)

    cdef void _arm(self, int64_t now_us, int id, Slice accuser) noexcept:
        """Start the suspicion timer (10.5). In a small cluster nobody is there to confirm: it is short at once."""
        cdef Node* node = &self.members.nodes[id]
        cdef int confirmations = CONFIRMATIONS if self.members.count - 2 >= CONFIRMATIONS else 0
        node.shortest_us = shortest_suspicion_us(self.members.count, self.probe_interval_us)
        node.longest_us = SUSPICION_LONGEST * node.shortest_us
        node.suspected_us = now_us
        node.accusers[0] = self.members.hash_of(accuser)
        node.accuser_count = 1
        node.accusers_max = 1 + confirmations
        self.members.arm(id, now_us + (node.longest_us if confirmations else node.shortest_us))

    cdef bint _confirm(self, int64_t now_us, int id, Slice accuser) noexcept:
        """Take another accuser into account; false if that is nothing new."""
        cdef Node* node = &self.members.nodes[id]
        cdef uint64_t who = self.members.hash_of(accuser)
        cdef int i
        if node.accuser_count >= node.accusers_max:
            return False
        for i in range(node.accuser_count):
            if node.accusers[i] == who:
                return False
        node.accusers[node.accuser_count] = who
        node.accuser_count += 1
        self.members.arm(id, max(now_us, node.suspected_us + total_suspicion_us(
            node.shortest_us, node.longest_us, node.accuser_count - 1, node.accusers_max - 1)))
        return True

    cdef int dead(self, int64_t now_us, Slice accused, Slice accuser, uint32_t incarnation) except -1:
        """Rule 9.3. Who says it of himself has left."""
        cdef int id = self.members.find(accused)
        cdef Node* node
        if id < 0:
            return 0
        node = &self.members.nodes[id]
        if incarnation < node.incarnation:
            return 0
        if accuser.size > NAME_BYTES_MAX or not is_utf8(accuser):
            self.refused += 1
            return 0
        self.members.disarm(id)
        if node.state >= S_DEAD:
            return 0
        if id == SELF and not self.left:
            return self.refute(incarnation)
        self.spread(M_DEAD, accused, accuser, incarnation, id)
        node.incarnation = incarnation
        self.members.set_state(node, S_LEFT if same(accused, accuser) else S_DEAD, now_us)
        if node.state == S_DEAD:
            self.note("dead", id, 0)
        return self.note("leave", id, 0)

    cdef int expire(self, int64_t now_us) except -1:
        """Declare dead whose suspicion ran out."""
        cdef int id
        while self.members.heap_count > 0:
            id = self.members.heap[0]
            if self.members.nodes[id].deadline_us > now_us:
                break
            self.dead(now_us, self.name_of(id), self.name_of(SELF), self.members.nodes[id].incarnation)
        return 0

    cdef void reap(self, int64_t now_us) noexcept:
        """Forget who is dead or gone for long (9.6), and shuffle the rest."""
        cdef int32_t i, id, kept = 0
        cdef Node* node
        for i in range(self.members.count):
            id = self.members.order[i]
            node = &self.members.nodes[id]
            if id != SELF and node.state >= S_DEAD and now_us - node.changed_us > GOSSIP_TO_DEAD_US:
                self.queue.disown(id)
                self.members.reap(id)
            else:
                self.members.order[kept] = id
                kept += 1
        self.members.count = kept
        self.members.shuffle(self.members.order, kept, kept)

    # Push/pull.

    cdef bytes push_pull_message(self, bint join, bytes user_state):
        """The whole table and the user state, as one message (4.8)."""
        cdef Members members = self.members
        cdef Fields fields
        cdef Py_ssize_t room = BODY_BYTES_MAX + PyBytes_GET_SIZE(user_state)
        cdef uint8_t* message
        cdef uint8_t* to
        cdef Node* node
        cdef int32_t i
        for i in range(members.count):
            node = &members.nodes[members.order[i]]
            room += NODE_BYTES_MAX + node.name_size + node.meta_size
        message = <uint8_t*>malloc(room)
        if message == NULL:
            raise MemoryError
        clear(&fields)
        fields.number[N_JOIN] = join
        fields.number[N_NODES] = members.count
        fields.number[N_USER_STATE_LEN] = PyBytes_GET_SIZE(user_state)
        message[0] = M_PUSH_PULL
        to = encode(M_PUSH_PULL, &fields, message + 1)
        for i in range(members.count):
            node = &members.nodes[members.order[i]]
            fields.text[T_NAME] = slice_of(node.name, node.name_size)
            fields.text[T_META] = slice_of(node.meta if node.meta != NULL else node.name, node.meta_size)
            fields.text[T_ADDR] = slice_of(node.ip, node.ip_size)
            fields.text[T_VSN] = slice_of(node.vsn, VSN_BYTES)
            fields.number[N_PORT] = node.port
            fields.number[N_INCARNATION] = node.incarnation
            fields.number[N_STATE] = node.state
            to = encode(NODE_STATE, &fields, to)
        memcpy(to, PyBytes_AS_STRING(user_state), PyBytes_GET_SIZE(user_state))
        try:
            return PyBytes_FromStringAndSize(<char*>message, to - message + PyBytes_GET_SIZE(user_state))
        finally:
            free(message)

    def _check_versions(self, message):
        """Rule 12.2: everybody's current versions inside the ranges of everybody alive, or nothing is merged."""
        cdef Members members = self.members
        cdef int lowest = 0, highest = 255, d_lowest = 0, d_highest = 255
        cdef int32_t i
        cdef const uint8_t* v
        versions = [message.versions[i] for i in range(len(message.nodes)) if message.nodes[i].state == S_ALIVE]
        local = []
        for i in range(members.count):
            v = members.nodes[members.order[i]].vsn
            local.append(v[:VSN_BYTES])
            if members.nodes[members.order[i]].state == S_ALIVE:
                versions.append(v[:VSN_BYTES])
        for vsn in set(versions):
            if len(vsn) >= 5:
                lowest = max(lowest, vsn[0])
                highest = min(highest, vsn[1])
                d_lowest = max(d_lowest, vsn[3])
                d_highest = min(d_highest, vsn[4])
        for vsn in {*local, *message.versions}:
            protocol, delegate = (vsn[2], vsn[5]) if len(vsn) >= VSN_BYTES else (0, 0)
            if not (lowest <= protocol <= highest and d_lowest <= delegate <= d_highest):
                raise RemoteError("the peer's node list has incompatible protocol versions; nothing was merged")

    cdef int merge(self, int64_t now_us, message) except -1:
        """Rule 12.3. A node that the peer holds dead is only suspected here."""
        cdef Fields claim
        cdef Slice name
        cdef bytes ip, vsn, meta
        self._check_versions(message)
        metas = message.metas or (b"",) * len(message.nodes)
        for (text, ip, port, state, incarnation), vsn, meta in zip(
            message.nodes, message.versions, metas, strict=True
        ):
            name.data = <const uint8_t*>PyUnicode_AsUTF8AndSize(text, &name.size)
            if state == S_ALIVE:
                clear(&claim)
                claim.text[T_NODE] = name
                claim.text[T_ADDR] = slice_of(PyBytes_AS_STRING(ip), PyBytes_GET_SIZE(ip))
                claim.text[T_META] = slice_of(PyBytes_AS_STRING(meta), PyBytes_GET_SIZE(meta))
                claim.text[T_VSN] = slice_of(PyBytes_AS_STRING(vsn), PyBytes_GET_SIZE(vsn))
                claim.number[N_PORT] = port
                claim.number[N_INCARNATION] = incarnation
                self.alive(now_us, &claim)
            elif state == S_LEFT:
                self.dead(now_us, name, name, incarnation)
            elif state == S_SUSPECT or state == S_DEAD:
                self.suspect(now_us, name, self.name_of(SELF), incarnation)
        return 0
