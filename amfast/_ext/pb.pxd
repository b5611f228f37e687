from libc.stdint cimport int32_t, int64_t

from amfast._ext.protobuf cimport Reader

cdef struct Moment:
    int64_t seconds  # since the epoch, as many as can be written again
    int32_t nanos


cdef int read_moment(Reader* reader, Moment* moment) except -1
cdef object nanoseconds(Moment moment)
cdef bytes in_new_form(bytes record)
cdef bytes delimited(record)
