# cython: freethreading_compatible=True
"""Records of silences that are looked at without being decoded: when they hold, and what their matchers need."""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp, memcpy

from amfast._ext.pb cimport Moment, delimited, in_new_form, nanoseconds, read_moment
from amfast._ext.protobuf cimport (
    BYTES,
    VARINT,
    Reader,
    read_nested,
    read_tag,
    read_text,
    read_varint,
    reader_of,
    skip_field,
)
from amfast._ext.xxh64 cimport xxh64

cdef enum:
    RECORD_BYTES_MAX = 4 * 1024 * 1024
    NS_PER_S = 1_000_000_000
    REMEMBERED = 1024

cdef uint64_t NOT_ASCII = 0x8080808080808080ULL


cdef Moment _moment(ns):
    cdef Moment moment
    moment.seconds, moment.nanos = divmod(ns, <object>NS_PER_S)
    return moment


@cython.final
@cython.no_gc
cdef class SilenceRecord:
    """A silence as the bytes that say it, and what has to be known of it without reading them."""

    cdef bytes whole  # many records, or only this one
    cdef Py_ssize_t start, size  # of this one within them
    cdef readonly str id
    cdef public object silence
    cdef public long arrival
    cdef Moment starts_at, ends_at, updated_at, expires_at

    def __init__(self, silence, bytes data not None, expires_at_ns):
        self.whole = data
        self.size = len(data)
        self.id = silence.id
        self.starts_at = _moment(silence.starts_at_ns)
        self.ends_at = _moment(silence.ends_at_ns)
        self.updated_at = _moment(silence.updated_at_ns)
        self.expires_at = _moment(expires_at_ns)
        self.silence = silence

    @property
    def data(self):
        if self.size == len(self.whole):
            return self.whole
        return self.whole[self.start:self.start + self.size]

    def needs(self, literals not None):
        cdef _Needs needs = _Needs(literals, False)
        cdef bytes data = self.data
        cdef Reader reader = reader_of(data)
        _scan_record(read_nested(&reader), needs)
        return needs.found

    @property
    def starts_at_ns(self):
        return nanoseconds(self.starts_at)

    @property
    def ends_at_ns(self):
        return nanoseconds(self.ends_at)

    @property
    def updated_at_ns(self):
        return nanoseconds(self.updated_at)

    @property
    def expires_at_ns(self):
        return nanoseconds(self.expires_at)


def join_records(records):
    cdef SilenceRecord record
    cdef list known = list(records)
    cdef bytes whole
    cdef unsigned char* out
    cdef Py_ssize_t size = 0, start = 0
    for record in known:
        size += record.size
    whole = PyBytes_FromStringAndSize(NULL, size)
    out = <unsigned char*><char*>whole
    for record in known:
        memcpy(out + start, <const unsigned char*><const char*>record.whole + record.start, record.size)
        record.whole, record.start = whole, start
        start += record.size
    return whole


# What a matcher needs

cdef struct Remembered:
    uint64_t hash
    const unsigned char* at
    Py_ssize_t size
    PyObject* found  # owned; NULL where nothing is remembered


@cython.final
cdef class _Memo:
    """What bytes of the data came to, the last ones for each hash: most matchers are like some before.

    What is looked up must live as long as this does.
    """

    cdef Remembered[REMEMBERED] places

    def __dealloc__(self):
        cdef int i
        for i in range(REMEMBERED):
            Py_XDECREF(self.places[i].found)

    cdef PyObject* get(self, Reader text, uint64_t hash) noexcept:
        """What the bytes of this hash came to; NULL if that is not remembered."""
        cdef Remembered* place = &self.places[hash % REMEMBERED]
        if place.hash != hash or place.size != text.end - text.at or memcmp(place.at, text.at, place.size):
            return NULL
        return place.found

    cdef int put(self, Reader text, uint64_t hash, found) except -1:
        cdef Remembered* place = &self.places[hash % REMEMBERED]
        Py_INCREF(found)
        Py_XDECREF(place.found)
        place.hash, place.at, place.size, place.found = hash, text.at, text.end - text.at, <PyObject*>found
        return 0


cdef inline uint64_t _hash(Reader text) noexcept:
    return xxh64(text.at, text.end - text.at, 0)


@cython.final
cdef class _Needs:
    """Reads matchers into what labels must have to fulfil them: None, or pairs of which one is needed."""

    cdef object literals
    cdef _Memo matchers, names
    cdef list owners, found  # for each set of matchers: the id of its silence, and what it needs

    def __cinit__(self, literals, bint remembers):
        self.literals = literals
        if remembers:
            self.matchers = _Memo()
            self.names = _Memo()
        self.owners = []
        self.found = []

    cdef int note(self, str owner, tuple needs) except -1:
        if needs is not None:
            self.owners.append(owner)
            self.found.append(needs)
        return 0

    cdef object of(self, Reader* reader):
        cdef Reader matcher = read_nested(reader)
        if self.matchers is None:
            return self._read(matcher)
        cdef uint64_t hash = _hash(matcher)
        cdef PyObject* known = self.matchers.get(matcher, hash)
        if known != NULL:
            return <object>known
        need = self._read(matcher)
        self.matchers.put(matcher, hash, need)
        return need

    cdef object _read(self, Reader matcher):
        cdef uint64_t tag
        cdef int64_t kind = 0
        cdef str name = "", pattern = ""
        while matcher.at < matcher.end:
            tag = read_tag(&matcher)
            if tag == (1 << 3 | VARINT):
                kind = <int64_t>read_varint(&matcher)
            elif tag == (2 << 3 | BYTES):
                name = self._name(&matcher)
            elif tag == (3 << 3 | BYTES):
                pattern = read_text(&matcher)
            else:
                skip_field(&matcher, tag)
        if kind == 0 and pattern:
            return ((name, pattern),)
        if kind == 1 and self.literals is not None:
            values = self.literals(pattern)
            if values:
                return tuple([(name, value) for value in values])
        return None

    cdef str _name(self, Reader* reader):
        if self.names is None:
            return read_text(reader)
        cdef Reader text, copy = reader[0]
        text = read_nested(reader)
        cdef uint64_t hash = _hash(text)
        cdef PyObject* known = self.names.get(text, hash)
        if known != NULL:
            return <str>known
        name = read_text(&copy)
        self.names.put(text, hash, name)
        return name

    cdef tuple of_set(self, Reader reader, int field):
        """What the matchers in a field need, where they need anything; None if there are none."""
        cdef uint64_t tag
        cdef list needs = None
        while reader.at < reader.end:
            tag = read_tag(&reader)
            if tag != (<uint64_t>field << 3 | BYTES):
                skip_field(&reader, tag)
                continue
            if needs is None:
                needs = []
            need = self.of(&reader)
            if need is not None:
                needs.append(need)
        return None if needs is None else tuple(needs)


