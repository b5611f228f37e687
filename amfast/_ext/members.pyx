# cython: freethreading_compatible=True
"""The member table: structs by interned id, a hash of names, the probing order, a heap of suspicion timers."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from amfast._ext.wire cimport Slice

cdef enum:
    FIRST_CAPACITY = 8


cdef void* resized(void* block, size_t size) except NULL:
    cdef void* out = realloc(block, size)
    if out == NULL:
        raise MemoryError
    return out


cdef class Members:
    def __cinit__(self, seed):
        self.random = <uint64_t>(seed & 0xFFFFFFFFFFFFFFFF)
        self.hash_seed = self.draw()
        self.free_id = -1
        self._grow()

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.known):
            free(self.nodes[i].name)
            free(self.nodes[i].meta)
        free(self.nodes)
        free(self.order)
        free(self.picks)
        free(self.heap)
        free(self.chains)

    # Randomness: splitmix64, so that a seed fixes every choice.

    cdef uint64_t draw(self) noexcept:
        cdef uint64_t mixed
        self.random += <uint64_t>0x9E3779B97F4A7C15
        mixed = self.random
        mixed = (mixed ^ mixed >> 30) * <uint64_t>0xBF58476D1CE4E5B9
        mixed = (mixed ^ mixed >> 27) * <uint64_t>0x94D049BB133111EB
        return mixed ^ mixed >> 31

    cdef uint32_t below(self, uint32_t bound) noexcept:
        """A number from 0 to ``bound`` - 1."""
        return (self.draw() >> 32) * bound >> 32

    cdef void shuffle(self, int32_t* ids, int32_t size, int32_t picked) noexcept:
        """Bring a random choice of ``picked`` of the ids to the front, in random order."""
        cdef int32_t i, other, held
        for i in range(min(size, picked)):
            other = i + self.below(size - i)
            held = ids[i]
            ids[i] = ids[other]
            ids[other] = held

    # The table.

    cdef uint64_t hash_of(self, Slice name) noexcept:
        cdef uint64_t state = self.hash_seed
        cdef Py_ssize_t i
        for i in range(name.size):
            state = (state ^ name.data[i]) * <uint64_t>0x100000001B3
        state ^= state >> 29
        return (state * <uint64_t>0xBF58476D1CE4E5B9) ^ state >> 32

    cdef int32_t find(self, Slice name) noexcept:
        """The id of a name, or -1."""
        cdef int32_t id = self.chains[self.hash_of(name) & (self.chain_count - 1)]
        while id >= 0:
            if self.nodes[id].name_size == name.size and memcmp(self.nodes[id].name, name.data, name.size) == 0:
                return id
            id = self.nodes[id].next
        return -1

    cdef int _grow(self) except -1:
        """Twice the room, and the names hashed again."""
        cdef int32_t capacity = max(FIRST_CAPACITY, self.capacity * 2)
        cdef int32_t i, id, chain
        cdef Slice name
        self.nodes = <Node*>resized(self.nodes, capacity * sizeof(Node))
        self.order = <int32_t*>resized(self.order, capacity * sizeof(int32_t))
        self.picks = <int32_t*>resized(self.picks, capacity * sizeof(int32_t))
        self.heap = <int32_t*>resized(self.heap, capacity * sizeof(int32_t))
        self.chains = <int32_t*>resized(self.chains, capacity * sizeof(int32_t))
        self.capacity = capacity
        self.chain_count = capacity
        for i in range(capacity):
            self.chains[i] = -1
        for i in range(self.count):
            id = self.order[i]
            name.data = self.nodes[id].name
            name.size = self.nodes[id].name_size
            chain = self.hash_of(name) & (self.chain_count - 1)
            self.nodes[id].next = self.chains[chain]
            self.chains[chain] = id
        return 0

    cdef int32_t insert(self, Slice name) except -2:
        """A new entry, dead and with incarnation 0, at a random place of the order; -1 when the table is full."""
        cdef int32_t id, chain, other
        cdef uint8_t* held
        cdef Node* node
        if self.count >= MEMBERS_MAX:
            return -1
        if self.count == self.capacity:
            self._grow()
        held = <uint8_t*>malloc(max(name.size, 1))
        if held == NULL:
            raise MemoryError
        if self.free_id >= 0:
            id = self.free_id
            self.free_id = self.nodes[id].next
        else:
            id = self.known
            self.known += 1
        node = &self.nodes[id]
        memset(node, 0, sizeof(Node))
        memcpy(held, name.data, name.size)
        node.name = held
        node.name_size = name.size
        node.state = S_DEAD
        node.heap_place = -1
        chain = self.hash_of(name) & (self.chain_count - 1)
        node.next = self.chains[chain]
        self.chains[chain] = id
        self.count += 1
        other = self.below(self.count)
        self.order[self.count - 1] = self.order[other]
        self.order[other] = id
        return id

    cdef void reap(self, int32_t id) noexcept:
        """Forget a dead or left entry. The caller takes it off the order and lowers the count."""
        cdef Node* node = &self.nodes[id]
        cdef Slice name
        cdef int32_t* link
        name.data = node.name
        name.size = node.name_size
        link = &self.chains[self.hash_of(name) & (self.chain_count - 1)]
        while link[0] != id:
            link = &self.nodes[link[0]].next
        link[0] = node.next
        self.disarm(id)
        free(node.name)
        free(node.meta)
        node.name = NULL
        node.meta = NULL
        node.next = self.free_id
        self.free_id = id

    cdef int set_meta(self, Node* node, Slice meta) except -1:
        cdef uint8_t* held = NULL
        if meta.size > 0:
            held = <uint8_t*>malloc(meta.size)
            if held == NULL:
                raise MemoryError
            memcpy(held, meta.data, meta.size)
        free(node.meta)
        node.meta = held
        node.meta_size = meta.size
        return 0

    cdef void set_state(self, Node* node, int state, int64_t now_us) noexcept:
        self.living += (1 if state < S_DEAD else 0) - (1 if node.state < S_DEAD else 0)
        node.state = state
        node.changed_us = now_us

    # Suspicion timers: a heap that knows where each member stands, so that a timer really goes away.

    cdef bint _earlier(self, int32_t a, int32_t b) noexcept:
        if self.nodes[a].deadline_us != self.nodes[b].deadline_us:
            return self.nodes[a].deadline_us < self.nodes[b].deadline_us
        return a < b

    cdef void _sift(self, int32_t place) noexcept:
        """Move the id at ``place`` up or down to where it belongs."""
        cdef int32_t id = self.heap[place], other
        while place > 0 and self._earlier(id, self.heap[(place - 1) // 2]):
            self.heap[place] = self.heap[(place - 1) // 2]
            self.nodes[self.heap[place]].heap_place = place
            place = (place - 1) // 2
        while True:
            other = 2 * place + 1
            if other + 1 < self.heap_count and self._earlier(self.heap[other + 1], self.heap[other]):
                other += 1
            if other >= self.heap_count or not self._earlier(self.heap[other], id):
                break
            self.heap[place] = self.heap[other]
            self.nodes[self.heap[place]].heap_place = place
            place = other
        self.heap[place] = id
        self.nodes[id].heap_place = place

    cdef void arm(self, int32_t id, int64_t deadline_us) noexcept:
        self.nodes[id].deadline_us = deadline_us
        if self.nodes[id].heap_place < 0:
            self.nodes[id].heap_place = self.heap_count
            self.heap[self.heap_count] = id
            self.heap_count += 1
        self._sift(self.nodes[id].heap_place)

    cdef void disarm(self, int32_t id) noexcept:
        cdef int32_t place = self.nodes[id].heap_place
        if place < 0:
            return
        self.nodes[id].heap_place = -1
        self.heap_count -= 1
        if place < self.heap_count:
            self.heap[place] = self.heap[self.heap_count]
            self._sift(place)
