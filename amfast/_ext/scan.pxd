# A JSON text read in place, with the verdicts of Go's encoding/json: what it refuses is refused at the same byte for the
# same reason. Nothing is allocated but decoded strings, and nothing recurses.

from libc.stdint cimport uint8_t

from amfast._ext.arena cimport Arena


cdef extern from *:
    """
    #include <stdint.h>
    #ifdef __SSE2__
    #include <emmintrin.h>
    #endif
    /* The first byte that is a quote, a backslash, a control character or not ASCII; at most the end. */
    static inline const uint8_t *amf_plain_end(const uint8_t *at, const uint8_t *end) {
    #ifdef __SSE2__
      while (end - at >= 16) {
        __m128i text = _mm_loadu_si128((const __m128i *)at);
        __m128i special = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')), _mm_cmpeq_epi8(text, _mm_set1_epi8('\\\\'))),
            _mm_cmplt_epi8(text, _mm_set1_epi8(0x20))); /* signed, so bytes from 0x80 on are below too */
        int found = _mm_movemask_epi8(special);
        if (found) return at + __builtin_ctz((unsigned)found);
        at += 16;
      }
    #endif
      while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\\\') at++;
      return at;
    }
    """
    const uint8_t* amf_plain_end(const uint8_t* at, const uint8_t* end) nogil


cdef enum Kind:
    OBJECT
    ARRAY
    STRING
    NUMBER
    BOOLEAN
    NULL_VALUE

cdef enum Fault:
    NO_FAULT
    ENDED
    TOO_DEEP
    NO_MEMORY
    AT_VALUE
    AT_KEY
    AFTER_KEY
    AFTER_PAIR
    AFTER_ELEMENT
    IN_STRING
    IN_ESCAPE
    IN_HEX
    IN_NUMBER
    AFTER_POINT
    IN_EXPONENT
    IN_LITERAL

cdef enum:
    DEPTH_MAX = 10000

cdef struct Scan:
    const uint8_t* at
    const uint8_t* end
    Fault fault
    const char* literal  # of which an unexpected byte was part
    int expected

cdef struct Text:
    const uint8_t* at
    size_t size
    bint plain  # the bytes stand in the body as they are


cdef inline bint fail(Scan* scan, Fault fault) noexcept nogil:
    scan.fault = fault if scan.at < scan.end or fault == TOO_DEEP or fault == NO_MEMORY else ENDED
    return False


cdef inline void skip_space(Scan* scan) noexcept nogil:
    while scan.at < scan.end and scan.at[0] <= 0x20 and (
        scan.at[0] == c" " or scan.at[0] == c"\n" or scan.at[0] == c"\t" or scan.at[0] == c"\r"
    ):
        scan.at += 1


cdef inline bint skip_hex(Scan* scan) noexcept nogil:
    cdef int i
    for i in range(4):
        if scan.at >= scan.end or not (
            48 <= scan.at[0] <= 57 or 97 <= scan.at[0] <= 102 or 65 <= scan.at[0] <= 70
        ):
            return fail(scan, IN_HEX)
        scan.at += 1
    return True


cdef inline bint skip_string(Scan* scan) noexcept nogil:
    # From the opening quote to behind the closing one.
    cdef uint8_t byte
    scan.at += 1
    while True:
        scan.at = amf_plain_end(scan.at, scan.end)
        if scan.at >= scan.end:
            return fail(scan, IN_STRING)
        byte = scan.at[0]
        if byte == c'"':
            scan.at += 1
            return True
        if byte >= 0x80:
            scan.at += 1
        elif byte != c"\\":
            return fail(scan, IN_STRING)
        else:
            scan.at += 1
            if scan.at >= scan.end:
                return fail(scan, IN_ESCAPE)
            byte = scan.at[0]
            if byte == c"u":
                scan.at += 1
                if not skip_hex(scan):
                    return False
            elif byte in (c'"', c"\\", c"/", c"b", c"f", c"n", c"r", c"t"):
                scan.at += 1
            else:
                return fail(scan, IN_ESCAPE)


cdef inline bint skip_digits(Scan* scan, Fault fault) noexcept nogil:
    if scan.at >= scan.end or scan.at[0] < 48 or scan.at[0] > 57:
        return fail(scan, fault)
    while scan.at < scan.end and 48 <= scan.at[0] <= 57:
        scan.at += 1
    return True


cdef inline bint skip_number(Scan* scan) noexcept nogil:
    if scan.at[0] == c"-":
        scan.at += 1
    if scan.at < scan.end and scan.at[0] == c"0":
        scan.at += 1
    elif not skip_digits(scan, IN_NUMBER):
        return False
    if scan.at < scan.end and scan.at[0] == c".":
        scan.at += 1
        if not skip_digits(scan, AFTER_POINT):
            return False
    if scan.at < scan.end and (scan.at[0] == c"e" or scan.at[0] == c"E"):
        scan.at += 1
        if scan.at < scan.end and (scan.at[0] == c"+" or scan.at[0] == c"-"):
            scan.at += 1
        return skip_digits(scan, IN_EXPONENT)
    return True


cdef inline bint skip_literal(Scan* scan, const char* literal, int size) noexcept nogil:
    cdef int i
    for i in range(1, size):
        scan.at += 1
        if scan.at >= scan.end or scan.at[0] != <uint8_t>literal[i]:
            scan.literal = literal
            scan.expected = i
            return fail(scan, IN_LITERAL)
    scan.at += 1
    return True


cdef inline bint skip_scalar(Scan* scan, Kind* kind) noexcept nogil:
    cdef uint8_t byte = scan.at[0]
    if byte == c'"':
        kind[0] = STRING
        return skip_string(scan)
    if byte == c"-" or 48 <= byte <= 57:
        kind[0] = NUMBER
        return skip_number(scan)
    kind[0] = BOOLEAN
    if byte == c"t":
        return skip_literal(scan, b"true", 4)
    if byte == c"f":
        return skip_literal(scan, b"false", 5)
    kind[0] = NULL_VALUE
    if byte == c"n":
        return skip_literal(scan, b"null", 4)
    return fail(scan, AT_VALUE)


cdef bint skip_value(Scan* scan, int depth, Kind* kind) noexcept nogil
cdef bint read_special(Scan* scan, Arena* arena, Text* out) noexcept nogil
cdef str fault_text(Scan* scan)


cdef inline bint read_text(Scan* scan, Arena* arena, Text* out) noexcept nogil:
    # Read the string at hand; its text stays where it is in the body, or is decoded into the arena.
    cdef const uint8_t* start = scan.at + 1
    cdef const uint8_t* end = amf_plain_end(start, scan.end)
    if end == scan.end or end[0] != c'"':
        return read_special(scan, arena, out)
    out.at = start
    out.size = end - start
    out.plain = True
    scan.at = end + 1
    return True
