from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef struct Item:
    uint8_t* message
    uint32_t size
    int32_t owner  # the member that the message is about, or -1
    uint32_t transmits
    uint64_t number  # of its insertion

cdef class Broadcasts:
    cdef Item* items  # in the order in which they are taken
    cdef Item* owned  # by owner: the key of its item; number 0 if it has none
    cdef Py_ssize_t count, capacity, count_max, owners
    cdef uint64_t inserted
    cdef readonly uint64_t dropped
    cdef void _insert(self, Item item) noexcept
    cdef void _remove(self, Py_ssize_t place) noexcept
    cdef Py_ssize_t _place(self, const Item* item) noexcept
    cdef int _know(self, int32_t owner) except -1
    cdef bint holds(self, int32_t owner) noexcept
    cdef void disown(self, int32_t owner) noexcept
    cdef int put(self, const uint8_t* message, Py_ssize_t size, int32_t owner) except -1
    cdef int take_into(self, int overhead, Py_ssize_t limit, int retransmits, int parts_max, uint8_t* to,
                       uint16_t* sizes, int lead) noexcept

cdef int retransmit_limit(int multiplier, Py_ssize_t members) noexcept nogil
