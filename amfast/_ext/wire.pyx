# cython: freethreading_compatible=True
"""Message bodies: MessagePack maps with fixed fields, read and written by table (reference gossip, sections 3 and 4)."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport INT64_MAX, int8_t, int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

cdef extern from *:
    """
    #define NUMBER(n) (16 + (n))
    enum { KIND_TEXT, KIND_OPTIONAL_TEXT, KIND_U32, KIND_U16, KIND_OPTIONAL_U16, KIND_U8, KIND_BOOL, KIND_INT };
    typedef struct { const char *key; uint8_t size; uint8_t kind; } Field;
    /* Keys with their MessagePack head, as they stand on the wire. */
    static const Field FIELDS[16 + NUMBERS] = {
        [T_NODE] = {"\\xa4" "Node", 5, KIND_TEXT},
        [T_SOURCE_ADDR] = {"\\xaa" "SourceAddr", 11, KIND_OPTIONAL_TEXT},
        [T_SOURCE_NODE] = {"\\xaa" "SourceNode", 11, KIND_OPTIONAL_TEXT},
        [T_TARGET] = {"\\xa6" "Target", 7, KIND_TEXT},
        [T_PAYLOAD] = {"\\xa7" "Payload", 8, KIND_TEXT},
        [T_FROM] = {"\\xa4" "From", 5, KIND_TEXT},
        [T_ADDR] = {"\\xa4" "Addr", 5, KIND_TEXT},
        [T_META] = {"\\xa4" "Meta", 5, KIND_TEXT},
        [T_VSN] = {"\\xa3" "Vsn", 4, KIND_TEXT},
        [T_ERROR] = {"\\xa5" "Error", 6, KIND_TEXT},
        [T_NAME] = {"\\xa4" "Name", 5, KIND_TEXT},
        [T_BUF] = {"\\xa3" "Buf", 4, KIND_TEXT},
        [NUMBER(N_SEQ_NO)] = {"\\xa5" "SeqNo", 6, KIND_U32},
        [NUMBER(N_SOURCE_PORT)] = {"\\xaa" "SourcePort", 11, KIND_OPTIONAL_U16},
        [NUMBER(N_PORT)] = {"\\xa4" "Port", 5, KIND_U16},
        [NUMBER(N_NACK)] = {"\\xa4" "Nack", 5, KIND_BOOL},
        [NUMBER(N_INCARNATION)] = {"\\xab" "Incarnation", 12, KIND_U32},
        [NUMBER(N_NODES)] = {"\\xa5" "Nodes", 6, KIND_INT},
        [NUMBER(N_USER_STATE_LEN)] = {"\\xac" "UserStateLen", 13, KIND_INT},
        [NUMBER(N_JOIN)] = {"\\xa4" "Join", 5, KIND_BOOL},
        [NUMBER(N_STATE)] = {"\\xa5" "State", 6, KIND_INT},
        [NUMBER(N_USER_MSG_LEN)] = {"\\xaa" "UserMsgLen", 11, KIND_INT},
        [NUMBER(N_ALGO)] = {"\\xa4" "Algo", 5, KIND_U8},
    };
    /* The fields of each shape: as declared (for the array form), and as sent (sorted by key). -1 ends a row. */
    static const int8_t DECLARED[15][9] = {
        [0] = {NUMBER(N_SEQ_NO), T_NODE, T_SOURCE_ADDR, NUMBER(N_SOURCE_PORT), T_SOURCE_NODE, -1},
        [1] = {NUMBER(N_SEQ_NO), T_TARGET, NUMBER(N_PORT), T_NODE, NUMBER(N_NACK), T_SOURCE_ADDR,
               NUMBER(N_SOURCE_PORT), T_SOURCE_NODE, -1},
        [2] = {NUMBER(N_SEQ_NO), T_PAYLOAD, -1},
        [3] = {NUMBER(N_INCARNATION), T_NODE, T_FROM, -1},
        [4] = {NUMBER(N_INCARNATION), T_NODE, T_ADDR, NUMBER(N_PORT), T_META, T_VSN, -1},
        [5] = {NUMBER(N_INCARNATION), T_NODE, T_FROM, -1},
        [6] = {NUMBER(N_NODES), NUMBER(N_USER_STATE_LEN), NUMBER(N_JOIN), -1},
        [7] = {-1},
        [8] = {NUMBER(N_USER_MSG_LEN), -1},
        [9] = {NUMBER(N_ALGO), T_BUF, -1},
        [10] = {-1},
        [11] = {NUMBER(N_SEQ_NO), -1},
        [12] = {-1},
        [13] = {T_ERROR, -1},
        [14] = {T_NAME, T_ADDR, NUMBER(N_PORT), T_META, NUMBER(N_INCARNATION), NUMBER(N_STATE), T_VSN, -1},
    };
    static const int8_t SORTED[15][9] = {
        [0] = {T_NODE, NUMBER(N_SEQ_NO), T_SOURCE_ADDR, T_SOURCE_NODE, NUMBER(N_SOURCE_PORT), -1},
        [1] = {NUMBER(N_NACK), T_NODE, NUMBER(N_PORT), NUMBER(N_SEQ_NO), T_SOURCE_ADDR, T_SOURCE_NODE,
               NUMBER(N_SOURCE_PORT), T_TARGET, -1},
        [2] = {T_PAYLOAD, NUMBER(N_SEQ_NO), -1},
        [3] = {T_FROM, NUMBER(N_INCARNATION), T_NODE, -1},
        [4] = {T_ADDR, NUMBER(N_INCARNATION), T_META, T_NODE, NUMBER(N_PORT), T_VSN, -1},
        [5] = {T_FROM, NUMBER(N_INCARNATION), T_NODE, -1},
        [6] = {NUMBER(N_JOIN), NUMBER(N_NODES), NUMBER(N_USER_STATE_LEN), -1},
        [7] = {-1},
        [8] = {NUMBER(N_USER_MSG_LEN), -1},
        [9] = {NUMBER(N_ALGO), T_BUF, -1},
        [10] = {-1},
        [11] = {NUMBER(N_SEQ_NO), -1},
        [12] = {-1},
        [13] = {T_ERROR, -1},
        [14] = {T_ADDR, NUMBER(N_INCARNATION), T_META, T_NAME, NUMBER(N_PORT), NUMBER(N_STATE), T_VSN, -1},
    };
    """
    cdef enum:
        KIND_TEXT, KIND_OPTIONAL_TEXT, KIND_U32, KIND_U16, KIND_OPTIONAL_U16, KIND_U8, KIND_BOOL, KIND_INT
    ctypedef struct Field:
        const char* key
        uint8_t size
        uint8_t kind
    const Field* FIELDS
    const int8_t** DECLARED
    const int8_t** SORTED

cdef enum:
    FIRST_NUMBER = 16

cdef enum Sort:
    NIL, BOOL, UINT, NEGATIVE, RAW, ARRAY, MAP, OTHER

cdef struct Token:
    Sort sort
    uint64_t value  # the number, or the length of the raw, or the count, or the bytes to skip


class RemoteError(Exception):
    def __init__(self, text, answer=False):
        super().__init__(text)
        self.answer = answer


class LabelError(RemoteError):
    pass


cdef Slice slice_of(const void* data, Py_ssize_t size) noexcept nogil:
    cdef Slice out
    out.data = <const uint8_t*>data
    out.size = size
    return out


cdef bint same(Slice a, Slice b) noexcept nogil:
    """Equal bytes; nil and empty are equal."""
    return a.size == b.size and (a.size == 0 or memcmp(a.data, b.data, a.size) == 0)


cdef bint is_utf8(Slice text) noexcept nogil:
    """Strict UTF-8: no overlong form, no surrogate, nothing above U+10FFFF."""
    cdef Py_ssize_t i = 0, more
    cdef uint32_t lead, second
    while i < text.size:
        lead = text.data[i]
        if lead < 0x80:
            i += 1
            continue
        if lead < 0xC2 or lead > 0xF4:
            return False
        more = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        if text.size - i <= more:
            return False
        second = text.data[i + 1]
        if (lead == 0xE0 and second < 0xA0) or (lead == 0xED and second > 0x9F):
            return False
        if (lead == 0xF0 and second < 0x90) or (lead == 0xF4 and second > 0x8F):
            return False
        while more > 0:
            i += 1
            more -= 1
            if text.data[i] & 0xC0 != 0x80:
                return False
        i += 1
    return True


cdef void clear(Fields* fields) noexcept nogil:
    memset(fields.text, 0, sizeof(fields.text))
    memset(fields.number, 0, sizeof(fields.number))
    fields.scratch_used = 0


# Reading.

cdef inline Verdict big_endian(Reader* reader, int width, uint64_t* value) noexcept nogil:
    cdef int i
    if reader.end - reader.at < width:
        return SHORT
    value[0] = 0
    for i in range(width):
        value[0] = value[0] << 8 | reader.at[i]
    reader.at += width
    return WHOLE


cdef Verdict read_signed(Reader* reader, int width, Token* token) noexcept nogil:
    cdef Verdict verdict = big_endian(reader, width, &token.value)
    cdef int64_t value
    if width == 1:
        value = <int8_t>token.value
    elif width == 2:
        value = <int16_t>token.value
    elif width == 4:
        value = <int32_t>token.value
    else:
        value = <int64_t>token.value
    token.sort = NEGATIVE if value < 0 else UINT
    token.value = <uint64_t>value
    return verdict


cdef Verdict read_token(Reader* reader, Token* token) noexcept nogil:
    """The head of the next value; what it announces (raw bytes, elements) is not read yet."""
    cdef uint8_t head
    cdef Verdict verdict = WHOLE
    if reader.at == reader.end:
        return SHORT
    head = reader.at[0]
    reader.at += 1
    token.value = head
    token.sort = OTHER
    if head < 0x80:
        token.sort = UINT
    elif head < 0x90:
        token.sort = MAP
        token.value = head & 0x0F
    elif head < 0xA0:
        token.sort = ARRAY
        token.value = head & 0x0F
    elif head < 0xC0:
        token.sort = RAW
        token.value = head & 0x1F
    elif head == 0xC0:
        token.sort = NIL
    elif head == 0xC1:
        return BROKEN
    elif head <= 0xC3:
        token.sort = BOOL
        token.value = head & 1
    elif head <= 0xC6:
        token.sort = RAW
        verdict = big_endian(reader, 1 << (head - 0xC4), &token.value)
    elif head <= 0xC9:  # extension: its type byte and its data
        verdict = big_endian(reader, 1 << (head - 0xC7), &token.value)
        token.value += 1
    elif head <= 0xCB:  # floats
        token.value = 4 if head == 0xCA else 8
    elif head <= 0xCF:
        token.sort = UINT
        verdict = big_endian(reader, 1 << (head - 0xCC), &token.value)
    elif head <= 0xD3:
        verdict = read_signed(reader, 1 << (head - 0xD0), token)
    elif head <= 0xD8:  # fixed extension
        token.value = 1 + (1 << (head - 0xD4))
    elif head <= 0xDB:
        token.sort = RAW
        verdict = big_endian(reader, 1 << (head - 0xD9), &token.value)
    elif head <= 0xDD:
        token.sort = ARRAY
        verdict = big_endian(reader, 2 << (head - 0xDC), &token.value)
    elif head <= 0xDF:
        token.sort = MAP
        verdict = big_endian(reader, 2 << (head - 0xDE), &token.value)
    else:
        token.sort = NEGATIVE
        token.value = <uint64_t><int64_t><int8_t>head
    return verdict


cdef Verdict skip_value(Reader* reader) noexcept nogil:
    """Pass one value of any sort. A count of values still to come replaces a stack, so depth costs nothing."""
    cdef uint64_t pending = 1
    cdef Token token
    cdef Verdict verdict
    while pending > 0:
        verdict = read_token(reader, &token)
        if verdict != WHOLE:
            return verdict
        pending -= 1
        if token.sort == RAW or token.sort == OTHER:
            if token.value > <uint64_t>(reader.end - reader.at):
                return SHORT
            reader.at += token.value
        elif token.sort == ARRAY:
            pending += token.value
        elif token.sort == MAP:
            pending += 2 * token.value
        if pending > <uint64_t>(reader.end - reader.at):  # every value takes a byte at least
            return SHORT
    return WHOLE


cdef Verdict read_array_text(Reader* reader, uint64_t count, Fields* fields, Slice* text) noexcept nogil:
    """Bytes that come as an array of small integers."""
    cdef Token token
    cdef Verdict verdict
    cdef uint64_t i
    if count > <uint64_t>(SCRATCH_BYTES - fields.scratch_used):
        return BROKEN
    text.data = fields.scratch + fields.scratch_used
    text.size = count
    for i in range(count):
        verdict = read_token(reader, &token)
        if verdict != WHOLE:
            return verdict
        if token.sort != UINT or token.value > 0xFF:
            return BROKEN
        fields.scratch[fields.scratch_used] = token.value
        fields.scratch_used += 1
    return WHOLE


cdef Verdict read_text(Reader* reader, Fields* fields, Slice* text) noexcept nogil:
    cdef Token token
    cdef Verdict verdict = read_token(reader, &token)
    if verdict != WHOLE:
        return verdict
    if token.sort == NIL:
        text[0] = slice_of(NULL, 0)
        return WHOLE
    if token.sort == ARRAY:
        return read_array_text(reader, token.value, fields, text)
    if token.sort != RAW:
        return BROKEN
    text[0] = slice_of(reader.at, token.value)
    if token.value > <uint64_t>(reader.end - reader.at):
        return SHORT
    reader.at += token.value
    return WHOLE


cdef Verdict read_number(Reader* reader, int kind, int64_t* number) noexcept nogil:
    cdef Token token
    cdef uint64_t largest = INT64_MAX
    cdef Verdict verdict = read_token(reader, &token)
    if verdict != WHOLE:
        return verdict
    number[0] = 0
    if token.sort == NIL:
        return WHOLE
    if token.sort == BOOL:
        number[0] = token.value
        return WHOLE if kind == KIND_BOOL else BROKEN
    if token.sort == NEGATIVE and kind == KIND_INT:
        number[0] = <int64_t>token.value
        return WHOLE
    if kind == KIND_U32:
        largest = 0xFFFFFFFF
    elif kind == KIND_U16 or kind == KIND_OPTIONAL_U16:
        largest = 0xFFFF
    elif kind == KIND_U8:
        largest = 0xFF
    elif kind == KIND_BOOL:
        largest = 1
    if token.sort != UINT or token.value > largest:
        return BROKEN
    number[0] = token.value
    return WHOLE


cdef inline Verdict read_field(Reader* reader, int field, Fields* fields) noexcept nogil:
    if field < 0:
        return skip_value(reader)
    if field < FIRST_NUMBER:
        return read_text(reader, fields, &fields.text[field])
    return read_number(reader, FIELDS[field].kind, &fields.number[field - FIRST_NUMBER])


cdef inline int field_named(const int8_t* row, int hint, const uint8_t* key, uint64_t size) noexcept nogil:
    """Place in ``row`` of the field with this key, or -1. Senders sort keys, so ``hint`` is mostly right."""
    cdef int place
    if row[hint] >= 0 and FIELDS[row[hint]].size == size + 1 and memcmp(FIELDS[row[hint]].key + 1, key, size) == 0:
        return hint
    place = 0
    while row[place] >= 0:
        if FIELDS[row[place]].size == size + 1 and memcmp(FIELDS[row[place]].key + 1, key, size) == 0:
            return place
        place += 1
    return -1


cdef Verdict decode_map(const int8_t* row, Reader* reader, uint64_t count, Fields* fields) noexcept nogil:
    cdef Token token
    cdef Verdict verdict
    cdef const uint8_t* key
    cdef int place, hint = 0
    while count > 0:
        count -= 1
        verdict = read_token(reader, &token)
        if verdict != WHOLE:
            return verdict
        if token.sort != RAW:
            return BROKEN
        if token.value > <uint64_t>(reader.end - reader.at):
            return SHORT
        key = reader.at
        reader.at += token.value
        place = field_named(row, hint, key, token.value)
        if place >= 0:
            hint = place + 1
        verdict = read_field(reader, row[place] if place >= 0 else -1, fields)
        if verdict != WHOLE:
            return verdict
    return WHOLE


cdef Verdict decode(int shape, Reader* reader, Fields* fields) noexcept nogil:
    """One body. Slices point into the bytes read (or into ``fields``); the reader stands behind it after WHOLE."""
    cdef Token token
    cdef Verdict verdict
    cdef const int8_t* row
    clear(fields)
    verdict = read_token(reader, &token)
    if verdict != WHOLE or token.sort == NIL:
        return verdict
    if token.sort == MAP:
        return decode_map(SORTED[shape], reader, token.value, fields)
    if token.sort != ARRAY:
        return BROKEN
    row = DECLARED[shape]
    while token.value > 0:
        token.value -= 1
        verdict = read_field(reader, row[0], fields)
        if verdict != WHOLE:
            return verdict
        if row[0] >= 0:
            row += 1
    return WHOLE


# Writing. The caller has room for BODY_BYTES_MAX bytes and keeps text within the limits.

cdef inline uint8_t* put_big_endian(uint8_t* to, uint8_t head, uint64_t value, int width) noexcept nogil:
    cdef int i
    to[0] = head
    for i in range(width):
        to[1 + i] = value >> (8 * (width - 1 - i)) & 0xFF
    return to + 1 + width


cdef uint8_t* put_raw_head(uint8_t* to, Py_ssize_t size) noexcept nogil:
    if size < 32:
        to[0] = 0xA0 | size
        return to + 1
    if size <= 0xFFFF:
        return put_big_endian(to, 0xDA, size, 2)
    return put_big_endian(to, 0xDB, size, 4)


cdef uint8_t* put_number(uint8_t* to, int kind, int64_t number) noexcept nogil:
    if kind == KIND_BOOL:
        to[0] = 0xC3 if number else 0xC2
        return to + 1
    if number <= 0x7F:
        to[0] = number
        return to + 1
    if kind == KIND_INT:  # the signed family, which the current codec uses for positive numbers too
        if number <= 0x7FFF:
            return put_big_endian(to, 0xD1, number, 2)
        return put_big_endian(to, 0xD2, number, 4) if number <= 0x7FFFFFFF else put_big_endian(to, 0xD3, number, 8)
    if number <= 0xFF:
        return put_big_endian(to, 0xCC, number, 1)
    return put_big_endian(to, 0xCD, number, 2) if number <= 0xFFFF else put_big_endian(to, 0xCE, number, 4)


cdef inline bint left_out(int field, const Fields* fields) noexcept nogil:
    if FIELDS[field].kind == KIND_OPTIONAL_TEXT:
        return fields.text[field].size == 0
    return FIELDS[field].kind == KIND_OPTIONAL_U16 and fields.number[field - FIRST_NUMBER] == 0


cdef uint8_t* encode(int shape, const Fields* fields, uint8_t* to) noexcept nogil:
    """Write the body (without its type byte); returns where it ends."""
    cdef const int8_t* row = SORTED[shape]
    cdef uint8_t* head = to
    cdef const Slice* text
    cdef int field
    head[0] = 0x80
    to += 1
    while row[0] >= 0:
        field = row[0]
        row += 1
        if left_out(field, fields):
            continue
        head[0] += 1
        memcpy(to, FIELDS[field].key, FIELDS[field].size)
        to += FIELDS[field].size
        if field >= FIRST_NUMBER:
            to = put_number(to, FIELDS[field].kind, fields.number[field - FIRST_NUMBER])
            continue
        text = &fields.text[field]
        if text.data == NULL:
            to[0] = 0xC0
            to += 1
            continue
        to = put_raw_head(to, text.size)
        memcpy(to, text.data, text.size)
        to += text.size
    return to


# The same from Python.

def encode_body(int shape, fields):
    cdef Fields values
    cdef const int8_t* row
    cdef Py_ssize_t room = BODY_BYTES_MAX
    cdef bytes out, text
    if not 0 <= shape < SHAPES:
        raise ValueError(f"no message body has the number {shape}")
    clear(&values)
    row = SORTED[shape]
    while row[0] >= 0:
        value = fields.get((<bytes>FIELDS[row[0]].key)[1:].decode())
        if row[0] >= FIRST_NUMBER:
            values.number[row[0] - FIRST_NUMBER] = value or 0
        elif value is not None:
            text = value
            values.text[row[0]] = slice_of(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
            room += PyBytes_GET_SIZE(text)
        row += 1
    out = PyBytes_FromStringAndSize(NULL, room)
    return out[:encode(shape, &values, <uint8_t*>PyBytes_AS_STRING(out)) - <uint8_t*>PyBytes_AS_STRING(out)]


def decode_body(int shape, bytes data not None):
    cdef Fields fields
    cdef Reader reader
    cdef const int8_t* row
    cdef Slice text
    if not 0 <= shape < SHAPES:
        raise ValueError(f"no message body has the number {shape}")
    reader.at = <const uint8_t*>PyBytes_AS_STRING(data)
    reader.end = reader.at + PyBytes_GET_SIZE(data)
    if decode(shape, &reader, &fields) != WHOLE:
        raise RemoteError("the message body is cut off or malformed")
    out = {}
    row = DECLARED[shape]
    while row[0] >= 0:
        name = (<bytes>FIELDS[row[0]].key)[1:].decode()
        if row[0] >= FIRST_NUMBER:
            out[name] = fields.number[row[0] - FIRST_NUMBER]
        else:
            text = fields.text[row[0]]
            out[name] = None if text.data == NULL else text.data[:text.size]
        row += 1
    return out, reader.at - <const uint8_t*>PyBytes_AS_STRING(data)
