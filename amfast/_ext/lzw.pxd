from libc.stdint cimport uint8_t

cdef enum:
    LZW_BROKEN = -1
    LZW_NO_ROOM = -2

cdef Py_ssize_t lzw_encode(const uint8_t* source, Py_ssize_t size, uint8_t* out, Py_ssize_t room) noexcept nogil
cdef Py_ssize_t lzw_decode(const uint8_t* source, Py_ssize_t size, uint8_t* out, Py_ssize_t room) noexcept nogil
