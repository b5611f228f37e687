# xxHash, 64 bit (the xxHash specification, "XXH64 algorithm description"), checked against the xxhash package.
#
# Texts that collide whatever the seed are easily made, since every lane multiplies by a number that all know. Where
# nothing but the hash tells texts apart, a secret odd number takes its place.
#
# XXH3 takes half the time, but its lanes are sums of products: of a million texts that differ in the highest bits of one
# lane only, some collide whatever the secret. Here each word is multiplied and turned on top of the one before.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    PRIME_1 = 0x9E3779B185EBCA87ULL
    PRIME_2 = 0xC2B2AE3D27D4EB4FULL
    PRIME_3 = 0x165667B19E3779F9ULL
    PRIME_4 = 0x85EBCA77C2B2AE63ULL
    PRIME_5 = 0x27D4EB2F165667C5ULL


cdef inline uint64_t rotated(uint64_t value, int bits) noexcept nogil:
    return (value << bits) | (value >> (64 - bits))


cdef inline uint64_t round_of(uint64_t lane, uint64_t word, uint64_t factor) noexcept nogil:
    return rotated(lane + word * factor, 31) * <uint64_t>PRIME_1


cdef inline uint64_t merged(uint64_t state, uint64_t lane, uint64_t factor) noexcept nogil:
    return (state ^ round_of(0, lane, factor)) * <uint64_t>PRIME_1 + <uint64_t>PRIME_4


cdef inline uint64_t avalanche(uint64_t state) noexcept nogil:
    state = (state ^ (state >> 33)) * <uint64_t>PRIME_2
    state = (state ^ (state >> 29)) * <uint64_t>PRIME_3
    return state ^ (state >> 32)


cdef inline uint64_t factor_of(uint64_t seed) noexcept nogil:
    # A secret multiplier, made of a secret seed.
    return avalanche(~seed) | 1


cdef inline uint64_t xxh64_with(const uint8_t* data, size_t size, uint64_t seed, uint64_t factor) noexcept nogil:
    cdef const uint8_t* end = data + size
    cdef uint64_t state, a, b, c, d
    cdef uint64_t words[4]
    cdef uint32_t half
    if size >= 32:
        a = seed + <uint64_t>PRIME_1 + <uint64_t>PRIME_2
        b = seed + <uint64_t>PRIME_2
        c = seed
        d = seed - <uint64_t>PRIME_1
        while end - data >= 32:
            memcpy(words, data, 32)
            a = round_of(a, words[0], factor)
            b = round_of(b, words[1], factor)
            c = round_of(c, words[2], factor)
            d = round_of(d, words[3], factor)
            data += 32
        state = rotated(a, 1) + rotated(b, 7) + rotated(c, 12) + rotated(d, 18)
        state = merged(state, a, factor)
        state = merged(state, b, factor)
        state = merged(state, c, factor)
        state = merged(state, d, factor)
    else:
        state = seed + <uint64_t>PRIME_5
    state += size
    while end - data >= 8:
        memcpy(words, data, 8)
        state = rotated(state ^ round_of(0, words[0], factor), 27) * <uint64_t>PRIME_1 + <uint64_t>PRIME_4
        data += 8
    if end - data >= 4:
        memcpy(&half, data, 4)
        state = rotated(state ^ (half * <uint64_t>PRIME_1), 23) * <uint64_t>PRIME_2 + <uint64_t>PRIME_3
        data += 4
    while data < end:
        state = rotated(state ^ (data[0] * <uint64_t>PRIME_5), 11) * <uint64_t>PRIME_1
        data += 1
    return avalanche(state)


cdef inline uint64_t xxh64(const uint8_t* data, size_t size, uint64_t seed) noexcept nogil:
    return xxh64_with(data, size, seed, PRIME_2)
