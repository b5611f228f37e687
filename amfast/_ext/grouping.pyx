# cython: freethreading_compatible=True
"""Places, which remember where alerts with certain labels are routed, and the members of groups."""

cimport cython
from cpython.ref cimport PyObject, Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy, memmove, memset

from amfast._ext.pool cimport Pair, compare_bytes
from amfast._ext.slots cimport NOTHING, slots_add, slots_init, slots_remove
from amfast._ext.table cimport STORED, Row, StoredAlert, Table

cdef enum:
    TAIL_MAX = 2048  # members that are sorted and put in their places one by one


@cython.final
cdef class Places(Router):
    """Puts every row that is reported into the groups of its place."""

    def __cinit__(self, Table table):
        self.table = table
        self.free_place = NOTHING
        self.unplaced = []
        self.relevant = set()
        slots_init(&self.by_pairs)
        table.router = self

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.places_size):
            if self.places[i].pairs != NULL:
                free(self.places[i].pairs)
                Py_XDECREF(self.places[i].groups)
                Py_XDECREF(self.places[i].receivers)
                Py_XDECREF(self.places[i].names)
        free(self.places)
        free(self.is_relevant)
        free(self.by_pairs.at)

    def begin(self, names):
        cdef uint32_t i, number
        cdef bytes name
        for i in range(self.places_size):
            if self.places[i].pairs != NULL and self.places[i].is_alive:
                self._kill(i)
        self.unplaced = []
        if self.relevant is not None:
            for number in self.relevant:
                self.table.pool.drop_name(number)
        self.relevant = None
        if names is not None:
            self.relevant = {
                self.table.pool.name_number(name, len(name)) for name in {text.encode() for text in names}
            }
        self.relevant_size = 0
        self.epoch += 1

    cdef int _look_at_names(self) except -1:
        """Note for each name whether routing looks at it; again whenever there are more names."""
        cdef uint32_t size = self.table.pool.names_size + 64, number
        cdef void* grown = realloc(self.is_relevant, size)
        if grown == NULL:
            raise MemoryError
        self.is_relevant = <uint8_t*>grown
        memset(self.is_relevant, self.relevant is None, size)
        if self.relevant is not None:
            for number in self.relevant:
                self.is_relevant[number] = 1
        self.relevant_size = size
        return 0

    cdef uint32_t _project(self, uint32_t id, uint32_t* pairs) except? 0xFFFFFFFF:
        """Write the pairs that routing looks at; returns how many."""
        cdef Row* row = &self.table.rows[id]
        cdef uint32_t i, size = 0
        if self.relevant_size < self.table.pool.names_size:
            self._look_at_names()
        for i in range(row.labels_size):
            if self.is_relevant[self.table.pool.pairs[row.labels[i]].name]:
                pairs[size] = row.labels[i]
                size += 1
        return size

    cdef uint32_t _tag(self, const uint32_t* pairs, uint32_t size) noexcept:
        return self.table.tag_of_pairs(pairs, size)

    cdef uint32_t _find(self, uint32_t tag, const uint32_t* pairs, uint32_t size) noexcept:
        cdef uint32_t at = tag & self.by_pairs.mask
        cdef Place* place
        while self.by_pairs.at[at].id != NOTHING:
            if self.by_pairs.at[at].tag == tag:
                place = &self.places[self.by_pairs.at[at].id]
                if place.size == size and memcmp(place.pairs, pairs, size * sizeof(uint32_t)) == 0:
                    return self.by_pairs.at[at].id
            at = (at + 1) & self.by_pairs.mask
        return NOTHING

    cdef int take(self, Table table, uint32_t id) except -1:
        """See that a row is in its groups; what no place is known for waits for :meth:`take_unplaced`."""
        cdef Row* row = &table.rows[id]
        cdef uint32_t* pairs
        cdef uint32_t size, place
        cdef uint32_t few[32]
        if row.place != NOTHING and self.places[row.place].is_alive:
            if row.placed >= <uint32_t>PyTuple_GET_SIZE(<tuple>self.places[row.place].groups):
                return 0
            if self._is_open(row.place):
                self._enter(id, row.place)
                return 0
            self._kill(row.place)
        pairs = few
        if row.labels_size > 32:
            pairs = <uint32_t*>malloc(row.labels_size * sizeof(uint32_t))
            if pairs == NULL:
                raise MemoryError
        try:
            size = self._project(id, pairs)
            place = self._find(self._tag(pairs, size), pairs, size)
        finally:
            if pairs != few:
                free(pairs)
        if place != NOTHING and not self._is_open(place):
            self._kill(place)
            place = NOTHING
        if place == NOTHING:
            self.unplaced.append(table.look_at(id))
        else:
            self._enter(id, place)
        return 0

    cdef int _enter(self, uint32_t id, uint32_t place) except -1:
        cdef Row* row = &self.table.rows[id]
        cdef Members group
        cdef bint is_new
        if row.place == place:
            is_new = row.placed == 0
        else:  # a group of this epoch may have been one of the row's last place, too
            is_new = row.groups == 0 or row.place == NOTHING or self.places[row.place].epoch != self.epoch
        if row.place != place:
            if row.place != NOTHING:
                self.leave(row.place)
            row.place = place
            row.placed = 0
            self.places[place].refs += 1
        for group in <tuple>self.places[place].groups:
            if is_new or not group.has(id):
                group.add(id)
        row.placed = <uint32_t>len(<tuple>self.places[place].groups)
        return 0

    cdef void leave(self, uint32_t number) noexcept:
        cdef Place* place = &self.places[number]
        place.refs -= 1
        if place.refs == 0:
            if place.is_alive:
                self._kill(number)
            else:
                self._free(number)

    cdef bint _is_open(self, uint32_t number) noexcept:
        """Whether all groups of a place still take alerts."""
        cdef Members group
        for group in <tuple>self.places[number].groups:
            if group.is_closed:
                return False
        return True

    cdef void _kill(self, uint32_t number) noexcept:
        """Let nobody come to a place any more."""
        cdef Place* place = &self.places[number]
        slots_remove(&self.by_pairs, place.tag, number)
        place.is_alive = False
        if place.refs == 0:
            self._free(number)

    cdef void _free(self, uint32_t number) noexcept:
        cdef Place* place = &self.places[number]
        cdef uint32_t i
        for i in range(place.size):
            self.table.pool.drop(place.pairs[i])
        free(place.pairs)
        place.pairs = NULL
        Py_XDECREF(place.groups)
        Py_XDECREF(place.receivers)
        Py_XDECREF(place.names)
        place.next_free = self.free_place
        self.free_place = number

    cdef bint has_waiting(self) noexcept:
        return len(self.unplaced) > 0

    def take_unplaced(self):
        unplaced, self.unplaced = self.unplaced, []
        return unplaced

    def routed_labels(self, StoredAlert stored not None):
        cdef Row* row = &self.table.rows[stored.row]
        cdef dict labels = {}
        cdef uint32_t i, name
        if self.relevant_size < self.table.pool.names_size:
            self._look_at_names()
        for i in range(row.labels_size):
            name = self.table.pool.pairs[row.labels[i]].name
            if self.is_relevant[name]:
                labels[self.table.pool.name_texts[name]] = self.table.pool.value_text(row.labels[i])
        return labels

    def put(self, StoredAlert stored, tuple groups, bytes receivers, tuple names):
        cdef Row* row = &self.table.rows[stored.row]
        cdef uint32_t* pairs = <uint32_t*>malloc(max(row.labels_size, 1) * sizeof(uint32_t))
        cdef uint32_t size, tag, number, i
        cdef Place* place
        if pairs == NULL:
            raise MemoryError
        size = self._project(stored.row, pairs)
        tag = self._tag(pairs, size)
        number = self._find(tag, pairs, size)
        if number != NOTHING and <tuple>self.places[number].groups == groups:
            # An alert like this one was put there since this one was reported.
            free(pairs)
            self._enter(stored.row, number)
            return
        if number != NOTHING:
            self._kill(number)
        number = self.free_place
        if number != NOTHING:
            self.free_place = self.places[number].next_free
        else:
            if self.places_size == self.places_room:
                self._grow()
            number = self.places_size
            self.places_size += 1
        place = &self.places[number]
        memset(place, 0, sizeof(Place))
        place.pairs = pairs
        place.size = size
        place.tag = tag
        place.is_alive = True
        place.epoch = self.epoch
        for i in range(size):
            self.table.pool.pairs[pairs[i]].refs += 1
        for kept in (groups, receivers, names):
            Py_INCREF(kept)
        place.groups, place.receivers, place.names = <PyObject*>groups, <PyObject*>receivers, <PyObject*>names
        slots_add(&self.by_pairs, tag, number)
        self._enter(stored.row, number)

    def _grow(self):
        cdef uint32_t room = self.places_room * 2 + 64
        cdef void* grown = realloc(self.places, room * sizeof(Place))
        if grown == NULL:
            raise MemoryError
        self.places = <Place*>grown
        self.places_room = room

    def sweep(self, uint32_t start, uint32_t count):
        cdef uint32_t id, end = min(self.table.rows_size, start + count)
        cdef Row* row
        for id in range(start, end):
            row = &self.table.rows[id]
            if self.table.states[id] & STORED and (row.place == NOTHING or not self.places[row.place].is_alive):
                self.take(self.table, id)
        return end if end < self.table.rows_size else 0


