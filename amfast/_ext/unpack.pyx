# cython: freethreading_compatible=True
"""Packets to messages: label, checksum, compound and compress layers, within limits (reference gossip, 5, 7 and 17.3)."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport free, malloc

from amfast._ext.frame cimport crc32
from amfast._ext.lzw cimport lzw_decode
from amfast._ext.wire cimport (
    M_CHECKSUM,
    M_COMPOUND,
    M_COMPRESS,
    M_LABEL,
    N_ALGO,
    T_BUF,
    WHOLE,
    Fields,
    Reader,
    Slice,
    decode,
    same,
    slice_of,
)

cdef enum:
    INFLATED_BYTES_MAX = 65536  # of one datagram, over all its layers
    DEPTH_MAX = 16
    CHECKSUM_BYTES = 5


cdef class Unpacker:
    def __cinit__(self, bytes label not None):
        self.label = label

    def __dealloc__(self):
        free(self.inflated)

    cdef int unpack(self, const uint8_t* data, Py_ssize_t size) except -1:
        """Find the messages; they stay where they are, in ``data`` or here, until the next packet."""
        cdef Py_ssize_t label_size = PyBytes_GET_SIZE(self.label)
        cdef uint32_t crc
        self.count = 0
        self.inflated_size = 0
        if label_size > 0:
            if size < 2 + label_size or data[0] != M_LABEL or not same(
                slice_of(data + 2, data[1]), slice_of(PyBytes_AS_STRING(self.label), label_size)
            ):
                self.dropped += 1
                return 0
            data += 2 + label_size
            size -= 2 + label_size
        if size >= CHECKSUM_BYTES and data[0] == M_CHECKSUM:
            crc = <uint32_t>data[1] << 24 | <uint32_t>data[2] << 16 | <uint32_t>data[3] << 8 | data[4]
            data += CHECKSUM_BYTES
            size -= CHECKSUM_BYTES
            if crc != crc32(data, size):
                self.dropped += 1
                return 0
        return self._layer(data, size, 0)

    cdef int _layer(self, const uint8_t* data, Py_ssize_t size, int depth) except -1:
        if size <= 0 or depth > DEPTH_MAX or self.count == MESSAGES_MAX:
            self.dropped += 1
        elif data[0] == M_COMPOUND:
            self._compound(data, size, depth + 1)
        elif data[0] == M_COMPRESS:
            self._compressed(data, size, depth + 1)
        else:
            self.found[self.count] = slice_of(data, size)
            self.count += 1
        return 0

    cdef int _compound(self, const uint8_t* data, Py_ssize_t size, int depth) except -1:
        cdef Py_ssize_t at, part
        cdef int i
        if size < 2 or size < 2 + 2 * data[1]:
            self.dropped += 1
            return 0
        at = 2 + 2 * data[1]
        for i in range(data[1]):
            part = data[2 + 2 * i] << 8 | data[3 + 2 * i]
            if part > size - at:
                self.dropped += 1
                break
            self._layer(data + at, part, depth)
            at += part
        return 0

    cdef int _compressed(self, const uint8_t* data, Py_ssize_t size, int depth) except -1:
        """One budget for the whole datagram. Broken content uses it up: trying cost as much as reading."""
        cdef Fields fields
        cdef Reader reader
        cdef Slice packed
        cdef uint8_t* out
        cdef Py_ssize_t got = -1
        if self.inflated == NULL:
            self.inflated = <uint8_t*>malloc(INFLATED_BYTES_MAX)
            if self.inflated == NULL:
                raise MemoryError
        out = self.inflated + self.inflated_size
        reader.at = data + 1
        reader.end = data + size
        if decode(M_COMPRESS, &reader, &fields) == WHOLE and fields.number[N_ALGO] == 0:
            packed = fields.text[T_BUF]
            got = lzw_decode(packed.data, packed.size, out, INFLATED_BYTES_MAX - self.inflated_size)
        if got < 0:
            self.inflated_size = INFLATED_BYTES_MAX
            self.dropped += 1
            return 0
        self.inflated_size += got
        return self._layer(out, got, depth)

    def messages(self, bytes packet not None):
        cdef int i
        self.unpack(<const uint8_t*>PyBytes_AS_STRING(packet), PyBytes_GET_SIZE(packet))
        return [self.found[i].data[:self.found[i].size] for i in range(self.count)]
