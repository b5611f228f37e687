# cython: freethreading_compatible=True
"""Hashes of label sets: the fingerprint that names an alert and the hash that a log entry keeps of it."""

from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport uint64_t

from xxhash import xxh64_intdigest

cdef uint64_t FNV_OFFSET = 14695981039346656037ULL
cdef uint64_t FNV_PRIME = 1099511628211ULL
cdef enum:
    SEPARATOR = 0xFF


cdef inline uint64_t _fnv_text(uint64_t state, str text) except? 0:
    """FNV-1a over the UTF-8 bytes of a text and the separator."""
    cdef Py_ssize_t size, i
    cdef const unsigned char* data = <const unsigned char*>PyUnicode_AsUTF8AndSize(text, &size)
    for i in range(size):
        state = (state ^ data[i]) * FNV_PRIME
    return (state ^ SEPARATOR) * FNV_PRIME


def label_fingerprint(labels):
    cdef uint64_t state = FNV_OFFSET
    for name, value in labels.items():
        state = _fnv_text(state, <str?>name)
        state = _fnv_text(state, <str?>value)
    return state


def alert_hash(labels):
    cdef bytearray joined = bytearray()
    for name, value in labels.items():
        joined += (<str?>name).encode()
        joined.append(SEPARATOR)
        joined += (<str?>value).encode()
        joined.append(SEPARATOR)
    return xxh64_intdigest(bytes(joined))
