# JSON strings as the listings write them: what HTML would read is escaped, and so are Go's two line separators.

from libc.stdint cimport uint8_t
from libc.string cimport memcpy


cdef extern from *:
    """
    #include <stdint.h>
    #ifdef __SSE2__
    #include <emmintrin.h>
    #endif
    static const char amf_short_escapes[32] = {
        0, 0, 0, 0, 0, 0, 0, 0, 'b', 't', 'n', 0, 'f', 'r', 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    /* By how many bytes the escape of a byte is longer. */
    static const uint8_t amf_growth[256] = {
        5, 5, 5, 5, 5, 5, 5, 5, 1, 1, 1, 5, 1, 1, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
        ['"'] = 1, ['\\\\'] = 1, ['<'] = 5, ['>'] = 5, ['&'] = 5};
    /* How many bytes from the first on need no escape for sure. */
    static inline size_t amf_plain_size(const uint8_t *text, size_t size) {
      size_t i = 0;
    #ifdef __SSE2__
      for (; size - i >= 16; i += 16) {
        __m128i part = _mm_loadu_si128((const __m128i *)(text + i));
        __m128i special = _mm_cmpeq_epi8(_mm_min_epu8(part, _mm_set1_epi8(0x1F)), part);
        special = _mm_or_si128(special, _mm_cmpeq_epi8(part, _mm_set1_epi8('"')));
        special = _mm_or_si128(special, _mm_cmpeq_epi8(part, _mm_set1_epi8('\\\\')));
        special = _mm_or_si128(special, _mm_cmpeq_epi8(part, _mm_set1_epi8('<')));
        special = _mm_or_si128(special, _mm_cmpeq_epi8(part, _mm_set1_epi8('>')));
        special = _mm_or_si128(special, _mm_cmpeq_epi8(part, _mm_set1_epi8('&')));
        special = _mm_or_si128(special, _mm_cmpeq_epi8(part, _mm_set1_epi8((char)0xE2)));
        if (_mm_movemask_epi8(special)) break;
      }
    #endif
      while (i < size && !amf_growth[text[i]] && text[i] != 0xE2) i++;
      return i;
    }
    """
    size_t amf_plain_size(const uint8_t* text, size_t size) nogil
    const char amf_short_escapes[32]
    const uint8_t amf_growth[256]


cdef inline int escaped_size(const uint8_t* at, size_t left) noexcept nogil:
    # Bytes that stand for the character at ``at`` when it must be escaped, else 0.
    cdef uint8_t byte = at[0]
    if byte < 0x20:
        return 2 if amf_short_escapes[byte] else 6
    if byte == c'"' or byte == c"\\":
        return 2
    if byte == c"<" or byte == c">" or byte == c"&":
        return 6
    if byte == 0xE2 and left >= 3 and at[1] == 0x80 and (at[2] == 0xA8 or at[2] == 0xA9):
        return 6
    return 0


cdef inline size_t json_size(const uint8_t* text, size_t size) noexcept nogil:
    # Bytes of a text once it is escaped, quotes not counted; as many as before if there is nothing to escape.
    cdef size_t more = 0, i
    cdef bint has_lines = False
    for i in range(amf_plain_size(text, size), size):
        more += amf_growth[text[i]]
        has_lines |= text[i] == 0xE2
    if has_lines:
        for i in range(size):
            if text[i] == 0xE2 and escaped_size(text + i, size - i):
                more += 3
    return size + more


cdef inline uint8_t* write_json(uint8_t* out, const uint8_t* text, size_t size, size_t json) noexcept nogil:
    # Write a text escaped, without quotes; ``json`` is its size then. Returns the end.
    cdef const char* hexadecimal = "0123456789abcdef"
    cdef size_t i = 0
    cdef int escaped
    cdef uint8_t byte
    if json == size:
        memcpy(out, text, size)
        return out + size
    while i < size:
        byte = text[i]
        escaped = escaped_size(text + i, size - i)
        if escaped == 0:
            out[0] = byte
            out += 1
            i += 1
            continue
        out[0] = c"\\"
        if escaped == 2:
            out[1] = amf_short_escapes[byte] if byte < 0x20 else byte
            out += 2
            i += 1
        elif byte == 0xE2:
            memcpy(out + 1, b"u202", 4)
            out[5] = c"8" if text[i + 2] == 0xA8 else c"9"
            out += 6
            i += 3
        else:
            memcpy(out + 1, b"u00", 3)
            out[4] = hexadecimal[byte >> 4]
            out[5] = hexadecimal[byte & 15]
            out += 6
            i += 1
    return out
