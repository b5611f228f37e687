from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from amfast._ext.wire cimport Slice

cdef enum:
    RELAYS_MAX = 256

cdef struct Relay:
    int64_t deadline_us
    uint32_t seq_no
    uint32_t asked_seq_no
    uint16_t port
    uint8_t ip_size
    uint8_t ip[16]
    bint nack
    bint answered

cdef class Relays:
    cdef Relay ring[RELAYS_MAX]
    cdef uint32_t first, count
    cdef bint add(self, int64_t deadline_us, uint32_t seq_no, uint32_t asked_seq_no, bint nack, Slice ip,
                  int port) noexcept
    cdef Relay* find(self, uint32_t seq_no) noexcept
    cdef int64_t deadline_us(self) noexcept
    cdef Relay* pop(self) noexcept
