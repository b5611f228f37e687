"""The words of events against the official protobuf library, which knows the messages from their field numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    json_format,
    message_factory,
    timestamp_pb2,
)
from hypothesis import given
from hypothesis import strategies as st

from amfast.model.alert import Alert
from amfast.model.events import (
    AlertCreated,
    AlertGrouped,
    AlertResolved,
    Event,
    GroupInfo,
    InhibitionMuted,
    Notified,
    SilenceCreated,
    SilenceMuted,
    SilenceUpdated,
    Started,
    Stopped,
)
from amfast.model.labels import make_labels
from amfast.model.matcher import Matcher, MatchType
from amfast.model.silence import MatcherSpec, Silence
from amfast.model.timestamp import NS, ZERO, Time
from amfast.recorder.shapes import as_json, varint
from amfast.recorder.words import ENVELOPE, kind_of, words_for

F = descriptor_pb2.FieldDescriptorProto
KINDS = {"string": F.TYPE_STRING, "uint64": F.TYPE_UINT64, "int64": F.TYPE_INT64, "uint32": F.TYPE_UINT32,
         "bool": F.TYPE_BOOL}  # fmt: skip
MESSAGES = {
    "Event": {1: ".google.protobuf.Timestamp timestamp", 2: "string instance", 3: ".EventData data",
              4: "uint32 cluster_position"},
    "EventData": {
        1: ".Startup alertmanager_startup_event", 2: ".Shutdown alertmanager_shutdown_event",
        3: ".OfAlert alert_created", 4: ".OfGroup alert_resolved", 5: ".OfGroup alert_grouped",
        6: ".Notification notification", 7: ".OfSilence silence_created", 8: ".OfSilence silence_updated",
        9: ".SilenceMuted silence_muted_alert", 10: ".InhibitionMuted inhibition_muted_alert",
    },
    "Startup": {1: "string version", 2: "string build_context"},
    "Shutdown": {},
    "Pair": {1: "string key", 2: "string value"},
    "Labels": {1: "*.Pair labels"},
    "Alert": {
        1: "uint64 fingerprint", 2: "string name", 3: ".Labels labels", 4: ".Labels annotations",
        5: ".google.protobuf.Timestamp starts_at", 6: ".google.protobuf.Timestamp ends_at", 7: "bool resolved",
    },
    "Grouped": {1: "uint64 hash", 2: ".Alert details"},
    "Group": {1: "string group_key", 2: ".Labels group_labels", 3: "string group_id", 4: "string receiver_name",
              5: "*.Matcher matchers", 6: "string group_uuid"},
    "OfAlert": {1: ".Alert alert"},
    "OfGroup": {1: ".Grouped alert", 2: ".Group group_info"},
    "Integration": {1: "string name", 2: "int64 index"},
    "Notification": {
        1: "*.Grouped alerts", 2: "*.Grouped firing_alerts", 3: "*.Grouped resolved_alerts",
        4: "*.Grouped muted_alerts", 5: ".Group group_info", 6: ".google.protobuf.Duration repeat_interval",
        7: "!Reason reason", 8: "uint64 flush_id", 9: ".Integration integration",
    },
    "Silence": {
        1: "string id", 2: "*.Matcher matchers", 3: ".Labels annotations", 4: ".google.protobuf.Timestamp starts_at",
        5: ".google.protobuf.Timestamp ends_at", 6: ".google.protobuf.Timestamp updated_at", 7: "string created_by",
        8: "string comment", 9: "*.MatcherSet matcher_sets",
    },
    "Matcher": {1: "!Type type", 2: "string name", 3: "string pattern", 4: "string rendered"},
    "MatcherSet": {1: "*.Matcher matchers"},
    "OfSilence": {1: ".Silence silence"},
    "Muted": {1: ".Labels labels", 2: "uint64 fingerprint"},
    "SilenceMuted": {1: ".Silence silence", 2: ".Muted muted_alert"},
    "Rule": {1: "*.Matcher source_matchers", 2: "*.Matcher target_matchers", 3: "*string equal_labels",
             4: "string name"},
    "InhibitionMuted": {1: "*.Rule inhibit_rules", 2: ".Muted muted_alert", 3: "*uint64 inhibiting_fingerprints"},
}  # fmt: skip
ENUMS = {
    "Type": ("TYPE_UNSPECIFIED", "TYPE_EQUAL", "TYPE_REGEXP", "TYPE_NOT_EQUAL", "TYPE_NOT_REGEXP"),
    "Reason": tuple(
        f"NOTIFY_REASON_{name}"
        for name in ("UNSPECIFIED", "FIRST_NOTIFICATION", "NEW_ALERTS_IN_GROUP", "NEW_RESOLVED_ALERTS",
                     "ALL_ALERTS_RESOLVED", "REPEAT_INTERVAL_ELAPSED")
    ),
}  # fmt: skip


def _official() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="e.proto", package="e", syntax="proto3")
    pool = descriptor_pool.DescriptorPool()
    for known in (timestamp_pb2, duration_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
        file.dependency.append(known.DESCRIPTOR.name)
    for name, values in ENUMS.items():
        made = file.enum_type.add(name=name)
        for number, value in enumerate(values):
            made.value.add(name=value, number=number)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, text in fields.items():
            kind, field_name = text.split()
            field = message.field.add(name=field_name, number=number)
            field.label = F.LABEL_REPEATED if kind.startswith("*") else F.LABEL_OPTIONAL
            kind = kind.lstrip("*")
            if kind.startswith("!"):
                field.type, field.type_name = F.TYPE_ENUM, f".e.{kind[1:]}"
            elif kind.startswith("."):
                field.type = F.TYPE_MESSAGE
                field.type_name = kind if kind.startswith(".google") else f".e{kind}"
            else:
                field.type = KINDS[kind]
            if field_name == "timestamp":
                field.json_name = "@timestamp"
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("e.Event"))


OFFICIAL = _official()
NOW_NS = 1_800_000_000 * NS + 120_000_000
EQUAL = Matcher(MatchType.EQUAL, "a", 'x"')
REGEXP = Matcher(MatchType.REGEXP, "b", "y.*")
ALERT = Alert(
    make_labels({"alertname": "A", "b": "\u20ac"}), {"t": "a\tb<\u2028"}, Time(5 * NS + 1), ZERO, Time(0)
)
GROUP = GroupInfo('{}:{a="b"}', {"b": "1", "a": "2"}, "r")
SILENCE = Silence(
    "id", ((MatcherSpec(3, "a", "("), MatcherSpec(2, "b c", "v")), (MatcherSpec(9, "d", ""),)),
    0, 7_000_000, NOW_NS, "me", "why", {},
)  # fmt: skip
EVENTS: list[Event] = [
    Started("0.34.0", "(python)"),
    Started("", ""),
    Stopped(),
    AlertCreated(ALERT),
    AlertGrouped(replace(ALERT, ends_at=Time(NOW_NS)), GROUP),
    AlertResolved(replace(ALERT, labels={}, annotations={}), replace(GROUP, matchers=(EQUAL, REGEXP), uuid="u")),
    Notified((ALERT,), (1, 2**64 - 1), (), (3,), GROUP, 3_600_500_000_000, "some alerts resolved", 7, "webhook", 1),
    Notified((), (), (), (), GROUP, 0, "unheard of", 0, "email", 0),
    SilenceCreated(SILENCE),
    SilenceUpdated(replace(SILENCE, matcher_sets=())),
    SilenceMuted(SILENCE, {"a": "b"}, 2**63),
    InhibitionMuted("", (EQUAL,), (REGEXP,), ("b", "a"), {"a": "b"}, 1, 2),
]  # fmt: skip


def envelope(event: Event, position: int = 0) -> dict[str, Any]:
    return {
        "@timestamp": NOW_NS,
        "instance": "host",
        "data": words_for(event, NOW_NS),
        "clusterPosition": position,
    }


def both_forms(event: Event, position: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON text, read, and what the official library makes JSON of when it is given our binary form."""
    tree = envelope(event, position)
    read = OFFICIAL.FromString(ENVELOPE.binary(tree))
    assert read.SerializeToString(deterministic=True) == ENVELOPE.binary(tree)
    return json.loads(as_json(ENVELOPE, tree)), json_format.MessageToDict(read)


