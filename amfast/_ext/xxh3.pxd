# xxHash, XXH3 of 64 bits, of more than 240 bytes (the xxHash specification, "XXH3 algorithm description"), checked against
# the xxhash package. Of so much it takes half the time of XXH64.
#
# With the specification's secret all can make texts that collide. Where nothing but the hash tells texts apart, a secret
# that deserves the name takes its place.

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from amfast._ext.xxh64 cimport PRIME_1, PRIME_2, PRIME_3, PRIME_4, PRIME_5, avalanche

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #ifdef __SSE2__
    #include <emmintrin.h>
    #endif
    /* Adds a stripe of 64 bytes to the lanes. */
    static inline void amf_xxh3_add(uint64_t lanes[8], const uint8_t *stripe, const uint8_t *secret) {
    #ifdef __SSE2__
      for (int i = 0; i < 8; i += 2) {
        __m128i text = _mm_loadu_si128((const __m128i *)(stripe + 8 * i));
        __m128i keyed = _mm_xor_si128(text, _mm_loadu_si128((const __m128i *)(secret + 8 * i)));
        __m128i product = _mm_mul_epu32(keyed, _mm_srli_epi64(keyed, 32));
        __m128i sum = _mm_add_epi64(product, _mm_shuffle_epi32(text, _MM_SHUFFLE(1, 0, 3, 2)));
        _mm_storeu_si128((__m128i *)(lanes + i), _mm_add_epi64(_mm_loadu_si128((const __m128i *)(lanes + i)), sum));
      }
    #else
      uint64_t text[8], keys[8];
      memcpy(text, stripe, 64);
      memcpy(keys, secret, 64);
      for (int i = 0; i < 8; i++) {
        uint64_t keyed = text[i] ^ keys[i];
        lanes[i] += text[i ^ 1] + (keyed & 0xFFFFFFFF) * (keyed >> 32);
      }
    #endif
    }
    static inline uint64_t amf_folded_product(uint64_t a, uint64_t b) {
      unsigned __int128 product = (unsigned __int128)a * b;
      return (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    """
    void amf_xxh3_add(uint64_t* lanes, const uint8_t* stripe, const uint8_t* secret) nogil
    uint64_t amf_folded_product(uint64_t a, uint64_t b) nogil

cdef enum:
    LONG_TEXT = 241  # bytes, at least
    SECRET_BYTES = 192
    STRIPE_BYTES = 64
    STRIPES_A_BLOCK = 16  # the secret moves on by 8 bytes with each
    PRIME32_1 = 0x9E3779B1
    PRIME32_2 = 0x85EBCA77
    PRIME32_3 = 0xC2B2AE3D
    PRIME_MIX = 0x165667919E3779F9ULL


cdef inline void make_secret(uint8_t* secret, uint64_t seed) noexcept nogil:
    cdef uint64_t word
    cdef int i
    for i in range(SECRET_BYTES // 8):
        word = avalanche(seed + <uint64_t>PRIME_1 * (i + 1))
        memcpy(secret + 8 * i, &word, 8)


cdef inline uint64_t word_at(const uint8_t* data) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, data, 8)
    return word


cdef inline uint64_t xxh3_long(const uint8_t* data, size_t size, const uint8_t* secret) noexcept nogil:
    # Not for less than LONG_TEXT, which the specification treats otherwise.
    cdef uint64_t[8] lanes = [
        PRIME32_3, <uint64_t>PRIME_1, <uint64_t>PRIME_2, <uint64_t>PRIME_3,
        <uint64_t>PRIME_4, PRIME32_2, <uint64_t>PRIME_5, PRIME32_1,
    ]
    cdef const uint8_t* last = secret + SECRET_BYTES - STRIPE_BYTES
    cdef uint64_t hash = size * <uint64_t>PRIME_1
    cdef size_t stripes = (size - 1) // STRIPE_BYTES, i
    cdef int j
    for i in range(stripes):
        amf_xxh3_add(lanes, data + i * STRIPE_BYTES, secret + i % STRIPES_A_BLOCK * 8)
        if i % STRIPES_A_BLOCK == STRIPES_A_BLOCK - 1:
            for j in range(8):
                lanes[j] = (lanes[j] ^ (lanes[j] >> 47) ^ word_at(last + 8 * j)) * PRIME32_1
    amf_xxh3_add(lanes, data + size - STRIPE_BYTES, last - 7)
    for j in range(0, 8, 2):
        hash += amf_folded_product(
            lanes[j] ^ word_at(secret + 11 + 8 * j), lanes[j + 1] ^ word_at(secret + 19 + 8 * j)
        )
    hash = (hash ^ (hash >> 37)) * <uint64_t>PRIME_MIX
    return hash ^ (hash >> 32)
