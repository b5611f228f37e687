# cython: freethreading_compatible=True
"""The alerts of a group as one flush sees them, and those of them that are told.

The group goes on meanwhile: what is told is noted, and its texts are held, so that it stays what it was.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from amfast._ext.grouping cimport Members
from amfast._ext.instant cimport Instant, Second, instant_of, is_before, is_unset, total_ns
from amfast._ext.message cimport Seen, Text, hash_of, keep_common, object_of, write_alert
from amfast._ext.pool cimport ALL_MARKS
from amfast._ext.slots cimport NOTHING
from amfast._ext.table cimport TIMEOUT, Form, Row, Table


cdef inline void* memory(size_t size) except NULL:
    cdef void* taken = malloc(size if size else 1)
    if taken == NULL:
        raise MemoryError
    return taken


@cython.final
@cython.no_gc_clear  # the texts are given back to a table that is still there
cdef class Snapshot:
    """The members that were in order. The group outlives it while the flush goes on, and so do their rows."""

    cdef Members members
    cdef Table table
    cdef object make_alert
    cdef readonly object now_ns
    cdef Instant now
    cdef uint32_t* rows
    cdef uint32_t* changes
    cdef uint32_t size, noted
    cdef Seen* seen  # NULL where nobody asked to look closely
    cdef uint32_t* pairs  # of all that was seen, held
    cdef size_t pairs_size, pairs_room

    def __cinit__(self, Members members not None, now_ns, make_alert):
        self.members = members
        self.table = members.table
        self.make_alert = make_alert
        self.now_ns = now_ns
        self.now = instant_of(now_ns, 0)
        self.rows = <uint32_t*>memory(members.sorted_size * sizeof(uint32_t))
        self.changes = <uint32_t*>memory(members.sorted_size * sizeof(uint32_t))
        self.size = members.sorted_size
        if self.size:
            memcpy(self.rows, members.rows, self.size * sizeof(uint32_t))

    def __dealloc__(self):
        cdef size_t i
        for i in range(self.pairs_size):
            self.table.pool.drop(self.pairs[i])
        free(self.rows)
        free(self.changes)
        free(self.seen)
        free(self.pairs)

    def __len__(self):
        return self.size

    def look(self, uint32_t count, bint closely):
        cdef uint32_t end = min(self.size, self.noted + min(count, self.size))
        if closely and self.seen == NULL:
            self.seen = <Seen*>memory(self.size * sizeof(Seen))
        while self.noted < end:
            self.changes[self.noted] = self.table.rows[self.rows[self.noted]].changes
            if closely:
                self._see(self.rows[self.noted], &self.seen[self.noted])
            self.noted += 1
        return self.noted == self.size

    cdef int _see(self, uint32_t id, Seen* seen) except -1:
        cdef Row* row = &self.table.rows[id]
        cdef Form* form = &self.table.forms[row.said]
        seen.fingerprint = row.fingerprint
        seen.hash = hash_of(self.table.pool, row.labels, row.labels_size)
        seen.starts, seen.ends, seen.updated = row.starts, row.ends, row.updated
        seen.has_ended = not is_unset(&row.ends) and not is_before(&self.now, &row.ends)
        seen.is_timeout = self.table.states[id] & TIMEOUT
        seen.first = self.pairs_size
        seen.labels_size, seen.notes_size, seen.url = row.labels_size, form.notes_size, form.url
        self._hold(row.labels, row.labels_size)
        self._hold(form.notes, form.notes_size)
        if form.url != NOTHING:
            self._hold(&form.url, 1)
        return 0

    cdef int _hold(self, const uint32_t* pairs, uint32_t size) except -1:
        cdef size_t room
        cdef void* grown
        cdef uint32_t i
        if self.pairs_size + size > self.pairs_room:
            room = self.pairs_size + self.pairs_size // 2 + size + 8
            grown = realloc(self.pairs, room * sizeof(uint32_t))
            if grown == NULL:
                raise MemoryError
            self.pairs = <uint32_t*>grown
            self.pairs_room = room
        for i in range(size):
            self.table.pool.pairs[pairs[i]].refs += 1
            self.pairs[self.pairs_size] = pairs[i]
            self.pairs_size += 1
        return 0

    def told(self):
        if self.noted < self.size:
            raise ValueError("not everything was looked at")
        cdef Told told = Told.__new__(Told)
        told.snapshot = self
        told.size = self.size
        return told

    def forget_ended(self):
        """See the stub. Both lists are in the same order, but for what came to the group in between."""
        cdef Members members = self.members
        cdef uint32_t i, row, next = 0, to = 0, sorted_size = 0
        if members.is_closed:
            return 0
        next = self._next_ended(0)
        if next == self.size:
            return 0
        members._stop_sorting()
        for i in range(members.size):
            row = members.rows[i]
            if next < self.size and row == self.rows[next]:
                next = self._next_ended(next + 1)
                members.drop(row)
                continue
            members.rows[to] = row
            to += 1
            sorted_size += i < members.sorted_size
        i = members.size - to
        members.size = to
        members.sorted_size = sorted_size
        return i

    cdef uint32_t _next_ended(self, uint32_t at) noexcept:
        """The next that had ended and was not said anew since."""
        cdef Row* row
        while at < self.noted:
            row = &self.table.rows[self.rows[at]]
            if not is_unset(&row.ends) and not is_before(&self.now, &row.ends) and row.changes == self.changes[at]:
                return at
            at += 1
        return self.size


@cython.final
cdef class Told:
    """All alerts of a snapshot, or some of them."""

    cdef Snapshot snapshot
    cdef uint32_t* places  # among those of the snapshot; NULL for all
    cdef uint32_t size
    cdef tuple known_hashes, known_firing, known_resolved

    def __dealloc__(self):
        free(self.places)

    def __len__(self):
        return self.size

    cdef inline uint32_t _place(self, uint32_t i) noexcept:
        return i if self.places == NULL else self.places[i]

    cdef Seen* _seen(self) except NULL:
        if self.snapshot.seen == NULL:
            raise ValueError("nobody looked closely")
        return self.snapshot.seen

    cdef Told _some(self, uint32_t* places, uint32_t size):
        """Those at these places of the snapshot (malloc'ed, taken over)."""
        cdef Told some = Told.__new__(Told)
        some.snapshot = self.snapshot
        some.places = places
        some.size = size
        return some

    def __iter__(self):
        cdef uint32_t i
        for i in range(self.size):
            yield self._alert(&self._seen()[self._place(i)])

    cdef object _alert(self, Seen* seen):
        cdef Table table = self.snapshot.table
        cdef const uint32_t* labels = self.snapshot.pairs + seen.first
        return self.snapshot.make_alert(
            table._texts(labels, seen.labels_size),
            table._texts(labels + seen.labels_size, seen.notes_size),
            (total_ns(&seen.starts), seen.starts.offset_s),
            (total_ns(&seen.ends), seen.ends.offset_s),
            (total_ns(&seen.updated), seen.updated.offset_s),
            "" if seen.url == NOTHING else table.pool.value_text(seen.url),
            bool(seen.is_timeout),
            self.snapshot.now_ns,
        )

    # What is asked of the labels, for which the rows serve while the flush goes on

    def marked(self, uint32_t start, uint32_t count, uint32_t marks):
        cdef Table table = self.snapshot.table
        cdef uint32_t i, id
        cdef list found = []
        for i in range(start, min(self.size, start + count)):
            id = self.snapshot.rows[self._place(i)]
            if marks == ALL_MARKS or table.marks_of(id) & marks:
                found.append((i, table._texts(table.rows[id].labels, table.rows[id].labels_size), table.rows[id].fingerprint))
        return found

    # Some of them

    def without(self, list gone):
        cdef uint32_t* places
        cdef uint32_t i, size = 0
        cdef Py_ssize_t next = 0
        if not gone:
            return self
        places = <uint32_t*>memory(self.size * sizeof(uint32_t))
        for i in range(self.size):
            if next < len(gone) and gone[next] == i:
                next += 1
            else:
                places[size] = self._place(i)
                size += 1
        return self._some(places, size)

    def first(self, uint32_t count):
        cdef uint32_t* places
        cdef uint32_t i
        if count >= self.size:
            return self
        places = <uint32_t*>memory(count * sizeof(uint32_t))
        for i in range(count):
            places[i] = self._place(i)
        return self._some(places, count)

    def still_firing(self):
        cdef Seen* seen = self._seen()
        return self.without([i for i in range(self.size) if seen[self._place(i)].has_ended])

    def ended(self):
        cdef Seen* seen = self._seen()
        return self.without([i for i in range(self.size) if not seen[self._place(i)].has_ended])

    def heard(self, since_ns, also):
        cdef Seen* seen = self._seen()
        cdef Instant since = instant_of(since_ns, 0)
        cdef Seen* one
        cdef uint32_t i
        cdef list gone = []
        for i in range(self.size):
            one = &seen[self._place(i)]
            if is_before(&one.updated, &since) and one.hash not in also:
                gone.append(i)
        return self.without(gone)

    # As the log knows them

    @property
    def hashes(self):
        if self.known_hashes is None:
            seen = self._seen()
            self.known_hashes = tuple([seen[self._place(i)].hash for i in range(self.size)])
        return self.known_hashes

    @property
    def firing(self):
        if self.known_firing is None:
            self.known_firing = self._hashes(False)
        return self.known_firing

    @property
    def resolved(self):
        if self.known_resolved is None:
            self.known_resolved = self._hashes(True)
        return self.known_resolved

    cdef tuple _hashes(self, bint has_ended):
        cdef Seen* seen = self._seen()
        cdef uint32_t i
        return tuple([seen[self._place(i)].hash for i in range(self.size) if seen[self._place(i)].has_ended == has_ended])

    def json(self):
        return AlertsJson(self)


@cython.final
@cython.no_gc_clear
cdef class AlertsJson:
    """What a message says of alerts, written some at a time."""

    cdef Told told
    cdef Text text
    cdef Second second  # the one that was written last
    cdef uint32_t next
    cdef uint32_t* labels  # in common so far
    cdef uint32_t* notes
    cdef uint32_t labels_size, notes_size

    def __cinit__(self, Told told not None):
        cdef Seen* first
        self.told = told
        if told.size:
            first = &told._seen()[told._place(0)]
            self.labels = copied(told.snapshot.pairs + first.first, first.labels_size)
            self.labels_size = first.labels_size
            self.notes = copied(told.snapshot.pairs + first.first + first.labels_size, first.notes_size)
            self.notes_size = first.notes_size

    def __dealloc__(self):
        free(self.text.bytes)
        free(self.labels)
        free(self.notes)

    def go_on(self, size_t most):
        cdef Snapshot snapshot = self.told.snapshot
        cdef size_t end = self.text.size + most
        cdef Seen* seen
        cdef const uint32_t* pairs
        while self.next < self.told.size and self.text.size < end:
            seen = &self.told._seen()[self.told._place(self.next)]
            pairs = snapshot.pairs + seen.first
            write_alert(&self.text, snapshot.table.pool, seen, snapshot.pairs, &self.second, self.next > 0)
            self.labels_size = keep_common(
                snapshot.table.pool, self.labels, self.labels_size, pairs, seen.labels_size
            )
            self.notes_size = keep_common(
                snapshot.table.pool, self.notes, self.notes_size, pairs + seen.labels_size, seen.notes_size
            )
            self.next += 1
        return self.next == self.told.size

    @property
    def alerts(self):
        return PyBytes_FromStringAndSize(<const char*>self.text.bytes, self.text.size)

    @property
    def common_labels(self):
        return object_of(self.told.snapshot.table.pool, self.labels, self.labels_size)

    @property
    def common_annotations(self):
        return object_of(self.told.snapshot.table.pool, self.notes, self.notes_size)


cdef inline uint32_t* copied(const uint32_t* pairs, uint32_t size) except NULL:
    cdef uint32_t* copy = <uint32_t*>memory(size * sizeof(uint32_t))
    if size:
        memcpy(copy, pairs, size * sizeof(uint32_t))
    return copy
