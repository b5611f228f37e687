# cython: freethreading_compatible=True
"""The table of alerts: rows by label set, merge rules, and the forms in which they were last said."""

cimport cython
from cpython.ref cimport Py_XDECREF
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from amfast._ext.instant cimport Instant, instant_of, is_before, is_unset, total_ns
from amfast._ext.pool cimport ALL_MARKS as POOL_ALL_MARKS
from amfast._ext.pool cimport SILENCE_ANCHOR as POOL_SILENCE_ANCHOR
from amfast._ext.pool cimport SOURCE_ANCHOR as POOL_SOURCE_ANCHOR
from amfast._ext.pool cimport TARGET_ANCHOR as POOL_TARGET_ANCHOR
from amfast._ext.pool cimport Pool
from amfast._ext.slots cimport NOTHING, slots_add, slots_init, slots_remove
from amfast._ext.xxh64 cimport factor_of, xxh64_with

cdef enum:
    FORMS_MAX = 4  # of one row: as many senders may say the same alert in their own words
    TAIL_MAX = 65536  # rows that wait to be sorted


cdef extern from *:
    """
    #include <stdlib.h>
    static int amf_by_fingerprint(const void *a, const void *b) {
      uint64_t x = ((const uint64_t *)a)[0], y = ((const uint64_t *)b)[0];
      if (x != y) return x < y ? -1 : 1;
      uint32_t p = *(const uint32_t *)((const uint64_t *)a + 1), q = *(const uint32_t *)((const uint64_t *)b + 1);
      return p < q ? -1 : p > q;
    }
    static void amf_sort_order(void *at, size_t count, size_t size) { qsort(at, count, size, amf_by_fingerprint); }
    """
    void amf_sort_order(void* at, size_t count, size_t size) nogil


cdef inline uint32_t tag_of(uint64_t hash) noexcept nogil:
    return <uint32_t>(hash ^ (hash >> 32))


cdef inline bint has_ended(Row* row, Instant* now) noexcept nogil:
    return not is_unset(&row.ends) and not is_before(now, &row.ends)


cdef inline bint overlap(Row* row, Report* said) noexcept nogil:
    """Whether the new activity begins or ends strictly inside the known one."""
    return (is_before(&row.starts, &said.ends) and is_before(&said.ends, &row.ends)) or (
        is_before(&row.starts, &said.starts) and is_before(&said.starts, &row.ends)
    )

SILENCE_ANCHOR = POOL_SILENCE_ANCHOR
SOURCE_ANCHOR = POOL_SOURCE_ANCHOR
TARGET_ANCHOR = POOL_TARGET_ANCHOR
ALL_MARKS = <uint32_t>POOL_ALL_MARKS


cdef class Router:
    cdef int take(self, Table table, uint32_t row) except -1:
        return 0

    cdef void leave(self, uint32_t place) noexcept:
        pass

    cdef bint has_waiting(self) noexcept:
        return False


