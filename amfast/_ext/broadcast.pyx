# cython: freethreading_compatible=True
"""The broadcast queue (reference gossip, section 11): one sorted array, small enough to move entries about."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove, memset

cdef enum:
    MESSAGE_BYTES_MAX = 1398  # longer ones never fit in the budget of a packet
    TAKEN_MAX = 255
    FIRST_CAPACITY = 8


cdef int retransmit_limit(int multiplier, Py_ssize_t members) noexcept nogil:
    """``multiplier`` for each decimal digit of the number of members."""
    cdef int digits = 0
    while members > 0:
        digits += 1
        members //= 10
    return multiplier * digits


def retransmits(int multiplier, Py_ssize_t members):
    return retransmit_limit(multiplier, members)


cdef inline bint before(const Item* a, const Item* b) noexcept nogil:
    if a.transmits != b.transmits:
        return a.transmits < b.transmits
    if a.size != b.size:
        return a.size > b.size
    return a.number > b.number


cdef class Broadcasts:
    def __cinit__(self, Py_ssize_t count_max):
        self.count_max = max(count_max, 1)

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.count):
            free(self.items[i].message)
        free(self.items)
        free(self.owned)

    def __len__(self):
        return self.count

    cdef Py_ssize_t _place(self, const Item* item) noexcept:
        """Where an item stands or would stand."""
        cdef Py_ssize_t low = 0, high = self.count
        while low < high:
            if before(&self.items[(low + high) // 2], item):
                low = (low + high) // 2 + 1
            else:
                high = (low + high) // 2
        return low

    cdef void _insert(self, Item item) noexcept:
        """Put an item in its place; there must be room."""
        cdef Py_ssize_t place = self._place(&item)
        memmove(&self.items[place + 1], &self.items[place], (self.count - place) * sizeof(Item))
        self.items[place] = item
        self.count += 1
        if item.owner >= 0:
            self.owned[item.owner] = item

    cdef void _remove(self, Py_ssize_t place) noexcept:
        """Forget an item without freeing its message."""
        if self.items[place].owner >= 0:
            self.owned[self.items[place].owner].number = 0
        self.count -= 1
        memmove(&self.items[place], &self.items[place + 1], (self.count - place) * sizeof(Item))

    cdef int _know(self, int32_t owner) except -1:
        """Make room for one more owner in the table that finds an owner's item."""
        cdef Py_ssize_t grown = max(FIRST_CAPACITY, self.owners)
        cdef Item* larger
        while grown <= owner:
            grown *= 2
        if grown > self.owners:
            larger = <Item*>realloc(self.owned, grown * sizeof(Item))
            if larger == NULL:
                raise MemoryError
            memset(larger + self.owners, 0, (grown - self.owners) * sizeof(Item))
            self.owned = larger
            self.owners = grown
        return 0

    cdef bint holds(self, int32_t owner) noexcept:
        return 0 <= owner < self.owners and self.owned[owner].number > 0

    cdef void disown(self, int32_t owner) noexcept:
        """The number ``owner`` will mean another member from now on; let its message run out."""
        if self.holds(owner):
            self.items[self._place(&self.owned[owner])].owner = -1
            self.owned[owner].number = 0

    cdef int put(self, const uint8_t* message, Py_ssize_t size, int32_t owner) except -1:
        cdef Item item
        cdef Item* larger
        if owner >= 0:
            self._know(owner)
        if self.holds(owner):
            free(self.owned[owner].message)
            self._remove(self._place(&self.owned[owner]))
        if size > MESSAGE_BYTES_MAX:
            self.dropped += 1
            return 0
        if self.count == self.count_max:
            self.prune(self.count - 1)
            self.dropped += 1
        if self.count == self.capacity:
            larger = <Item*>realloc(self.items, max(FIRST_CAPACITY, 2 * self.capacity) * sizeof(Item))
            if larger == NULL:
                raise MemoryError
            self.items = larger
            self.capacity = max(FIRST_CAPACITY, 2 * self.capacity)
        item.message = <uint8_t*>malloc(max(size, 1))
        if item.message == NULL:
            raise MemoryError
        memcpy(item.message, message, size)
        item.size = size
        item.owner = owner
        item.transmits = 0
        self.inserted += 1
        item.number = self.inserted
        self._insert(item)
        return 0

    cdef int take_into(self, int overhead, Py_ssize_t limit, int retransmits, int parts_max, uint8_t* to,
                       uint16_t* sizes, int lead) noexcept:
        """Write the next messages to ``to`` and their sizes to ``sizes``; returns how many.

        ``lead`` is a type byte to put in front of each (the overhead has room for it), or -1.
        """
        cdef Item again[TAKEN_MAX]  # go back only after the walk: no message twice in one packet
        cdef Item item, longest
        cdef Py_ssize_t place = 0, fits
        cdef int parts = 0, kept = 0, i
        longest.number = <uint64_t>-1
        while place < self.count and parts < parts_max and parts < TAKEN_MAX:
            fits = limit - overhead
            if fits <= 0:
                break
            # The first item of this tier, or of a later one, that is not longer than what fits.
            longest.transmits = self.items[place].transmits
            longest.size = fits
            place = self._place(&longest)
            if place == self.count or self.items[place].size > fits:
                continue  # none in this tier: look at the next one
            item = self.items[place]
            self._remove(place)
            limit -= overhead + item.size
            sizes[parts] = item.size
            if lead >= 0:
                to[0] = lead
                to += 1
                sizes[parts] += 1
            memcpy(to, item.message, item.size)
            to += item.size
            parts += 1
            item.transmits += 1
            if item.transmits >= <uint32_t>max(retransmits, 1):
                free(item.message)
            else:
                again[kept] = item
                kept += 1
        for i in range(kept):
            self._insert(again[i])
        return parts

    def push(self, bytes message not None, int32_t owner=-1):
        self.put(<const uint8_t*>PyBytes_AS_STRING(message), PyBytes_GET_SIZE(message), owner)

    def take(self, int overhead, Py_ssize_t limit, int retransmits):
        cdef uint16_t sizes[TAKEN_MAX]
        cdef uint8_t* room = <uint8_t*>malloc(max(limit, 1))
        cdef Py_ssize_t at = 0
        cdef int i, parts
        if room == NULL:
            raise MemoryError
        try:
            parts = self.take_into(overhead, limit, retransmits, TAKEN_MAX, room, sizes, -1)
            out = []
            for i in range(parts):
                out.append(room[at:at + sizes[i]])
                at += sizes[i]
            return out
        finally:
            free(room)

    def prune(self, Py_ssize_t keep):
        cdef Py_ssize_t before_count = self.count
        while self.count > max(keep, 0):
            free(self.items[self.count - 1].message)
            self._remove(self.count - 1)
        return before_count - self.count
