# cython: freethreading_compatible=True
"""Listings of alerts and groups as JSON, written from stored pieces, a portion at a time (reference api, section 6).

Between two portions anything may change. A list of alerts goes on behind the last fingerprint it has shown; a group is
shown as its members were when it began.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.ref cimport PyObject, Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from amfast._ext.grouping cimport Members, Place, Places
from amfast._ext.instant cimport Instant, Second, instant_of, is_before, is_unset, write_ms
from amfast._ext.pieces cimport put, put_hex, put_pairs
from amfast._ext.pool cimport SILENCE_ANCHOR, TARGET_ANCHOR, Pair, Pool
from amfast._ext.slots cimport NOTHING
from amfast._ext.table cimport STORED, Form, Ordered, Row, Table
from amfast._ext.turns cimport Turns, begin_turn, end_turn, make_it_worth, should_give_way


cdef extern from "Python.h":
    PyObject* PyBytes_FromStringAndSize(const char*, Py_ssize_t) except NULL
    int _PyBytes_Resize(PyObject**, Py_ssize_t) except -1


cdef enum:
    LINE_BYTES = 64  # of the processor's cache
    BLOCK_ROWS = 32  # whose memory is waited for side by side
    LOOKED_AT = 512  # rows that conditions are asked about before the next look at who waits
    PORTION_BYTES = 256 * 1024
    PORTION_EFFORT = 20000  # as many rows looked at, shown or not, or less of what costs more
    MATCH_EFFORT = 10  # of asking a matcher about a value
    MUTE_EFFORT = 40  # of asking what mutes an alert
    COMPARISONS = 30000  # while a group is sorted
    WHOLE_GROUP = 1024  # members that are shown in one portion

cdef enum Verdict:
    UNKNOWN
    YES
    NO
    OTHER_NAME


@cython.final
cdef class Condition:
    """One matcher of a filter; what it says of a pair is worked out once."""

    cdef object matches
    cdef bytes name
    cdef bytes value
    cdef bint is_equality
    cdef bint wants_equal
    cdef bint without  # the verdict on an alert that lacks the label
    cdef uint8_t* verdicts
    cdef uint32_t size
    cdef uint32_t asked  # how often, so far
    cdef uint64_t recycled

    def __cinit__(self, str name, value, bint wants_equal, bint without, matches):
        self.name = name.encode()
        self.is_equality = value is not None
        self.value = value.encode("utf-8", "surrogatepass") if self.is_equality else b""
        self.wants_equal = wants_equal
        self.without = without
        self.matches = matches

    def __dealloc__(self):
        free(self.verdicts)

    cdef int refresh(self, Pool pool) except -1:
        """Be ready for every pair that there is; forget what was noted if numbers were given anew."""
        cdef uint32_t size
        cdef void* grown
        if self.size < pool.pairs_size:
            size = pool.pairs_size + pool.pairs_size // 8 + 1024
            grown = realloc(self.verdicts, size)
            if grown == NULL:
                raise MemoryError
            self.verdicts = <uint8_t*>grown
            memset(self.verdicts + self.size, UNKNOWN, size - self.size)
            self.size = size
        if self.recycled != pool.recycled:
            memset(self.verdicts, UNKNOWN, self.size)
            self.recycled = pool.recycled
        return 0

    cdef bint takes(self, Pool pool, Row* row) except -1:
        cdef uint32_t i
        cdef uint8_t verdict
        for i in range(row.labels_size):
            verdict = self.verdicts[row.labels[i]]
            if verdict == UNKNOWN:
                verdict = self.verdicts[row.labels[i]] = self._work_out(pool, row.labels[i])
            if verdict != OTHER_NAME:
                return verdict == YES
        return self.without

    cdef Verdict _work_out(self, Pool pool, uint32_t id) except *:
        cdef Pair* pair = pool.pairs[id]
        cdef bint hit
        if (
            pool.names[pair.name].size != <size_t>len(self.name)
            or memcmp(pool.names[pair.name].bytes, <const char*>self.name, len(self.name)) != 0
        ):
            return OTHER_NAME
        if self.is_equality:
            hit = pair.value_size == <size_t>len(self.value) and (
                memcmp(pair.bytes + pair.value_at, <const char*>self.value, len(self.value)) == 0
            )
            return YES if hit == self.wants_equal else NO
        self.asked += 1
        return YES if self.matches(pool.value_text(id)) else NO


@cython.final
cdef class Listing:
    """One listing under way."""

    cdef Table table
    cdef Places places
    cdef object mutes
    cdef list tests
    cdef Py_ssize_t tests_size
    cdef bint active, silenced, inhibited
    cdef object takes_receivers
    cdef Instant now
    cdef Turns turns
    cdef PyObject* portion  # bytes that are not full yet
    cdef uint8_t* out
    cdef size_t size, room
    cdef uint8_t* passing  # by row, whether the conditions take it, as far as was looked
    cdef uint32_t passing_size
    cdef uint64_t rows_reused
    cdef uint32_t effort  # that went into the portion so far
    cdef uint32_t counted_to, heard, muted
    cdef uint64_t touched  # so that no compiler leaves the touching out
    cdef bint has_begun, has_item, is_looking
    cdef readonly bint is_done
    cdef uint64_t last_fingerprint
    cdef uint32_t last_row
    cdef list groups
    cdef uint32_t group_at, near_to
    cdef uint32_t* shown
    cdef uint32_t shown_size, shown_at
    cdef bint group_open, group_pinned
    cdef Second ended, started, updated
    cdef dict statuses
    cdef tuple last_status
    cdef PyObject* last_silenced
    cdef PyObject* last_inhibited
    cdef dict receivers
    cdef tuple muted_by, last_names
    cdef bytes last_receivers
    cdef uint32_t silences_version, rules_version
    cdef bint silences_everywhere, rules_everywhere

    def __cinit__(
        self, Places places, mutes, list tests, *, bint active, bint silenced, bint inhibited, takes_receivers, now_ns,
        int loop_fd=-1
    ):
        self.turns.loop_fd = loop_fd
        self.places = places
        self.table = places.table
        self.mutes = mutes
        self.tests = tests
        self.tests_size = len(tests)
        self.active, self.silenced, self.inhibited = active, silenced, inhibited
        self.takes_receivers = takes_receivers
        self.now = instant_of(now_ns, 0)
        self.statuses = {}
        self.receivers = {}
        self.muted_by = ()

    def __dealloc__(self):
        self._unpin()
        Py_XDECREF(self.portion)
        free(self.passing)

    # Writing

    cdef int _reserve(self, size_t more) except -1:
        """Have room for so many bytes more; the portion is written right into the object that is handed out."""
        cdef size_t room
        if self.size + more > self.room:
            room = (self.size + more) * 5 // 4
            if self.portion == NULL:
                self.portion = PyBytes_FromStringAndSize(NULL, room)
            else:
                _PyBytes_Resize(&self.portion, room)
            self.out = <uint8_t*>PyBytes_AS_STRING(<object>self.portion)
            self.room = room
        return 0

    cdef bytes _portion(self):
        cdef PyObject* portion = self.portion
        end_turn(&self.turns)
        self.portion = NULL
        _PyBytes_Resize(&portion, self.size)
        taken = <bytes>portion
        Py_XDECREF(portion)
        self.out = NULL
        self.size = self.room = 0
        return taken

    cdef int _write(self, bytes text) except -1:
        self._reserve(PyBytes_GET_SIZE(text))
        memcpy(self.out + self.size, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
        self.size += PyBytes_GET_SIZE(text)
        return 0

    cdef int _write_alert(self, uint32_t id, bytes receivers, bytes status) except -1:
        cdef Row* row = &self.table.rows[id]
        cdef Form* form = &self.table.forms[row.said]
        cdef Pair** pairs = self.table.pool.pairs
        cdef size_t room = 512 + PyBytes_GET_SIZE(receivers) + PyBytes_GET_SIZE(status)
        cdef uint32_t i
        cdef uint8_t* at
        for i in range(form.notes_size):
            room += pairs[form.notes[i]].json_size + 1
        for i in range(row.labels_size):
            room += pairs[row.labels[i]].json_size + 1
        if form.url != NOTHING:
            room += pairs[form.url].json_size
        self._reserve(room)
        at = self.out + self.size
        at = put(at, b'{"annotations":{', 16)
        at = put_pairs(at, pairs, form.notes, form.notes_size)
        at = put(at, b'},"endsAt":"', 12)
        at = write_ms(at, &row.ends, &self.ended)
        at = put(at, b'","fingerprint":"', 17)
        at = put_hex(at, row.fingerprint)
        at = put(at, b'","receivers":', 14)
        at = put(at, PyBytes_AS_STRING(receivers), PyBytes_GET_SIZE(receivers))
        at = put(at, b',"startsAt":"', 13)
        at = write_ms(at, &row.starts, &self.started)
        at = put(at, b'","status":', 11)
        at = put(at, PyBytes_AS_STRING(status), PyBytes_GET_SIZE(status))
        at = put(at, b',"updatedAt":"', 14)
        at = write_ms(at, &row.updated, &self.updated)
        at = put(at, b'",', 2)
        if form.url != NOTHING:
            at = put(at, <const char*>pairs[form.url].bytes, pairs[form.url].json_size)
            at = put(at, b",", 1)
        at = put(at, b'"labels":{', 10)
        at = put_pairs(at, pairs, row.labels, row.labels_size)
        at = put(at, b"}}", 2)
        self.size = at - self.out
        return 0

    cdef void _bring_near(self, const uint32_t* ids, uint32_t count) noexcept nogil:
        """Touch all that is soon read of some alerts, which lies scattered over the memory.

        Each alert leads from one place to the next, and each place has to be waited for. For many alerts side by side,
        the waiting is done at the same time. (Prefetch instructions did not do: some processors drop them where the
        address is not in the translation buffer, and these seldom are.)
        """
        cdef Pair** pairs = self.table.pool.pairs
        cdef uint64_t sum = 0
        cdef uint32_t i, j, at
        cdef Row* row
        cdef Form* form
        cdef Pair* pair
        for i in range(count):
            row = &self.table.rows[ids[i]]
            sum += row.fingerprint + row.labels_size + row.rules_seen
        for i in range(count):
            row = &self.table.rows[ids[i]]
            form = &self.table.forms[row.said]
            sum += row.labels[0] + form.notes_size + form.is_known
        for i in range(count):
            row = &self.table.rows[ids[i]]
            form = &self.table.forms[row.said]
            for j in range(form.notes_size):
                sum += pairs[form.notes[j]].json_size
            for j in range(row.labels_size):
                sum += pairs[row.labels[j]].json_size
        for i in range(count):
            form = &self.table.forms[self.table.rows[ids[i]].said]
            for j in range(form.notes_size):
                pair = pairs[form.notes[j]]
                at = 0
                while at < pair.json_size:
                    sum += pair.bytes[at]
                    at += LINE_BYTES
        self.touched = sum

    # What is true of an alert now

    cdef int _begin_portion(self) except -1:
        cdef Condition test
        begin_turn(&self.turns)
        for test in self.tests:
            test.refresh(self.table.pool)
        self._ask_versions()
        self._reserve(PORTION_BYTES + PORTION_BYTES // 8)
        return 0

    cdef int _ask_versions(self) except -1:
        self.effort = 0
        self.silences_version = self.mutes.silences_version
        self.silences_everywhere = self.mutes.silences_everywhere
        self.rules_version = self.mutes.rules_version
        self.rules_everywhere = self.mutes.rules_everywhere
        return 0

    cdef bint _look_through(self) except -1:
        """Ask the conditions about the rows, in the order in which they lie in memory; false when there are more."""
        cdef uint32_t end = self.table.rows_size, last
        cdef void* grown
        if self.tests_size == 0 or (self.has_begun and not self.is_looking):
            return True
        if not self.is_looking:
            self.is_looking = True
            self.rows_reused = self.table.rows_reused
        if self.rows_reused != self.table.rows_reused:  # what was found may be of others; each is asked when it comes
            self.passing_size = 0
            self.is_looking = False
            return True
        last = min(end, self.passing_size + PORTION_EFFORT)
        grown = realloc(self.passing, last + 1)
        if grown == NULL:
            raise MemoryError
        self.passing = <uint8_t*>grown
        while self.passing_size < last and self.effort < PORTION_EFFORT:
            self.passing[self.passing_size] = self._fulfils(self.passing_size)
            self.passing_size += 1
            self.effort += 1
            if self.passing_size % LOOKED_AT == 0 and should_give_way(&self.turns):
                break
        self.is_looking = self.passing_size < end
        if self.is_looking:
            end_turn(&self.turns)
        return not self.is_looking

    cdef bint _fulfils(self, uint32_t id) except -1:
        cdef Row* row = &self.table.rows[id]
        cdef Condition test
        cdef uint32_t asked
        cdef bint takes
        if row.labels == NULL:
            return False
        for test in self.tests:
            asked = test.asked
            takes = test.takes(self.table.pool, row)
            self.effort += (test.asked - asked) * MATCH_EFFORT
            if not takes:
                return False
        return True

    cdef bint _passes(self, uint32_t id) except -1:
        """Whether the conditions take an alert, and it is not over."""
        cdef Row* row
        if self.tests_size:
            if id < self.passing_size and self.rows_reused == self.table.rows_reused:
                if not self.passing[id]:
                    return False
            elif not self._fulfils(id):
                return False
        row = &self.table.rows[id]
        return is_unset(&row.ends) or not is_before(&row.ends, &self.now)

    cdef tuple _status(self, uint32_t id):
        """How a listing writes the status of an alert, whether such alerts are wanted, and whether they are muted."""
        cdef Row* row = &self.table.rows[id]
        if row.silences_seen != self.silences_version or row.rules_seen != self.rules_version:
            self._see_mutes(id)
            row = &self.table.rows[id]
        if self.last_status is not None and row.silenced == self.last_silenced and row.inhibited == self.last_inhibited:
            return self.last_status
        key = (<size_t>row.silenced, <size_t>row.inhibited)
        status = self.statuses.get(key)
        if status is None:
            silenced = () if row.silenced == NULL else self.mutes.active(<tuple>row.silenced)
            inhibited = () if row.inhibited == NULL else <tuple>row.inhibited
            # The tuples are kept, or another could come to have the address of one.
            kept = (None if row.silenced == NULL else <tuple>row.silenced, inhibited)
            text = self.mutes.status_json(silenced, inhibited, self.muted_by)
            is_wanted = (self.active or silenced or inhibited) and (
                (self.silenced or not silenced) and (self.inhibited or not inhibited)
            )
            status = self.statuses[key] = (text, bool(is_wanted), bool(silenced or inhibited), kept)
        self.last_status, self.last_silenced, self.last_inhibited = status, row.silenced, row.inhibited
        return status

    cdef int _see_mutes(self, uint32_t id) except -1:
        cdef uint32_t marks = self.table.marks_of(id)
        cdef dict labels = None
        cdef Row* row = &self.table.rows[id]
        if row.silences_seen != self.silences_version:
            found = None
            if self.silences_everywhere or marks & SILENCE_ANCHOR:
                labels = self.table._texts(row.labels, row.labels_size)
                found = self.mutes.matching(labels, row.fingerprint)
                self.effort += MUTE_EFFORT
            row = &self.table.rows[id]
            replace(&row.silenced, found)
            row.silences_seen = self.silences_version
        if row.rules_seen != self.rules_version:
            found = None
            if self.rules_everywhere or marks & TARGET_ANCHOR:
                if labels is None:
                    labels = self.table._texts(row.labels, row.labels_size)
                found = self.mutes.inhibiting(labels, row.fingerprint)
                self.effort += MUTE_EFFORT
            row = &self.table.rows[id]
            replace(&row.inhibited, found)
            row.rules_seen = self.rules_version
        return 0

    # The list of alerts

    def alerts(self):
        cdef Ordered* at
        cdef size_t place
        cdef uint32_t count, i
        cdef uint32_t block[BLOCK_ROWS]
        cdef bint is_first = not self.has_begun
        self._begin_portion()
        if not self._look_through():
            return b""
        self.table.sort_order()
        make_it_worth(&self.turns)
        if is_first:
            self.has_begun = True
            self._write(b"[")
            place = 0
        else:
            place = self.table.first_behind(self.last_fingerprint, self.last_row)
        while place < self.table.sorted_size:
            if self.size >= PORTION_BYTES or self.effort >= PORTION_EFFORT:
                return self._portion()
            count = 0
            while place < self.table.sorted_size and count < BLOCK_ROWS and self.effort < PORTION_EFFORT:
                at = &self.table.order[place]
                self.last_fingerprint, self.last_row = at.fingerprint, at.row
                self.effort += 1
                place += 1
                if self.table.states[at.row] & STORED and (self.tests_size == 0 or self._passes(at.row)):
                    block[count] = at.row
                    count += 1
            self._bring_near(block, count)
            for i in range(count):
                self._show_alert(block[i])
            if should_give_way(&self.turns):
                return self._portion()
        self.is_done = True
        self._write(b"]\n")
        return self._portion()

    cdef int _show_alert(self, uint32_t id) except -1:
        cdef bytes receivers
        if not self._passes(id):
            return 0
        receivers = self._receivers(self.table.rows[id].place)
        if receivers is None:
            return 0
        status = self._status(id)
        if status[1]:
            if self.has_item:
                self._write(b",")
            self.has_item = True
            self._write_alert(id, receivers, <bytes>status[0])
        return 0

    cdef bytes _receivers(self, uint32_t place):
        """The receivers of a place as JSON, None when the filter takes none of them."""
        cdef Place* at
        if place == NOTHING:
            return b"[]" if self.takes_receivers is None or self.takes_receivers(()) else None
        at = &self.places.places[place]
        if self.takes_receivers is None:
            return <bytes>at.receivers
        found = self.receivers.get(place)
        if found is None or found[0] is not <object>at.names:
            names = <object>at.names
            found = self.receivers[place] = (names, <bytes>at.receivers if self.takes_receivers(names) else None)
        return found[1]

    def count(self):
        cdef uint32_t id
        self._ask_versions()
        while self.counted_to < self.table.rows_size:
            if self.effort >= PORTION_EFFORT:
                return None
            id = self.counted_to
            if self.table.rows[id].labels != NULL and self.table.rows[id].groups and self._is_active(id):
                status = self._status(id)
                if status[2]:
                    self.muted += 1
                else:
                    self.heard += 1
            self.counted_to += 1
            self.effort += 1
        return self.heard, self.muted

    cdef bint _is_active(self, uint32_t id) noexcept:
        cdef Row* row = &self.table.rows[id]
        return is_unset(&row.ends) or is_before(&self.now, &row.ends)

    # The list of groups

    def set_groups(self, list groups):
        self.groups = groups

    def in_groups(self):
        cdef uint32_t last
        cdef Members group
        self._begin_portion()
        if not self._look_through():
            return b""
        if not self.has_begun:
            self.has_begun = True
            self._write(b"[")
            self.group_at = 0
        while self.group_at < <uint32_t>len(self.groups):
            group = <Members>self.groups[self.group_at]
            self._bring_groups_near()
            if self.shown == NULL and not self._open_group(group):
                return self._portion()
            while self.shown_at < self.shown_size:
                if self.group_pinned and (self.size >= PORTION_BYTES or self.effort >= PORTION_EFFORT):
                    return self._portion()
                last = min(self.shown_size, self.shown_at + BLOCK_ROWS)
                if self.group_at >= self.near_to:
                    self._bring_near(self.shown + self.shown_at, last - self.shown_at)
                self.effort += last - self.shown_at
                while self.shown_at < last:
                    self._show_member(self.shown[self.shown_at])
                    self.shown_at += 1
                if self.group_pinned and should_give_way(&self.turns):
                    return self._portion()
            self._close_group(group)
            if self.size >= PORTION_BYTES or self.effort >= PORTION_EFFORT:
                break
            if self.group_at >= self.near_to and should_give_way(&self.turns):
                break
        if self.group_at < <uint32_t>len(self.groups):
            return self._portion()
        self.is_done = True
        self._write(b"]\n")
        return self._portion()

    cdef int _bring_groups_near(self) except -1:
        """Touch the members of the next groups together, as most have few."""
        cdef uint32_t block[BLOCK_ROWS]
        cdef uint32_t count = 0, i
        cdef Members group
        if self.group_at < self.near_to:
            return 0
        self.near_to = self.group_at
        while self.near_to < <uint32_t>len(self.groups):
            group = <Members>self.groups[self.near_to]
            if count + group.size > BLOCK_ROWS:
                break
            for i in range(group.size):
                block[count] = group.rows[i]
                count += 1
            self.near_to += 1
        self._bring_near(block, count)
        return 0

    cdef bint _open_group(self, Members group) except -1:
        """Take the members as they are now; false while they are still being sorted."""
        cdef uint32_t i
        self.shown_size = self.shown_at = 0
        self.group_open = False
        if group.is_closed or (self.takes_receivers is not None and not self.takes_receivers((group.receiver,))):
            self.shown = <uint32_t*>malloc(1)
            if self.shown == NULL:
                raise MemoryError
            return True
        if not group.sort_some(COMPARISONS):
            return False
        muted_by = group.muted_by
        if muted_by is not self.muted_by and muted_by != self.muted_by:
            self.statuses.clear()
            self.last_status = None
            self.muted_by = muted_by
        self.shown = <uint32_t*>malloc((group.size + 1) * sizeof(uint32_t))
        if self.shown == NULL:
            raise MemoryError
        if group.size:
            memcpy(self.shown, group.rows, group.size * sizeof(uint32_t))
        self.shown_size = group.size
        self.group_pinned = group.size > WHOLE_GROUP
        if self.group_pinned:
            for i in range(self.shown_size):
                self.table.rows[self.shown[i]].refs += 1
        return True

    cdef int _show_member(self, uint32_t id) except -1:
        cdef bytes receivers
        if not self._passes(id):
            return 0
        status = self._status(id)
        if not status[1]:
            return 0
        receivers = self._group_receivers(self.table.rows[id].place)
        if self.group_open:
            self._write(b",")
        else:
            if self.has_item:
                self._write(b",")
            self._write(b'{"alerts":[')
            self.group_open = True
            self.has_item = True
        self._write_alert(id, receivers, <bytes>status[0])
        return 0

    cdef int _close_group(self, Members group) except -1:
        if self.group_open:
            self._write(b"],")
            if group.tail is None or not group.keeps_tail:
                group.tail = group.make_tail()
            self._write(group.tail)
        self._unpin()
        self.group_at += 1
        return 0

    cdef void _unpin(self) noexcept:
        cdef uint32_t i
        if self.shown != NULL and self.group_pinned:
            for i in range(self.shown_size):
                self.table.rows[self.shown[i]].refs -= 1
                self.table.let_go(self.shown[i])
        free(self.shown)
        self.shown = NULL
        self.group_pinned = False

    cdef bytes _group_receivers(self, uint32_t place):
        """The names of the receivers that the filter takes, sorted and each once, as JSON."""
        if place == NOTHING:
            return b"[]"
        names = <tuple>self.places.places[place].names
        if self.takes_receivers is None and PyTuple_GET_SIZE(names) == 1:  # nothing to sort, as of most
            return <bytes>self.places.places[place].receivers
        if names is self.last_names:
            return self.last_receivers
        found = self.receivers.get(names)
        if found is None:
            if self.takes_receivers is None:
                taken = names
            else:
                taken = [name for name in names if self.takes_receivers((name,))]
            found = self.receivers[names] = self.mutes.receivers_json(tuple(sorted(set(taken))))
        self.last_names, self.last_receivers = names, found
        return found


cdef inline int replace(PyObject** place, object found) except -1:
    """Put a tuple where another was; an empty one is none."""
    cdef PyObject* old = place[0]
    if not found:
        place[0] = NULL
    else:
        Py_INCREF(found)
        place[0] = <PyObject*>found
    Py_XDECREF(old)
    return 0
