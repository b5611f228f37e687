# cython: freethreading_compatible=True
"""Protobuf messages of silences, log entries, cluster parts and gossip frames (reference storage, section 3)."""

from libc.stdint cimport int32_t, int64_t, uint64_t

from amfast._ext.protobuf cimport (
    BYTES,
    VARINT,
    Reader,
    read_bytes,
    read_nested,
    read_tag,
    read_text,
    read_varint,
    reader_of,
    skip_field,
    write_bytes,
    write_text,
    write_varint,
)

from collections import namedtuple

cdef enum:
    RECORD_BYTES_MAX = 4 * 1024 * 1024
    NS_PER_S = 1_000_000_000

cdef int64_t SECONDS_MIN = -(1 << 62)
cdef int64_t SECONDS_MAX = 1 << 62
cdef int64_t SECONDS_OF_64_BITS = 9000000000  # whose nanoseconds fit

SilenceFields = namedtuple(
    "SilenceFields",
    "id matcher_sets starts_at_ns ends_at_ns updated_at_ns created_by comment annotations unknown expires_at_ns",
)
EntryFields = namedtuple(
    "EntryFields",
    "group_key receiver integration idx timestamp_ns firing resolved receiver_data unknown expires_at_ns envelope",
    defaults=[b""],
)


# Shared shapes

cdef int read_moment(Reader* reader, Moment* moment) except -1:
    """A Timestamp.

    Nothing is refused: an expiry in the year 10000 is how a silence until the end of 9999 is stored. What could
    not be written again is brought into the range that can.
    """
    cdef Reader inner = read_nested(reader)
    cdef uint64_t tag
    cdef int64_t seconds = 0
    cdef int64_t nanos = 0
    while inner.at < inner.end:
        tag = read_tag(&inner)
        if tag == (1 << 3 | VARINT):
            seconds = <int64_t>read_varint(&inner)
        elif tag == (2 << 3 | VARINT):
            nanos = <int64_t>read_varint(&inner)
        else:
            skip_field(&inner, tag)
    moment.seconds = min(max(seconds, SECONDS_MIN), SECONDS_MAX)
    moment.nanos = <int32_t>nanos
    return 0


cdef object nanoseconds(Moment moment):
    """Since the epoch."""
    if -SECONDS_OF_64_BITS < moment.seconds < SECONDS_OF_64_BITS:
        return moment.seconds * NS_PER_S + moment.nanos
    return moment.seconds * <object>NS_PER_S + moment.nanos


cdef object _read_time(Reader* reader):
    cdef Moment moment
    read_moment(reader, &moment)
    return nanoseconds(moment)


cdef int _write_time(bytearray out, int field, value) except -1:
    seconds, nanos = divmod(value, <object>NS_PER_S)
    cdef bytearray inner = bytearray()
    if seconds:
        write_varint(inner, 1 << 3 | VARINT)
        write_varint(inner, <uint64_t><int64_t>seconds)
    if nanos:
        write_varint(inner, 2 << 3 | VARINT)
        write_varint(inner, nanos)
    write_bytes(out, field, inner)
    return 0


cdef int _keep(bytearray unknown, Reader* reader, uint64_t tag) except -1:
    """Passes over a field and keeps its bytes for our own writing."""
    cdef const unsigned char* start = reader.at
    skip_field(reader, tag)
    write_varint(unknown, tag)
    unknown += start[:reader.at - start]
    return 0


cdef list _split_records(bytes data):
    """The records of a file or of a channel's data: each a varint length, then so many bytes."""
    cdef Reader reader = reader_of(data)
    cdef list records = []
    cdef bytes record
    while reader.at < reader.end:
        record = read_bytes(&reader)
        if len(record) > RECORD_BYTES_MAX:
            raise ValueError("a record is over 4 MiB")
        records.append(record)
    return records


cdef Reader _content(bytes record, str problem) except *:
    """Field 1 of a record: the silence or the entry. ``record`` must live as long as the reader."""
    cdef Reader reader = reader_of(record), content
    cdef uint64_t tag
    cdef bint found = False
    while reader.at < reader.end:
        tag = read_tag(&reader)
        if tag == (1 << 3 | BYTES):
            content = read_nested(&reader)
            found = True
        else:
            skip_field(&reader, tag)
    if not found:
        raise ValueError(problem)
    return content


