from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

from amfast._ext.broadcast cimport Broadcasts
from amfast._ext.members cimport Members, Node
from amfast._ext.wire cimport Fields, Slice

cdef class State:
    cdef Members members
    cdef Broadcasts queue  # membership messages
    cdef list events
    cdef uint16_t bind_port
    cdef uint32_t incarnation  # the counter of the node's own
    cdef int score
    cdef bint left
    cdef int64_t probe_interval_us
    cdef uint64_t refused, conflicts, refutations, table_full
    cdef Slice name_of(self, int id) noexcept
    cdef int note(self, str kind, int id, int64_t value) except -1
    cdef void change_score(self, int by) noexcept
    cdef int start(self, int64_t now_us, Fields* own) except -1
    cdef int announce(self, Fields* alive, int id) except -1
    cdef int spread(self, int kind, Slice accused, Slice accuser, uint32_t incarnation, int id) except -1
    cdef bint sane(self, Fields* alive) noexcept
    cdef int alive(self, int64_t now_us, Fields* claim) except -1
    cdef void _set_address(self, Fields* claim, int id) noexcept
    cdef int _conflict(self, Fields* claim) except -1
    cdef int _take_over(self, int64_t now_us, Fields* claim, int id) except -1
    cdef int refute(self, uint32_t accused) except -1
    cdef int suspect(self, int64_t now_us, Slice accused, Slice accuser, uint32_t incarnation) except -1
    cdef void _arm(self, int64_t now_us, int id, Slice accuser) noexcept
    cdef bint _confirm(self, int64_t now_us, int id, Slice accuser) noexcept
    cdef int dead(self, int64_t now_us, Slice accused, Slice accuser, uint32_t incarnation) except -1
    cdef int expire(self, int64_t now_us) except -1
    cdef int merge(self, int64_t now_us, message) except -1
    cdef void reap(self, int64_t now_us) noexcept
    cdef bytes push_pull_message(self, bint join, bytes user_state)
