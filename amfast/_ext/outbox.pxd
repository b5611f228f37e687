from libc.stdint cimport uint8_t, uint16_t

from amfast._ext.wire cimport Slice

cdef struct Datagram:
    Py_ssize_t at  # where its bytes begin in the room
    Py_ssize_t size
    uint16_t port
    uint8_t ip_size
    uint8_t ip[16]

cdef class Outbox:
    cdef uint8_t* room
    cdef Py_ssize_t used, capacity
    cdef Datagram* entries
    cdef int count, entry_capacity
    cdef uint8_t* reserve(self) except NULL
    cdef void commit(self, Py_ssize_t size, Slice ip, int port) noexcept
    cdef void clear(self) noexcept
    cdef list drain(self)