@pytest.mark.parametrize("event", EVENTS, ids=kind_of)
def test_both_forms_of_an_event_say_the_same_to_the_official_library(event):
    ours, theirs = both_forms(event, 3)
    assert ours == theirs
    assert ours["clusterPosition"] == 3


@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3),
    st.integers(ZERO.ns, 253_402_300_799 * NS),
    st.integers(0, 315_576_000_000 * NS),
    st.integers(0, 2**64 - 1),
)
def test_whatever_an_alert_says_both_forms_agree(labels, at_ns, interval_ns, number):
    alert = Alert(make_labels(labels), labels, Time(at_ns, 3600), Time(at_ns), Time(0))
    event = Notified((alert,), (number,), (), (), GROUP, interval_ns, "", number, "w", 0)
    tree = envelope(event)
    ours = as_json(ENVELOPE, tree)
    assert json.loads(ours) == json_format.MessageToDict(OFFICIAL.FromString(ENVELOPE.binary(tree)))


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (120_000_000, "1970-01-01T00:00:00.120Z"),
        (1_000, "1970-01-01T00:00:00.000001Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (ZERO.ns, "0001-01-01T00:00:00Z"),
    ],
)
def test_a_time_has_digits_in_threes(ns, text):
    created = words_for(AlertCreated(replace(ALERT, starts_at=Time(ns))), 0)
    assert (
        json.loads(as_json(ENVELOPE, {"data": created}))["data"]["alertCreated"]["alert"]["startsAt"] == text
    )


@pytest.mark.parametrize("ns", [ZERO.ns - 1, 253_402_300_800 * NS])
def test_a_time_that_the_mapping_cannot_say_is_refused(ns):
    with pytest.raises(ValueError, match="years 1 to 9999"):
        as_json(ENVELOPE, {"data": words_for(AlertCreated(replace(ALERT, starts_at=Time(ns))), 0)})


def test_a_text_without_utf8_is_refused_in_both_forms():
    tree = envelope(SilenceCreated(replace(SILENCE, comment="\ud800")))
    for write in (lambda: as_json(ENVELOPE, tree), lambda: ENVELOPE.binary(tree)):
        with pytest.raises(ValueError):
            write()


def test_an_alert_is_resolved_as_of_the_time_it_was_recorded():
    event = AlertCreated(replace(ALERT, ends_at=Time(NOW_NS)))
    before, then = (words_for(event, at_ns)["alertCreated"]["alert"] for at_ns in (NOW_NS - 1, NOW_NS))
    assert (before["resolved"], then["resolved"]) == (False, True)


def test_negative_numbers_are_written_in_ten_bytes():
    assert varint(-1) == b"\xff" * 9 + b"\x01"
