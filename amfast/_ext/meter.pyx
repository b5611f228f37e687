# cython: freethreading_compatible=True
"""How long whoever answers takes, counted by buckets."""

cimport cython

from amfast._ext.exchange cimport ResponseFields

cdef enum:
    BOUNDS_MAX = 16


@cython.final
cdef class Tally:
    """See the stub."""

    cdef readonly double total
    cdef double _bounds[BOUNDS_MAX]
    cdef long long _counts[BOUNDS_MAX + 1]
    cdef int _buckets

    def __init__(self, bounds):
        cdef double bound
        if len(bounds) > BOUNDS_MAX:
            raise ValueError("too many bounds")
        self._buckets = 0
        self.total = 0.0
        self._counts[0] = 0
        for bound in bounds:
            self._bounds[self._buckets] = bound
            self._buckets += 1
            self._counts[self._buckets] = 0

    @property
    def counts(self):
        return [self._counts[i] for i in range(self._buckets + 1)]

    cpdef observe(self, double value):
        cdef int i = 0
        while i < self._buckets and value > self._bounds[i]:
            i += 1
        self._counts[i] += 1
        self.total += value


@cython.final
cdef class Meter:
    """See the stub."""

    cdef object _handler
    cdef object _now_ns
    cdef object _otherwise
    cdef Tally _tally
    cdef Tally _sizes

    def __init__(self, handler, now_ns, Tally tally not None, Tally sizes, otherwise):
        self._handler = handler
        self._now_ns = now_ns
        self._tally = tally
        self._sizes = sizes
        self._otherwise = otherwise

    def __call__(self, request):
        cdef long long start_ns = self._now_ns()
        cdef object result = self._handler(request)
        if isinstance(result, ResponseFields):
            if (<ResponseFields>result).status == 200 and (<ResponseFields>result).parts is None:
                self._tally.observe((<long long>self._now_ns() - start_ns) / 1e9)
                if self._sizes is not None:
                    self._sizes.observe(len((<ResponseFields>result).body))
                return result
        return self._otherwise(result, start_ns)