cdef object _expiry(bytes record):
    """Field 2 of a record: when it may be forgotten."""
    cdef Reader reader = reader_of(record)
    cdef uint64_t tag
    expires_at_ns = 0
    while reader.at < reader.end:
        tag = read_tag(&reader)
        if tag == (2 << 3 | BYTES):
            expires_at_ns = _read_time(&reader)
        else:
            skip_field(&reader, tag)
    return expires_at_ns


cdef bytes delimited(record):
    cdef bytearray out = bytearray()
    write_varint(out, len(record))
    out += record
    return bytes(out)


# Silences

cdef tuple _read_matcher(Reader* reader):
    cdef Reader inner = read_nested(reader)
    cdef uint64_t tag
    cdef int64_t kind = 0
    name = pattern = ""
    while inner.at < inner.end:
        tag = read_tag(&inner)
        if tag == (1 << 3 | VARINT):
            kind = <int64_t>read_varint(&inner)
        elif tag == (2 << 3 | BYTES):
            name = read_text(&inner)
        elif tag == (3 << 3 | BYTES):
            pattern = read_text(&inner)
        else:
            skip_field(&inner, tag)
    return kind, name, pattern


cdef tuple _read_matcher_set(Reader* reader):
    cdef Reader inner = read_nested(reader)
    cdef uint64_t tag
    cdef list matchers = []
    while inner.at < inner.end:
        tag = read_tag(&inner)
        if tag == (1 << 3 | BYTES):
            matchers.append(_read_matcher(&inner))
        else:
            skip_field(&inner, tag)
    return tuple(matchers)


cdef tuple _read_text_pair(Reader* reader):
    """Fields 1 and 2 as texts: a map entry, and the author and text of an old comment."""
    cdef Reader inner = read_nested(reader)
    cdef uint64_t tag
    first = second = ""
    while inner.at < inner.end:
        tag = read_tag(&inner)
        if tag == (1 << 3 | BYTES):
            first = read_text(&inner)
        elif tag == (2 << 3 | BYTES):
            second = read_text(&inner)
        else:
            skip_field(&inner, tag)
    return first, second


cdef object _read_silence(Reader reader, object expires_at_ns):
    cdef uint64_t tag
    cdef bytearray unknown = bytearray()
    cdef list old_matchers = [], sets = []
    cdef dict annotations = {}
    silence_id = created_by = comment = ""
    starts_at = ends_at = updated_at = 0
    old_comment = None
    while reader.at < reader.end:
        tag = read_tag(&reader)
        if tag == (1 << 3 | BYTES):
            silence_id = read_text(&reader)
        elif tag == (2 << 3 | BYTES):
            old_matchers.append(_read_matcher(&reader))
        elif tag == (3 << 3 | BYTES):
            starts_at = _read_time(&reader)
        elif tag == (4 << 3 | BYTES):
            ends_at = _read_time(&reader)
        elif tag == (5 << 3 | BYTES):
            updated_at = _read_time(&reader)
        elif tag == (7 << 3 | BYTES):
            pair = _read_text_pair(&reader)
            old_comment = old_comment or pair
        elif tag == (8 << 3 | BYTES):
            created_by = read_text(&reader)
        elif tag == (9 << 3 | BYTES):
            comment = read_text(&reader)
        elif tag == (10 << 3 | BYTES):
            key, value = _read_text_pair(&reader)
            annotations[key] = value
        elif tag == (11 << 3 | BYTES):
            sets.append(_read_matcher_set(&reader))
        else:
            _keep(unknown, &reader, tag)
    if old_comment is not None:
        created_by, comment = old_comment
    if not sets and old_matchers:
        sets.append(tuple(old_matchers))
    return SilenceFields(
        silence_id, tuple(sets), starts_at, ends_at, updated_at,
        created_by, comment, dict(sorted(annotations.items())), bytes(unknown), expires_at_ns,
    )


cdef bytes in_new_form(bytes record):
    """A record as we would write it, with what stands in it beside the silence."""
    expires_at_ns = _expiry(record)
    cdef bytearray anew = bytearray()
    silence = _read_silence(_content(record, "a silence record holds no silence"), expires_at_ns)
    write_bytes(anew, 1, _silence(silence))
    _write_time(anew, 2, expires_at_ns)
    anew += _envelope(record)
    return bytes(anew)


