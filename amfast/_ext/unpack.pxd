from libc.stdint cimport uint8_t, uint64_t

from amfast._ext.wire cimport Slice

cdef enum:
    MESSAGES_MAX = 1024  # in one datagram

cdef class Unpacker:
    cdef bytes label
    cdef uint8_t* inflated
    cdef Py_ssize_t inflated_size
    cdef readonly uint64_t dropped
    cdef int count
    cdef Slice found[MESSAGES_MAX]
    cdef int unpack(self, const uint8_t* data, Py_ssize_t size) except -1
    cdef int _layer(self, const uint8_t* data, Py_ssize_t size, int depth) except -1
    cdef int _compound(self, const uint8_t* data, Py_ssize_t size, int depth) except -1
    cdef int _compressed(self, const uint8_t* data, Py_ssize_t size, int depth) except -1
