"""Heads of HTTP requests, for the modules that look for them without asking through Python."""


cdef class Head:
    cdef readonly bytes before
    cdef readonly bytes after
    cdef readonly object meaning


cdef class Heads:
    cdef dict _young
    cdef dict _old
    cdef Py_ssize_t _half
    cdef readonly Py_ssize_t body_at
    cdef readonly Py_ssize_t body_bytes

    cpdef Head find(self, bytearray data, Py_ssize_t start, Py_ssize_t end, Head last)
    cdef int _keep(self, bytes key, Head head) except -1
    cdef bint _is(self, Head head, const char* text, Py_ssize_t start, Py_ssize_t end) noexcept
