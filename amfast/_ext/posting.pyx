# cython: freethreading_compatible=True
"""What is done with every body of alerts besides reading it, which is little most of the time."""

from libc.stdint cimport int32_t, int64_t, uint64_t

from amfast._ext.intake cimport Posted


cdef class Posting:
    """See the stub."""

    cdef object _take
    cdef object _now_ns
    cdef object _stopwatch_ns
    cdef int64_t _zone_holds_ns
    cdef int64_t _zone_from_ns
    cdef int32_t _offset_s
    cdef readonly uint64_t stored
    cdef readonly double stored_in_s

    def __init__(self, intake, now_ns, stopwatch_ns, int64_t zone_holds_ns):
        self._take = intake.post
        self._now_ns = now_ns
        self._stopwatch_ns = stopwatch_ns
        self._zone_holds_ns = zone_holds_ns
        self._zone_from_ns = -zone_holds_ns

    def post(self, body, resolve_timeout_ns):
        cdef int64_t started_ns = self._stopwatch_ns()
        cdef int64_t now_ns = self._now_ns()
        cdef Posted posted
        if not 0 <= now_ns - self._zone_from_ns < self._zone_holds_ns:
            self._zone_from_ns = now_ns - now_ns % self._zone_holds_ns
            self._offset_s = self._offset_at(now_ns)
        posted = self._take(body, now_ns, self._offset_s, resolve_timeout_ns)
        if posted.has_sequel:
            self._follow_up(posted)
        self.stored += posted.stored
        self.stored_in_s += (<int64_t>self._stopwatch_ns() - started_ns) / 1e9
        return posted

    def _offset_at(self, now_ns):
        raise NotImplementedError

    def _follow_up(self, posted):
        raise NotImplementedError
