# Texts that many alerts have in common, each stored once: pairs of a name and a value, counted references.
#
# A pair is numbered; the number fits in four bytes and indexes whatever somebody wants to note about pairs. What is
# stored is the pair as JSON, ``"name":"value"``, ready to be copied into a listing, and the value as it is where
# the two differ.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from libc.string cimport memcmp

from amfast._ext.slots cimport NOTHING, Slots

cdef enum:
    WORD_BYTES = 16  # in which the JSON of pairs is copied
    SILENCE_ANCHOR = 2  # some silence asks for this very pair
    SOURCE_ANCHOR = 4  # some inhibition rule asks for it in its sources
    TARGET_ANCHOR = 8  # and in its targets
    ALL_MARKS = 0xFFFFFFFFU  # stands for alerts without any mark, too

cdef struct Pair:
    uint32_t refs
    uint32_t tag
    uint32_t name  # number of the name
    uint32_t json_size
    uint32_t value_at  # where the bare value begins, counted from ``bytes``
    uint32_t value_size
    uint32_t marks
    uint8_t* bytes  # behind this header; can be read to the end of a word

cdef struct Name:
    uint32_t refs
    uint32_t size
    uint8_t* bytes  # NULL for a number that is free
    uint64_t hash  # with which that of its pairs begins

cdef class Pool:
    cdef Pair** pairs
    cdef uint32_t pairs_size, pairs_room
    cdef uint32_t* free_pairs
    cdef uint32_t free_pairs_size, free_pairs_room
    cdef Name* names
    cdef uint32_t names_size, names_room
    cdef list free_names
    cdef list name_texts
    cdef Slots slots, by_name
    cdef uint64_t seed, factor
    cdef readonly uint64_t recycled
    """Grows when a number is given to another pair; whoever notes something by number must forget it then."""

    cdef Pair* _new_pair(self, uint32_t name, const uint8_t* value, size_t value_size) except NULL
    cdef int _grow_pairs(self) except -1
    cdef uint32_t intern(self, const uint8_t* name, size_t name_size, const uint8_t* value, size_t value_size) except? 0xFFFFFFFF
    cdef uint32_t tag_of(self, uint32_t name, const uint8_t* value, size_t value_size) noexcept
    cdef uint32_t intern_named(self, uint32_t tag, uint32_t name, const uint8_t* value, size_t value_size) except? 0xFFFFFFFF
    cdef void drop(self, uint32_t id) noexcept
    cdef uint32_t name_number(self, const uint8_t* name, size_t size) except? 0xFFFFFFFF
    cdef uint32_t find_name(self, const uint8_t* name, size_t size) noexcept
    cdef uint32_t _find_name(self, uint64_t hash, const uint8_t* name, size_t size) noexcept
    cdef void drop_name(self, uint32_t number) noexcept
    cdef str value_text(self, uint32_t id)
    cdef uint32_t intern_text(self, str name, str value) except? 0xFFFFFFFF


cdef inline int compare_bytes(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size) noexcept nogil:
    cdef int order
    if a_size and b_size and a[0] != b[0]:
        return -1 if a[0] < b[0] else 1
    order = memcmp(a, b, a_size if a_size < b_size else b_size)
    if order:
        return order
    return -1 if a_size < b_size else a_size > b_size


cdef inline bint is_name(Name* known, const uint8_t* name, size_t size) noexcept nogil:
    return known.size == size and known.bytes != NULL and memcmp(known.bytes, name, size) == 0


cdef inline bint is_pair(Pair* pair, uint32_t name, const uint8_t* value, size_t size) noexcept nogil:
    # ``pair`` may be NULL, which a free number has.
    return (
        pair != NULL
        and pair.name == name
        and pair.value_size == size
        and memcmp(pair.bytes + pair.value_at, value, size) == 0
    )
