from libc.stdint cimport uint8_t, uint16_t, uint32_t

from amfast._ext.broadcast cimport Broadcasts

cdef enum:
    PACKET_BYTES_BUDGET = 1400  # what a sender aims at; larger datagrams are accepted
    PARTS_MAX = 255  # of a compound message: its count is one byte
    SPARE_BYTES = 4  # that put_compressed needs behind its room
    ROOM_BYTES = 4096  # a direct message, and what the budget lets be added to it
    PACKET_BYTES_MAX = 4608  # of one packet and all its layers

cdef uint32_t crc32(const uint8_t* data, Py_ssize_t size) noexcept nogil
cdef Py_ssize_t put_compressed(const uint8_t* message, Py_ssize_t size, uint8_t* out, Py_ssize_t room) noexcept nogil

cdef class Packer:
    cdef bytes label
    cdef int parts
    cdef Py_ssize_t used
    cdef Py_ssize_t free  # of the budget, for what may still be added
    cdef uint16_t sizes[PARTS_MAX]
    cdef uint8_t bodies[ROOM_BYTES]
    cdef void begin(self) noexcept
    cdef void add(self, const uint8_t* message, Py_ssize_t size) noexcept
    cdef void fill(self, Broadcasts queue, int overhead, int retransmits, int lead) noexcept
    cdef Py_ssize_t finish(self, uint8_t* to, bint checksum) noexcept
