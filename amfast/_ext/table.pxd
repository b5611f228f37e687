# The table of alerts: who is in it, what was said of it last, and in which bytes it was said.

from cpython.ref cimport PyObject
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from amfast._ext.instant cimport Instant
from amfast._ext.pool cimport Pool
from amfast._ext.slots cimport NOTHING, Slots

cdef enum RowState:
    STORED = 1  # the table lists it
    ORDERED = 2  # the order by fingerprint has it
    TIMEOUT = 4  # nobody sent its end: it was made of the resolve timeout

cdef struct Row:
    # One label set. It lives while the table stores it, a group holds it or Python looks at it.
    uint64_t fingerprint
    Instant starts
    Instant ends
    Instant updated
    uint32_t* labels  # pairs in name order; NULL for a row that is free
    PyObject* silenced  # a tuple of silence ids that match, NULL for none
    PyObject* inhibited  # a tuple of fingerprints in hexadecimal, NULL for none
    uint32_t labels_size
    uint32_t said  # the form whose annotations and URL hold
    uint32_t forms  # the first of its forms; of a free row, the next free one
    uint32_t place  # where it is routed, NOTHING before it is
    uint32_t groups  # how many groups hold it
    uint32_t placed  # how many of the groups of its place do
    uint32_t job  # the pair of this name, NOTHING without one
    uint32_t instance
    uint32_t refs  # how many Python objects look at it
    uint32_t changes
    uint32_t marks  # what its pairs are marked with, true at ``marks_seen``
    uint32_t marks_seen
    uint32_t silences_seen  # the version of the silences that ``silenced`` is true for
    uint32_t rules_seen  # the version of the inhibitions that ``inhibited`` is true for

cdef struct Form:
    # Everything an alert's JSON says but its end. Found again by the hash of its bytes without the end's.
    uint64_t hash
    Instant starts
    uint32_t* notes  # pairs of the annotations in name order; NULL without any
    uint32_t notes_size
    uint32_t url  # a pair, NOTHING without one
    uint32_t row  # NOTHING for a form that is free
    uint32_t sibling  # the next form of the same row, or the next free form
    uint32_t following  # the form that came behind it in a body: a guess at what comes next time
    uint32_t size  # bytes of the JSON object
    uint32_t end_at  # where the text of the end stands in them
    uint16_t end_size
    bint has_end
    bint is_known  # its bytes were remembered

cdef struct Ordered:
    uint64_t fingerprint
    uint32_t row

cdef struct Report:
    # What one item of a body says of a row.
    Instant starts
    Instant ends
    bint is_timeout

cdef class Router:
    # Whoever puts rows into groups; see grouping.pyx.
    cdef int take(self, Table table, uint32_t row) except -1
    cdef void leave(self, uint32_t place) noexcept
    cdef bint has_waiting(self) noexcept

cdef class Table:
    cdef readonly Pool pool
    cdef Row* rows
    cdef uint8_t* states
    cdef uint32_t rows_size, rows_room, free_row
    cdef Form* forms
    cdef uint32_t forms_size, forms_room, free_form
    cdef Slots by_labels, by_bytes
    cdef Ordered* order
    cdef size_t order_size, order_room, sorted_size
    cdef readonly uint32_t stored
    cdef uint64_t rows_reused  # grows when a row comes to hold another label set
    cdef uint64_t seed, factor  # of the hash of bytes
    cdef public object make_room
    cdef public object on_forgotten
    cdef public object on_shortened
    cdef public bint all_are_sources
    cdef list news, crowded, told
    cdef bint is_reading  # a body, whose alerts may name forms of rows that nobody holds
    cdef list leaving  # rows that nobody holds any more, since then
    cdef public bint keeps_told
    cdef Router router
    cdef uint32_t job, instance  # numbers of these names
    cdef uint32_t marks_version

    cdef uint32_t tag_of_pairs(self, const uint32_t* pairs, uint32_t size) noexcept
    cdef uint32_t find_row(self, uint32_t tag, uint64_t fingerprint, const uint32_t* labels, uint32_t size) noexcept
    cdef uint32_t new_row(self, uint32_t tag, uint64_t fingerprint, uint32_t* labels, uint32_t size) except? 0xFFFFFFFF
    cdef uint32_t find_form(self, uint64_t hash) noexcept
    cdef uint32_t new_form(self, uint32_t row) except? 0xFFFFFFFF
    cdef int remember_form(self, uint32_t form) except -1
    cdef int end_body(self) except -1
    cdef int _trim(self) except -1
    cdef int _grow_rows(self) except -1
    cdef int _store(self, uint32_t id) except -1
    cdef void _set_timeout(self, uint32_t id, bint is_timeout) noexcept
    cdef void _merge(self, uint32_t id, Report* said, Instant* now) noexcept
    cdef int _say(self, uint32_t id, uint32_t form) except -1
    cdef void _unless_said(self, uint32_t id, uint32_t form) noexcept
    cdef void _drop_form(self, uint32_t number) noexcept
    cdef int _compact(self) except -1
    cdef int report(self, uint32_t row, uint32_t form, Report* said, Instant* now) except -1
    cdef void let_go(self, uint32_t row) noexcept
    cdef uint32_t marks_of(self, uint32_t row) noexcept
    cdef int sort_order(self) except -1
    cdef int _forget(self, uint32_t id) except -1
    cdef dict _texts(self, const uint32_t* pairs, uint32_t size)
    cdef tuple fields(self, uint32_t id)
    cdef StoredAlert look_at(self, uint32_t id)
    cdef size_t first_behind(self, uint64_t fingerprint, uint32_t row) noexcept
    cdef uint32_t label(self, uint32_t row, uint32_t name) noexcept


cdef class StoredAlert:
    cdef Table table
    cdef readonly uint32_t row
