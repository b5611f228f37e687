# The protobuf wire format (protobuf documentation, "Encoding"): varints, tags, and skipping what is unknown.

from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint64_t

cdef enum WireType:
    VARINT = 0
    FIXED64 = 1
    BYTES = 2
    GROUP_START = 3
    GROUP_END = 4
    FIXED32 = 5

cdef enum:
    GROUP_DEPTH_MAX = 32
    FIELD_NUMBER_MAX = 536870911


cdef struct Reader:
    # What is left of one message: both pointers into bytes that the caller keeps alive.
    const unsigned char* at
    const unsigned char* end


cdef inline Reader reader_of(bytes data) noexcept:
    cdef Reader reader
    reader.at = <const unsigned char*><const char*>data
    reader.end = reader.at + len(data)
    return reader


cdef inline uint64_t read_varint(Reader* reader) except? 0xDEADBEEF:
    cdef uint64_t value = 0
    cdef int shift = 0
    cdef unsigned char byte
    while reader.at < reader.end:
        byte = reader.at[0]
        reader.at += 1
        if shift == 63 and byte > 1:
            raise ValueError("protobuf: a varint is over 64 bits")
        value |= <uint64_t>(byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift += 7
    raise ValueError("protobuf: the data ends within a varint")


cdef inline Reader read_nested(Reader* reader) except *:
    # The bytes of a length-delimited field, as a reader of their own.
    cdef uint64_t size = read_varint(reader)
    cdef Reader nested
    if size > <uint64_t>(reader.end - reader.at):
        raise ValueError("protobuf: a length reaches past the end of the data")
    nested.at = reader.at
    nested.end = reader.at + size
    reader.at = nested.end
    return nested


cdef inline bytes read_bytes(Reader* reader):
    cdef Reader nested = read_nested(reader)
    return nested.at[:nested.end - nested.at]


cdef inline str read_text(Reader* reader):
    # Proto3 strings are UTF-8; anything else is refused (UnicodeDecodeError is a ValueError).
    cdef Reader text = read_nested(reader)
    return PyUnicode_DecodeUTF8(<const char*>text.at, text.end - text.at, "strict")


cdef inline uint64_t read_tag(Reader* reader) except 0:
    cdef uint64_t tag = read_varint(reader)
    if tag >> 3 == 0 or tag >> 3 > FIELD_NUMBER_MAX:
        raise ValueError("protobuf: a field number is out of range")
    return tag


cdef inline int skip_fixed(Reader* reader, int size) except -1:
    if reader.end - reader.at < size:
        raise ValueError("protobuf: the data ends within a field")
    reader.at += size
    return 0


cdef inline int skip_field(Reader* reader, uint64_t tag) except -1:
    # Passes over one field's value; groups are closed by counting, so depth costs no stack.
    cdef uint64_t[GROUP_DEPTH_MAX] open_groups
    cdef int depth = 0
    while True:
        if tag & 7 == VARINT:
            read_varint(reader)
        elif tag & 7 == FIXED64:
            skip_fixed(reader, 8)
        elif tag & 7 == BYTES:
            read_nested(reader)
        elif tag & 7 == FIXED32:
            skip_fixed(reader, 4)
        elif tag & 7 == GROUP_START:
            if depth == GROUP_DEPTH_MAX:
                raise ValueError("protobuf: groups are nested too deep")
            open_groups[depth] = tag >> 3
            depth += 1
        elif tag & 7 == GROUP_END:
            if depth == 0 or open_groups[depth - 1] != tag >> 3:
                raise ValueError("protobuf: a group ends that did not begin")
            depth -= 1
        else:
            raise ValueError("protobuf: a wire type is unknown")
        if depth == 0:
            return 0
        tag = read_tag(reader)


cdef inline int write_varint(bytearray out, uint64_t value) except -1:
    while value > 0x7F:
        out.append(<unsigned char>(value & 0x7F | 0x80))
        value >>= 7
    out.append(<unsigned char>value)
    return 0


cdef inline int write_bytes(bytearray out, int field, value) except -1:
    write_varint(out, <uint64_t>field << 3 | BYTES)
    write_varint(out, len(value))
    out += value
    return 0


cdef inline int write_text(bytearray out, int field, str value) except -1:
    # Proto3 leaves an empty string out.
    if value:
        write_bytes(out, field, value.encode("utf-8"))
    return 0