# Records

cdef int _check_text(Reader* reader) except -1:
    """Pass over a text, which has to be UTF-8."""
    cdef Reader text = read_nested(reader)
    cdef const unsigned char* at = text.at
    cdef uint64_t word = 0
    while text.end - at >= 8 and not word & NOT_ASCII:
        memcpy(&word, at, 8)
        at += 8
    if word & NOT_ASCII == 0:
        while at < text.end and at[0] < 0x80:
            at += 1
        if at == text.end:
            return 0
    PyUnicode_DecodeUTF8(<const char*>text.at, text.end - text.at, "strict")
    return 0


cdef int _check_text_pair(Reader* reader) except -1:
    cdef Reader inner = read_nested(reader)
    cdef uint64_t tag
    while inner.at < inner.end:
        tag = read_tag(&inner)
        if tag == (1 << 3 | BYTES) or tag == (2 << 3 | BYTES):
            _check_text(&inner)
        else:
            skip_field(&inner, tag)
    return 0


cdef struct Form:
    # What tells whether a silence is written as we write it.
    bint has_old_comment
    bint has_matchers  # in the old place
    bint has_sets


cdef int _read_silence(SilenceRecord found, Reader reader, _Needs needs, Form* form) except -1:
    """Everything is looked at as if it were decoded."""
    cdef uint64_t tag
    cdef list sets = []
    while reader.at < reader.end:
        tag = read_tag(&reader)
        if tag == (1 << 3 | BYTES):
            found.id = read_text(&reader)
        elif tag == (2 << 3 | BYTES):
            form.has_matchers = True
            needs.of(&reader)
        elif tag == (3 << 3 | BYTES):
            read_moment(&reader, &found.starts_at)
        elif tag == (4 << 3 | BYTES):
            read_moment(&reader, &found.ends_at)
        elif tag == (5 << 3 | BYTES):
            read_moment(&reader, &found.updated_at)
        elif tag == (7 << 3 | BYTES):
            form.has_old_comment = True
            _check_text_pair(&reader)
        elif tag == (8 << 3 | BYTES) or tag == (9 << 3 | BYTES):
            _check_text(&reader)
        elif tag == (10 << 3 | BYTES):
            _check_text_pair(&reader)
        elif tag == (11 << 3 | BYTES):
            form.has_sets = True
            sets.append(needs.of_set(read_nested(&reader), 1))
        else:
            skip_field(&reader, tag)
    for some in sets:
        needs.note(found.id, some)
    return 0


cdef SilenceRecord _scan_record(Reader record, _Needs needs):
    """All of a record but its bytes; these, too, if it is of an old form and has to be written anew."""
    cdef SilenceRecord found = SilenceRecord.__new__(SilenceRecord)
    cdef Reader whole = record, reader
    cdef uint64_t tag
    cdef int contents = 0
    cdef Form form
    form.has_old_comment = form.has_matchers = form.has_sets = False
    found.id = ""
    while record.at < record.end:
        tag = read_tag(&record)
        if tag == (1 << 3 | BYTES):
            reader = read_nested(&record)
            contents += 1
        elif tag == (2 << 3 | BYTES):
            read_moment(&record, &found.expires_at)
        else:
            skip_field(&record, tag)
    if contents == 0:
        raise ValueError("a silence record holds no silence")
    _read_silence(found, reader, needs, &form)
    if form.has_matchers and not form.has_sets:
        needs.note(found.id, needs.of_set(reader, 2))
    if contents > 1 or form.has_old_comment or form.has_matchers != form.has_sets:
        found.whole = delimited(in_new_form(whole.at[:whole.end - whole.at]))
        found.size = len(found.whole)
    return found


cdef list _scan(bytes data, _Needs needs, bint by_itself):
    cdef Reader reader = reader_of(data), record
    cdef Py_ssize_t start
    cdef SilenceRecord found
    cdef list records = []
    while reader.at < reader.end:
        start = len(data) - (reader.end - reader.at)
        record = read_nested(&reader)
        if record.end - record.at > RECORD_BYTES_MAX:
            raise ValueError("a record is over 4 MiB")
        found = _scan_record(record, needs)
        found.arrival = len(records)
        if found.whole is None:
            found.whole, found.start, found.size = data, start, len(data) - (reader.end - reader.at) - start
        if by_itself:
            found.whole, found.start = found.data, 0
        records.append(found)
    return records


def scan_silences(bytes data not None):
    return _scan(data, _Needs(None, True), True)


def scan_with_needs(bytes data not None, literals not None):
    cdef _Needs needs = _Needs(literals, True)
    return _scan(data, needs, False), needs.owners, needs.found