def decode_silences(bytes data not None):
    cdef list silences = []
    for record in _split_records(data):
        expires_at_ns = _expiry(record)
        silences.append(_read_silence(_content(record, "a silence record holds no silence"), expires_at_ns))
    return silences


cdef bytearray _matcher(matcher):
    kind, name, pattern = matcher
    cdef bytearray out = bytearray()
    if kind:
        write_varint(out, 1 << 3 | VARINT)
        write_varint(out, <uint64_t><int64_t>kind)
    write_text(out, 2, name)
    write_text(out, 3, pattern)
    return out


cdef bytearray _silence(silence):
    cdef bytearray out = bytearray()
    cdef bytearray inner
    write_text(out, 1, silence.id)
    for matcher in silence.matcher_sets[0] if silence.matcher_sets else ():
        write_bytes(out, 2, _matcher(matcher))
    _write_time(out, 3, silence.starts_at_ns)
    _write_time(out, 4, silence.ends_at_ns)
    _write_time(out, 5, silence.updated_at_ns)
    write_text(out, 8, silence.created_by)
    write_text(out, 9, silence.comment)
    for key, value in silence.annotations.items():
        inner = bytearray()
        write_bytes(inner, 1, (<str?>key).encode("utf-8"))
        write_bytes(inner, 2, (<str?>value).encode("utf-8"))
        write_bytes(out, 10, inner)
    for matchers in silence.matcher_sets:
        inner = bytearray()
        for matcher in matchers:
            write_bytes(inner, 1, _matcher(matcher))
        write_bytes(out, 11, inner)
    out += silence.unknown
    return out


def encode_silence(silence, expires_at_ns):
    cdef bytearray out = bytearray()
    write_bytes(out, 1, _silence(silence))
    _write_time(out, 2, expires_at_ns)
    return delimited(out)


# Notification log

cdef int _read_hashes(Reader* reader, uint64_t tag, list hashes) except -1:
    """A repeated uint64: packed, or one by one as old writers may."""
    cdef Reader inner
    if tag & 7 == VARINT:
        hashes.append(read_varint(reader))
        return 0
    inner = read_nested(reader)
    while inner.at < inner.end:
        hashes.append(read_varint(&inner))
    return 0


cdef bytes _envelope(bytes record):
    """What a record holds beside its fields 1 and 2."""
    cdef Reader reader = reader_of(record)
    cdef uint64_t tag
    cdef bytearray unknown = bytearray()
    while reader.at < reader.end:
        tag = read_tag(&reader)
        if tag == (1 << 3 | BYTES) or tag == (2 << 3 | BYTES):
            skip_field(&reader, tag)
        else:
            _keep(unknown, &reader, tag)
    return bytes(unknown)


cdef object _read_entry(Reader reader, object expires_at_ns, bytes envelope):
    cdef uint64_t tag
    cdef Reader inner
    cdef bytearray unknown = bytearray(), receiver_data = bytearray()
    cdef list firing = [], resolved = []
    cdef bint has_receiver = False
    group_key = b""
    receiver = integration = ""
    index = timestamp = 0
    while reader.at < reader.end:
        tag = read_tag(&reader)
        if tag == (1 << 3 | BYTES):
            group_key = read_bytes(&reader)
        elif tag == (2 << 3 | BYTES):
            inner = read_nested(&reader)
            has_receiver = True
            receiver, integration, index = _read_receiver(inner)
        elif tag == (5 << 3 | BYTES):
            timestamp = _read_time(&reader)
        elif tag >> 3 == 6 and tag & 7 in (BYTES, VARINT):
            _read_hashes(&reader, tag, firing)
        elif tag >> 3 == 7 and tag & 7 in (BYTES, VARINT):
            _read_hashes(&reader, tag, resolved)
        elif tag == (8 << 3 | BYTES):
            _keep(receiver_data, &reader, tag)
        else:
            _keep(unknown, &reader, tag)
    if not has_receiver:
        raise ValueError("a log entry names no receiver")
    return EntryFields(
        group_key, receiver, integration, index, timestamp,
        tuple(firing), tuple(resolved), bytes(receiver_data), bytes(unknown), expires_at_ns, envelope,
    )