cdef bint comes_before(Table table, uint32_t a, uint32_t b) noexcept:
    """Order of the alerts of a group: job, instance, then label set (reference notify, "Flush input")."""
    cdef Row* x = &table.rows[a]
    cdef Row* y = &table.rows[b]
    cdef Pair* p
    cdef Pair* q
    cdef int order = compare_pairs(table, x.job, y.job)
    cdef uint32_t i
    if order == 0:
        order = compare_pairs(table, x.instance, y.instance)
    if order:
        return order < 0
    if x.labels_size != y.labels_size:
        return x.labels_size < y.labels_size
    for i in range(x.labels_size):
        if x.labels[i] != y.labels[i]:
            p = table.pool.pairs[x.labels[i]]
            q = table.pool.pairs[y.labels[i]]
            if p.name != q.name:  # the set holding the earlier name has what the other lacks
                return compare_bytes(
                    table.pool.names[p.name].bytes, table.pool.names[p.name].size,
                    table.pool.names[q.name].bytes, table.pool.names[q.name].size,
                ) > 0
            return compare_bytes(p.bytes + p.value_at, p.value_size, q.bytes + q.value_at, q.value_size) < 0
    return False


cdef inline int compare_pairs(Table table, uint32_t a, uint32_t b) noexcept:
    """By value; alerts that have the label come before those that lack it."""
    cdef Pair* p
    cdef Pair* q
    if a == b:
        return 0
    if a == NOTHING or b == NOTHING:
        return 1 if a == NOTHING else -1
    p = table.pool.pairs[a]
    q = table.pool.pairs[b]
    return compare_bytes(p.bytes + p.value_at, p.value_size, q.bytes + q.value_at, q.value_size)


