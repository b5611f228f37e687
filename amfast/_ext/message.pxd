# An alert as a flush saw it, complete in itself whatever becomes of its row, and what a webhook's message says of it.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from amfast._ext.instant cimport Instant, Second
from amfast._ext.pool cimport Pool

cdef struct Seen:
    uint64_t fingerprint
    uint64_t hash  # of the labels, as the log keeps it
    Instant starts
    Instant ends
    Instant updated
    size_t first  # where its pairs stand: labels, then annotations, each in name order
    uint32_t labels_size
    uint32_t notes_size
    uint32_t url  # a pair, NOTHING without one
    bint has_ended
    bint is_timeout

cdef struct Text:
    # JSON that grows.
    uint8_t* bytes
    size_t size, room

cdef uint64_t hash_of(Pool pool, const uint32_t* labels, uint32_t size) except? 0
cdef int write_alert(Text* text, Pool pool, Seen* alert, const uint32_t* pairs, Second* second, bint follows) except -1
cdef bytes object_of(Pool pool, const uint32_t* pairs, uint32_t size)
cdef uint32_t keep_common(
    Pool pool, uint32_t* common, uint32_t size, const uint32_t* others, uint32_t others_size
) noexcept
