# cython: freethreading_compatible=True
"""JSON read in place, with the verdicts and the words of Go's encoding/json."""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from amfast._ext.arena cimport Arena, arena_take

cdef enum State:
    VALUE
    VALUE_OR_END
    KEY
    KEY_OR_END
    AFTER


cdef bint skip_value(Scan* scan, int depth, Kind* kind) noexcept nogil:
    """Pass over the value at hand, which lies within so many others; false, with the fault noted, if it is none."""
    cdef uint8_t kinds[DEPTH_MAX + 1]  # the brackets that are open
    cdef int base = depth
    cdef State state = VALUE
    cdef Kind inner
    cdef uint8_t byte
    kind[0] = NULL_VALUE
    while True:
        skip_space(scan)
        if scan.at >= scan.end:
            return fail(scan, AT_VALUE)
        byte = scan.at[0]
        if state == VALUE or (state == VALUE_OR_END and byte != c"]"):
            if byte == c"{" or byte == c"[":
                if depth >= DEPTH_MAX:
                    return fail(scan, TOO_DEEP)
                if depth == base:
                    kind[0] = OBJECT if byte == c"{" else ARRAY
                kinds[depth] = byte
                depth += 1
                scan.at += 1
                state = KEY_OR_END if byte == c"{" else VALUE_OR_END
                continue
            if not skip_scalar(scan, &inner):
                return False
            if depth == base:
                kind[0] = inner
                return True
            state = AFTER
        elif state == KEY or (state == KEY_OR_END and byte != c"}"):
            if byte != c'"':
                return fail(scan, AT_KEY)
            if not skip_string(scan):
                return False
            skip_space(scan)
            if scan.at >= scan.end or scan.at[0] != c":":
                return fail(scan, AFTER_KEY)
            scan.at += 1
            state = VALUE
        elif state == AFTER and byte == c",":
            scan.at += 1
            state = KEY if kinds[depth - 1] == c"{" else VALUE
        elif state != AFTER or byte == kinds[depth - 1] + 2:  # the closing brackets are two behind the opening ones
            scan.at += 1
            depth -= 1
            if depth == base:
                return True
            state = AFTER
        else:
            return fail(scan, AFTER_PAIR if kinds[depth - 1] == c"{" else AFTER_ELEMENT)


cdef inline int hex_of(const uint8_t* at) noexcept nogil:
    cdef int value = 0, i
    cdef uint8_t byte
    for i in range(4):
        byte = at[i]
        value = value * 16 + (byte - 48 if byte <= 57 else (byte | 0x20) - 87)
    return value


cdef inline uint8_t* write_rune(uint8_t* out, uint32_t rune) noexcept nogil:
    if rune < 0x80:
        out[0] = rune
        return out + 1
    if rune < 0x800:
        out[0] = 0xC0 | (rune >> 6)
    else:
        if rune < 0x10000:
            out[0] = 0xE0 | (rune >> 12)
        else:
            out[0] = 0xF0 | (rune >> 18)
            out[1] = 0x80 | ((rune >> 12) & 0x3F)
            out += 1
        out[1] = 0x80 | ((rune >> 6) & 0x3F)
        out += 1
    out[1] = 0x80 | (rune & 0x3F)
    return out + 2


