"""The fields of HTTP requests and responses, for the module that reads them without asking through Python."""


cdef class RequestFields:
    cdef public object method
    cdef public object target
    cdef public object headers
    cdef public object body
    cdef public bint keep_alive
    cdef public bint is_http10
    cdef public dict answers


cdef class ResponseFields:
    cdef public int status
    cdef public object body
    cdef public object headers
    cdef public bint close
    cdef public object on_sent
    cdef public object parts
    cdef public object seconds_left
    cdef public Py_ssize_t sent_bytes