@cython.final
cdef class Members:
    """The rows of one group."""

    def __cinit__(self, Places places, str receiver, make_tail):
        self.places = places
        self.table = places.table
        self.receiver = receiver
        self.muted_by = ()
        self.make_tail = make_tail
        self.keeps_tail = True
        self.epoch = places.epoch

    def __dealloc__(self):
        self._stop_sorting()
        free(self.rows)

    def __len__(self):
        return self.size

    cdef int add(self, uint32_t row) except -1:
        cdef uint32_t room
        cdef void* grown
        if self.size == self.room:
            room = self.room + self.room // 2 + 4
            grown = realloc(self.rows, room * sizeof(uint32_t))
            if grown == NULL:
                raise MemoryError
            self.rows = <uint32_t*>grown
            self.room = room
        self.rows[self.size] = row
        self.size += 1
        self.table.rows[row].groups += 1
        return 0

    cdef bint has(self, uint32_t row) noexcept:
        cdef uint32_t i
        for i in range(self.size):
            if self.rows[i] == row:
                return True
        return False

    def close(self, uint32_t count=NOTHING):
        self.is_closed = True
        self._stop_sorting()
        self.sorted_size = 0
        while self.size and count:
            self.size -= 1
            count -= 1
            self.drop(self.rows[self.size])
        return self.size == 0

    def sort(self, uint32_t comparisons):
        return self.sort_some(comparisons)

    cdef bint sort_some(self, uint32_t comparisons) except -1:
        """Bring the members into order, within so many comparisons or so; whether all are."""
        cdef uint32_t tail = self.size - self.sorted_size
        cdef Merge* merge = self.merge
        if tail == 0:
            return True
        if merge == NULL:
            if tail <= TAIL_MAX and (self.sorted_size or tail <= 2):
                self._insert_tail()
                return True
            merge = <Merge*>malloc(sizeof(Merge))
            if merge == NULL:
                raise MemoryError
            memset(merge, 0, sizeof(Merge))
            self.merge = merge
            merge.first, merge.size, merge.width = self.sorted_size, tail, 1
            merge.source = <uint32_t*>malloc(tail * sizeof(uint32_t))
            merge.target = <uint32_t*>malloc(tail * sizeof(uint32_t))
            if merge.source == NULL or merge.target == NULL:
                self._stop_sorting()
                raise MemoryError
            memcpy(merge.source, self.rows + self.sorted_size, tail * sizeof(uint32_t))
            merge.right = 1
        if not merge_runs(self.table, merge, &comparisons):
            return False
        if merge.whole == NULL:
            merge.whole = <uint32_t*>malloc((merge.first + merge.size) * sizeof(uint32_t))
            if merge.whole == NULL:
                self._stop_sorting()
                raise MemoryError
            merge.left = merge.right = merge.at = 0
        if not merge_whole(self.table, merge, self.rows, &comparisons):
            return False
        memcpy(self.rows, merge.whole, merge.at * sizeof(uint32_t))
        self.sorted_size = merge.at
        self._stop_sorting()
        return self.sorted_size == self.size or self.sort_some(comparisons)

    cdef void _insert_tail(self) noexcept:
        cdef uint32_t low, high, middle, row
        while self.sorted_size < self.size:
            row = self.rows[self.sorted_size]
            low, high = 0, self.sorted_size
            while low < high:
                middle = (low + high) // 2
                if comes_before(self.table, row, self.rows[middle]):
                    high = middle
                else:
                    low = middle + 1
            memmove(self.rows + low + 1, self.rows + low, (self.sorted_size - low) * sizeof(uint32_t))
            self.rows[low] = row
            self.sorted_size += 1

    cdef void _stop_sorting(self) noexcept:
        if self.merge != NULL:
            free(self.merge.source)
            free(self.merge.target)
            free(self.merge.whole)
            free(self.merge)
            self.merge = NULL

    cdef void drop(self, uint32_t id) noexcept:
        """Let a row know that it is here no more."""
        cdef Row* row = &self.table.rows[id]
        row.groups -= 1
        if self.epoch == self.places.epoch and row.placed > 0:
            row.placed -= 1
        self.table.let_go(id)

    def orphans(self):
        return [
            self.table.look_at(self.rows[i]) for i in range(self.size) if not self.table.states[self.rows[i]] & STORED
        ]

    def stored(self):
        return [self.table.look_at(self.rows[i]) for i in range(self.size)]