cdef inline int rune_size(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """Bytes of the UTF-8 sequence at hand (RFC 3629, section 4), 0 if it is none."""
    cdef uint8_t first = at[0], low = 0x80, high = 0xBF
    cdef int size, i
    if first < 0x80:
        return 1
    if 0xC2 <= first <= 0xDF:
        size = 2
    elif 0xE0 <= first <= 0xEF:
        size = 3
        if first == 0xE0:
            low = 0xA0
        elif first == 0xED:
            high = 0x9F
    elif 0xF0 <= first <= 0xF4:
        size = 4
        if first == 0xF0:
            low = 0x90
        elif first == 0xF4:
            high = 0x8F
    else:
        return 0
    if end - at < size or not low <= at[1] <= high:
        return 0
    for i in range(2, size):
        if not 0x80 <= at[i] <= 0xBF:
            return 0
    return size


cdef uint8_t* decode(uint8_t* out, const uint8_t* at, const uint8_t* end) noexcept nogil:
    """The text between two quotes without its escapes; what is no UTF-8 or half a surrogate becomes U+FFFD."""
    cdef uint32_t rune, low
    cdef uint8_t byte
    cdef int size
    cdef const uint8_t* run
    while at < end:
        run = amf_plain_end(at, end)
        memcpy(out, at, run - at)
        out += run - at
        at = run
        if at == end:
            break
        byte = at[0]
        if byte != c"\\":
            size = rune_size(at, end)
            if size == 0:
                out = write_rune(out, 0xFFFD)
                at += 1
            else:
                memcpy(out, at, size)
                out += size
                at += size
            continue
        byte = at[1]
        if byte != c"u":
            if byte == c"b":
                byte = 8
            elif byte == c"f":
                byte = 12
            elif byte == c"n":
                byte = 10
            elif byte == c"r":
                byte = 13
            elif byte == c"t":
                byte = 9
            out[0] = byte
            out += 1
            at += 2
            continue
        rune = hex_of(at + 2)
        at += 6
        if 0xD800 <= rune < 0xE000:
            low = 0
            if rune < 0xDC00 and end - at >= 6 and at[0] == c"\\" and at[1] == c"u":
                low = hex_of(at + 2)
            if 0xDC00 <= low < 0xE000:
                rune = 0x10000 + ((rune - 0xD800) << 10) + (low - 0xDC00)
                at += 6
            else:
                rune = 0xFFFD
        out = write_rune(out, rune)
    return out


cdef bint read_special(Scan* scan, Arena* arena, Text* out) noexcept nogil:
    """Read the string at hand, which is not only printable ASCII, into the arena."""
    cdef const uint8_t* start = scan.at + 1
    cdef uint8_t* decoded
    if not skip_string(scan):
        return False
    decoded = <uint8_t*>arena_take(arena, 3 * <size_t>(scan.at - start))
    if decoded == NULL:
        scan.fault = NO_MEMORY
        return False
    out.at = decoded
    out.size = decode(decoded, start, scan.at - 1) - decoded
    out.plain = False
    return True


_WORDS = {
    TOO_DEEP: "exceeded max depth",
    AT_VALUE: "looking for beginning of value",
    AT_KEY: "looking for beginning of object key string",
    AFTER_KEY: "after object key",
    AFTER_PAIR: "after object key:value pair",
    AFTER_ELEMENT: "after array element",
    IN_STRING: "in string literal",
    IN_ESCAPE: "in string escape code",
    IN_HEX: r"in \u hexadecimal character escape",
    IN_NUMBER: "in numeric literal",
    AFTER_POINT: "after decimal point in numeric literal",
    IN_EXPONENT: "in exponent of numeric literal",
}
_QUOTED = {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r", 39: r"\'", 92: r"\\"}


cdef str _quoted(uint8_t byte):
    """A byte in the single quotes of Go, which takes it for a character of that number."""
    if byte in _QUOTED:
        return f"'{_QUOTED[byte]}'"
    if chr(byte).isprintable():
        return f"'{chr(byte)}'"
    return f"'\\x{byte:02x}'" if byte < 0x80 else f"'\\u{byte:04x}'"


cdef str fault_text(Scan* scan):
    """What is wrong with the text, in the words of encoding/json."""
    if scan.fault == ENDED:
        return "unexpected EOF"
    if scan.fault == IN_LITERAL:
        literal = scan.literal.decode("ascii")
        words = f"in literal {literal} (expecting {_quoted(scan.literal[scan.expected])})"
    else:
        words = _WORDS[scan.fault]
    return f"invalid character {_quoted(scan.at[0])} {words}"
