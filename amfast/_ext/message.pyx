# cython: freethreading_compatible=True
"""The JSON of which the message of a webhook is made (reference notify, section 8), out of stored pieces."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy

from amfast._ext.instant cimport INSTANT_TEXT_MAX, Second, write_nano
from amfast._ext.json_text cimport json_size, write_json
from amfast._ext.pieces cimport put, put_hex, put_pairs
from amfast._ext.pool cimport WORD_BYTES, Name, Pair, Pool, compare_bytes
from amfast._ext.slots cimport NOTHING
from amfast._ext.xxh64 cimport xxh64

cdef enum:
    SEPARATOR = 0xFF
    HASHED_BYTES = 2048  # of label sets for which no memory is asked
    FRAME_BYTES = 256  # of an alert's JSON, without its times and pairs


cdef uint64_t hash_of(Pool pool, const uint32_t* labels, uint32_t size) except? 0:
    """As ``fingerprint.alert_hash``."""
    cdef uint8_t few[HASHED_BYTES]
    cdef uint8_t* joined = few
    cdef uint8_t* at
    cdef size_t room = 0
    cdef uint64_t hash
    cdef uint32_t i
    cdef Pair* pair
    cdef Name* name
    for i in range(size):
        pair = pool.pairs[labels[i]]
        room += pool.names[pair.name].size + pair.value_size + 2
    if room > HASHED_BYTES:
        joined = <uint8_t*>malloc(room)
        if joined == NULL:
            raise MemoryError
    at = joined
    for i in range(size):
        pair = pool.pairs[labels[i]]
        name = &pool.names[pair.name]
        at = put(at, <const char*>name.bytes, name.size)
        at[0] = SEPARATOR
        at = put(at + 1, <const char*>(pair.bytes + pair.value_at), pair.value_size)
        at[0] = SEPARATOR
        at += 1
    hash = xxh64(joined, room, 0)
    if joined != few:
        free(joined)
    return hash


cdef inline int reserve(Text* text, size_t more) except -1:
    cdef size_t room
    cdef void* grown
    if text.size + more > text.room:
        room = text.size + more + text.size // 2
        grown = realloc(text.bytes, room)
        if grown == NULL:
            raise MemoryError
        text.bytes = <uint8_t*>grown
        text.room = room
    return 0


cdef inline size_t size_of(Pool pool, const uint32_t* pairs, uint32_t size) noexcept:
    """Bytes of the pairs, each with a comma."""
    cdef size_t total = size
    cdef uint32_t i
    for i in range(size):
        total += pool.pairs[pairs[i]].json_size
    return total


cdef int write_alert(
    Text* text, Pool pool, Seen* alert, const uint32_t* pairs, Second* second, bint follows
) except -1:
    """One alert, with a comma if it follows another; while it fires it has no end, which is the zero time."""
    cdef const uint32_t* labels = pairs + alert.first
    cdef const uint32_t* notes = labels + alert.labels_size
    cdef uint32_t size = alert.labels_size + alert.notes_size + (alert.url != NOTHING)
    cdef Pair* url
    cdef uint8_t* at
    reserve(text, FRAME_BYTES + 2 * INSTANT_TEXT_MAX + size_of(pool, labels, size))
    at = text.bytes + text.size
    if follows:
        at = put(at, b",", 1)
    if alert.has_ended:
        at = put(at, b'{"status":"resolved","labels":{', 31)
    else:
        at = put(at, b'{"status":"firing","labels":{', 29)
    at = put_pairs(at, pool.pairs, labels, alert.labels_size)
    at = put(at, b'},"annotations":{', 17)
    at = put_pairs(at, pool.pairs, notes, alert.notes_size)
    at = put(at, b'},"startsAt":"', 14)
    at = write_nano(at, &alert.starts, second)
    at = put(at, b'","endsAt":"', 12)
    if alert.has_ended:
        at = write_nano(at, &alert.ends, second)
    else:
        at = put(at, b"0001-01-01T00:00:00Z", 20)
    at = put(at, b'",', 2)
    if alert.url != NOTHING:
        url = pool.pairs[alert.url]
        at = put(at, <const char*>url.bytes, url.json_size)
    else:
        at = put(at, b'"generatorURL":""', 17)
    at = put(at, b',"fingerprint":"', 16)
    at = put_hex(at, alert.fingerprint)
    at = put(at, b'"}', 2)
    text.size = at - text.bytes
    return 0


cdef bytes object_of(Pool pool, const uint32_t* pairs, uint32_t size):
    """Pairs as a JSON object."""
    cdef size_t most = size_of(pool, pairs, size) + 2 + WORD_BYTES
    cdef bytes written = PyBytes_FromStringAndSize(NULL, most)
    cdef uint8_t* start = <uint8_t*>PyBytes_AS_STRING(written)
    cdef uint8_t* at = put(put_pairs(put(start, b"{", 1), pool.pairs, pairs, size), b"}", 1)
    return written[: at - start]


cdef uint32_t keep_common(
    Pool pool, uint32_t* common, uint32_t size, const uint32_t* others, uint32_t others_size
) noexcept:
    """Keep the pairs that are among the others, too, where an absent one is as good as an empty one; how many."""
    cdef uint32_t i, j = 0, kept = 0
    cdef Pair* pair
    if size == others_size and memcmp(common, others, size * sizeof(uint32_t)) == 0:
        return size
    for i in range(size):
        pair = pool.pairs[common[i]]
        while j < others_size and others[j] != common[i] and comes_before(pool, pool.pairs[others[j]], pair):
            j += 1
        if j < others_size and pool.pairs[others[j]].name == pair.name:
            if others[j] != common[i]:
                continue
        elif pair.value_size > 0:
            continue
        common[kept] = common[i]
        kept += 1
    return kept


cdef inline bint comes_before(Pool pool, Pair* a, Pair* b) noexcept:
    """By name."""
    cdef Name* x = &pool.names[a.name]
    cdef Name* y = &pool.names[b.name]
    return a.name != b.name and compare_bytes(x.bytes, x.size, y.bytes, y.size) < 0


def json_text(str text):
    cdef Py_ssize_t size
    cdef const uint8_t* said = <const uint8_t*>PyUnicode_AsUTF8AndSize(text, &size)
    cdef size_t json = json_size(said, size)
    cdef bytes written = PyBytes_FromStringAndSize(NULL, json + 2)
    cdef uint8_t* out = <uint8_t*>PyBytes_AS_STRING(written)
    out[0] = c'"'
    write_json(out + 1, said, size, json)[0] = c'"'
    return written


def json_labels(labels):
    return b"{" + b",".join([json_text(name) + b":" + json_text(value) for name, value in labels.items()]) + b"}"
