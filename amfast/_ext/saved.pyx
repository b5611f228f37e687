# cython: freethreading_compatible=True
"""Rows of the table of alerts as bytes for a file, a slice at a time, and back.

A slice holds, all numbers as varints: how many pairs there are, and each pair's name and value; then the rows. A row is
a byte of flags; start, end and update, each in seconds, nanoseconds and offset (signed ones in zigzag); its labels and
its annotations, each as a count and numbers of pairs of the slice; and the number of its URL's pair plus one, or 0.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from cpython.unicode cimport PyUnicode_DecodeUTF8

from amfast._ext.instant cimport ZERO_S, Instant, instant_of, is_before, is_unset
from amfast._ext.pool cimport Pair, Pool, compare_bytes
from amfast._ext.protobuf cimport Reader, read_nested, read_varint, reader_of, write_varint
from amfast._ext.slots cimport NOTHING
from amfast._ext.table cimport STORED, TIMEOUT, Form, Row, StoredAlert, Table

cdef enum:
    FLAG_TIMEOUT = 1
    PAIRS_MAX = 250000  # of one alert
    OFFSET_MAX_S = 90060  # 24 hours and 60 minutes, the most that is read elsewhere
    NS_PER_S = 1000000000

cdef int64_t LAST_S = 253402387200  # a day after the year 9999


cdef inline uint64_t zigzag(int64_t value) noexcept nogil:
    return (<uint64_t>value << 1) ^ <uint64_t>(value >> 63)


cdef inline int64_t unzigzag(uint64_t value) noexcept nogil:
    return <int64_t>(value >> 1) ^ -<int64_t>(value & 1)


# To bytes

def dump(Table table not None, now_ns, uint32_t start, uint32_t count):
    cdef Instant now = instant_of(now_ns, 0)
    cdef uint32_t id, end = min(table.rows_size, start + count)
    cdef bytearray pairs = bytearray(), rows = bytearray(), out = bytearray()
    cdef uint32_t used = 0
    cdef uint32_t* numbers = <uint32_t*>malloc((table.pool.pairs_size + 1) * sizeof(uint32_t))
    cdef Row* row
    if numbers == NULL:
        raise MemoryError
    memset(numbers, 0xFF, table.pool.pairs_size * sizeof(uint32_t))
    try:
        for id in range(start, end):
            row = &table.rows[id]
            if row.labels == NULL or not (table.states[id] & STORED or row.groups):
                continue
            if not row.groups and not is_unset(&row.ends) and not is_before(&now, &row.ends):
                continue  # it has ended, and whoever was to know has been told
            _dump_row(table, id, numbers, &used, pairs, rows)
    finally:
        free(numbers)
    write_varint(out, used)
    out += pairs
    out += rows
    return (end if end < table.rows_size else 0), bytes(out)


cdef int _dump_row(
    Table table, uint32_t id, uint32_t* numbers, uint32_t* used, bytearray pairs, bytearray rows
) except -1:
    cdef Row* row = &table.rows[id]
    cdef Form* form = &table.forms[row.said]
    rows.append(FLAG_TIMEOUT if table.states[id] & TIMEOUT else 0)
    _dump_time(rows, &row.starts)
    _dump_time(rows, &row.ends)
    _dump_time(rows, &row.updated)
    _dump_pairs(table.pool, row.labels, row.labels_size, numbers, used, pairs, rows)
    _dump_pairs(table.pool, form.notes, form.notes_size, numbers, used, pairs, rows)
    write_varint(rows, 0 if form.url == NOTHING else _number(table.pool, form.url, numbers, used, pairs) + 1)
    return 0


cdef int _dump_time(bytearray out, Instant* time) except -1:
    write_varint(out, zigzag(time.s))
    write_varint(out, time.ns)
    write_varint(out, zigzag(time.offset_s))
    return 0


cdef int _dump_pairs(
    Pool pool, const uint32_t* ids, uint32_t size, uint32_t* numbers, uint32_t* used, bytearray pairs, bytearray rows
) except -1:
    cdef uint32_t i
    write_varint(rows, size)
    for i in range(size):
        write_varint(rows, _number(pool, ids[i], numbers, used, pairs))
    return 0


cdef uint32_t _number(Pool pool, uint32_t id, uint32_t* numbers, uint32_t* used, bytearray pairs) except? 0xFFFFFFFF:
    """The number of a pair within the slice; its texts are written when it is first asked for."""
    cdef Pair* pair
    if numbers[id] == NOTHING:
        pair = pool.pairs[id]
        numbers[id] = used[0]
        used[0] += 1
        write_varint(pairs, pool.names[pair.name].size)
        pairs += pool.names[pair.name].bytes[:pool.names[pair.name].size]
        write_varint(pairs, pair.value_size)
        pairs += (pair.bytes + pair.value_at)[:pair.value_size]
    return numbers[id]


# And back

cdef struct Lease:
    Instant saved
    int64_t now_ns
    int64_t longest_ns


cdef class _Slice:
    """The pairs of a slice while its rows are read: each is held once, whatever becomes of the rows."""

    cdef Pool pool
    cdef uint32_t* ids
    cdef uint32_t size

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.size):
            self.pool.drop(self.ids[i])
        free(self.ids)

    cdef int read(self, Pool pool, Reader* reader) except -1:
        cdef uint64_t count = read_varint(reader)
        cdef Reader name, value
        self.pool = pool
        if count > <uint64_t>(reader.end - reader.at):
            raise ValueError("there are fewer bytes than pairs")
        self.ids = <uint32_t*>malloc((count + 1) * sizeof(uint32_t))
        if self.ids == NULL:
            raise MemoryError
        while count:
            count -= 1
            name = read_nested(reader)
            value = read_nested(reader)
            if name.at == name.end:
                raise ValueError("a pair has no name")
            PyUnicode_DecodeUTF8(<const char*>name.at, name.end - name.at, "strict")
            PyUnicode_DecodeUTF8(<const char*>value.at, value.end - value.at, "strict")
            self.ids[self.size] = pool.intern(name.at, name.end - name.at, value.at, value.end - value.at)
            self.size += 1
        return 0

    cdef uint32_t* read_pairs(self, Reader* reader, uint32_t* size, bint are_labels) except? NULL:
        """The numbers of some pairs in the pool, held once more each; malloc'ed, NULL for none."""
        cdef uint64_t count = read_varint(reader), number
        cdef uint32_t* found
        cdef uint32_t i = 0
        size[0] = 0
        if count == 0:
            return NULL
        if count > PAIRS_MAX or count > <uint64_t>(reader.end - reader.at):
            raise ValueError("there are too many pairs")
        found = <uint32_t*>malloc(count * sizeof(uint32_t))
        if found == NULL:
            raise MemoryError
        try:
            while i < count:
                number = read_varint(reader)
                if number >= self.size:
                    raise ValueError("a pair is not there")
                found[i] = self.ids[number]
                if i and not self._comes_before(found[i - 1], found[i]):
                    raise ValueError("names are not in order")
                if are_labels and self.pool.pairs[found[i]].value_size == 0:
                    raise ValueError("a label is empty")
                i += 1
        except ValueError:
            free(found)
            raise
        for i in range(<uint32_t>count):
            self.pool.pairs[found[i]].refs += 1
        size[0] = <uint32_t>count
        return found

    cdef bint _comes_before(self, uint32_t a, uint32_t b) noexcept:
        cdef uint32_t x = self.pool.pairs[a].name, y = self.pool.pairs[b].name
        return compare_bytes(
            self.pool.names[x].bytes, self.pool.names[x].size, self.pool.names[y].bytes, self.pool.names[y].size
        ) < 0

    cdef void drop(self, uint32_t* ids, uint32_t size) noexcept:
        cdef uint32_t i
        for i in range(size):
            self.pool.drop(ids[i])
        free(ids)


