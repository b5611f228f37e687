# cython: freethreading_compatible=True
"""RFC 3339 times, read and written as the API does (reference api, section 4)."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

cdef enum:
    DAY_S = 86400
    NS = 1000000000


cdef inline int64_t days_of(int64_t year, int month, int day) noexcept nogil:
    """Days since 1970-01-01 in the proleptic Gregorian calendar; years are counted from March."""
    cdef int64_t era, of_era
    cdef int of_year
    if month <= 2:
        year -= 1
    era = (year if year >= 0 else year - 399) // 400
    of_era = year - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


cdef inline int number(const uint8_t* text, int digits) noexcept nogil:
    """The number that so many digits write, -1 if one is no digit."""
    cdef int value = 0, i
    for i in range(digits):
        if text[i] < 48 or text[i] > 57:
            return -1
        value = value * 10 + text[i] - 48
    return value


cdef inline int days_in(int year, int month) noexcept nogil:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


cdef bint read_zone(const uint8_t* at, const uint8_t* end, Py_ssize_t fraction, int32_t* offset_s) noexcept nogil:
    """The zone that ends a time. Without a colon it needs a fraction of three or six digits."""
    cdef int hours, minutes
    offset_s[0] = 0
    if at == end or (end - at == 1 and at[0] == c"Z"):
        return True
    if at[0] != c"+" and at[0] != c"-":
        return False
    if end - at == 6 and at[3] == c":":
        hours, minutes = number(at + 1, 2), number(at + 4, 2)
    elif end - at == 5 and (fraction == 3 or fraction == 6):
        hours, minutes = number(at + 1, 2), number(at + 3, 2)
    else:
        return False
    if hours < 0 or hours > 24 or minutes < 0 or minutes > 60:  # Go's bounds, generous as they are
        return False
    offset_s[0] = hours * 3600 + minutes * 60
    if at[0] == c"-":
        offset_s[0] = -offset_s[0]
    return True


cdef bint read_instant(const uint8_t* text, Py_ssize_t size, Instant* out) noexcept nogil:
    """Whether ``text`` is a time; the empty text is the epoch, digits after the ninth of a fraction are cut."""
    cdef const uint8_t* at = text
    cdef const uint8_t* end = text + size
    cdef int year, month, day, hour = 0, minute = 0, second = 0
    cdef Py_ssize_t fraction = 0, first
    cdef uint32_t ns = 0, unit = NS
    cdef int32_t offset_s = 0
    cdef bint spaced = False
    if size == 0:
        out.s, out.ns, out.offset_s = 0, 0, 0
        return True
    if size < 10 or text[4] != c"-" or text[7] != c"-":
        return False
    year, month, day = number(at, 4), number(at + 5, 2), number(at + 8, 2)
    if year < 0 or month < 1 or month > 12 or day < 1 or day > days_in(year, month):
        return False
    at += 10
    if at < end:
        spaced = at[0] == c" "
        if not spaced and at[0] != c"T":
            return False
        at += 1
        # One digit is enough for an hour.
        first = 1 if end - at >= 2 and at[1] == c":" else 2
        if end - at < first + 3 or at[first] != c":":
            return False
        hour, minute = number(at, <int>first), number(at + first + 1, 2)
        at += first + 3
        if hour < 0 or hour >= 24 or minute < 0 or minute >= 60:
            return False
        if at == end or at[0] != c":":
            # Without seconds there is room for a Z only, and none behind a blank.
            if spaced or not (at == end or (end - at == 1 and at[0] == c"Z")):
                return False
        else:
            if end - at < 3:
                return False
            second = number(at + 1, 2)
            if second < 0 or second >= 60:
                return False
            at += 3
            if at < end and (at[0] == c"." or at[0] == c","):
                at += 1
                while at < end and 48 <= at[0] <= 57:
                    if unit > 1:
                        unit //= 10
                        ns += (at[0] - 48) * unit
                    fraction += 1
                    at += 1
                if fraction == 0:
                    return False
            if (spaced and at < end) or not read_zone(at, end, fraction, &offset_s):
                return False
    out.s = days_of(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second - offset_s
    out.ns = ns
    out.offset_s = offset_s
    return True


cdef inline uint8_t* digits(uint8_t* out, int value, int count) noexcept nogil:
    cdef int i
    for i in range(count - 1, -1, -1):
        out[i] = 48 + value % 10
        value //= 10
    return out + count


cdef uint8_t* write_ms(uint8_t* out, Instant* time, Second* last) noexcept nogil:
    """RFC 3339 with exactly three digits of fraction, cut off; at most INSTANT_TEXT_MAX bytes. Returns the end.

    ``last`` is what was written the last time, and becomes what is written now.
    """
    return write_zone(digits(write_start(out, time, last), time.ns // 1000000, 3), time)


cdef uint8_t* write_nano(uint8_t* out, Instant* time, Second* last) noexcept nogil:
    """As :func:`write_ms`, with as many digits of fraction as it takes (Go's RFC3339Nano)."""
    out = write_start(out, time, last)
    if time.ns == 0:
        return write_zone(out - 1, time)  # over the dot
    out = digits(out, time.ns, 9)
    while (out - 1)[0] == c"0":
        out -= 1
    return write_zone(out, time)


cdef inline uint8_t* write_start(uint8_t* out, Instant* time, Second* last) noexcept nogil:
    """All up to the fraction. Of a second in the same minute only the digits of the second are new."""
    cdef int64_t further
    if last.size == 0 or last.s != time.s or last.offset_s != time.offset_s:
        further = time.s - last.s + last.of_minute
        if last.size and last.offset_s == time.offset_s and 0 <= further < 60:
            last.of_minute = <uint8_t>further
            digits(last.text + last.size - 3, last.of_minute, 2)
        else:
            last.size = <uint8_t>(write_second(last.text, time) - last.text)
            last.of_minute = 10 * (last.text[last.size - 3] - 48) + last.text[last.size - 2] - 48
        last.s, last.offset_s = time.s, time.offset_s
    memcpy(out, last.text, SECOND_TEXT_MAX)
    return out + last.size


cdef inline uint8_t* write_zone(uint8_t* out, Instant* time) noexcept nogil:
    cdef int minutes
    if time.offset_s == 0:
        out[0] = c"Z"
        return out + 1
    out[0] = c"+" if time.offset_s > 0 else c"-"
    minutes = (time.offset_s if time.offset_s > 0 else -time.offset_s) // 60
    out = digits(out + 1, minutes // 60, 2)
    out[0] = c":"
    return digits(out + 1, minutes % 60, 2)


cdef uint8_t* write_second(uint8_t* out, Instant* time) noexcept nogil:
    cdef int64_t local = time.s + time.offset_s
    cdef int64_t days = local // DAY_S, era, year
    cdef int rest = <int>(local % DAY_S)
    cdef int of_era, year_of_era, of_year, shifted, month
    if rest < 0:
        rest += DAY_S
        days -= 1
    days += 719468
    era = (days if days >= 0 else days - 146096) // 146097
    of_era = <int>(days - era * 146097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = era * 400 + year_of_era + (month <= 2)
    out = digits(out, <int>year, 5 if year > 9999 else 4)
    out[0] = c"-"
    out = digits(out + 1, month, 2)
    out[0] = c"-"
    out = digits(out + 1, of_year - (153 * shifted + 2) // 5 + 1, 2)
    out[0] = c"T"
    out = digits(out + 1, rest // 3600, 2)
    out[0] = c":"
    out = digits(out + 1, rest // 60 % 60, 2)
    out[0] = c":"
    out = digits(out + 1, rest % 60, 2)
    out[0] = c"."
    return out + 1


cdef object total_ns(Instant* time):
    """Nanoseconds since the epoch, which for distant years takes more than 64 bits."""
    return <object>time.s * NS + time.ns


cdef Instant instant_of(object ns, int32_t offset_s) except *:
    cdef Instant time
    time.s, time.ns = divmod(ns, NS)
    time.offset_s = offset_s
    return time


def parse_time(text):
    cdef bytes data = (<str?>text).encode("utf-8", "surrogatepass")
    cdef Instant time
    if not read_instant(data, len(data), &time):
        raise ValueError(f"{text[:64]!r} is not an RFC 3339 time")
    return total_ns(&time), time.offset_s


def format_times_ms(times):
    cdef Instant time
    cdef uint8_t text[INSTANT_TEXT_MAX]
    cdef uint8_t* end
    cdef Second second
    cdef list written = []
    second.size = 0
    for ns, offset_s in times:
        time = instant_of(ns, offset_s)
        end = write_ms(text, &time, &second)
        written.append(PyBytes_FromStringAndSize(<char*>text, end - text).decode("ascii"))
    return written
