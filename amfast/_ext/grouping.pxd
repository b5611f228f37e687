# Which groups an alert is in: rows that are alike to the routing tree share a place, a place has its groups.

from cpython.ref cimport PyObject
from libc.stdint cimport uint8_t, uint32_t

from amfast._ext.slots cimport NOTHING, Slots
from amfast._ext.table cimport Router, Table

cdef struct Place:
    uint32_t* pairs  # those of the labels that routing looks at, in name order; NULL for a place that is free
    uint32_t size
    uint32_t tag
    uint32_t refs  # rows that are here
    uint32_t epoch  # when it was made
    uint32_t next_free
    bint is_alive  # rows may still come here
    PyObject* groups  # a tuple of Members
    PyObject* receivers  # bytes: their names as JSON, in the order of the routes
    PyObject* names  # a tuple of their names

cdef class Places(Router):
    cdef Table table
    cdef Place* places
    cdef uint32_t places_size, places_room, free_place
    cdef Slots by_pairs
    cdef set relevant  # numbers of the names that routing looks at, None for all
    cdef uint8_t* is_relevant
    cdef uint32_t relevant_size
    cdef list unplaced
    cdef readonly uint32_t epoch

    cdef int _look_at_names(self) except -1
    cdef uint32_t _tag(self, const uint32_t* pairs, uint32_t size) noexcept
    cdef uint32_t _project(self, uint32_t row, uint32_t* pairs) except? 0xFFFFFFFF
    cdef uint32_t _find(self, uint32_t tag, const uint32_t* pairs, uint32_t size) noexcept
    cdef int _enter(self, uint32_t row, uint32_t place) except -1
    cdef bint _is_open(self, uint32_t place) noexcept
    cdef void _kill(self, uint32_t place) noexcept
    cdef void _free(self, uint32_t place) noexcept

cdef class Members:
    cdef Table table
    cdef Places places
    cdef readonly str receiver
    cdef public tuple muted_by
    cdef object make_tail
    cdef bytes tail  # made when it is first needed
    cdef public bint keeps_tail
    cdef uint32_t* rows
    cdef uint32_t size, room, sorted_size
    cdef uint32_t epoch
    cdef readonly bint is_closed
    cdef Merge* merge

    cdef int add(self, uint32_t row) except -1
    cdef bint has(self, uint32_t row) noexcept
    cdef bint sort_some(self, uint32_t comparisons) except -1
    cdef void _insert_tail(self) noexcept
    cdef void _stop_sorting(self) noexcept
    cdef void drop(self, uint32_t row) noexcept

cdef struct Merge:
    # A sort under way: of what came since, bottom up, and in the end with what was sorted before.
    uint32_t* source
    uint32_t* target
    uint32_t* whole  # the result; NULL until the last merge begins
    uint32_t first, size, width
    uint32_t low, left, right, at
