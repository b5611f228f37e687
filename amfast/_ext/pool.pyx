# cython: freethreading_compatible=True
"""Interned pairs of names and values."""

cimport cython
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from amfast._ext.json_text cimport json_size, write_json
from amfast._ext.slots cimport NOTHING, slots_add, slots_init, slots_remove
from amfast._ext.xxh64 cimport factor_of, xxh64_with


@cython.final
cdef class Pool:
    def __cinit__(self, uint64_t seed=0):
        self.seed = seed
        self.factor = factor_of(seed)
        self.free_names = []
        self.name_texts = []
        slots_init(&self.slots)
        slots_init(&self.by_name)

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.pairs_size):
            free(self.pairs[i])
        for i in range(self.names_size):
            free(self.names[i].bytes)
        free(self.pairs)
        free(self.free_pairs)
        free(self.names)
        free(self.slots.at)
        free(self.by_name.at)

    def __len__(self):
        return self.slots.used

    cdef uint32_t intern(
        self, const uint8_t* name, size_t name_size, const uint8_t* value, size_t value_size
    ) except? 0xFFFFFFFF:
        """The number of a pair, which is held until it is dropped as often as it was taken."""
        cdef uint32_t number = self.name_number(name, name_size)
        try:
            return self.intern_named(self.tag_of(number, value, value_size), number, value, value_size)
        finally:
            self.drop_name(number)

    cdef uint32_t tag_of(self, uint32_t name, const uint8_t* value, size_t value_size) noexcept:
        """Where the pair of a name that somebody holds and a value is looked up."""
        cdef uint64_t hash = xxh64_with(value, value_size, self.names[name].hash, self.factor)
        return <uint32_t>(hash ^ (hash >> 32))

    cdef uint32_t intern_named(
        self, uint32_t tag, uint32_t name, const uint8_t* value, size_t value_size
    ) except? 0xFFFFFFFF:
        """As :meth:`intern`, of a name that somebody holds and with the tag of both."""
        cdef uint32_t place = tag & self.slots.mask, id
        cdef Pair* pair
        while self.slots.at[place].id != NOTHING:
            if self.slots.at[place].tag == tag:
                id = self.slots.at[place].id
                pair = self.pairs[id]
                if is_pair(pair, name, value, value_size):
                    pair.refs += 1
                    return id
            place = (place + 1) & self.slots.mask
        pair = self._new_pair(name, value, value_size)
        pair.tag = tag
        pair.name = name
        if self.free_pairs_size > 0:
            self.free_pairs_size -= 1
            id = self.free_pairs[self.free_pairs_size]
            self.recycled += 1
        else:
            if self.pairs_size == self.pairs_room:
                self._grow_pairs()
            id = self.pairs_size
            self.pairs_size += 1
        self.pairs[id] = pair
        slots_add(&self.slots, tag, id)
        self.names[name].refs += 1
        return id

    cdef Pair* _new_pair(self, uint32_t name, const uint8_t* value, size_t value_size) except NULL:
        cdef Name* known = &self.names[name]
        cdef size_t name_json = json_size(known.bytes, known.size), value_json = json_size(value, value_size)
        cdef bint is_plain = value_json == value_size
        cdef size_t size = name_json + value_json + 5
        cdef size_t room = (size + (0 if is_plain else value_size) + WORD_BYTES - 1) & ~<size_t>(WORD_BYTES - 1)
        cdef Pair* pair = <Pair*>malloc(sizeof(Pair) + room)
        cdef uint8_t* out
        if pair == NULL:
            raise MemoryError
        pair.refs = 1
        pair.marks = 0
        pair.bytes = out = <uint8_t*>pair + sizeof(Pair)
        out[0] = c'"'
        out = write_json(out + 1, known.bytes, known.size, name_json)
        memcpy(out, b'":"', 3)
        out = write_json(out + 3, value, value_size, value_json)
        out[0] = c'"'
        pair.json_size = <uint32_t>size
        pair.value_size = <uint32_t>value_size
        pair.value_at = <uint32_t>(name_json + 4 if is_plain else size)
        if not is_plain:
            memcpy(pair.bytes + size, value, value_size)
        return pair

    cdef int _grow_pairs(self) except -1:
        cdef uint32_t room = self.pairs_room + self.pairs_room // 2 + 256
        cdef void* pairs = realloc(self.pairs, room * sizeof(Pair*))
        if pairs == NULL:
            raise MemoryError
        self.pairs = <Pair**>pairs
        self.pairs_room = room
        return 0

    cdef void drop(self, uint32_t id) noexcept:
        """Give one reference back."""
        cdef Pair* pair = self.pairs[id]
        cdef uint32_t room
        cdef void* grown
        pair.refs -= 1
        if pair.refs > 0:
            return
        slots_remove(&self.slots, pair.tag, id)
        self.drop_name(pair.name)
        free(pair)
        self.pairs[id] = NULL
        if self.free_pairs_size == self.free_pairs_room:
            room = self.free_pairs_room + self.free_pairs_room // 2 + 256
            grown = realloc(self.free_pairs, room * sizeof(uint32_t))
            if grown == NULL:
                return  # the number is not used again, which costs eight bytes
            self.free_pairs = <uint32_t*>grown
            self.free_pairs_room = room
        self.free_pairs[self.free_pairs_size] = id
        self.free_pairs_size += 1

    # Names

    cdef uint32_t name_number(self, const uint8_t* name, size_t size) except? 0xFFFFFFFF:
        """The number of a name, held until it is dropped."""
        cdef uint64_t hash = xxh64_with(name, size, self.seed, self.factor)
        cdef uint32_t number = self._find_name(hash, name, size)
        cdef Name* new
        cdef void* grown
        if number != NOTHING:
            self.names[number].refs += 1
            return number
        text = PyUnicode_DecodeUTF8(<const char*>name, size, "strict")
        if self.free_names:
            number = self.free_names.pop()
            self.name_texts[number] = text
        else:
            if self.names_size == self.names_room:
                grown = realloc(self.names, (self.names_room * 2 + 64) * sizeof(Name))
                if grown == NULL:
                    raise MemoryError
                self.names = <Name*>grown
                self.names_room = self.names_room * 2 + 64
            number = self.names_size
            self.names_size += 1
            self.name_texts.append(text)
        new = &self.names[number]
        new.bytes = <uint8_t*>malloc(size + 1)
        if new.bytes == NULL:
            self.free_names.append(number)
            raise MemoryError
        memcpy(new.bytes, name, size)
        new.size = <uint32_t>size
        new.refs = 1
        new.hash = hash
        slots_add(&self.by_name, <uint32_t>hash, number)
        return number

    cdef uint32_t find_name(self, const uint8_t* name, size_t size) noexcept:
        """The number of a name, NOTHING when nobody holds it."""
        return self._find_name(xxh64_with(name, size, self.seed, self.factor), name, size)

    cdef uint32_t _find_name(self, uint64_t hash, const uint8_t* name, size_t size) noexcept:
        cdef uint32_t place = <uint32_t>hash & self.by_name.mask, number
        while self.by_name.at[place].id != NOTHING:
            number = self.by_name.at[place].id
            if self.names[number].hash == hash and is_name(&self.names[number], name, size):
                return number
            place = (place + 1) & self.by_name.mask
        return NOTHING

    cdef void drop_name(self, uint32_t number) noexcept:
        cdef Name* name = &self.names[number]
        name.refs -= 1
        if name.refs == 0:
            slots_remove(&self.by_name, <uint32_t>name.hash, number)
            self.name_texts[number] = None
            free(name.bytes)
            name.bytes = NULL
            self.free_names.append(number)

    # For Python

    cdef str value_text(self, uint32_t id):
        cdef Pair* pair = self.pairs[id]
        return PyUnicode_DecodeUTF8(<const char*>(pair.bytes + pair.value_at), pair.value_size, "strict")

    cdef uint32_t intern_text(self, str name, str value) except? 0xFFFFFFFF:
        cdef Py_ssize_t name_size, value_size
        cdef const char* name_bytes = PyUnicode_AsUTF8AndSize(name, &name_size)
        cdef const char* value_bytes = PyUnicode_AsUTF8AndSize(value, &value_size)
        return self.intern(<const uint8_t*>name_bytes, name_size, <const uint8_t*>value_bytes, value_size)