cdef bint merge_runs(Table table, Merge* merge, uint32_t* comparisons) noexcept:
    """Merge neighbouring runs until one is left; false when the comparisons are used up before."""
    cdef uint32_t middle, high
    cdef uint32_t* swapped
    while merge.width < merge.size:
        while merge.low < merge.size:
            middle = min(merge.low + merge.width, merge.size)
            high = min(middle + merge.width, merge.size)
            while merge.at < high:
                if comparisons[0] == 0:
                    return False
                comparisons[0] -= 1
                if merge.right >= high or (
                    merge.left < middle
                    and not comes_before(table, merge.source[merge.right], merge.source[merge.left])
                ):
                    merge.target[merge.at] = merge.source[merge.left]
                    merge.left += 1
                else:
                    merge.target[merge.at] = merge.source[merge.right]
                    merge.right += 1
                merge.at += 1
            merge.low = merge.left = merge.at = high
            merge.right = min(high + merge.width, merge.size)
        swapped = merge.source
        merge.source = merge.target
        merge.target = swapped
        merge.width *= 2
        merge.low = merge.left = merge.at = 0
        merge.right = min(merge.width, merge.size)
    return True


cdef bint merge_whole(Table table, Merge* merge, const uint32_t* before, uint32_t* comparisons) noexcept:
    """Merge what was sorted before with what is sorted now."""
    while merge.at < merge.first + merge.size:
        if comparisons[0] == 0:
            return False
        comparisons[0] -= 1
        if merge.right >= merge.size or (
            merge.left < merge.first and not comes_before(table, merge.source[merge.right], before[merge.left])
        ):
            merge.whole[merge.at] = before[merge.left]
            merge.left += 1
        else:
            merge.whole[merge.at] = merge.source[merge.right]
            merge.right += 1
        merge.at += 1
    return True
