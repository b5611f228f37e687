# cython: freethreading_compatible=True
"""Datagrams on their way out: written in place by the core, read in place by the system call that sends them."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from amfast._ext.frame cimport PACKET_BYTES_MAX
from amfast._ext.wire cimport Slice

cdef enum:
    FIRST_ENTRIES = 64
    KEPT_BYTES_MAX = 262144  # a larger block is given back when it is empty


cdef class Outbox:
    def __dealloc__(self):
        free(self.room)
        free(self.entries)

    cdef uint8_t* reserve(self) except NULL:
        """PACKET_BYTES_MAX bytes to write one packet to; ``commit`` keeps them."""
        cdef void* larger
        if self.capacity - self.used < PACKET_BYTES_MAX:
            larger = realloc(self.room, 2 * self.capacity + PACKET_BYTES_MAX)
            if larger == NULL:
                raise MemoryError
            self.room = <uint8_t*>larger
            self.capacity = 2 * self.capacity + PACKET_BYTES_MAX
        if self.count == self.entry_capacity:
            larger = realloc(self.entries, (2 * self.entry_capacity + FIRST_ENTRIES) * sizeof(Datagram))
            if larger == NULL:
                raise MemoryError
            self.entries = <Datagram*>larger
            self.entry_capacity = 2 * self.entry_capacity + FIRST_ENTRIES
        return self.room + self.used

    cdef void commit(self, Py_ssize_t size, Slice ip, int port) noexcept:
        """Keep what was written to the reserved room; ``ip`` has at most 16 bytes."""
        cdef Datagram* entry = &self.entries[self.count]
        entry.at = self.used
        entry.size = size
        entry.port = port
        entry.ip_size = ip.size
        memcpy(entry.ip, ip.data, ip.size)
        self.used += size
        self.count += 1

    cdef void clear(self) noexcept:
        self.used = 0
        self.count = 0
        if self.capacity > KEPT_BYTES_MAX:
            free(self.room)
            free(self.entries)
            self.room = NULL
            self.entries = NULL
            self.capacity = 0
            self.entry_capacity = 0

    cdef list drain(self):
        """Everything as (packet, ip, port), oldest first."""
        cdef Datagram* entry
        cdef int i
        out = []
        for i in range(self.count):
            entry = &self.entries[i]
            out.append((
                PyBytes_FromStringAndSize(<char*>self.room + entry.at, entry.size),
                PyBytes_FromStringAndSize(<char*>entry.ip, entry.ip_size),
                entry.port,
            ))
        self.clear()
        return out
