# What became of a body of alerts.

from libc.stdint cimport uint32_t

cdef class Posted:
    cdef readonly uint32_t firing, resolved, dropped, stored
    cdef readonly list complaints
    cdef readonly bint has_sequel