@cython.final
cdef class Table:
    def __cinit__(self, uint64_t seed=0):
        self.seed = seed
        self.factor = factor_of(seed)
        self.pool = Pool(seed)
        self.free_row = self.free_form = NOTHING
        self.news = []
        self.crowded = []
        self.leaving = []
        self.told = []
        self.router = Router()
        self.marks_version = 1
        self.job = self.pool.name_number(b"job", 3)
        self.instance = self.pool.name_number(b"instance", 8)
        slots_init(&self.by_labels)
        slots_init(&self.by_bytes)

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.rows_size):
            if self.rows[i].labels != NULL:
                Py_XDECREF(self.rows[i].silenced)
                Py_XDECREF(self.rows[i].inhibited)
                free(self.rows[i].labels)
        for i in range(self.forms_size):
            if self.forms[i].row != NOTHING:
                free(self.forms[i].notes)
        free(self.rows)
        free(self.states)
        free(self.forms)
        free(self.by_labels.at)
        free(self.by_bytes.at)
        free(self.order)

    def __len__(self):
        return self.stored

    # Rows

    cdef uint32_t tag_of_pairs(self, const uint32_t* pairs, uint32_t size) noexcept:
        """Where rows with these pairs are looked up. Not by the fingerprint: FNV collisions are easily made."""
        return tag_of(xxh64_with(<const uint8_t*>pairs, size * sizeof(uint32_t), self.seed, self.factor))

    cdef uint32_t find_row(self, uint32_t tag, uint64_t fingerprint, const uint32_t* labels, uint32_t size) noexcept:
        """The row of a label set, NOTHING if it has none. Label sets with the same fingerprint are kept apart.

        ``tag`` is :meth:`tag_of_pairs` of the labels.
        """
        cdef uint32_t place = tag & self.by_labels.mask, id
        cdef Row* row
        while self.by_labels.at[place].id != NOTHING:
            if self.by_labels.at[place].tag == tag:
                id = self.by_labels.at[place].id
                row = &self.rows[id]
                if (
                    row.fingerprint == fingerprint
                    and row.labels_size == size
                    and memcmp(row.labels, labels, size * sizeof(uint32_t)) == 0
                ):
                    return id
            place = (place + 1) & self.by_labels.mask
        return NOTHING

    cdef uint32_t new_row(
        self, uint32_t tag, uint64_t fingerprint, uint32_t* labels, uint32_t size
    ) except? 0xFFFFFFFF:
        """A row that nobody holds yet; it takes over ``labels`` (malloc'ed) and their references."""
        cdef uint32_t id = self.free_row
        cdef Row* row
        if id == NOTHING and self.rows_size == self.rows_room:
            self._grow_rows()
        slots_add(&self.by_labels, tag, self.rows_size if id == NOTHING else id)
        if id != NOTHING:
            self.free_row = self.rows[id].forms
            self.rows_reused += 1
        else:
            id = self.rows_size
            self.rows_size += 1
        row = &self.rows[id]
        memset(row, 0, sizeof(Row))
        row.fingerprint = fingerprint
        row.labels = labels
        row.labels_size = size
        row.said = row.forms = row.place = NOTHING
        row.job = self.label(id, self.job)
        row.instance = self.label(id, self.instance)
        self.states[id] = 0
        return id

    cdef int _grow_rows(self) except -1:
        cdef uint32_t room = self.rows_room + self.rows_room // 2 + 64
        cdef void* grown = realloc(self.rows, room * sizeof(Row))
        if grown == NULL:
            raise MemoryError
        self.rows = <Row*>grown
        grown = realloc(self.states, room)
        if grown == NULL:
            raise MemoryError
        self.states = <uint8_t*>grown
        self.rows_room = room
        return 0

    cdef void let_go(self, uint32_t id) noexcept:
        """Free a row if nobody holds it any more, but none while a body is read."""
        cdef Row* row = &self.rows[id]
        cdef uint32_t i
        if self.states[id] & (STORED | ORDERED) or row.groups or row.refs:
            return
        if self.is_reading:
            self.leaving.append(id)
            return
        slots_remove(&self.by_labels, self.tag_of_pairs(row.labels, row.labels_size), id)
        while row.forms != NOTHING:
            self._drop_form(row.forms)
        for i in range(row.labels_size):
            self.pool.drop(row.labels[i])
        if row.place != NOTHING:
            self.router.leave(row.place)
        Py_XDECREF(row.silenced)
        Py_XDECREF(row.inhibited)
        free(row.labels)
        row.labels = NULL
        row.forms = self.free_row
        self.free_row = id

    cdef uint32_t label(self, uint32_t id, uint32_t name) noexcept:
        """The pair that a row has for a name, NOTHING without one."""
        cdef Row* row = &self.rows[id]
        cdef uint32_t i
        for i in range(row.labels_size):
            if self.pool.pairs[row.labels[i]].name == name:
                return row.labels[i]
        return NOTHING

    cdef int _store(self, uint32_t id) except -1:
        cdef void* grown
        cdef size_t room
        if not self.states[id] & ORDERED:
            if self.order_size == self.order_room:
                room = self.order_room + self.order_room // 2 + 64
                grown = realloc(self.order, room * sizeof(Ordered))
                if grown == NULL:
                    raise MemoryError
                self.order = <Ordered*>grown
                self.order_room = room
            self.order[self.order_size].fingerprint = self.rows[id].fingerprint
            self.order[self.order_size].row = id
            self.order_size += 1
        self.states[id] |= STORED | ORDERED
        self.stored += 1
        if self.order_size - self.sorted_size > TAIL_MAX:
            self.sort_order()
        return 0

    # What is said of rows

    cdef int report(self, uint32_t id, uint32_t form, Report* said, Instant* now) except -1:
        """Take in a report made now: merge it with what is known, or replace that. Returns 1 if it is dropped.

        It is the newest, even if the clock was set back since the last one; else an end would go unheard for so long. A
        form that nobody else knows of is taken over, and freed when the report is dropped.
        """
        cdef Row* row = &self.rows[id]
        cdef bint is_stored = (self.states[id] & STORED) != 0
        cdef bint was_active = is_stored and not has_ended(row, now)
        cdef Instant ended = row.ends
        cdef StoredAlert held
        if not is_stored:
            if self.make_room is not None:
                held = self.look_at(id)  # so that it outlives the question
                if not self.make_room(held):
                    self._unless_said(id, form)
                    return 1
            self._store(id)
            row = &self.rows[id]
        if is_stored and overlap(row, said):
            self._merge(id, said, now)
        else:
            row.starts, row.ends = said.starts, said.ends
        self._set_timeout(id, said.is_timeout)
        row.changes += 1
        if is_stored and self.on_shortened is not None and is_before(&row.ends, &ended):
            self.on_shortened(self.look_at(id))
            row = &self.rows[id]
        row.updated = now[0]
        self._say(id, form)
        self.router.take(self, id)
        row = &self.rows[id]
        if (was_active == has_ended(row, now) or (was_active and is_before(&row.ends, &ended))) and (
            self.all_are_sources or self.marks_of(id) & POOL_SOURCE_ANCHOR
        ):
            self.news.append(self.look_at(id))
        if self.keeps_told:
            self.told.append((not is_stored, self.fields(id)))
        return 0

    cdef void _set_timeout(self, uint32_t id, bint is_timeout) noexcept:
        self.states[id] = (self.states[id] & ~<int>TIMEOUT) | (TIMEOUT if is_timeout else 0)

    cdef void _merge(self, uint32_t id, Report* said, Instant* now) noexcept:
        """The times of both reports of one label set made one (reference api, "Storing")."""
        cdef Row* row = &self.rows[id]
        cdef bint keeps_end = is_before(&said.ends, &row.ends)
        if is_before(now, &said.ends):
            keeps_end = keeps_end and not self.states[id] & TIMEOUT
        else:
            keeps_end = keeps_end and not is_before(now, &row.ends)
        if not is_before(&row.starts, &said.starts):
            row.starts = said.starts
        if not keeps_end:
            row.ends = said.ends

    cdef int _say(self, uint32_t id, uint32_t form) except -1:
        """From now on the annotations and the URL of ``form`` hold."""
        cdef uint32_t before = self.rows[id].said
        self.rows[id].said = form
        if before != NOTHING and before != form and not self.forms[before].is_known:
            self._drop_form(before)
        return 0

    cdef void _unless_said(self, uint32_t id, uint32_t form) noexcept:
        if not self.forms[form].is_known and self.rows[id].said != form:
            self._drop_form(form)
        self.let_go(id)

    # Forms

    cdef uint32_t find_form(self, uint64_t hash) noexcept:
        """The form whose bytes have this hash, NOTHING if none is known."""
        cdef uint32_t tag = tag_of(hash), place = tag & self.by_bytes.mask
        while self.by_bytes.at[place].id != NOTHING:
            if self.by_bytes.at[place].tag == tag and self.forms[self.by_bytes.at[place].id].hash == hash:
                return self.by_bytes.at[place].id
            place = (place + 1) & self.by_bytes.mask
        return NOTHING

    cdef uint32_t new_form(self, uint32_t id) except? 0xFFFFFFFF:
        """An empty form of a row."""
        cdef uint32_t number = self.free_form, room
        cdef Form* form
        cdef void* grown
        if number != NOTHING:
            self.free_form = self.forms[number].sibling
        else:
            if self.forms_size == self.forms_room:
                room = self.forms_room + self.forms_room // 2 + 64
                grown = realloc(self.forms, room * sizeof(Form))
                if grown == NULL:
                    raise MemoryError
                self.forms = <Form*>grown
                self.forms_room = room
            number = self.forms_size
            self.forms_size += 1
        form = &self.forms[number]
        memset(form, 0, sizeof(Form))
        form.row = id
        form.url = form.following = NOTHING
        form.sibling = self.rows[id].forms
        self.rows[id].forms = number
        return number

    cdef int remember_form(self, uint32_t number) except -1:
        """Let :meth:`find_form` find it."""
        cdef Form* form = &self.forms[number]
        cdef uint32_t other = form.sibling
        cdef int count = 1
        slots_add(&self.by_bytes, tag_of(form.hash), number)
        form.is_known = True
        while other != NOTHING:
            count += 1
            other = self.forms[other].sibling
        if count > FORMS_MAX:
            self.crowded.append(self.look_at(form.row))
        return 0

    cdef int end_body(self) except -1:
        """Let go what had to stay while ``is_reading`` was set."""
        cdef uint32_t id
        self.is_reading = False
        leaving, self.leaving = self.leaving, []
        for id in leaving:
            if self.rows[id].labels != NULL:  # or it is in the list twice
                self.let_go(id)
        if self.crowded:
            self._trim()
        return 0

    cdef int _trim(self) except -1:
        """Forget the oldest forms of rows that came to have too many."""
        cdef StoredAlert seen
        cdef uint32_t other, next
        cdef int count
        crowded, self.crowded = self.crowded, []
        for seen in crowded:
            count = 0
            other = self.rows[seen.row].forms
            while other != NOTHING:
                next = self.forms[other].sibling
                count += 1
                if count > FORMS_MAX and other != self.rows[seen.row].said:
                    self._drop_form(other)
                other = next
        return 0

    cdef void _drop_form(self, uint32_t number) noexcept:
        cdef Form* form = &self.forms[number]
        cdef uint32_t* link = &self.rows[form.row].forms
        cdef uint32_t i
        while link[0] != number:
            link = &self.forms[link[0]].sibling
        link[0] = form.sibling
        if form.is_known:
            slots_remove(&self.by_bytes, tag_of(form.hash), number)
        for i in range(form.notes_size):
            self.pool.drop(form.notes[i])
        free(form.notes)
        if form.url != NOTHING:
            self.pool.drop(form.url)
        form.notes = NULL
        form.is_known = False  # others may still guess that it comes next
        form.row = NOTHING
        form.sibling = self.free_form
        self.free_form = number

    # The order by fingerprint

    cdef int sort_order(self) except -1:
        """Bring the order up to date: sort what came since, then merge it in from behind."""
        cdef size_t tail = self.order_size - self.sorted_size, at = self.order_size
        cdef size_t left = self.sorted_size, right
        cdef Ordered* order = self.order
        cdef Ordered* new
        if tail == 0:
            return 0
        new = <Ordered*>malloc(tail * sizeof(Ordered))
        if new == NULL:
            raise MemoryError
        memcpy(new, order + left, tail * sizeof(Ordered))
        amf_sort_order(new, tail, sizeof(Ordered))
        right = tail
        while right > 0:
            at -= 1
            if left > 0 and _is_behind(&order[left - 1], new[right - 1].fingerprint, new[right - 1].row):
                left -= 1
                order[at] = order[left]
            else:
                right -= 1
                order[at] = new[right]
        free(new)
        self.sorted_size = self.order_size
        return 0

    cdef size_t first_behind(self, uint64_t fingerprint, uint32_t row) noexcept:
        """The first place in the sorted order behind a fingerprint and row."""
        cdef size_t low = 0, high = self.sorted_size, middle
        while low < high:
            middle = (low + high) // 2
            if _is_behind(&self.order[middle], fingerprint, row):
                high = middle
            else:
                low = middle + 1
        return low

    # Forgetting

    def collect(self, now_ns, uint32_t start, uint32_t count):
        cdef Instant now = instant_of(now_ns, 0)
        cdef uint32_t id, end = min(self.rows_size, start + count), gone = 0
        for id in range(start, end):
            if self.states[id] & STORED and has_ended(&self.rows[id], &now):
                self._forget(id)
                gone += 1
        if end < self.rows_size:
            return end, gone
        self._compact()
        return 0, gone

    cdef int _forget(self, uint32_t id) except -1:
        self.states[id] &= ~<int>STORED
        self.stored -= 1
        if self.on_forgotten is not None:
            self.on_forgotten(self.look_at(id))
        return 0

    def sweep(self, uint32_t start, uint32_t count):
        cdef uint32_t id, end = min(self.rows_size, start + count)
        for id in range(start, end):
            if self.rows[id].labels != NULL:
                self.let_go(id)
        return end if end < self.rows_size else 0

    cdef int _compact(self) except -1:
        """Take out of the order what is no longer stored. Its rows are left to :meth:`sweep`."""
        cdef size_t from_, to = 0, sorted_size = 0
        cdef uint32_t id
        for from_ in range(self.order_size):
            id = self.order[from_].row
            if self.states[id] & STORED:
                self.order[to] = self.order[from_]
                to += 1
                if from_ < self.sorted_size:
                    sorted_size += 1
            else:
                self.states[id] &= ~<int>ORDERED
        self.order_size = to
        self.sorted_size = sorted_size
        return 0

    # Marks

    cdef uint32_t marks_of(self, uint32_t id) noexcept:
        cdef Row* row = &self.rows[id]
        cdef uint32_t i
        if row.marks_seen != self.marks_version:
            row.marks = 0
            for i in range(row.labels_size):
                row.marks |= self.pool.pairs[row.labels[i]].marks
            row.marks_seen = self.marks_version
        return row.marks

    def watch(self, uint32_t mark, added, removed):
        cdef uint32_t id
        for name, value in added:
            id = self.pool.intern_text(name, value)
            self.pool.pairs[id].marks |= mark
        for name, value in removed:
            id = self.pool.intern_text(name, value)
            self.pool.pairs[id].marks &= ~mark
            self.pool.drop(id)
            self.pool.drop(id)
        self.marks_version += 1

    def sources(self, uint32_t start, uint32_t count):
        cdef uint32_t id, end = min(self.rows_size, start + count)
        cdef list found = []
        for id in range(start, end):
            if self.states[id] & STORED and (self.all_are_sources or self.marks_of(id) & POOL_SOURCE_ANCHOR):
                found.append(self.look_at(id))
        return (end if end < self.rows_size else 0), found

    # For Python

    cdef StoredAlert look_at(self, uint32_t id):
        cdef StoredAlert seen = StoredAlert.__new__(StoredAlert)
        seen.table = self
        seen.row = id
        self.rows[id].refs += 1
        return seen

    cdef dict _texts(self, const uint32_t* pairs, uint32_t size):
        cdef dict texts = {}
        cdef uint32_t i
        for i in range(size):
            texts[self.pool.name_texts[self.pool.pairs[pairs[i]].name]] = self.pool.value_text(pairs[i])
        return texts

    cdef tuple fields(self, uint32_t id):
        """What makes up an alert: labels, annotations, start, end, update, URL, whether the end is a timeout."""
        cdef Row* row = &self.rows[id]
        cdef Form* form = &self.forms[row.said]
        return (
            self._texts(row.labels, row.labels_size),
            self._texts(form.notes, form.notes_size),
            (total_ns(&row.starts), row.starts.offset_s),
            (total_ns(&row.ends), row.ends.offset_s),
            (total_ns(&row.updated), row.updated.offset_s),
            "" if form.url == NOTHING else self.pool.value_text(form.url),
            bool(self.states[id] & TIMEOUT),
        )

    def __iter__(self):
        self.sort_order()
        return iter([self.look_at(self.order[i].row) for i in range(self.order_size) if self.states[self.order[i].row] & STORED])

    def take_news(self):
        news, self.news = self.news, []
        return news

    def take_told(self):
        told, self.told = self.told, []
        return told


cdef inline bint _is_behind(Ordered* at, uint64_t fingerprint, uint32_t row) noexcept nogil:
    return at.fingerprint > fingerprint or (at.fingerprint == fingerprint and at.row > row)


@cython.final
@cython.no_gc
cdef class StoredAlert:
    def __dealloc__(self):
        if self.table is not None:
            self.table.rows[self.row].refs -= 1
            self.table.let_go(self.row)

    @property
    def fingerprint(self):
        return self.table.rows[self.row].fingerprint

    @property
    def labels(self):
        cdef Row* row = &self.table.rows[self.row]
        return self.table._texts(row.labels, row.labels_size)

    def fields(self):
        return self.table.fields(self.row)

    @property
    def starts_at_ns(self):
        return total_ns(&self.table.rows[self.row].starts)

    @property
    def ends_at_ns(self):
        return total_ns(&self.table.rows[self.row].ends)

    def forget(self):
        if self.table.states[self.row] & STORED:
            self.table._forget(self.row)
