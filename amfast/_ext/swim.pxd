from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from amfast._ext.broadcast cimport Broadcasts
from amfast._ext.frame cimport Packer
from amfast._ext.members cimport Members, Node
from amfast._ext.outbox cimport Outbox
from amfast._ext.relays cimport Relay, Relays
from amfast._ext.state cimport State
from amfast._ext.unpack cimport Unpacker
from amfast._ext.wire cimport Fields, Slice

cdef enum ProbePhase:
    IDLE, DIRECT, INDIRECT

cdef enum Choice:
    ANY_ALIVE, ANY_TO_GOSSIP

cdef class Core:
    cdef State state
    cdef Members table
    cdef Broadcasts users
    cdef Packer packer
    cdef Unpacker unpacker
    cdef Relays relays  # pings for others
    cdef bytes name, ip, label
    cdef Outbox outbox
    cdef list wanted
    cdef int port
    cdef uint32_t seq_no
    cdef int64_t probe_interval_us, probe_timeout_us, gossip_interval_us, push_pull_interval_us, tcp_timeout_us
    cdef int gossip_nodes, user_retransmit
    # Tickers.
    cdef int64_t now_us, next_probe_us, next_gossip_us, next_push_pull_us
    # The probe under way, and where the next one looks.
    cdef ProbePhase phase
    cdef bint probe_due, tcp_answered
    cdef int32_t probed, place
    cdef uint32_t probe_seq_no, probed_incarnation
    cdef int64_t probe_sent_us, probe_direct_us, probe_until_us
    cdef int nacks_expected, nacks
    cdef uint64_t received, dropped, ignored, relays_refused, users_sent, user_bytes_sent
    cdef Slice own_name(self) noexcept
    cdef Slice own_ip(self) noexcept
    cdef int64_t _push_pull_interval_us(self) noexcept
    cdef int _choose(self, int wanted, Choice choice, int32_t other, int64_t now_us) noexcept
    cdef int _dial(self, str kind, int32_t id, uint32_t seq_no, int64_t deadline_us) except -1
    cdef bytes _ip_of(self, Node* node)
    cdef int _probe(self, int64_t now_us) except -1
    cdef int _ping(self, int64_t now_us, int32_t id) except -1
    cdef void _fill_ping(self, Fields* fields, uint32_t seq_no, Slice name) noexcept
    cdef int _probe_indirectly(self, int64_t now_us) except -1
    cdef int _probe_failed(self, int64_t now_us) except -1
    cdef int _take_ack(self, int64_t now_us, uint32_t seq_no) except -1
    cdef int _relay(self, int64_t now_us, Fields* asked, Slice ip, int port) except -1
    cdef int _answer_relay(self, int kind, Relay* relay) except -1
    cdef int _expire_relays(self, int64_t now_us) except -1
    cdef int _fill_packet(self) noexcept
    cdef int _send(self, int kind, Fields* fields, Slice ip, int port) except -1
    cdef int _post(self, bint checksum, Slice ip, int port) except -1
    cdef int _gossip(self, int64_t now_us) except -1
    cdef int take(self, int64_t now_us, const uint8_t* packet, Py_ssize_t size, Slice ip, int port) except -1
    cdef int _take(self, int64_t now_us, const uint8_t* data, Py_ssize_t size, Slice ip, int port) except -1
    cdef int _take_ping(self, Fields* ping, Slice ip, int port) except -1
    cdef bytes _one_map(self, int kind, Fields* fields)
    cdef bytes _own_state(self, bint join, bytes user_state)
