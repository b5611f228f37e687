from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef extern from *:
    """
    #ifndef AMFAST_WIRE_NAMES
    #define AMFAST_WIRE_NAMES
    enum { T_NODE, T_SOURCE_ADDR, T_SOURCE_NODE, T_TARGET, T_PAYLOAD, T_FROM, T_ADDR, T_META, T_VSN, T_ERROR,
           T_NAME, T_BUF, TEXTS };
    enum { N_SEQ_NO, N_SOURCE_PORT, N_PORT, N_NACK, N_INCARNATION, N_NODES, N_USER_STATE_LEN, N_JOIN, N_STATE,
           N_USER_MSG_LEN, N_ALGO, NUMBERS };
    #endif
    """
    cdef enum:
        T_NODE, T_SOURCE_ADDR, T_SOURCE_NODE, T_TARGET, T_PAYLOAD, T_FROM, T_ADDR, T_META, T_VSN, T_ERROR
        T_NAME, T_BUF, TEXTS
        N_SEQ_NO, N_SOURCE_PORT, N_PORT, N_NACK, N_INCARNATION, N_NODES, N_USER_STATE_LEN, N_JOIN, N_STATE
        N_USER_MSG_LEN, N_ALGO, NUMBERS

# The type byte of a message names the shape of its body too.
cdef enum Shape:
    M_PING = 0
    M_INDIRECT_PING = 1
    M_ACK = 2
    M_SUSPECT = 3
    M_ALIVE = 4
    M_DEAD = 5
    M_PUSH_PULL = 6
    M_COMPOUND = 7
    M_USER = 8
    M_COMPRESS = 9
    M_ENCRYPT = 10
    M_NACK = 11
    M_CHECKSUM = 12
    M_ERROR = 13
    NODE_STATE = 14  # an entry of a push/pull; not a message by itself
    SHAPES = 15
    M_LABEL = 244

cdef enum Verdict:
    WHOLE
    SHORT  # more bytes could make it whole
    BROKEN

cdef enum:
    BODY_BYTES_MAX = 2048  # more than any body of names, addresses and meta within their limits
    NAME_BYTES_MAX = 255
    META_BYTES_MAX = 512
    VSN_BYTES = 6
    SCRATCH_BYTES = 1024

cdef struct Slice:
    const uint8_t* data  # NULL: nil or absent
    Py_ssize_t size

cdef struct Reader:
    const uint8_t* at
    const uint8_t* end

cdef struct Fields:
    Slice text[12]
    int64_t number[11]
    int scratch_used
    uint8_t scratch[SCRATCH_BYTES]  # text that came as an array of integers

cdef Slice slice_of(const void* data, Py_ssize_t size) noexcept nogil
cdef bint same(Slice a, Slice b) noexcept nogil
cdef bint is_utf8(Slice text) noexcept nogil
cdef void clear(Fields* fields) noexcept nogil
cdef Verdict decode(int shape, Reader* reader, Fields* fields) noexcept nogil
cdef uint8_t* put_raw_head(uint8_t* to, Py_ssize_t size) noexcept nogil
cdef uint8_t* encode(int shape, const Fields* fields, uint8_t* to) noexcept nogil
