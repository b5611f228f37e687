# cython: freethreading_compatible=True
"""Where the bytes of HTTP connections land, and the short way of requests whose heads are known."""

cimport cython

from amfast._ext.heads cimport Head, Heads


@cython.final
cdef class Pads:
    """See the stub."""

    cdef readonly Heads heads
    cdef readonly bytearray pad
    cdef readonly Py_ssize_t lent
    cdef object _view
    cdef list _spare
    cdef Py_ssize_t _bytes
    cdef Py_ssize_t _lent_max

    def __init__(self, Heads heads not None, Py_ssize_t pad_bytes, Py_ssize_t lent_max):
        self.heads = heads
        self.lent = 0
        self._bytes = pad_bytes
        self._lent_max = lent_max
        self._spare = []
        self._renew()

    cdef int _renew(self) except -1:
        self.pad = self._spare.pop() if self._spare else bytearray(self._bytes)
        self._view = memoryview(self.pad)
        return 0

    def lend(self):
        cdef bytearray pad = self.pad
        if self.lent >= self._lent_max:
            return None
        self._renew()
        self.lent += 1
        return pad

    def take_back(self, bytearray pad not None):
        self.lent -= 1
        self._spare.append(pad)


cdef class Arrival:
    """See the stub."""

    cdef readonly Pads pads
    cdef public object _landing
    cdef public Head _last_head
    cdef public bint _deaf
    cdef public bint _in_message

    def __init__(self, Pads pads not None):
        self.pads = pads
        self._deaf = self._in_message = False

    def get_buffer(self, Py_ssize_t sizehint):
        return self.pads.pad if self._landing is None else self._landing.room()

    def buffer_updated(self, Py_ssize_t nbytes):
        cdef Pads pads = self.pads
        cdef Heads heads = pads.heads
        cdef object view = pads._view
        cdef Head head
        cdef Py_ssize_t start = 0
        cdef Py_ssize_t body_at
        cdef bint calm = True
        if self._landing is not None:
            self._landed(nbytes)
            self._tune_reading()
            return
        while start < nbytes and not self._deaf:
            head = None
            if not self._in_message:
                head = heads.find(pads.pad, start, nbytes, self._last_head)
            if head is None:
                start = self._unknown(pads.pad, start, nbytes)
                calm = False
                continue
            self._last_head = head
            body_at = heads.body_at
            start = body_at + heads.body_bytes
            if start > nbytes:
                self._begun(head.meaning, body_at, nbytes, start)
                calm = False
                break
            body = view[body_at:start]
            try:
                calm = self._known(head.meaning, body) and calm
            finally:
                body.release()
        if not calm:
            self._tune_reading()

    def _unknown(self, bytearray pad, Py_ssize_t start, Py_ssize_t end):
        raise NotImplementedError

    def _known(self, meaning, body):
        raise NotImplementedError

    def _begun(self, meaning, Py_ssize_t start, Py_ssize_t end, Py_ssize_t whole):
        raise NotImplementedError

    def _landed(self, Py_ssize_t size):
        raise NotImplementedError

    def _tune_reading(self):
        raise NotImplementedError
