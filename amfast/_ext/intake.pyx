# cython: freethreading_compatible=True
"""The body of ``POST /api/v2/alerts``: read whole, then stored (reference api, sections 3 and 6).

What is nearly always posted is what was posted a minute ago, with another end. So the bytes of each alert, all but the
text of its end, are looked up by their hash, and where they are known only the end is read. Which bytes are likely to come
next is known too: those that came next the last time. Then not even their end has to be searched for.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from amfast._ext.arena cimport Arena, arena_free, arena_take
from amfast._ext.instant cimport ZERO_S, Instant, is_before, is_unset, near_instant, read_instant
from amfast._ext.pairs cimport GUESSES, Guess, PairText, Texts, number_pairs, sort_once
from amfast._ext.scan cimport (
    ARRAY, BOOLEAN, NO_FAULT, NO_MEMORY, NULL_VALUE, NUMBER, OBJECT, STRING, AFTER_ELEMENT, AFTER_KEY, AFTER_PAIR, AT_KEY,
    Kind, Scan, Text, fail, fault_text, read_text, skip_space, skip_value,
)
from amfast._ext.slots cimport NOTHING, slots_expect
from amfast._ext.table cimport Form, Report, Table
from amfast._ext.xxh64 cimport xxh64_with

cdef enum:
    ITEMS_MAX = 250000  # alerts, and pairs of one alert
    LANES = 4  # fingerprints worked out side by side, since each waits for its multiplications
    END_TEXT_MAX = 64

cdef enum Problem:
    NO_PROBLEM
    WRONG_TYPE
    WRONG_MAP
    WRONG_VALUE
    BAD_TIME  # where it is found, the reference reads no further
    BAD_URL  # likewise

cdef enum Complaint:
    FINE
    ENDS_FIRST
    NO_LABELS
    BAD_LABEL
    BAD_ANNOTATION

cdef struct Item:
    Instant starts
    Instant ends
    uint32_t form  # known bytes; else NOTHING, and what follows counts
    Texts labels
    Texts notes
    Text url
    const uint8_t* raw
    uint32_t raw_size
    uint32_t end_at
    uint16_t end_size
    bint has_end
    bint can_be_known
    uint64_t hash
    uint64_t fingerprint
    uint32_t* pairs  # of the labels, malloc'ed
    uint32_t pairs_size
    uint32_t tag  # where the row with these pairs is looked up

cdef struct Trouble:
    # The first thing wrong with the types of an alert, and where.
    Problem problem
    Kind kind
    const char* field
    uint32_t alert
    Text text


class BodyEmpty(ValueError):
    """A body without any value."""


class BodyError(ValueError):
    """A body that is not JSON or holds the wrong types; its text says what, in the words of the reference."""


class BodyInvalid(ValueError):
    """An alert that lacks its labels or whose URL is none: ``args`` are the alert's index and the URL, or None."""


@cython.final
cdef class Posted:
    """What became of a body."""


cdef inline bint is_key(Text* text, const char* lower, size_t size) noexcept nogil:
    """Whether a property's name is this one, in any case; to Go a long s is an s as well."""
    cdef size_t i = 0, j = 0
    cdef uint8_t byte
    while i < text.size and j < size:
        byte = text.at[i]
        if byte == 0xC5 and i + 1 < text.size and text.at[i + 1] == 0xBF:
            byte = c"s"
            i += 1
        elif 65 <= byte <= 90:
            byte |= 0x20
        if byte != <uint8_t>lower[j]:
            return False
        i += 1
        j += 1
    return i == text.size and j == size


