# cython: freethreading_compatible=True
"""Pings made for others: a ring, in order of both sequence number and deadline (reference gossip, section 10.3)."""

from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint32_t
from libc.string cimport memcpy

from amfast._ext.wire cimport Slice


cdef class Relays:
    cdef bint add(self, int64_t deadline_us, uint32_t seq_no, uint32_t asked_seq_no, bint nack, Slice ip,
                  int port) noexcept:
        """False when too many are under way."""
        cdef Relay* relay = &self.ring[(self.first + self.count) % RELAYS_MAX]
        if self.count == RELAYS_MAX:
            return False
        self.count += 1
        relay.deadline_us = deadline_us
        relay.seq_no = seq_no
        relay.asked_seq_no = asked_seq_no
        relay.nack = nack
        relay.answered = False
        relay.port = port
        relay.ip_size = ip.size
        memcpy(relay.ip, ip.data, ip.size)
        return True

    cdef Relay* find(self, uint32_t seq_no) noexcept:
        cdef uint32_t low = 0, high = self.count, middle
        while low < high:
            middle = (low + high) // 2
            if <int32_t>(self.ring[(self.first + middle) % RELAYS_MAX].seq_no - seq_no) < 0:
                low = middle + 1
            else:
                high = middle
        if low == self.count or self.ring[(self.first + low) % RELAYS_MAX].seq_no != seq_no:
            return NULL
        return &self.ring[(self.first + low) % RELAYS_MAX]

    cdef int64_t deadline_us(self) noexcept:
        return self.ring[self.first % RELAYS_MAX].deadline_us if self.count > 0 else INT64_MAX

    cdef Relay* pop(self) noexcept:
        """Take the oldest off; it stays readable until the next ``add``."""
        self.first += 1
        self.count -= 1
        return &self.ring[(self.first - 1) % RELAYS_MAX]
