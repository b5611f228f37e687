# Points in time as the alert path keeps them: seconds and nanoseconds, since years 1 to 9999 do not fit 64 bits of
# nanoseconds, and the offset that a time was written with.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

cdef struct Instant:
    int64_t s
    uint32_t ns
    int32_t offset_s

cdef extern from *:
    """
    #define AMF_ZERO_S (-62135596800LL) /* 0001-01-01T00:00:00Z, "not set" */
    """
    const int64_t ZERO_S "AMF_ZERO_S"

cdef enum:
    INSTANT_TEXT_MAX = 40
    SECOND_TEXT_MAX = 21

cdef struct Second:
    # A second as RFC 3339 writes it, up to the dot; for whoever writes many times of the same one.
    int64_t s
    int32_t offset_s
    uint8_t size  # 0 as long as there is none
    uint8_t of_minute  # how many seconds of its minute have gone
    uint8_t[SECOND_TEXT_MAX] text

cdef inline bint is_unset(Instant* time) noexcept nogil:
    return time.s == ZERO_S and time.ns == 0


cdef inline bint is_before(Instant* a, Instant* b) noexcept nogil:
    return a.s < b.s or (a.s == b.s and a.ns < b.ns)


cdef inline Instant near_instant(int64_t ns, int32_t offset_s) noexcept nogil:
    # Of nanoseconds since the epoch, in the centuries that 64 bits of them cover.
    cdef Instant time
    time.s = ns // 1000000000
    if time.s * 1000000000 > ns:
        time.s -= 1
    time.ns = <uint32_t>(ns - time.s * 1000000000)
    time.offset_s = offset_s
    return time


cdef bint read_instant(const uint8_t* text, Py_ssize_t size, Instant* out) noexcept nogil
cdef uint8_t* write_ms(uint8_t* out, Instant* time, Second* last) noexcept nogil
cdef uint8_t* write_nano(uint8_t* out, Instant* time, Second* last) noexcept nogil
cdef object total_ns(Instant* time)
cdef Instant instant_of(object ns, int32_t offset_s) except *
