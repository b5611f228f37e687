# cython: freethreading_compatible=True
"""LZW with the parameters of GIF and least significant bit first (reference gossip, section 5.3)."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from amfast._ext.wire import RemoteError

cdef enum:
    CLEAR = 256
    END = 257
    FIRST_WIDTH = 9
    LAST_WIDTH = 12
    CODES = 4096
    SLOTS_MIN = 256
    SLOTS_MAX = 8192  # twice the codes, so that chains stay short

cdef struct BitSink:
    uint8_t* at
    uint8_t* end
    uint32_t bits
    int held


cdef inline bint emit(BitSink* sink, uint32_t code, int width) noexcept nogil:
    """Append one code; false when the room is used up."""
    sink.bits |= code << sink.held
    sink.held += width
    while sink.held >= 8:
        if sink.at == sink.end:
            return False
        sink.at[0] = sink.bits & 0xFF
        sink.at += 1
        sink.bits >>= 8
        sink.held -= 8
    return True


cdef Py_ssize_t lzw_encode(const uint8_t* source, Py_ssize_t size, uint8_t* out, Py_ssize_t room) noexcept nogil:
    """Bytes written to ``out``, or LZW_NO_ROOM as soon as the stream cannot fit."""
    cdef uint16_t slots[SLOTS_MAX]  # 0: free, else a code
    cdef uint32_t pairs[CODES]  # the pair that a code stands for
    cdef uint32_t slot_count = SLOTS_MIN
    cdef uint32_t pair = 0, slot = 0, current, high = END, bound = 1 << FIRST_WIDTH
    cdef int width = FIRST_WIDTH
    cdef Py_ssize_t i
    cdef BitSink sink
    while slot_count < SLOTS_MAX and slot_count < 2 * size:
        slot_count *= 2
    memset(slots, 0, slot_count * sizeof(uint16_t))
    sink.at = out
    sink.end = out + room
    sink.bits = 0
    sink.held = 0
    if not emit(&sink, CLEAR, width):
        return LZW_NO_ROOM
    if size > 0:
        current = source[0]
        for i in range(1, size + 1):
            # One step past the last byte runs the same code: it emits what is left, without a new pair.
            if i < size:
                pair = current << 8 | source[i]
                slot = (pair * <uint32_t>2654435761) >> 16 & (slot_count - 1)
                while slots[slot] != 0 and pairs[slots[slot]] != pair:
                    slot = (slot + 1) & (slot_count - 1)
                if slots[slot] != 0:
                    current = slots[slot]
                    continue
            if not emit(&sink, current, width):
                return LZW_NO_ROOM
            high += 1
            if high == bound:
                width += 1
                bound *= 2
            if high == CODES - 1:
                if not emit(&sink, CLEAR, width):
                    return LZW_NO_ROOM
                width = FIRST_WIDTH
                high = END
                bound = 1 << FIRST_WIDTH
                memset(slots, 0, slot_count * sizeof(uint16_t))
            elif i < size:
                slots[slot] = high
                pairs[high] = pair
            if i < size:
                current = source[i]
    if not emit(&sink, END, width):
        return LZW_NO_ROOM
    if sink.held > 0:
        if sink.at == sink.end:
            return LZW_NO_ROOM
        sink.at[0] = sink.bits & 0xFF
        sink.at += 1
    return sink.at - out


cdef Py_ssize_t lzw_decode(const uint8_t* source, Py_ssize_t size, uint8_t* out, Py_ssize_t room) noexcept nogil:
    """Bytes written to ``out``, or LZW_BROKEN, or LZW_NO_ROOM when the content is longer than ``room``.

    A new entry is the previous expansion and the byte after it, which stand side by side in the output: an
    entry is therefore only a place and a length there.
    """
    cdef uint32_t starts[CODES]
    cdef uint32_t lengths[CODES]
    cdef uint64_t bits = 0
    cdef uint32_t code, length, high = END, bound = 1 << FIRST_WIDTH
    cdef int held = 0, width = FIRST_WIDTH
    cdef Py_ssize_t at = 0, used = 0, previous = -1  # where the previous expansion starts
    while True:
        while held < width:
            if at == size:
                return LZW_BROKEN
            bits |= <uint64_t>source[at] << held
            at += 1
            held += 8
        code = bits & ((1 << width) - 1)
        bits >>= width
        held -= width
        if code == CLEAR:
            width = FIRST_WIDTH
            high = END
            bound = 1 << FIRST_WIDTH
            previous = -1
            continue
        if code == END:
            return used
        if code > high and code > END:
            return LZW_BROKEN
        if previous >= 0:
            starts[high] = previous
            lengths[high] = used - previous + 1
        length = 1 if code < CLEAR else lengths[code]
        if length > room - used:
            return LZW_NO_ROOM
        if code < CLEAR:
            out[used] = code
        elif starts[code] + length <= used:
            memcpy(out + used, out + starts[code], length)
        else:  # the entry just made: its last byte is the first one that is written here
            memcpy(out + used, out + starts[code], length - 1)
            out[used + length - 1] = out[used]
        previous = used
        used += length
        high += 1
        if high == bound:
            if width == LAST_WIDTH:
                previous = -1
                high -= 1
            else:
                width += 1
                bound *= 2


def compress(bytes data not None):
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), room = size + size // 2 + 16
    cdef const uint8_t* source = <const uint8_t*>PyBytes_AS_STRING(data)
    cdef bytes out = PyBytes_FromStringAndSize(NULL, room)
    cdef uint8_t* target = <uint8_t*>PyBytes_AS_STRING(out)
    with nogil:
        size = lzw_encode(source, size, target, room)
    return out[:size]


def decompress(bytes data not None, Py_ssize_t size_max):
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), got = LZW_NO_ROOM, room = min(size_max, 4 * size + 4096)
    cdef const uint8_t* source = <const uint8_t*>PyBytes_AS_STRING(data)
    cdef uint8_t* out = NULL
    cdef uint8_t* larger
    try:
        while got == LZW_NO_ROOM:
            larger = <uint8_t*>realloc(out, max(room, 1))
            if larger == NULL:
                raise MemoryError
            out = larger
            with nogil:
                got = lzw_decode(source, size, out, room)
            if got == LZW_NO_ROOM and room == size_max:
                raise RemoteError(f"the compressed part holds more than {size_max} bytes")
            room = min(size_max, room * 4)
        if got < 0:
            raise RemoteError("the compressed part is not a whole LZW stream")
        return PyBytes_FromStringAndSize(<char*>out, got)
    finally:
        free(out)
