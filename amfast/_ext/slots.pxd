# An open-addressed hash table from a tag to the number of a record that somebody else keeps.
#
# Linear probing, removal by shifting back (Knuth, TAOCP 6.4, algorithm R), at most two thirds full. Whoever looks
# something up walks the slots of a tag and compares the records:
#
#     place = tag & slots.mask
#     while slots.at[place].id != NOTHING:
#         if slots.at[place].tag == tag and is_it(slots.at[place].id): ...
#         place = (place + 1) & slots.mask

from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

cdef extern from *:
    """
    #define amf_prefetch(at) __builtin_prefetch(at)
    """
    void amf_prefetch(const void* at) nogil

cdef enum:
    NOTHING = 0xFFFFFFFFU

cdef struct Slot:
    uint32_t tag
    uint32_t id

cdef struct Slots:
    Slot* at
    uint32_t mask
    uint32_t used


cdef inline int slots_resize(Slots* slots, uint32_t size) except -1:
    # Move everything to a table of ``size`` slots, a power of two.
    cdef Slot* old = slots.at
    cdef uint32_t old_size = slots.mask + 1 if old != NULL else 0
    cdef uint32_t i, place
    cdef Slot* new = <Slot*>malloc(size * sizeof(Slot))
    if new == NULL:
        raise MemoryError
    memset(new, 0xFF, size * sizeof(Slot))
    slots.at = new
    slots.mask = size - 1
    for i in range(old_size):
        if old[i].id != NOTHING:
            place = old[i].tag & slots.mask
            while new[place].id != NOTHING:
                place = (place + 1) & slots.mask
            new[place] = old[i]
    free(old)
    return 0


cdef inline int slots_init(Slots* slots) except -1:
    slots.at = NULL
    slots.mask = slots.used = 0
    return slots_resize(slots, 64)


cdef inline void slots_expect(Slots* slots, uint32_t tag) noexcept nogil:
    # Have the memory fetched in which a tag will be looked up.
    amf_prefetch(&slots.at[tag & slots.mask])


cdef inline int slots_add(Slots* slots, uint32_t tag, uint32_t id) except -1:
    cdef uint32_t place
    if <size_t>slots.used * 3 >= (<size_t>slots.mask + 1) * 2:
        slots_resize(slots, (slots.mask + 1) * 2)
    place = tag & slots.mask
    while slots.at[place].id != NOTHING:
        place = (place + 1) & slots.mask
    slots.at[place].tag = tag
    slots.at[place].id = id
    slots.used += 1
    return 0


cdef inline void slots_remove(Slots* slots, uint32_t tag, uint32_t id) noexcept nogil:
    # Take out what was added under this tag and id.
    cdef uint32_t hole = tag & slots.mask, place, home
    while slots.at[hole].id != id:
        if slots.at[hole].id == NOTHING:
            return
        hole = (hole + 1) & slots.mask
    place = hole
    while True:
        place = (place + 1) & slots.mask
        if slots.at[place].id == NOTHING:
            break
        home = slots.at[place].tag & slots.mask
        # A record may fill the hole unless its home lies cyclically behind the hole, up to where it is.
        if ((place - home) & slots.mask) >= ((place - hole) & slots.mask):
            slots.at[hole] = slots.at[place]
            hole = place
    slots.at[hole].id = NOTHING
    slots.used -= 1
