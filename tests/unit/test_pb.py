"""The protobuf codec against the official library, which knows the messages only from their field numbers."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from amfast._ext import pb
from amfast._ext.silence_records import join_records, scan_silences, scan_with_needs

F = descriptor_pb2.FieldDescriptorProto
KINDS = {"string": F.TYPE_STRING, "bytes": F.TYPE_BYTES, "int64": F.TYPE_INT64, "int32": F.TYPE_INT32,
         "uint32": F.TYPE_UINT32, "uint64": F.TYPE_UINT64, "bool": F.TYPE_BOOL}  # fmt: skip
MESSAGES = {
    "Timestamp": {1: "int64 seconds", 2: "int32 nanos"},
    "Matcher": {1: "int32 type", 2: "string name", 3: "string pattern"},
    "Comment": {1: "string author", 2: "string comment", 3: ".Timestamp timestamp"},
    "MatcherSet": {1: "*.Matcher matchers"},
    "Pair": {1: "string key", 2: "string value"},
    "Silence": {
        1: "string id", 2: "*.Matcher matchers", 3: ".Timestamp starts_at", 4: ".Timestamp ends_at",
        5: ".Timestamp updated_at", 7: "*.Comment comments", 8: "string created_by", 9: "string comment",
        10: "*.Pair annotations", 11: "*.MatcherSet matcher_sets", 99: "string future",
    },
    "MeshSilence": {1: ".Silence silence", 2: ".Timestamp expires_at"},
    "Receiver": {1: "string group_name", 2: "string integration", 3: "uint32 idx"},
    "Entry": {
        1: "bytes group_key", 2: ".Receiver receiver", 3: "bytes group_hash", 4: "bool resolved",
        5: ".Timestamp timestamp", 6: "*uint64 firing_alerts", 7: "*uint64 resolved_alerts",
    },
    "MeshEntry": {1: ".Entry entry", 2: ".Timestamp expires_at"},
    "Part": {1: "string key", 2: "bytes data"},
    "FullState": {1: "*.Part parts"},
    "MemberlistMessage": {1: "string version", 2: "int32 kind", 3: "string from_addr", 4: "bytes msg"},
}  # fmt: skip


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="t.proto", package="t", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, text in fields.items():
            kind, field_name = text.split()
            repeated = kind.startswith("*")
            kind = kind.lstrip("*")
            field = message.field.add(name=field_name, number=number)
            field.label = F.LABEL_REPEATED if repeated else F.LABEL_OPTIONAL
            if kind.startswith("."):
                field.type, field.type_name = F.TYPE_MESSAGE, f".t{kind}"
            else:
                field.type = KINDS[kind]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"t.{name}")) for name in MESSAGES
    }


OFFICIAL = _classes()

NS_MAX = 253_402_300_799 * 10**9
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
times = st.integers(-62_135_596_800 * 10**9, NS_MAX)
matchers = st.tuples(st.integers(0, 3), texts, texts)
silences = st.builds(
    pb.SilenceFields,
    id=texts, matcher_sets=st.lists(st.lists(matchers, max_size=3).map(tuple), min_size=1, max_size=3).map(tuple),
    starts_at_ns=times, ends_at_ns=times, updated_at_ns=times, created_by=texts, comment=texts,
    annotations=st.dictionaries(texts, texts, max_size=3).map(lambda d: dict(sorted(d.items()))),
    unknown=st.just(b""), expires_at_ns=times,
)  # fmt: skip
hashes = st.lists(st.integers(0, 2**64 - 1), max_size=5).map(tuple)
entries = st.builds(
    pb.EntryFields,
    group_key=st.binary(max_size=60), receiver=texts, integration=texts, idx=st.integers(0, 2**32 - 1),
    timestamp_ns=times, firing=hashes, resolved=hashes, receiver_data=st.just(b""), unknown=st.just(b""),
    expires_at_ns=times,
)  # fmt: skip


def undelimited(record: bytes) -> bytes:
    size = shift = 0
    for index, byte in enumerate(record):
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            body = record[index + 1 :]
            assert len(body) == size
            return body
    raise AssertionError("no end of the length")


def delimited(body: bytes) -> bytes:
    out, size = bytearray(), len(body)
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes(out) + bytes([size]) + body


def ns(timestamp: Any) -> int:
    return timestamp.seconds * 10**9 + timestamp.nanos


@given(silences)
def test_a_silence_means_the_same_to_the_official_library_and_comes_back(silence: pb.SilenceFields) -> None:
    record = pb.encode_silence(silence, silence.expires_at_ns)
    official = OFFICIAL["MeshSilence"].FromString(undelimited(record))
    body = official.silence
    assert body.id == silence.id
    assert [(m.type, m.name, m.pattern) for m in body.matchers] == list(silence.matcher_sets[0])
    assert [[(m.type, m.name, m.pattern) for m in s.matchers] for s in body.matcher_sets] == [
        list(s) for s in silence.matcher_sets
    ]
    assert {p.key: p.value for p in body.annotations} == silence.annotations
    assert (ns(body.starts_at), ns(body.ends_at), ns(body.updated_at)) == silence[2:5]
    assert (body.created_by, body.comment) == (silence.created_by, silence.comment)
    assert ns(official.expires_at) == silence.expires_at_ns
    assert pb.decode_silences(record) == [silence]
    assert pb.decode_silences(delimited(official.SerializeToString())) == [silence]


@given(entries)
def test_a_log_entry_is_written_as_the_official_library_writes_it(entry: pb.EntryFields) -> None:
    record = pb.encode_entry(entry, entry.expires_at_ns)
    official = OFFICIAL["MeshEntry"].FromString(undelimited(record))
    assert official.SerializeToString(deterministic=True) == undelimited(record)
    assert bytes(official.entry.group_key) == entry.group_key
    assert tuple(official.entry.firing_alerts) == entry.firing
    assert pb.decode_entries(record) == [entry]


@given(texts, st.binary(max_size=300))
def test_parts_and_full_states_are_written_as_the_official_library_writes_them(key: str, data: bytes) -> None:
    part = pb.encode_part(key, data)
    assert part == OFFICIAL["Part"](key=key, data=data).SerializeToString()
    assert pb.decode_part(part) == (key, data)
    parts = [(key, data), ("sil", b"x")]
    full = OFFICIAL["FullState"](parts=[{"key": k, "data": d} for k, d in parts])
    assert pb.encode_full_state(parts) == full.SerializeToString()
    assert pb.decode_full_state(full.SerializeToString()) == parts


@given(texts, st.integers(-(2**31), 2**31 - 1), texts, st.binary(max_size=300))
def test_a_gossip_frame_is_written_as_the_official_library_writes_it(
    version: str, kind: int, from_addr: str, msg: bytes
) -> None:
    frame = pb.encode_gossip_frame(version, kind, from_addr, msg)
    official = OFFICIAL["MemberlistMessage"](version=version, kind=kind, from_addr=from_addr, msg=msg)
    assert frame == official.SerializeToString()
    assert pb.decode_gossip_frame(frame) == (version, kind, from_addr, msg)


def test_a_gossip_frame_is_the_one_that_a_running_node_sent() -> None:
    sent = "0a0676302e312e3010011a0f3132372e302e302e313a33393039342202008c"
    assert pb.encode_gossip_frame("v0.1.0", 1, "127.0.0.1:39094", b"\x00\x8c").hex() == sent
    assert pb.encode_gossip_frame("v0.1.0", 0, "", b"").hex() == "0a0676302e312e30"


def test_an_old_silence_with_one_matcher_list_and_comments_is_read_in_the_new_form() -> None:
    old = OFFICIAL["MeshSilence"](
        silence={
            "id": "a",
            "matchers": [{"type": 1, "name": "job", "pattern": "x.*"}],
            "comments": [{"author": "ann", "comment": "first"}, {"author": "bob", "comment": "second"}],
        }
    )
    (silence,) = pb.decode_silences(delimited(old.SerializeToString()))
    assert silence.matcher_sets == (((1, "job", "x.*"),),)
    assert (silence.created_by, silence.comment) == ("ann", "first")


def test_fields_of_a_newer_version_survive_reading_and_writing() -> None:
    newer = OFFICIAL["MeshSilence"](silence={"id": "a", "future": "kept"})
    (silence,) = pb.decode_silences(delimited(newer.SerializeToString()))
    written = undelimited(pb.encode_silence(silence, 0))
    assert OFFICIAL["MeshSilence"].FromString(written).silence.future == "kept"


def test_old_fields_of_a_log_entry_are_carried_through() -> None:
    old = OFFICIAL["MeshEntry"](entry={"receiver": {"group_name": "r"}, "group_hash": b"h", "resolved": True})
    (entry,) = pb.decode_entries(delimited(old.SerializeToString()))
    again = OFFICIAL["MeshEntry"].FromString(undelimited(pb.encode_entry(entry, 0)))
    assert (again.entry.group_hash, again.entry.resolved) == (b"h", True)


@pytest.mark.parametrize(
    "data",
    [
        b"\x05abc",
        b"\xff",
        b"\xff" * 11,
        b"\x00",
        b"\x02\x12\x00",
        delimited(b"\x0a\x02\x0a\xff"),
        delimited(b"\x0b" * 100),
        delimited(b"\x0a\x02\x0a\x01"),
    ],
)
def test_data_that_is_damaged_is_refused_whole(data: bytes) -> None:
    good = pb.encode_silence(pb.SilenceFields("a", (), 0, 0, 0, "", "", {}, b"", 0), 0)
    for decode in (pb.decode_silences, pb.decode_entries):
        with pytest.raises(ValueError):
            decode(good + data if decode is pb.decode_silences else data)


@pytest.mark.parametrize(
    ("timestamp", "nanoseconds"),
    [
        ({"nanos": 2 * 10**9}, 2 * 10**9),
        ({"nanos": -1}, -1),
        ({"seconds": 253_402_300_800 + 432_000}, (253_402_300_800 + 432_000) * 10**9),
        ({"seconds": 2**63 - 1}, 2**62 * 10**9),
        ({"seconds": -(2**63)}, -(2**62) * 10**9),
    ],
)
def test_odd_timestamps_are_kept_and_can_be_written_again(
    timestamp: dict[str, int], nanoseconds: int
) -> None:
    silence = OFFICIAL["MeshSilence"](silence={"id": "a", "ends_at": timestamp}, expires_at=timestamp)
    (found,) = pb.decode_silences(delimited(silence.SerializeToString()))
    assert (found.ends_at_ns, found.expires_at_ns) == (nanoseconds, nanoseconds)
    assert pb.decode_silences(pb.encode_silence(found, found.expires_at_ns)) == [found]


def test_a_record_over_four_megabytes_is_refused() -> None:
    with pytest.raises(ValueError, match="4 MiB"):
        pb.decode_silences(delimited(b"\x00" * (4 * 1024 * 1024 + 1)))


def test_random_bytes_and_mutations_never_do_more_than_be_refused() -> None:
    rng = random.Random(20261122)
    entry = pb.EntryFields(b"key", "r", "webhook", 1, 10**18, (1, 2**63), (3,), b"", b"", 2 * 10**18)
    silence = pb.SilenceFields("id", (((0, "a", "b"),),), 1, 2, 3, "me", "why", {"k": "v"}, b"", 9)
    seeds = [
        pb.encode_entry(entry, 5),
        pb.encode_silence(silence, 5),
        pb.encode_full_state([("sil", b"abc")]),
        pb.encode_gossip_frame("v0.1.0", 1, "127.0.0.1:9094", b"abc"),
    ]
    refused = 0
    for _ in range(20_000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        for decode in (
            pb.decode_entries, pb.decode_silences, pb.decode_full_state, pb.decode_part, pb.decode_gossip_frame,
        ):  # fmt: skip
            try:
                decode(bytes(data))
            except ValueError:
                refused += 1
    assert refused > 20_000


def outcome(read: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return read(data)
    except ValueError:
        return None


@given(
    silences,
    st.integers(0, 2**20),
    st.binary(min_size=1, max_size=6),
    st.sampled_from(["put", "cut", "insert"]),
)
def test_a_scan_refuses_what_decoding_refuses_and_keeps_what_is_meant(
    silence: pb.SilenceFields, place: int, data: bytes, change: str
) -> None:
    record = pb.encode_silence(silence, silence.expires_at_ns)
    at = place % len(record)
    changed = {
        "put": record[:at] + data + record[at + len(data) :],
        "cut": record[:at],
        "insert": delimited(undelimited(record)[:at] + data + undelimited(record)[at:]),
    }[change]
    for read in (record, changed):
        decoded = outcome(pb.decode_silences, read)
        scanned = outcome(lambda data: scan_with_needs(data, lambda _pattern: None)[0], read)
        assert (decoded is None) == (scanned is None)
        for fields, found in zip(decoded or (), scanned or (), strict=True):
            times = (found.starts_at_ns, found.ends_at_ns, found.updated_at_ns, found.expires_at_ns)
            assert (found.id, *times) == (fields.id, *fields[2:5], fields.expires_at_ns)
            assert pb.decode_silences(found.data) == [fields]


def test_a_scan_says_what_each_set_of_matchers_needs() -> None:
    sets = (
        ((0, "a", "1"), (1, "b", "x|y"), (2, "c", "3"), (3, "d", "4"), (0, "e", "")),
        ((1, "b", "x.*"),),
    )
    silence = pb.SilenceFields("i", sets, 1, 2, 3, "", "", {}, b"", 4)

    def literals(pattern: str) -> list[str] | None:
        return None if "." in pattern else pattern.split("|")

    (found,), owners, needs = scan_with_needs(pb.encode_silence(silence, 4), literals)
    assert owners == ["i", "i"]
    assert found.needs(literals) == needs
    assert needs == [((("a", "1"),), (("b", "x"), ("b", "y"))), ()]
    old = OFFICIAL["MeshSilence"]()
    old.silence.matchers.add(name="a", pattern="1")
    (found,), owners, needs = scan_with_needs(delimited(old.SerializeToString()), literals)
    assert (owners, needs) == ([""], [((("a", "1"),),)])
    assert found.needs(literals) == needs
    assert pb.decode_silences(found.data)[0].matcher_sets == (((0, "a", "1"),),)


@given(st.lists(silences, max_size=5))
def test_joined_records_are_as_they_were(some: list[pb.SilenceFields]) -> None:
    data = b"".join(pb.encode_silence(silence, silence.expires_at_ns) for silence in some)
    shared, own = scan_with_needs(data, lambda _pattern: None)[0], scan_silences(data)
    for records in (shared, own, shared[1:] + own[:1]):
        each = [record.data for record in records]
        assert join_records(records) == b"".join(each)
        assert [record.data for record in records] == each
