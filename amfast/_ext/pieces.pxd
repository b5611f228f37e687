# Pieces of JSON, copied to where there is room for them. Each gives the end of what it wrote.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from amfast._ext.pool cimport WORD_BYTES, Pair


cdef inline uint8_t* put(uint8_t* out, const char* text, size_t size) noexcept nogil:
    memcpy(out, text, size)
    return out + size


cdef inline uint8_t* put_pairs(uint8_t* out, Pair** pairs, const uint32_t* ids, uint32_t size) noexcept nogil:
    # Needs room for one word more than what it writes: most texts are so short that whole words cost less than a call.
    cdef uint32_t i, at
    cdef Pair* pair
    for i in range(size):
        if i:
            out[0] = c","
            out += 1
        pair = pairs[ids[i]]
        at = 0
        while at < pair.json_size:
            memcpy(out + at, pair.bytes + at, WORD_BYTES)
            at += WORD_BYTES
        out += pair.json_size
    return out


cdef inline uint8_t* put_hex(uint8_t* out, uint64_t value) noexcept nogil:
    cdef const char* hexadecimal = "0123456789abcdef"
    cdef int i
    for i in range(16):
        out[i] = hexadecimal[(value >> (60 - 4 * i)) & 15]
    return out + 16
