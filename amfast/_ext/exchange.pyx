# cython: freethreading_compatible=True
"""The fields of an HTTP request and its response: values that are made for every request."""


cdef class RequestFields:
    """See the stub."""

    def __init__(self, method, target, headers, body=b"", bint keep_alive=True, bint is_http10=False,
                 dict answers=None):
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.keep_alive = keep_alive
        self.is_http10 = is_http10
        self.answers = {} if answers is None else answers


cdef class ResponseFields:
    """See the stub."""

    def __init__(self, int status, body=b"", headers=(), bint close=False, on_sent=None, parts=None):
        self.status = status
        self.body = body
        self.headers = headers
        self.close = close
        self.on_sent = on_sent
        self.parts = parts
        self.seconds_left = None
        self.sent_bytes = 0
