# cython: freethreading_compatible=True
"""Where the bytes of HTTP connections land, and the short way of requests whose heads are known."""

from cpython.buffer cimport PyBUF_READ
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.ref cimport PyObject

from amfast._ext.exchange cimport RequestFields, ResponseFields
from amfast._ext.heads cimport Head, Heads

cdef extern from "<sys/socket.h>":
    Py_ssize_t send(int socket, const void* bytes, size_t size, int flags) nogil
    const int MSG_NOSIGNAL
    const int MSG_DONTWAIT

cdef extern from "Python.h":
    ctypedef object (*newfunc)(type, tuple, PyObject*)
    ctypedef struct PyTypeObject:
        newfunc tp_new

cdef enum:
    NS = 1_000_000_000


cdef class Commons:
    """See the stub."""

    cdef public bint draining
    cdef readonly Heads heads
    cdef readonly bytearray pad
    cdef readonly Py_ssize_t pads_lent
    cdef object _view
    cdef list _spare
    cdef Py_ssize_t _pad_bytes
    cdef Py_ssize_t _lent_max
    cdef object _request_type
    cdef object _handler
    cdef object _bare_answer
    cdef object _now_ns
    # The last answer without a body, and the second whose date it bears.
    cdef object _bare
    cdef object _bare_headers
    cdef int _bare_status
    cdef long long _bare_s

    def __init__(self, Heads heads not None, Py_ssize_t pad_bytes, Py_ssize_t lent_max,
                 request_type, handler, bare_answer, now_ns):
        self.draining = False
        self.heads = heads
        self.pads_lent = 0
        self._pad_bytes = pad_bytes
        self._lent_max = lent_max
        self._spare = []
        self._request_type = request_type
        self._handler = handler
        self._bare_answer = bare_answer
        self._now_ns = now_ns
        self._bare_s = -1
        self._renew()

    cdef int _renew(self) except -1:
        self.pad = self._spare.pop() if self._spare else bytearray(self._pad_bytes)
        self._view = memoryview(self.pad)
        return 0

    def lend_pad(self):
        cdef bytearray pad = self.pad
        if self.pads_lent >= self._lent_max:
            return None
        self._renew()
        self.pads_lent += 1
        return pad

    def take_back(self, bytearray pad not None):
        self.pads_lent -= 1
        self._spare.append(pad)

    cdef object _answer_of(self, ResponseFields response):
        """The bytes of an answer without a body: the same for a second, as long as the same is answered."""
        cdef long long now_s = <long long>self._now_ns() // NS
        if now_s != self._bare_s or response.status != self._bare_status or response.headers is not self._bare_headers:
            self._bare = self._bare_answer(response.status, response.headers)
            self._bare_s = now_s
            self._bare_status = response.status
            # Only what cannot change is known again by being the same object.
            self._bare_headers = response.headers if type(response.headers) is tuple else None
        return self._bare


cdef class Arrival:
    """See the stub."""

    cdef Commons _commons
    cdef public object _transport
    cdef public object _landing
    cdef public object _answering
    cdef public object _stream
    cdef public object _waiting
    cdef public Head _last_head
    cdef public bint _deaf
    cdef public bint _in_message
    cdef public bint _ending
    cdef public bint _write_paused
    cdef public bint _was_heard
    cdef public int _socket

    def __init__(self, Commons commons not None, waiting):
        self._commons = commons
        self._waiting = waiting
        self._socket = -1

    def get_buffer(self, Py_ssize_t sizehint):
        # A view, not the bytearray: asyncio's TLS reads into slices of what it gets here.
        return self._commons._view if self._landing is None else self._landing.room()

    def buffer_updated(self, Py_ssize_t nbytes):
        self._take_in(nbytes)
        if nbytes == self._commons._pad_bytes and self._landing is None:
            self._filled()

    cdef int _take_in(self, Py_ssize_t nbytes) except -1:
        cdef Commons commons = self._commons
        cdef Heads heads = commons.heads
        cdef Head head
        cdef Py_ssize_t start = 0
        cdef Py_ssize_t body_at
        cdef bint calm = True
        if self._landing is not None:
            self._landed(nbytes)
            if self._landing is None:
                self._tune_reading()
            return 0
        while start < nbytes and not self._deaf:
            head = None
            if not self._in_message:
                head = heads.find(commons.pad, start, nbytes, self._last_head)
            if head is None:
                start = self._unknown(commons.pad, start, nbytes)
                calm = False
                continue
            self._last_head = head
            body_at = heads.body_at
            start = body_at + heads.body_bytes
            if start > nbytes:
                self._begun(head.meaning, body_at, nbytes, start)
                calm = False
                break
            # Released below, before anything else can land there.
            body = PyMemoryView_FromMemory(PyByteArray_AS_STRING(commons.pad) + body_at, start - body_at, PyBUF_READ)
            try:
                calm = self._known(head.meaning, body, start - body_at, start == nbytes) and calm
            finally:
                body.release()
        if not calm:
            self._tune_reading()
        return 0

    def _take_known(self, meaning, body):
        self._known(meaning, body, len(body), True)

    cdef bint _known(self, tuple meaning, object body, Py_ssize_t size, bint is_last) except -1:
        """Take in a whole request, maybe the last that is here; whether nothing changed on which reading depends."""
        cdef Commons commons = self._commons
        cdef dict answers
        cdef RequestFields request = (<PyTypeObject*>commons._request_type).tp_new(
            <type>commons._request_type, (), NULL
        )
        request.method, request.target, request.headers, request.answers = meaning
        request.body = body
        request.keep_alive = True
        answers = request.answers
        if (self._answering is not None or self._stream is not None or self._write_paused or self._waiting
                or self._ending or commons.draining):
            self._queue(request, size)
            return False
        try:
            result = answers.get(size > 0, commons._handler)(request)
        except Exception as error:
            result = self._failed(request, error)
        if isinstance(result, ResponseFields) and is_bare(<ResponseFields>result):
            self._say(commons._answer_of(<ResponseFields>result), is_last)
            self._was_heard = True
            return not self._write_paused
        self._answer(request, size, result)
        return False

    cdef int _say(self, bytes answer, bint is_last) except -1:
        """Write an answer; the last one at once into the socket, for which an event loop would take a longer way."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(answer), sent = 0
        transport = self._transport
        if is_last and self._socket >= 0 and transport.get_write_buffer_size() == 0 and not transport.is_closing():
            sent = max(send(self._socket, PyBytes_AS_STRING(answer), size, MSG_NOSIGNAL | MSG_DONTWAIT), 0)
        if sent < size:  # also to hear of an error
            transport.write(answer[sent:])
        return 0

    def _unknown(self, bytearray pad, Py_ssize_t start, Py_ssize_t end):
        raise NotImplementedError

    def _begun(self, meaning, Py_ssize_t start, Py_ssize_t end, Py_ssize_t whole):
        raise NotImplementedError

    def _landed(self, Py_ssize_t size):
        raise NotImplementedError

    def _queue(self, request, Py_ssize_t size):
        raise NotImplementedError

    def _failed(self, request, error):
        raise NotImplementedError

    def _answer(self, request, Py_ssize_t size, result):
        raise NotImplementedError

    def _tune_reading(self):
        raise NotImplementedError

    def _filled(self):
        raise NotImplementedError


cdef bint is_bare(ResponseFields response) except -1:
    """A status and headers and nothing else, and the connection goes on."""
    return not response.body and response.parts is None and response.on_sent is None and not response.close