cdef tuple _read_receiver(Reader reader):
    cdef uint64_t tag
    receiver = integration = ""
    index = 0
    while reader.at < reader.end:
        tag = read_tag(&reader)
        if tag == (1 << 3 | BYTES):
            receiver = read_text(&reader)
        elif tag == (2 << 3 | BYTES):
            integration = read_text(&reader)
        elif tag == (3 << 3 | VARINT):
            index = read_varint(&reader) & 0xFFFFFFFF
        else:
            skip_field(&reader, tag)
    return receiver, integration, index


def decode_entries(bytes data not None):
    cdef Reader content
    cdef list entries = []
    for record in _split_records(data):
        expires_at_ns = _expiry(record)
        content = _content(record, "a log record holds no entry")
        entries.append(_read_entry(content, expires_at_ns, _envelope(record)))
    return entries


cdef int _write_hashes(bytearray out, int field, hashes) except -1:
    cdef bytearray inner
    if not hashes:
        return 0
    inner = bytearray()
    for value in hashes:
        write_varint(inner, value)
    write_bytes(out, field, inner)
    return 0


def encode_entry(entry, expires_at_ns):
    cdef bytearray body = bytearray(), receiver = bytearray(), out = bytearray()
    if entry.group_key:
        write_bytes(body, 1, entry.group_key)
    write_text(receiver, 1, entry.receiver)
    write_text(receiver, 2, entry.integration)
    if entry.idx:
        write_varint(receiver, 3 << 3 | VARINT)
        write_varint(receiver, entry.idx)
    write_bytes(body, 2, receiver)
    _write_time(body, 5, entry.timestamp_ns)
    _write_hashes(body, 6, entry.firing)
    _write_hashes(body, 7, entry.resolved)
    body += entry.receiver_data
    body += entry.unknown
    write_bytes(out, 1, body)
    _write_time(out, 2, expires_at_ns)
    out += entry.envelope
    return delimited(out)


# Cluster parts

cdef tuple _read_part(Reader reader):
    cdef uint64_t tag
    key = ""
    data = b""
    while reader.at < reader.end:
        tag = read_tag(&reader)
        if tag == (1 << 3 | BYTES):
            key = read_text(&reader)
        elif tag == (2 << 3 | BYTES):
            data = read_bytes(&reader)
        else:
            skip_field(&reader, tag)
    return key, data


def decode_part(bytes data not None):
    return _read_part(reader_of(data))


def encode_part(str key not None, bytes data not None):
    cdef bytearray out = bytearray()
    write_text(out, 1, key)
    if data:
        write_bytes(out, 2, data)
    return bytes(out)


def decode_full_state(bytes data not None):
    cdef Reader reader = reader_of(data)
    cdef uint64_t tag
    cdef list parts = []
    while reader.at < reader.end:
        tag = read_tag(&reader)
        if tag == (1 << 3 | BYTES):
            parts.append(_read_part(read_nested(&reader)))
        else:
            skip_field(&reader, tag)
    return parts


def encode_full_state(parts):
    cdef bytearray out = bytearray()
    for key, data in parts:
        write_bytes(out, 1, encode_part(key, data))
    return bytes(out)


# Frames of gossip over TLS

def decode_gossip_frame(bytes data not None):
    cdef Reader reader = reader_of(data)
    cdef uint64_t tag
    cdef int64_t kind = 0
    version = from_addr = ""
    msg = b""
    while reader.at < reader.end:
        tag = read_tag(&reader)
        if tag == (1 << 3 | BYTES):
            version = read_text(&reader)
        elif tag == (2 << 3 | VARINT):
            kind = <int64_t>read_varint(&reader)
        elif tag == (3 << 3 | BYTES):
            from_addr = read_text(&reader)
        elif tag == (4 << 3 | BYTES):
            msg = read_bytes(&reader)
        else:
            skip_field(&reader, tag)
    return version, kind, from_addr, msg


def encode_gossip_frame(str version not None, int kind, str from_addr not None, bytes msg not None):
    cdef bytearray out = bytearray()
    write_text(out, 1, version)
    if kind:
        write_varint(out, 2 << 3 | VARINT)
        write_varint(out, <uint64_t><int64_t>kind)
    write_text(out, 3, from_addr)
    if msg:
        write_bytes(out, 4, msg)
    return bytes(out)