@cython.final
cdef class Intake:
    """Reads bodies into a table."""

    cdef Table table
    cdef bint is_classic
    cdef object is_uri
    cdef Scan scan
    cdef Arena arena
    cdef Item* items
    cdef uint32_t items_size, items_room
    cdef Trouble trouble
    cdef bint has_trouble
    cdef uint32_t before  # the form of the last alert, also of the body before
    cdef uint8_t[END_TEXT_MAX] end_text  # of the last alert whose bytes were expected
    cdef uint32_t end_size
    cdef Instant end
    cdef Guess label_guesses[GUESSES]
    cdef Guess note_guesses[GUESSES]
    cdef Guess url_guess

    def __cinit__(self, Table table, *, bint classic_names, is_uri):
        self.table = table
        self.is_classic = classic_names
        self.is_uri = is_uri
        self.before = NOTHING

    def __dealloc__(self):
        free(self.items)

    def post(self, body, int64_t now_ns, int32_t offset_s, int64_t resolve_timeout_ns):
        cdef Py_buffer view
        cdef Instant now = near_instant(now_ns, offset_s)
        cdef Instant timeout = near_instant(now_ns + resolve_timeout_ns, offset_s)
        PyObject_GetBuffer(body, &view, PyBUF_SIMPLE)
        memset(&self.arena, 0, sizeof(Arena))
        self.items_size = 0
        self.has_trouble = False
        self.table.is_reading = True
        try:
            self._read(<const uint8_t*>view.buf, view.len)
            self._check()
            return self._store(&now, &timeout)
        finally:
            arena_free(&self.arena)
            if self.items_room > 4096:
                free(self.items)
                self.items = NULL
                self.items_room = 0
            PyBuffer_Release(&view)
            self.table.end_body()

    # Reading

    cdef int _read(self, const uint8_t* start, Py_ssize_t size) except -1:
        cdef Scan* scan = &self.scan
        cdef Kind kind
        cdef uint32_t before = self.before
        scan.at = start
        scan.end = start + size
        scan.fault = NO_FAULT
        skip_space(scan)
        if scan.at == scan.end:
            raise BodyEmpty
        if scan.at[0] != c"[":
            if not skip_value(scan, 0, &kind):
                self._refuse()
            if kind != NULL_VALUE:
                raise BodyError(f"json: cannot unmarshal {_KINDS[kind]} into Go value of type models.PostableAlerts")
            return 0
        scan.at += 1
        skip_space(scan)
        if scan.at < scan.end and scan.at[0] == c"]":
            return 0
        while True:
            if not self._expected(before):
                self._read_item()
            before = self.items[self.items_size - 1].form
            skip_space(scan)
            if scan.at < scan.end and scan.at[0] == c",":
                scan.at += 1
                skip_space(scan)
            elif scan.at < scan.end and scan.at[0] == c"]":
                break
            else:
                fail(scan, AFTER_ELEMENT)
                self._refuse()
        if self.has_trouble:
            raise BodyError(self._trouble_text())
        return 0

    cdef Item* _new_item(self) except NULL:
        cdef void* grown
        cdef Item* item
        if self.items_size >= ITEMS_MAX:
            raise BodyError(f"it holds more than {ITEMS_MAX} alerts; send fewer at a time")
        if self.items_size == self.items_room:
            grown = realloc(self.items, (self.items_room * 2 + 64) * sizeof(Item))
            if grown == NULL:
                raise MemoryError
            self.items = <Item*>grown
            self.items_room = self.items_room * 2 + 64
        item = &self.items[self.items_size]
        self.items_size += 1
        memset(item, 0, sizeof(Item))
        item.form = NOTHING
        item.starts.s = ZERO_S
        item.ends.s = ZERO_S
        return item

    cdef bint _expected(self, uint32_t before) except -1:
        """Whether the bytes at hand are those that followed last time, but for the end; then they are an item."""
        cdef Scan* scan = &self.scan
        cdef Form* form
        cdef uint32_t number
        cdef Item* item
        cdef Instant ends
        if before == NOTHING:
            return False
        number = self.table.forms[before].following
        if number == NOTHING:
            return False
        form = &self.table.forms[number]
        if not form.is_known or <Py_ssize_t>form.size > scan.end - scan.at:
            return False
        ends.s, ends.ns, ends.offset_s = ZERO_S, 0, 0
        if form.has_end and not self._read_end(scan.at + form.end_at, form.end_size, &ends):
            return False
        if self._hash(scan.at, form.size, form.end_at, form.end_size) != form.hash:
            return False
        item = self._new_item()
        item.form = number
        item.starts = form.starts
        item.ends = ends
        scan.at += form.size
        return True

    cdef inline bint _read_end(self, const uint8_t* text, uint32_t size, Instant* end) noexcept:
        """Read a time that most often is that of the alert before: those of one rule end together."""
        if size == 0 or size != self.end_size or memcmp(text, self.end_text, size) != 0:
            if not read_instant(text, size, &self.end):
                self.end_size = 0
                return False
            memcpy(self.end_text, text, size)
            self.end_size = size
        end[0] = self.end
        return True

    cdef inline uint64_t _hash(self, const uint8_t* raw, uint32_t size, uint32_t end_at, uint32_t end_size) noexcept:
        """Of all bytes but those of the end."""
        cdef uint64_t state = xxh64_with(raw, end_at, self.table.seed, self.table.factor)
        return xxh64_with(raw + end_at + end_size, size - end_at - end_size, state, self.table.factor)

    cdef int _read_item(self) except -1:
        cdef Scan* scan = &self.scan
        cdef Item* item = self._new_item()
        cdef Kind kind
        cdef Trouble first  # of the annotations and times, which the reference reads before the rest
        cdef Trouble second
        first.problem = second.problem = NO_PROBLEM
        item.raw = scan.at
        item.can_be_known = True
        if scan.at < scan.end and scan.at[0] == c"{":
            if not self._read_properties(item, &first, &second):
                self._refuse()
        else:
            if not skip_value(scan, 1, &kind):
                self._refuse()
            first.problem = WRONG_TYPE
            first.field = NULL
            first.kind = kind
        if first.problem == NO_PROBLEM:
            first = second
        if first.problem != NO_PROBLEM:
            item.can_be_known = False
            if not self.has_trouble:
                self.has_trouble = True
                self.trouble = first
                self.trouble.alert = self.items_size - 1
            return 0
        item.raw_size = <uint32_t>(scan.at - item.raw)
        if not item.has_end:
            item.end_at = item.raw_size
        if item.can_be_known:
            item.hash = self._hash(item.raw, item.raw_size, item.end_at, item.end_size)
            item.form = self.table.find_form(item.hash)
        return 0

    cdef bint _read_properties(self, Item* item, Trouble* first, Trouble* second) except -1:
        cdef Scan* scan = &self.scan
        cdef Text name
        cdef Kind kind
        scan.at += 1
        skip_space(scan)
        if scan.at < scan.end and scan.at[0] == c"}":
            scan.at += 1
            return True
        while True:
            if scan.at >= scan.end or scan.at[0] != c'"':
                return fail(scan, AT_KEY)
            if not read_text(scan, &self.arena, &name):
                return False
            skip_space(scan)
            if scan.at >= scan.end or scan.at[0] != c":":
                return fail(scan, AFTER_KEY)
            scan.at += 1
            skip_space(scan)
            if is_key(&name, b"labels", 6):
                if not self._read_map(&item.labels, b"Alert.labels", second):
                    return False
            elif is_key(&name, b"annotations", 11):
                if not self._read_map(&item.notes, b".annotations", first):
                    return False
            elif is_key(&name, b"startsat", 8):
                if not self._read_time(item, False, first):
                    return False
            elif is_key(&name, b"endsat", 6):
                if not self._read_time(item, True, first):
                    return False
            elif is_key(&name, b"generatorurl", 12):
                if not self._read_url(item, second):
                    return False
            elif not skip_value(scan, 2, &kind):
                return False
            skip_space(scan)
            if scan.at < scan.end and scan.at[0] == c",":
                scan.at += 1
                skip_space(scan)
            elif scan.at < scan.end and scan.at[0] == c"}":
                scan.at += 1
                return True
            else:
                return fail(scan, AFTER_PAIR)

    cdef bint _read_map(self, Texts* texts, const char* field, Trouble* trouble) except -1:
        """An object of strings, null as an empty one; a second object is merged into the first, null undoes it."""
        cdef Scan* scan = &self.scan
        cdef Kind kind
        cdef PairText* pair
        if scan.at >= scan.end or scan.at[0] != c"{":
            if not skip_value(scan, 2, &kind):
                return False
            if kind == NULL_VALUE:
                texts.size = 0
                texts.is_there = False
            elif trouble.problem == NO_PROBLEM:
                trouble.problem, trouble.kind, trouble.field = WRONG_MAP, kind, field
            return True
        texts.is_there = True
        scan.at += 1
        skip_space(scan)
        if scan.at < scan.end and scan.at[0] == c"}":
            scan.at += 1
            return True
        while True:
            pair = self._new_pair(texts)
            if scan.at >= scan.end or scan.at[0] != c'"':
                return fail(scan, AT_KEY)
            if not read_text(scan, &self.arena, &pair.name):
                return False
            skip_space(scan)
            if scan.at >= scan.end or scan.at[0] != c":":
                return fail(scan, AFTER_KEY)
            scan.at += 1
            skip_space(scan)
            if scan.at < scan.end and scan.at[0] == c'"':
                if not read_text(scan, &self.arena, &pair.value):
                    return False
            else:
                if not skip_value(scan, 3, &kind):
                    return False
                pair.value.at, pair.value.size = scan.at, 0
                if kind != NULL_VALUE and trouble.problem == NO_PROBLEM:
                    trouble.problem, trouble.kind, trouble.field = WRONG_VALUE, kind, field
            skip_space(scan)
            if scan.at < scan.end and scan.at[0] == c",":
                scan.at += 1
                skip_space(scan)
            elif scan.at < scan.end and scan.at[0] == c"}":
                scan.at += 1
                return True
            else:
                return fail(scan, AFTER_PAIR)

    cdef PairText* _new_pair(self, Texts* texts) except NULL:
        cdef PairText* grown
        cdef uint32_t room
        if texts.size >= ITEMS_MAX:
            raise BodyError(f"an alert holds more than {ITEMS_MAX} labels or annotations")
        if texts.size == texts.room:
            room = texts.room * 2 if texts.room else 16
            grown = <PairText*>arena_take(&self.arena, room * sizeof(PairText))
            if grown == NULL:
                raise MemoryError
            if texts.size:
                memcpy(grown, texts.at, texts.size * sizeof(PairText))
            texts.at = grown
            texts.room = room
        texts.size += 1
        texts.at[texts.size - 1].came = texts.size
        return &texts.at[texts.size - 1]

    cdef bint _read_time(self, Item* item, bint is_end, Trouble* trouble) except -1:
        cdef Scan* scan = &self.scan
        cdef Kind kind
        cdef Text text
        cdef Instant* time = &item.ends if is_end else &item.starts
        if scan.at >= scan.end or scan.at[0] != c'"':
            if not skip_value(scan, 2, &kind):
                return False
            # An end that is null may be followed by one that is not: neither is looked for again.
            if is_end:
                item.can_be_known = False
            if kind != NULL_VALUE and trouble.problem != BAD_TIME:
                trouble.problem, trouble.kind = BAD_TIME, kind
                trouble.field = b".endsAt" if is_end else b".startsAt"
            return True
        if not read_text(scan, &self.arena, &text):
            return False
        if is_end:
            if item.has_end or not text.plain or text.size > END_TEXT_MAX:
                item.can_be_known = False
            item.has_end = True
            item.end_at = <uint32_t>(text.at - item.raw) if text.plain else 0
            item.end_size = <uint16_t>text.size if text.size <= END_TEXT_MAX else 0
        if not read_instant(text.at, text.size, time) and trouble.problem != BAD_TIME:
            trouble.problem, trouble.kind = BAD_TIME, STRING
            trouble.field = b".endsAt" if is_end else b".startsAt"
            trouble.text = text
        return True

    cdef bint _read_url(self, Item* item, Trouble* trouble) except -1:
        cdef Scan* scan = &self.scan
        cdef Kind kind
        if scan.at < scan.end and scan.at[0] == c'"':
            return read_text(scan, &self.arena, &item.url)
        if not skip_value(scan, 2, &kind):
            return False
        if kind == NULL_VALUE:
            item.url.size = 0
        elif trouble.problem != BAD_URL:
            trouble.problem, trouble.kind, trouble.field = BAD_URL, kind, b"Alert.generatorURL"
        return True

    cdef int _refuse(self) except -1:
        if self.scan.fault == NO_MEMORY:
            raise MemoryError
        raise BodyError(fault_text(&self.scan))

    cdef str _trouble_text(self):
        cdef Trouble* trouble = &self.trouble
        if trouble.problem == BAD_TIME and trouble.kind == STRING:
            text = trouble.text.at[: min(trouble.text.size, <size_t>64)].decode("utf-8", "replace")
            return f"alert {trouble.alert}: {trouble.field[1:].decode('ascii')}: {text!r} is not an RFC 3339 time"
        kind = _KINDS[trouble.kind]
        if trouble.kind == NULL_VALUE:  # the reference ends the connection
            return f"json: cannot unmarshal null into Go value of type models.PostableAlert (alert {trouble.alert})"
        if trouble.field == NULL:
            return f"json: cannot unmarshal {kind} into Go value of type {_GO_STRUCT}"
        wanted = "models.LabelSet" if trouble.problem == WRONG_MAP else "string"
        return f"json: cannot unmarshal {kind} into Go struct field {trouble.field.decode('ascii')} of type {wanted}"

    # Checking

    cdef int _check(self) except -1:
        """Raise for the first alert whose URL is none or that has no labels."""
        cdef uint32_t i
        cdef Item* item
        cdef Text good  # mostly the next one is the same
        good.at, good.size = NULL, 0
        for i in range(self.items_size):
            item = &self.items[i]
            if item.form != NOTHING:
                continue
            if item.url.size and (
                good.size != item.url.size or memcmp(good.at, item.url.at, good.size) != 0
            ):
                if not is_plain_url(item.url.at, item.url.size):
                    url = item.url.at[: item.url.size].decode("utf-8")
                    if not self.is_uri(url):
                        raise BodyInvalid(i, url)
                good = item.url
            if not item.labels.is_there:
                raise BodyInvalid(i, None)
        return 0

    # Storing

    cdef Posted _store(self, Instant* now, Instant* timeout):
        cdef Posted posted = Posted()
        cdef uint32_t first = 0, i, last
        # Rows that come to be for one alert of a body are there for the next, so the fingerprints come in portions.
        while first < self.items_size:
            last = min(self.items_size, first + 64)
            self._intern(first, last)
            for i in range(first, last):
                self._store_item(&self.items[i], posted, now, timeout)
            first = last
        posted.has_sequel = (
            posted.dropped or len(self.table.news) or len(self.table.told) or self.table.router.has_waiting()
        )
        return posted

    cdef int _intern(self, uint32_t first, uint32_t last) except -1:
        """Number the labels of the new alerts of a portion, and work out their fingerprints."""
        cdef Item* waiting[LANES]
        cdef int count = 0
        cdef uint32_t i, j, size
        cdef Item* item
        cdef PairText* pair
        for i in range(first, last):
            item = &self.items[i]
            if item.form != NOTHING:
                continue
            sort_once(&item.labels)
            sort_once(&item.notes)
            item.pairs = <uint32_t*>malloc(max(item.labels.size, 1) * sizeof(uint32_t))
            if item.pairs == NULL:
                raise MemoryError
            number_pairs(self.table.pool, item.labels.at, item.labels.size, self.label_guesses, False)
            size = 0
            for j in range(item.labels.size):
                if item.labels.at[j].id != NOTHING:
                    item.pairs[size] = item.labels.at[j].id
                    size += 1
            item.pairs_size = size
            item.tag = self.table.tag_of_pairs(item.pairs, size)
            slots_expect(&self.table.by_labels, item.tag)
            waiting[count] = item
            count += 1
            if count == LANES:
                self._fingerprints(waiting, count)
                count = 0
        self._fingerprints(waiting, count)
        return 0

    cdef int _fingerprints(self, Item** items, int count) except -1:
        """FNV-1a (64 bit) over name, 0xFF, value, 0xFF of each label, of several alerts in step."""
        cdef const uint8_t* texts[LANES]
        cdef size_t sizes[LANES]
        cdef uint64_t states[LANES]
        cdef size_t shared = 0, j
        cdef int i
        for i in range(count):
            self._join(items[i], &texts[i], &sizes[i])
            states[i] = 14695981039346656037ULL
            shared = sizes[i] if i == 0 else min(shared, sizes[i])
        if count == LANES:
            for j in range(shared):
                states[0] = (states[0] ^ texts[0][j]) * <uint64_t>1099511628211ULL
                states[1] = (states[1] ^ texts[1][j]) * <uint64_t>1099511628211ULL
                states[2] = (states[2] ^ texts[2][j]) * <uint64_t>1099511628211ULL
                states[3] = (states[3] ^ texts[3][j]) * <uint64_t>1099511628211ULL
        else:
            shared = 0
        for i in range(count):
            for j in range(shared, sizes[i]):
                states[i] = (states[i] ^ texts[i][j]) * <uint64_t>1099511628211ULL
            items[i].fingerprint = states[i]
        return 0

    cdef int _join(self, Item* item, const uint8_t** text, size_t* size) except -1:
        cdef size_t room = 0
        cdef uint32_t j
        cdef uint8_t* out
        cdef PairText* pair
        for j in range(item.labels.size):
            room += item.labels.at[j].name.size + item.labels.at[j].value.size + 2
        out = <uint8_t*>arena_take(&self.arena, room)
        if out == NULL:
            raise MemoryError
        text[0] = out
        for j in range(item.labels.size):
            pair = &item.labels.at[j]
            if pair.value.size == 0:
                continue
            memcpy(out, pair.name.at, pair.name.size)
            out += pair.name.size
            out[0] = 0xFF
            memcpy(out + 1, pair.value.at, pair.value.size)
            out += 1 + pair.value.size
            out[0] = 0xFF
            out += 1
        size[0] = out - text[0]
        return 0

    cdef int _store_item(self, Item* item, Posted posted, Instant* now, Instant* timeout) except -1:
        cdef Report said
        cdef Complaint complaint
        cdef uint32_t row, form = item.form
        said.starts, said.ends = item.starts, item.ends
        said.is_timeout = is_unset(&said.ends)
        if is_unset(&said.starts):
            said.starts = now[0] if said.is_timeout else said.ends
        if said.is_timeout:
            said.ends = timeout[0]
        if is_before(now, &said.ends):
            posted.firing += 1
        else:
            posted.resolved += 1
        complaint = self._complaint(item, &said)
        if complaint != FINE:
            if posted.complaints is None:
                posted.complaints = []
            posted.complaints.append(self._complaint_text(item, complaint))
            self._drop_pairs(item)
            return 0
        if form == NOTHING and item.can_be_known:
            form = self.table.find_form(item.hash)  # an earlier alert of this body may have brought it
        if form != NOTHING:
            self._drop_pairs(item)
            row = self.table.forms[form].row
        else:
            row = self.table.find_row(item.tag, item.fingerprint, item.pairs, item.pairs_size)
            if row == NOTHING:
                row = self.table.new_row(item.tag, item.fingerprint, item.pairs, item.pairs_size)
                item.pairs = NULL
            else:
                self._drop_pairs(item)
            form = self._new_form(item, row)
        if self.before != NOTHING:
            self.table.forms[self.before].following = form
        self.before = form
        if self.table.report(row, form, &said, now):
            posted.dropped += 1
        else:
            posted.stored += 1
        return 0

    cdef uint32_t _new_form(self, Item* item, uint32_t row) except? 0xFFFFFFFF:
        cdef uint32_t number = self.table.new_form(row), j
        cdef Form* form = &self.table.forms[number]
        cdef uint32_t* notes = NULL
        cdef PairText url
        if item.notes.size:
            notes = <uint32_t*>malloc(item.notes.size * sizeof(uint32_t))
            if notes == NULL:
                raise MemoryError
            number_pairs(self.table.pool, item.notes.at, item.notes.size, self.note_guesses, True)
            for j in range(item.notes.size):
                notes[j] = item.notes.at[j].id
        url.name.at, url.name.size = b"generatorURL", 12
        url.value = item.url
        number_pairs(self.table.pool, &url, 1, &self.url_guess, False)
        form.notes = notes
        form.notes_size = item.notes.size
        form.url = url.id
        form.starts = item.starts
        if item.can_be_known:
            form.hash = item.hash
            form.size = item.raw_size
            form.end_at = item.end_at
            form.end_size = item.end_size
            form.has_end = item.has_end
            self.table.remember_form(number)
        return number

    cdef void _drop_pairs(self, Item* item) noexcept:
        cdef uint32_t i
        if item.pairs != NULL:
            for i in range(item.pairs_size):
                self.table.pool.drop(item.pairs[i])
            free(item.pairs)
            item.pairs = NULL

    cdef Complaint _complaint(self, Item* item, Report* said) noexcept:
        cdef uint32_t i
        if is_before(&said.ends, &said.starts):
            return ENDS_FIRST
        if item.form != NOTHING:
            return FINE  # the rest was looked at when its bytes first came
        if item.pairs_size == 0:
            return NO_LABELS
        for i in range(item.labels.size):
            if item.labels.at[i].value.size and not self._is_name(&item.labels.at[i].name):
                return BAD_LABEL
        for i in range(item.notes.size):
            if not self._is_name(&item.notes.at[i].name):
                return BAD_ANNOTATION
        return FINE

    cdef inline bint _is_name(self, Text* name) noexcept:
        cdef size_t i
        if name.size == 0:
            return False
        if self.is_classic:
            if 48 <= name.at[0] <= 57:
                return False
            for i in range(name.size):
                if not (
                    97 <= name.at[i] <= 122 or 65 <= name.at[i] <= 90 or 48 <= name.at[i] <= 57 or name.at[i] == c"_"
                ):
                    return False
        return True

    cdef object _complaint_text(self, Item* item, Complaint complaint):
        cdef Texts* texts = &item.labels if complaint == BAD_LABEL else &item.notes
        cdef uint32_t i = 0
        if complaint == ENDS_FIRST:
            return "start time must be before end time", None
        if complaint == NO_LABELS:
            return "at least one label pair required", None
        for i in range(texts.size):
            if (complaint == BAD_ANNOTATION or texts.at[i].value.size) and not self._is_name(&texts.at[i].name):
                break
        name = texts.at[i].name.at[: texts.at[i].name.size].decode("utf-8")
        return f"invalid {'label set' if complaint == BAD_LABEL else 'annotations'}: invalid name ", name


