# cython: freethreading_compatible=True
"""What stands between a request and whoever answers it, and mostly has nothing to do."""

cimport cython

from amfast._ext.exchange cimport ResponseFields


@cython.final
cdef class Traced:
    """See the stub."""

    cdef object _handler
    cdef object _tracing
    cdef object _in_span

    def __init__(self, handler, tracing, in_span):
        self._handler = handler
        self._tracing = tracing
        self._in_span = in_span

    def __call__(self, request):
        return self._handler(request) if self._tracing.tracer is None else self._in_span(request)


@cython.final
cdef class Headed:
    """See the stub."""

    cdef object _handler
    cdef tuple _headers
    cdef object _recover
    cdef object _later

    def __init__(self, handler, tuple headers not None, recover, later):
        self._handler = handler
        self._headers = headers
        self._recover = recover
        self._later = later

    def __call__(self, request):
        try:
            result = self._handler(request)
        except Exception as error:
            result = self._recover(error)
        if not isinstance(result, ResponseFields):
            return self._later(result, self._headers)
        headers = (<ResponseFields>result).headers
        (<ResponseFields>result).headers = (*headers, *self._headers) if headers else self._headers
        return result
