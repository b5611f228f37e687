# cython: freethreading_compatible=True
"""One message from the bytes of a TCP stream, within memory bounds (reference gossip, sections 8 and 17.3)."""

from typing import NamedTuple

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t
from libc.stdlib cimport free, malloc

from amfast._ext.frame cimport SPARE_BYTES, put_compressed
from amfast._ext.members cimport MEMBERS_MAX
from amfast._ext.wire cimport (
    BROKEN,
    M_ACK,
    M_COMPRESS,
    M_ENCRYPT,
    M_ERROR,
    M_LABEL,
    M_PING,
    M_PUSH_PULL,
    M_USER,
    META_BYTES_MAX,
    N_ALGO,
    N_INCARNATION,
    N_JOIN,
    N_NODES,
    N_PORT,
    N_SEQ_NO,
    N_STATE,
    N_USER_MSG_LEN,
    N_USER_STATE_LEN,
    NAME_BYTES_MAX,
    NODE_STATE,
    SHORT,
    T_ADDR,
    T_BUF,
    T_ERROR,
    T_META,
    T_NAME,
    T_NODE,
    T_VSN,
    VSN_BYTES,
    WHOLE,
    Fields,
    Reader,
    Slice,
    Verdict,
    decode,
    is_utf8,
)

from amfast._ext.lzw import decompress
from amfast._ext.wire import LabelError, RemoteError

cdef enum:
    MESSAGE_BYTES_MAX = 41943040
    COMPRESSED_BYTES_MAX = 62915584  # what the longest message can take at the widest codes, and its head
    STATE_BYTES_MAX = 20971520
    NODES_MAX = 1048576
    UNIT_BYTES_MAX = 131072  # one map
    ERROR_BYTES_MAX = 1024

cdef enum Phase:
    AT_LABEL, AT_TYPE, AT_COMPRESSED, AT_HEADER, AT_NODES, AT_STATE, AT_END

class Member(NamedTuple):
    name: str
    ip: bytes
    port: int
    state: int
    incarnation: int

class StreamMessage(NamedTuple):
    kind: str
    join: bool = False
    nodes: tuple = ()
    versions: tuple = ()
    user_state: bytes = b""
    seq_no: int = 0
    name: str = ""
    error: str = ""
    metas: tuple = ()


cdef object new_tuple = tuple.__new__


cdef inline bytes bytes_of(Slice text, Py_ssize_t size_max):
    return PyBytes_FromStringAndSize(<char*>text.data, min(text.size, size_max))