def restore(Table table not None, bytes data not None, saved_at_ns, int64_t now_ns, int64_t lease_ns):
    cdef Reader reader = reader_of(data)
    cdef _Slice pairs = _Slice()
    cdef Lease lease
    cdef uint32_t count = 0
    lease.saved = instant_of(saved_at_ns, 0)
    lease.now_ns = now_ns
    lease.longest_ns = lease_ns
    pairs.read(table.pool, &reader)
    while reader.at < reader.end:
        count += _restore_row(table, pairs, &reader, &lease)
    return count


cdef bint _restore_row(Table table, _Slice pairs, Reader* reader, Lease* lease) except -1:
    """Whether the row is new and was taken in."""
    cdef Row said
    cdef uint8_t flags = reader.at[0]
    cdef uint32_t* labels
    cdef uint32_t* notes
    cdef uint32_t labels_size, notes_size, id, number, tag
    cdef uint64_t url, fingerprint
    cdef StoredAlert seen
    cdef Form* form
    reader.at += 1
    _read_time(reader, &said.starts)
    _read_time(reader, &said.ends)
    _read_time(reader, &said.updated)
    labels = pairs.read_pairs(reader, &labels_size, True)
    if labels == NULL:
        raise ValueError("an alert has no labels")
    fingerprint = _fingerprint(table.pool, labels, labels_size)
    tag = table.tag_of_pairs(labels, labels_size)
    if table.find_row(tag, fingerprint, labels, labels_size) != NOTHING:
        pairs.drop(labels, labels_size)
        pairs.drop(pairs.read_pairs(reader, &notes_size, False), notes_size)
        read_varint(reader)
        return False
    id = table.new_row(tag, fingerprint, labels, labels_size)
    seen = table.look_at(id)  # it goes with this, should anything fail
    number = table.new_form(id)
    table.rows[id].said = number
    notes = pairs.read_pairs(reader, &notes_size, False)
    form = &table.forms[number]
    form.notes, form.notes_size, form.starts = notes, notes_size, said.starts
    url = read_varint(reader)
    if url > pairs.size:
        raise ValueError("a URL is not there")
    if url:
        form.url = pairs.ids[url - 1]
        table.pool.pairs[form.url].refs += 1
    _lend(&said, lease)
    table.rows[id].starts, table.rows[id].ends, table.rows[id].updated = said.starts, said.ends, said.updated
    table._set_timeout(id, flags & FLAG_TIMEOUT)
    if table.make_room is not None and not table.make_room(seen):
        return False
    table._store(id)
    return True