cdef bint is_plain_url(const uint8_t* url, size_t size) noexcept nogil:
    """Whether a URL is one beyond doubt: http or https, a host of letters, digits, dots and hyphens, a port, a path."""
    cdef size_t i = 7
    if size > 8 and memcmp(url, b"https://", 8) == 0:
        i = 8
    elif size <= 7 or memcmp(url, b"http://", 7) != 0:
        return False
    while i < size and (97 <= url[i] <= 122 or 65 <= url[i] <= 90 or 48 <= url[i] <= 57 or url[i] == c"." or url[i] == c"-"):
        i += 1
    if i < size and url[i] == c":":
        i += 1
        while i < size and 48 <= url[i] <= 57:
            i += 1
    if i == size:
        return True
    if url[i] != c"/":
        return False
    while i < size and url[i] != c"?":
        if url[i] < 0x20 or url[i] == 0x7F or url[i] == c"%" or url[i] == c"#":
            return False
        i += 1
    while i < size:
        if url[i] < 0x20 or url[i] == 0x7F or url[i] == c"#":
            return False
        i += 1
    return True


_KINDS = {
    OBJECT: "object", ARRAY: "array", STRING: "string", NUMBER: "number", BOOLEAN: "bool", NULL_VALUE: "null",
}

_GO_STRUCT = """\
struct { Annotations models.LabelSet "json:\\"annotations,omitempty\\""; \
EndsAt strfmt.DateTime "json:\\"endsAt,omitempty\\""; StartsAt strfmt.DateTime "json:\\"startsAt,omitempty\\"" }"""
