# cython: freethreading_compatible=True
"""Packets from messages: compound, compress, checksum and label layers (reference gossip, sections 5 and 6)."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy, memmove

from amfast._ext.broadcast cimport Broadcasts
from amfast._ext.lzw cimport lzw_encode
from amfast._ext.wire cimport M_CHECKSUM, M_COMPOUND, M_COMPRESS, M_LABEL, put_raw_head

cdef enum:
    CRC_POLYNOMIAL = 0xEDB88320
    COMPRESS_HEAD_BYTES = 12
    RAW_HEAD_BYTES_MAX = 5
    CHECKSUM_BYTES = 5
    USER_OVERHEAD = 3
    LABEL_BYTES_MAX = 255

# Type byte, map of two, Algo 0, and the key of Buf.
cdef const uint8_t* COMPRESS_HEAD = b"\x09\x82\xa4Algo\x00\xa3Buf"

cdef uint32_t CRC[8 * 256]  # eight tables; a constant, computed once at import


cdef void _fill_crc() noexcept:
    cdef uint32_t value
    cdef int i, j
    for i in range(256):
        value = i
        for j in range(8):
            value = (value >> 1) ^ (<uint32_t>CRC_POLYNOMIAL if value & 1 else 0)
        CRC[i] = value
    for i in range(256, 8 * 256):
        value = CRC[i - 256]
        CRC[i] = (value >> 8) ^ CRC[value & 0xFF]


_fill_crc()


cdef uint32_t crc32(const uint8_t* data, Py_ssize_t size) noexcept nogil:
    """Eight bytes a step, so that the table look-ups do not wait for each other."""
    cdef uint32_t crc = 0xFFFFFFFF
    cdef int i
    while size >= 8:
        crc ^= data[0] | <uint32_t>data[1] << 8 | <uint32_t>data[2] << 16 | <uint32_t>data[3] << 24
        crc = (CRC[7 * 256 + (crc & 0xFF)] ^ CRC[6 * 256 + (crc >> 8 & 0xFF)] ^ CRC[5 * 256 + (crc >> 16 & 0xFF)]
               ^ CRC[4 * 256 + (crc >> 24)] ^ CRC[3 * 256 + data[4]] ^ CRC[2 * 256 + data[5]]
               ^ CRC[256 + data[6]] ^ CRC[data[7]])
        data += 8
        size -= 8
    for i in range(<int>size):
        crc = (crc >> 8) ^ CRC[(crc ^ data[i]) & 0xFF]
    return crc ^ <uint32_t>0xFFFFFFFF


cdef Py_ssize_t put_compressed(const uint8_t* message, Py_ssize_t size, uint8_t* out, Py_ssize_t room) noexcept nogil:
    """Write the compress message of ``message``; its size, or -1 if that is more than ``room``.

    There must be SPARE_BYTES more behind the room.
    """
    cdef Py_ssize_t head = COMPRESS_HEAD_BYTES + RAW_HEAD_BYTES_MAX
    cdef Py_ssize_t packed
    cdef uint8_t* to
    if room <= head:
        return -1
    # The widest head is assumed first; a shorter one, known after packing, moves the content back.
    packed = lzw_encode(message, size, out + head, room - COMPRESS_HEAD_BYTES - 1)
    if packed < 0:
        return -1
    memcpy(out, COMPRESS_HEAD, COMPRESS_HEAD_BYTES)
    to = put_raw_head(out + COMPRESS_HEAD_BYTES, packed)
    if to - out + packed > room:
        return -1
    memmove(to, out + head, packed)
    return to - out + packed


cdef class Packer:
    """Collects the messages of one packet and wraps them."""

    def __cinit__(self, bytes label not None):
        if PyBytes_GET_SIZE(label) > LABEL_BYTES_MAX:
            raise ValueError(f"the cluster label is longer than {LABEL_BYTES_MAX} bytes")
        self.label = label
        self.begin()

    cdef void begin(self) noexcept:
        self.parts = 0
        self.used = 0
        self.free = PACKET_BYTES_BUDGET - 2
        if PyBytes_GET_SIZE(self.label) > 0:
            self.free -= 2 + PyBytes_GET_SIZE(self.label)

    cdef void add(self, const uint8_t* message, Py_ssize_t size) noexcept:
        memcpy(self.bodies + self.used, message, size)
        self.sizes[self.parts] = size
        self.parts += 1
        self.used += size
        self.free -= size

    cdef void fill(self, Broadcasts queue, int overhead, int retransmits, int lead) noexcept:
        """Take what fits from a queue; ``lead`` is a type byte to put in front of each message, or -1."""
        cdef int i, taken
        if self.free <= 0 or (overhead == USER_OVERHEAD and self.free <= USER_OVERHEAD):
            return
        taken = queue.take_into(
            overhead, self.free, retransmits, PARTS_MAX - self.parts, self.bodies + self.used, &self.sizes[self.parts],
            lead,
        )
        for i in range(self.parts, self.parts + taken):
            self.used += self.sizes[i]
            self.free -= self.sizes[i] + overhead - (1 if lead >= 0 else 0)
        self.parts += taken

    cdef Py_ssize_t finish(self, uint8_t* to, bint checksum) noexcept:
        """Write the packet of everything added, at least one message, to PACKET_BYTES_MAX bytes; its size."""
        cdef uint8_t plain[ROOM_BYTES]
        cdef const uint8_t* content = self.bodies
        cdef Py_ssize_t size = self.used, got
        cdef uint8_t* start = to
        cdef uint8_t* checked
        cdef uint32_t crc
        cdef int i
        if self.parts > 1:
            plain[0] = M_COMPOUND
            plain[1] = self.parts
            for i in range(self.parts):
                plain[2 + 2 * i] = self.sizes[i] >> 8
                plain[3 + 2 * i] = self.sizes[i] & 0xFF
            memcpy(plain + 2 + 2 * self.parts, self.bodies, self.used)
            content = plain
            size = self.used + 2 + 2 * self.parts
        if PyBytes_GET_SIZE(self.label) > 0:
            to[0] = M_LABEL
            to[1] = PyBytes_GET_SIZE(self.label)
            memcpy(to + 2, PyBytes_AS_STRING(self.label), to[1])
            to += 2 + to[1]
        checked = to
        if checksum:
            to += CHECKSUM_BYTES
        got = put_compressed(content, size, to, min(size - 1, ROOM_BYTES - SPARE_BYTES))
        if got >= 0:
            size = got
        else:
            memcpy(to, content, size)
        if checksum:
            crc = crc32(to, size)
            checked[0] = M_CHECKSUM
            for i in range(4):
                checked[1 + i] = crc >> (24 - 8 * i) & 0xFF
        return to + size - start


def checksum(bytes data not None):
    return crc32(<const uint8_t*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


def pack(messages, bytes label not None, bint with_checksum):
    cdef Packer packer = Packer(label)
    cdef bytes message
    cdef uint8_t packet[PACKET_BYTES_MAX]
    total = sum(len(message) + 2 for message in messages)
    if not 1 <= len(messages) <= PARTS_MAX or total + 2 > ROOM_BYTES:
        raise ValueError("a packet holds 1 to 255 messages of at most 4096 bytes in all")
    for message in messages:
        packer.add(<const uint8_t*>PyBytes_AS_STRING(message), PyBytes_GET_SIZE(message))
    return PyBytes_FromStringAndSize(<char*>packet, packer.finish(packet, with_checksum))