cdef int _lend(Row* said, Lease* lease) except -1:
    """Who fired when the file was written has from now on what was left then, but no longer than the longest lease.

    Nobody could be heard since. What is restored was updated before now, whatever the clock said then.
    """
    cdef Instant now = instant_of(lease.now_ns, said.ends.offset_s), end
    cdef object left
    if is_before(&lease.saved, &said.ends) and not is_unset(&said.ends):
        left = (said.ends.s - <object>lease.saved.s) * NS_PER_S + said.ends.ns - lease.saved.ns
        end = instant_of(lease.now_ns + min(left, <object>lease.longest_ns), said.ends.offset_s)
        if is_before(&said.ends, &end):
            said.ends = end
    now.offset_s = said.updated.offset_s
    if not is_before(&said.updated, &now):
        said.updated = instant_of(<object>lease.now_ns - 1, said.updated.offset_s)
    return 0


cdef int _read_time(Reader* reader, Instant* time) except -1:
    cdef int64_t s = unzigzag(read_varint(reader)), offset_s
    cdef uint64_t ns = read_varint(reader)
    offset_s = unzigzag(read_varint(reader))
    if not (ZERO_S <= s <= LAST_S and ns < NS_PER_S and -OFFSET_MAX_S <= offset_s <= OFFSET_MAX_S):
        raise ValueError("a time is out of range")
    time.s = s
    time.ns = <uint32_t>ns
    time.offset_s = <int32_t>offset_s
    return 0


cdef uint64_t _fingerprint(Pool pool, const uint32_t* labels, uint32_t size) noexcept:
    """FNV-1a (64 bit) over name, 0xFF, value, 0xFF of each label."""
    cdef uint64_t state = 14695981039346656037ULL
    cdef uint32_t i, j
    cdef Pair* pair
    for i in range(size):
        pair = pool.pairs[labels[i]]
        for j in range(pool.names[pair.name].size):
            state = (state ^ pool.names[pair.name].bytes[j]) * <uint64_t>1099511628211ULL
        state = (state ^ 0xFF) * <uint64_t>1099511628211ULL
        for j in range(pair.value_size):
            state = (state ^ pair.bytes[pair.value_at + j]) * <uint64_t>1099511628211ULL
        state = (state ^ 0xFF) * <uint64_t>1099511628211ULL
    return state
