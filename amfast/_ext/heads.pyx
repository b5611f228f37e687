# cython: freethreading_compatible=True
"""Heads of HTTP requests that were parsed before, found again by their bytes without the digits of a length."""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memchr, memcmp, memcpy

cdef enum:
    HEAD_BYTES_MAX = 4096
    DIGITS_MAX = 8

cdef const char* LENGTH_NAME = b"content-length: "
cdef enum:
    NAME_BYTES = 16


@cython.final
cdef class Head:
    """See the stub."""


cdef struct Cut:
    Py_ssize_t digits_at
    Py_ssize_t digits_end
    Py_ssize_t end
    Py_ssize_t value


cdef Py_ssize_t read_digits(const char* text, const char* end, Py_ssize_t* value) noexcept nogil:
    """How many digits stand at ``text``; 0 for a number that is not written in the one shortest way, or too long."""
    cdef Py_ssize_t count = 0
    cdef Py_ssize_t number = 0
    while text + count < end and c"0" <= text[count] <= c"9":
        if count == DIGITS_MAX:
            return 0
        number = number * 10 + (text[count] - c"0")
        count += 1
    if count > 1 and text[0] == c"0":
        return 0
    value[0] = number
    return count


cdef bint is_length_name(const char* line) noexcept nogil:
    cdef int i
    for i in range(NAME_BYTES):
        if line[i] != LENGTH_NAME[i] and not (c"A" <= line[i] <= c"Z" and (line[i] | 0x20) == LENGTH_NAME[i]):
            return False
    return True


cdef bint find_cut(const char* data, Py_ssize_t size, Cut* cut) noexcept nogil:
    """Where the head at ``data`` ends and its length stands; False if it is not whole or in any way unusual.

    A head without a length has its digits, none, at its end.
    """
    cdef const char* end = data + min(size, <Py_ssize_t>HEAD_BYTES_MAX)
    cdef const char* line = data
    cdef const char* feed
    cdef Py_ssize_t digits
    cut.digits_at = 0
    while True:
        feed = <const char*>memchr(line, c"\n", end - line)
        if feed == NULL or feed == line or (feed - 1)[0] != c"\r" or line[0] == c" " or line[0] == c"\t":
            return False
        if feed == line + 1:
            cut.end = feed + 1 - data
            if not cut.digits_at:
                cut.digits_at = cut.digits_end = cut.end
                cut.value = 0
            return line != data
        if line != data and feed - line > NAME_BYTES and is_length_name(line):
            digits = read_digits(line + NAME_BYTES, feed, &cut.value)
            if cut.digits_at or digits == 0 or line + NAME_BYTES + digits != feed - 1:
                return False
            cut.digits_at = line + NAME_BYTES - data
            cut.digits_end = cut.digits_at + digits
        line = feed + 1


cdef bytes key_of(const char* data, const Cut* cut):
    cdef bytes key = PyBytes_FromStringAndSize(NULL, cut.digits_at + cut.end - cut.digits_end)
    memcpy(PyBytes_AS_STRING(key), data, cut.digits_at)
    memcpy(PyBytes_AS_STRING(key) + cut.digits_at, data + cut.digits_end, cut.end - cut.digits_end)
    return key


@cython.final
cdef class Heads:
    """See the stub."""

    def __init__(self, Py_ssize_t heads_max):
        self._young = {}
        self._old = {}
        self._half = max(heads_max // 2, 1)

    def __len__(self):
        return len(self._young) + len(self._old)

    cpdef Head find(self, bytearray data, Py_ssize_t start, Py_ssize_t end, Head last):
        cdef const char* text
        cdef Cut cut
        cdef Head head
        cdef bytes key
        if data is None:
            raise TypeError("no data")
        if not 0 <= start <= end <= PyByteArray_GET_SIZE(data):
            raise ValueError("outside of the data")
        text = PyByteArray_AS_STRING(data) + start
        if last is not None and self._is(last, text, start, end):
            return last
        if not find_cut(text, end - start, &cut):
            return None
        key = key_of(text, &cut)
        head = self._young.get(key)
        if head is None:
            head = self._old.pop(key, None)
            if head is None:
                return None
            self._keep(key, head)
        self.body_at = start + cut.end
        self.body_bytes = cut.value
        return head

    def cut(self, bytearray data not None, Py_ssize_t start, Py_ssize_t end):
        cdef const char* text
        cdef Cut cut
        if not 0 <= start <= end <= PyByteArray_GET_SIZE(data):
            raise ValueError("outside of the data")
        text = PyByteArray_AS_STRING(data) + start
        if not find_cut(text, end - start, &cut):
            return None
        return text[: cut.digits_at], text[cut.digits_at : cut.digits_end], text[cut.digits_end : cut.end]

    def learn(self, bytes before not None, bytes after not None, object meaning):
        cdef Head head = Head.__new__(Head)
        head.before = before
        head.after = after
        head.meaning = meaning
        self._keep(before + after, head)
        return head

    cdef int _keep(self, bytes key, Head head) except -1:
        """Enter a head, and forget the older half when the younger is full."""
        if len(self._young) >= self._half:
            self._old = self._young
            self._young = {}
        self._young[key] = head
        return 0

    cdef bint _is(self, Head head, const char* text, Py_ssize_t start, Py_ssize_t end) noexcept:
        """Whether the text begins with this head; then the body's place and size are set."""
        cdef Py_ssize_t before = PyBytes_GET_SIZE(head.before)
        cdef Py_ssize_t after = PyBytes_GET_SIZE(head.after)
        cdef Py_ssize_t digits
        cdef Py_ssize_t value = 0
        if end - start < before + after or memcmp(text, PyBytes_AS_STRING(head.before), before) != 0:
            return False
        if after == 0:
            self.body_at = start + before
            self.body_bytes = 0
            return True
        digits = read_digits(text + before, text + (end - start), &value)
        if digits == 0 or end - start < before + digits + after:
            return False
        if memcmp(text + before + digits, PyBytes_AS_STRING(head.after), after) != 0:
            return False
        self.body_at = start + before + digits + after
        self.body_bytes = value
        return True