cdef class StreamReader:
    cdef bytes label
    cdef bytearray held
    cdef Phase phase
    cdef int kind
    cdef bint inside  # a compress message, which is whole
    cdef bint join
    cdef Py_ssize_t at, passed
    cdef Py_ssize_t nodes_left, state_size
    cdef list nodes, versions, metas
    cdef object message

    def __cinit__(self, label):
        self.held = bytearray()
        self.phase = AT_TYPE
        self.nodes = []
        self.versions = []
        self.metas = []
        if label is not None:
            self.label = bytes((M_LABEL, len(label))) + label if label else b""
            self.phase = AT_LABEL

    def feed(self, bytes data not None):
        if self.phase == AT_END:
            return None
        self.held += data
        while self.phase != AT_END and self._step():
            pass
        self.passed += self.at
        if self.phase == AT_END:
            self.held = bytearray()
        elif self.inside:
            raise RemoteError("the message inside the compressed part is cut off")
        elif self.at > 0:
            del self.held[:self.at]
        self.at = 0
        return self.message

    cdef bint _step(self) except -1:
        """Read one part; false if more bytes are needed."""
        if self.phase == AT_LABEL:
            return self._read_label()
        if self.phase == AT_TYPE:
            return self._read_type()
        if self.phase == AT_COMPRESSED:
            return self._read_compressed()
        if self.phase == AT_HEADER:
            return self._read_header()
        if self.phase == AT_NODES:
            return self._read_node()
        return self._read_state()

    cdef bint _read_label(self) except -1:
        cdef Py_ssize_t size = PyBytes_GET_SIZE(self.label)
        if not self.held.startswith(self.label[:len(self.held)]) or (size == 0 and self.held[:1] == b"\xf4"):
            raise LabelError("the peer has another --cluster.label, or one of the two has none")
        if len(self.held) < max(size, 1):
            return False
        self.at = size
        self.phase = AT_TYPE
        return True

    cdef bint _read_type(self) except -1:
        if self.at == PyByteArray_GET_SIZE(self.held):
            return False
        self.kind = <uint8_t>PyByteArray_AS_STRING(self.held)[self.at]
        self.at += 1
        self.phase = AT_HEADER
        if self.kind == M_COMPRESS and not self.inside:
            self.phase = AT_COMPRESSED
        elif self.kind == M_ENCRYPT and not self.inside:
            raise RemoteError("the peer's stream is encrypted, this node has no key", answer=True)
        elif self.kind not in (M_PING, M_ACK, M_PUSH_PULL, M_USER, M_ERROR):
            raise RemoteError(f"a stream cannot begin with message type {self.kind}")
        return True

    cdef Verdict _decode(self, int shape, Fields* fields) noexcept:
        """Decode a body where the reader stands, and step behind it if it is whole."""
        cdef const uint8_t* start = <const uint8_t*>PyByteArray_AS_STRING(self.held)
        cdef Reader reader
        cdef Verdict verdict
        reader.at = start + self.at
        reader.end = start + PyByteArray_GET_SIZE(self.held)
        verdict = decode(shape, &reader, fields)
        if verdict == WHOLE:
            self.at = reader.at - start
        return verdict

    cdef bint _read_compressed(self) except -1:
        cdef Fields fields
        cdef Verdict verdict = self._decode(M_COMPRESS, &fields)
        cdef bytes inner
        if fields.text[T_BUF].size > COMPRESSED_BYTES_MAX or len(self.held) > COMPRESSED_BYTES_MAX:
            raise RemoteError("the compressed part is too long", answer=True)
        if verdict == SHORT:
            return False
        if verdict == BROKEN or fields.number[N_ALGO] != 0 or fields.text[T_BUF].size == 0:
            raise RemoteError("the compressed part is malformed", answer=True)
        try:
            inner = decompress(bytes_of(fields.text[T_BUF], COMPRESSED_BYTES_MAX), MESSAGE_BYTES_MAX)
        except RemoteError as error:
            raise RemoteError(str(error), answer=True) from None
        if not inner:
            raise RemoteError("the compressed part has nothing inside", answer=True)
        self.held = bytearray(inner)
        self.at = 0
        self.passed = 0
        self.inside = True
        self.phase = AT_TYPE
        return True

    cdef bint _unit(self, int shape, Fields* fields) except -1:
        """Decode one small map; false if more bytes are needed."""
        cdef Verdict verdict = self._decode(shape, fields)
        cdef Py_ssize_t size = PyByteArray_GET_SIZE(self.held)
        if self.passed + self.at > MESSAGE_BYTES_MAX:
            raise RemoteError(f"the message is longer than {MESSAGE_BYTES_MAX} bytes")
        if verdict == BROKEN or (verdict == SHORT and size - self.at > UNIT_BYTES_MAX):
            raise RemoteError("a part of the message is malformed")
        return verdict == WHOLE

    cdef bint _read_header(self) except -1:
        cdef Fields fields
        if not self._unit(self.kind, &fields):
            return False
        if self.kind == M_PUSH_PULL:
            self.join = fields.number[N_JOIN] != 0
            if not 0 <= fields.number[N_NODES] <= NODES_MAX:
                raise RemoteError(f"the peer announces {fields.number[N_NODES]} nodes")
            self.nodes_left = fields.number[N_NODES]
            self.phase = AT_NODES
            return self._expect_state(fields.number[N_USER_STATE_LEN])
        if self.kind == M_USER:
            self.phase = AT_STATE
            return self._expect_state(fields.number[N_USER_MSG_LEN])
        self._end_small(&fields)
        return True

    cdef bint _expect_state(self, size) except -1:
        if not 0 <= size <= STATE_BYTES_MAX:
            raise RemoteError(f"the peer announces {size} bytes of user data")
        self.state_size = size
        return True

    cdef int _end_small(self, Fields* fields) except -1:
        """Finish a message that is one map: ping, ack or error."""
        cdef Slice text = fields.text[T_NODE]
        if self.kind == M_ERROR:
            error = bytes_of(fields.text[T_ERROR], ERROR_BYTES_MAX).decode(errors="replace")
            self.message = StreamMessage("error", error=error)
        elif self.kind == M_ACK:
            self.message = StreamMessage("ack", seq_no=fields.number[N_SEQ_NO])
        elif text.size > NAME_BYTES_MAX or not is_utf8(text):
            raise RemoteError("a ping for a name that no node can have")
        else:
            name = bytes_of(text, NAME_BYTES_MAX).decode()
            self.message = StreamMessage("ping", seq_no=fields.number[N_SEQ_NO], name=name)
        self.phase = AT_END
        return 0

    cdef bint _read_node(self) except -1:
        """One entry of a push/pull. More entries than a table holds are read, but not kept."""
        cdef Fields fields
        cdef Slice name
        if self.nodes_left == 0:
            self.phase = AT_STATE
            return True
        if not self._unit(NODE_STATE, &fields):
            return False
        self.nodes_left -= 1
        name = fields.text[T_NAME]
        if not 0 < name.size <= NAME_BYTES_MAX or not is_utf8(name) or fields.text[T_META].size > META_BYTES_MAX:
            return True
        if fields.text[T_ADDR].size not in (4, 16) or len(self.nodes) >= MEMBERS_MAX:
            return True
        self.nodes.append(new_tuple(Member, (
            PyUnicode_DecodeUTF8(<char*>name.data, name.size, NULL),
            bytes_of(fields.text[T_ADDR], 16),
            fields.number[N_PORT],
            fields.number[N_STATE],
            fields.number[N_INCARNATION],
        )))
        self.versions.append(bytes_of(fields.text[T_VSN], VSN_BYTES))
        self.metas.append(bytes_of(fields.text[T_META], META_BYTES_MAX))
        return True

    cdef bint _read_state(self) except -1:
        cdef const char* start = PyByteArray_AS_STRING(self.held)
        cdef bytes state
        if PyByteArray_GET_SIZE(self.held) - self.at < self.state_size:
            return False
        state = PyBytes_FromStringAndSize(start + self.at, self.state_size)
        if self.kind == M_USER:
            self.message = StreamMessage("user", user_state=state)
        else:
            self.message = StreamMessage(
                "push_pull",
                join=self.join,
                nodes=tuple(self.nodes),
                versions=tuple(self.versions),
                user_state=state,
                metas=tuple(self.metas),
            )
        self.phase = AT_END
        return True


def wrap_stream(bytes message not None, bytes label not None):
    cdef Py_ssize_t size = PyBytes_GET_SIZE(message), room = size + size // 2 + 64
    cdef const uint8_t* source = <const uint8_t*>PyBytes_AS_STRING(message)
    cdef uint8_t* out
    if size > MESSAGE_BYTES_MAX:
        raise ValueError(f"a stream message of {size} bytes is longer than any receiver takes")
    out = <uint8_t*>malloc(room + SPARE_BYTES)
    if out == NULL:
        raise MemoryError
    with nogil:
        size = put_compressed(source, size, out, room)
    try:
        head = bytes((M_LABEL, len(label))) + label if label else b""
        return head + PyBytes_FromStringAndSize(<char*>out, size)
    finally:
        free(out)
