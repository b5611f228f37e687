"""What an event says: its message, and the words for each kind (reference storage, section 10)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from amfast._ext.fingerprint import alert_hash
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
from amfast.model.labels import Labels
from amfast.model.matcher import Matcher, MatcherError, MatchType
from amfast.model.silence import MatcherSpec, Silence
from amfast.recorder.shapes import (
    BOOL,
    DURATION,
    INT64,
    LABELS,
    TEXT,
    TIME,
    UINT32,
    Enumeration,
    Field,
    Message,
    Tree,
)

_MATCHER_TYPES: Final = {
    MatchType.EQUAL: "TYPE_EQUAL",
    MatchType.REGEXP: "TYPE_REGEXP",
    MatchType.NOT_EQUAL: "TYPE_NOT_EQUAL",
    MatchType.NOT_REGEXP: "TYPE_NOT_REGEXP",
}
_NO_TYPE: Final = "TYPE_UNSPECIFIED"
_REASONS: Final = {
    "first notification": "NOTIFY_REASON_FIRST_NOTIFICATION",
    "new alerts added": "NOTIFY_REASON_NEW_ALERTS_IN_GROUP",
    "some alerts resolved": "NOTIFY_REASON_NEW_RESOLVED_ALERTS",
    "all alerts resolved": "NOTIFY_REASON_ALL_ALERTS_RESOLVED",
    "repeat interval elapsed": "NOTIFY_REASON_REPEAT_INTERVAL_ELAPSED",
}
"""In the order of their numbers, as those above."""
_NO_REASON: Final = "NOTIFY_REASON_UNSPECIFIED"

_ALERT: Final = Message(
    Field(1, "fingerprint", INT64),
    Field(2, "name", TEXT),
    Field(3, "labels", LABELS),
    Field(4, "annotations", LABELS),
    Field(5, "startsAt", TIME),
    Field(6, "endsAt", TIME),
    Field(7, "resolved", BOOL),
)
_GROUPED: Final = Message(Field(1, "hash", INT64), Field(2, "details", _ALERT))
_MATCHER: Final = Message(
    Field(1, "type", Enumeration(_NO_TYPE, *_MATCHER_TYPES.values())),
    Field(2, "name", TEXT),
    Field(3, "pattern", TEXT),
    Field(4, "rendered", TEXT),
)
_MATCHER_SET: Final = Message(Field(1, "matchers", _MATCHER, is_list=True))
_GROUP: Final = Message(
    Field(1, "groupKey", TEXT),
    Field(2, "groupLabels", LABELS),
    Field(3, "groupId", TEXT),
    Field(4, "receiverName", TEXT),
    Field(5, "matchers", _MATCHER, is_list=True),
    Field(6, "groupUuid", TEXT),
)
_OF_GROUP: Final = Message(Field(1, "alert", _GROUPED), Field(2, "groupInfo", _GROUP))
_NOTIFICATION: Final = Message(
    Field(1, "alerts", _GROUPED, is_list=True),
    Field(2, "firingAlerts", _GROUPED, is_list=True),
    Field(3, "resolvedAlerts", _GROUPED, is_list=True),
    Field(4, "mutedAlerts", _GROUPED, is_list=True),
    Field(5, "groupInfo", _GROUP),
    Field(6, "repeatInterval", DURATION),
    Field(7, "reason", Enumeration(_NO_REASON, *_REASONS.values())),
    Field(8, "flushId", INT64),
    Field(9, "integration", Message(Field(1, "name", TEXT), Field(2, "index", INT64))),
)
_SILENCE: Final = Message(
    Field(1, "id", TEXT),
    Field(2, "matchers", _MATCHER, is_list=True),
    Field(4, "startsAt", TIME),
    Field(5, "endsAt", TIME),
    Field(6, "updatedAt", TIME),
    Field(7, "createdBy", TEXT),
    Field(8, "comment", TEXT),
    Field(9, "matcherSets", _MATCHER_SET, is_list=True),
)
_OF_SILENCE: Final = Message(Field(1, "silence", _SILENCE))
_MUTED: Final = Message(Field(1, "labels", LABELS), Field(2, "fingerprint", INT64))
_RULE: Final = Message(
    Field(1, "sourceMatchers", _MATCHER, is_list=True),
    Field(2, "targetMatchers", _MATCHER, is_list=True),
    Field(3, "equalLabels", TEXT, is_list=True),
    Field(4, "name", TEXT),
)
_DATA: Final = Message(
    Field(1, "alertmanagerStartupEvent", Message(Field(1, "version", TEXT), Field(2, "buildContext", TEXT))),
    Field(2, "alertmanagerShutdownEvent", Message()),
    Field(3, "alertCreated", Message(Field(1, "alert", _ALERT))),
    Field(4, "alertResolved", _OF_GROUP),
    Field(5, "alertGrouped", _OF_GROUP),
    Field(6, "notification", _NOTIFICATION),
    Field(7, "silenceCreated", _OF_SILENCE),
    Field(8, "silenceUpdated", _OF_SILENCE),
    Field(9, "silenceMutedAlert", Message(Field(1, "silence", _SILENCE), Field(2, "mutedAlert", _MUTED))),
    Field(
        10,
        "inhibitionMutedAlert",
        Message(
            Field(1, "inhibitRules", _RULE, is_list=True),
            Field(2, "mutedAlert", _MUTED),
            Field(3, "inhibitingFingerprints", INT64, is_list=True),
        ),
    ),
)
ENVELOPE: Final = Message(
    Field(1, "@timestamp", TIME),
    Field(2, "instance", TEXT),
    Field(3, "data", _DATA),
    Field(4, "clusterPosition", UINT32),
)
"""An event with when, where and by whom it was recorded."""


def kind_of(event: Event) -> str:
    """``alert_created`` …: what the metrics call it."""
    return _WORDS[type(event)][0]


def words_for(event: Event, at_ns: int) -> Tree:
    """The ``data`` of an event that was recorded at a time."""
    _, name, tell = _WORDS[type(event)]
    return {name: tell(event, at_ns)}


def _started(event: Started, _at_ns: int) -> Tree:
    return {"version": event.version, "buildContext": event.build_context}


def _stopped(_event: Stopped, _at_ns: int) -> Tree:
    return {}


def _created(event: AlertCreated, at_ns: int) -> Tree:
    return {"alert": _alert(event.alert, at_ns)}


def _of_group(event: AlertGrouped | AlertResolved, at_ns: int) -> Tree:
    return {"alert": _grouped(event.alert, at_ns), "groupInfo": _group(event.group)}


def _notified(event: Notified, at_ns: int) -> Tree:
    return {
        "alerts": [_grouped(alert, at_ns) for alert in event.alerts],
        "firingAlerts": _hashes(event.firing),
        "resolvedAlerts": _hashes(event.resolved),
        "mutedAlerts": _hashes(event.muted),
        "groupInfo": _group(event.group),
        "repeatInterval": event.repeat_interval_ns,
        "reason": _REASONS.get(event.reason, _NO_REASON),
        "flushId": event.flush_id,
        "integration": {"name": event.integration, "index": event.index},
    }


def _of_silence(event: SilenceCreated | SilenceUpdated, _at_ns: int) -> Tree:
    return {"silence": _silence(event.silence)}


def _silence_muted(event: SilenceMuted, _at_ns: int) -> Tree:
    return {"silence": _silence(event.silence), "mutedAlert": _muted(event.labels, event.fingerprint)}


def _inhibition_muted(event: InhibitionMuted, _at_ns: int) -> Tree:
    rule = {
        "sourceMatchers": _matchers(event.source_matchers),
        "targetMatchers": _matchers(event.target_matchers),
        "equalLabels": sorted(event.equal),
        "name": event.rule,
    }
    return {
        "inhibitRules": [rule],
        "mutedAlert": _muted(event.labels, event.fingerprint),
        "inhibitingFingerprints": [event.source],
    }


_WORDS: Final[dict[type[Event], tuple[str, str, Callable[[Any, int], Tree]]]] = {
    Started: ("alertmanager_startup_event", "alertmanagerStartupEvent", _started),
    Stopped: ("alertmanager_shutdown_event", "alertmanagerShutdownEvent", _stopped),
    AlertCreated: ("alert_created", "alertCreated", _created),
    AlertGrouped: ("alert_grouped", "alertGrouped", _of_group),
    AlertResolved: ("alert_resolved", "alertResolved", _of_group),
    Notified: ("notification", "notification", _notified),
    SilenceCreated: ("silence_created", "silenceCreated", _of_silence),
    SilenceUpdated: ("silence_updated", "silenceUpdated", _of_silence),
    SilenceMuted: ("silence_muted_alert", "silenceMutedAlert", _silence_muted),
    InhibitionMuted: ("inhibition_muted_alert", "inhibitionMutedAlert", _inhibition_muted),
}


def _alert(alert: Alert, at_ns: int) -> Tree:
    return {
        "fingerprint": alert.fingerprint,
        "name": alert.name,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": alert.starts_at.ns,
        "endsAt": alert.ends_at.ns,
        "resolved": alert.resolved_at(at_ns),
    }


def _grouped(alert: Alert, at_ns: int) -> Tree:
    return {"hash": alert_hash(alert.labels), "details": _alert(alert, at_ns)}


def _hashes(hashes: Iterable[int]) -> list[Tree]:
    return [{"hash": one} for one in hashes]


def _group(group: GroupInfo) -> Tree:
    return {
        "groupKey": group.key,
        "groupLabels": dict(sorted(group.labels.items())),
        "groupId": hashlib.sha256(group.key.encode()).hexdigest(),
        "receiverName": group.receiver,
        "matchers": _matchers(group.matchers),
        "groupUuid": group.uuid,
    }


def _muted(labels: Labels, fingerprint: int) -> Tree:
    return {"labels": labels, "fingerprint": fingerprint}


def _silence(silence: Silence) -> Tree:
    sets = [[_spec(spec) for spec in specs] for specs in silence.matcher_sets]
    return {
        "id": silence.id,
        "matchers": sets[0] if sets else [],
        "startsAt": silence.starts_at_ns,
        "endsAt": silence.ends_at_ns,
        "updatedAt": silence.updated_at_ns,
        "createdBy": silence.created_by,
        "comment": silence.comment,
        "matcherSets": [{"matchers": matchers} for matchers in sets],
    }


def _matchers(matchers: Iterable[Matcher]) -> list[Tree]:
    return [_matcher(matcher) for matcher in matchers]


def _matcher(matcher: Matcher) -> Tree:
    return {
        "type": _MATCHER_TYPES[matcher.type],
        "name": matcher.name,
        "pattern": matcher.value,
        "rendered": str(matcher),
    }


@lru_cache(1024)
def _spec(spec: MatcherSpec) -> Tree:
    """Of a silence: it may have come from a peer, and then need not be one."""
    try:
        return _matcher(Matcher(MatchType(spec.type), spec.name, spec.pattern))
    except (MatcherError, ValueError):
        named = _MATCHER_TYPES.get(spec.type, _NO_TYPE)  # type: ignore[call-overload]
        return {"type": named, "name": spec.name, "pattern": spec.pattern}
