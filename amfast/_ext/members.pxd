from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from amfast._ext.wire cimport Slice

cdef enum:
    S_ALIVE = 0
    S_SUSPECT = 1
    S_DEAD = 2
    S_LEFT = 3
    MEMBERS_MAX = 16384  # names; more are refused until old ones are reaped
    ACCUSERS_MAX = 3  # the first accuser and the confirmations that count

cdef struct Node:
    uint8_t* name
    uint8_t* meta  # NULL when empty
    uint16_t name_size
    uint16_t meta_size
    uint16_t port
    uint8_t ip_size
    uint8_t state
    uint8_t ip[16]
    uint8_t vsn[6]
    uint8_t accusers_max  # confirmations that shorten the timer, and one
    uint8_t accuser_count
    uint32_t incarnation
    int32_t next  # in its hash chain, or in the list of free ids
    int32_t heap_place  # -1: no suspicion timer
    int64_t changed_us
    int64_t suspected_us
    int64_t deadline_us
    int64_t shortest_us
    int64_t longest_us
    uint64_t accusers[ACCUSERS_MAX]  # hashes of their names

cdef class Members:
    cdef Node* nodes
    cdef int32_t* order  # ids in probing order
    cdef int32_t* picks  # room for a random choice
    cdef int32_t* heap  # ids with a suspicion timer, the earliest first
    cdef int32_t* chains
    cdef int32_t capacity, known, free_id, chain_count
    cdef readonly int32_t count
    cdef int32_t heap_count
    cdef int32_t living  # neither dead nor left
    cdef uint64_t random, hash_seed
    cdef uint64_t draw(self) noexcept
    cdef uint32_t below(self, uint32_t bound) noexcept
    cdef uint64_t hash_of(self, Slice name) noexcept
    cdef int32_t find(self, Slice name) noexcept
    cdef int _grow(self) except -1
    cdef int32_t insert(self, Slice name) except -2
    cdef void reap(self, int32_t id) noexcept
    cdef int set_meta(self, Node* node, Slice meta) except -1
    cdef void set_state(self, Node* node, int state, int64_t now_us) noexcept
    cdef void shuffle(self, int32_t* ids, int32_t size, int32_t picked) noexcept
    cdef void arm(self, int32_t id, int64_t deadline_us) noexcept
    cdef void disarm(self, int32_t id) noexcept
    cdef bint _earlier(self, int32_t a, int32_t b) noexcept
    cdef void _sift(self, int32_t place) noexcept
