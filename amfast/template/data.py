"""What a notification says of itself to templates (reference templates, section 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, Final

from amfast.model import alert
from amfast.model.labels import Labels
from amfast.model.notification import Notification
from amfast.template import gotime
from amfast.template.values import BOOL, STRING, STRINGS, Field, Function, Kind, Mapping, Type
from amfast.template.values import Sequence as Slice

_FIRST: Final = "alertname"
_RECEIVERS_REMEMBERED: Final = 1_000
_REGEXP_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def _method(name: str, result: Type, call: Callable[..., Any], *parameters: Type) -> Function:
    return Function(name, parameters, result, call)


# Names and values.


@dataclass(slots=True)
class Pair:
    """A label or an annotation. Nobody changes one; the class is not frozen because that takes twice the time."""

    go_type: ClassVar[Type]

    name: str
    value: str


WORDS: Final = Type("template.Strings", Kind.SLICE, elem=STRING)
PAIR: Final = Type(
    "template.Pair",
    Kind.STRUCT,
    fields=(Field("Name", STRING, "name", "Name"), Field("Value", STRING, "value", "Value")),
)
PAIRS: Final = Type("template.Pairs", Kind.SLICE, elem=PAIR)
KV: Final = Type("template.KV", Kind.MAP, key=STRING, elem=STRING)
Pair.go_type = PAIR


def kv(labels: Labels) -> Mapping:
    """A copy of labels or annotations as templates see them."""
    return Mapping(labels, KV)


def _sorted_names(labels: Labels) -> list[str]:
    names = sorted(labels)
    if _FIRST in labels:
        names.remove(_FIRST)
        names.insert(0, _FIRST)
    return names


def _sorted_pairs(labels: Labels) -> Slice:
    return Slice([Pair(name, labels[name]) for name in _sorted_names(labels)], PAIRS)


def _names(pairs: Iterable[Pair]) -> Slice:
    return Slice([pair.name for pair in pairs], WORDS)


def _values(pairs: Iterable[Pair]) -> Slice:
    return Slice([pair.value for pair in pairs], WORDS)


def _text(pairs: Iterable[Pair]) -> str:
    return ", ".join(f"{pair.name}={pair.value}" for pair in pairs)


def _without(labels: Labels, names: Iterable[str]) -> Mapping:
    gone = set(names)
    return kv({name: value for name, value in labels.items() if name not in gone})


WORDS.methods["Join"] = _method("Join", STRING, lambda words, separator: separator.join(words), STRING)
PAIRS.methods.update(
    Names=_method("Names", WORDS, _names),
    Values=_method("Values", WORDS, _values),
    String=_method("String", STRING, _text),
)
KV.methods.update(
    SortedPairs=_method("SortedPairs", PAIRS, _sorted_pairs),
    Remove=_method("Remove", KV, _without, STRINGS),
    Names=_method("Names", WORDS, lambda labels: Slice(_sorted_names(labels), WORDS)),
    Values=_method(
        "Values", WORDS, lambda labels: Slice([labels[name] for name in _sorted_names(labels)], WORDS)
    ),
    String=_method("String", STRING, lambda labels: _text(_sorted_pairs(labels))),
)


# Alerts.


@dataclass(slots=True)
class Alert:
    """One alert; while it fires it has no end, which is the zero time. Not frozen for the same reason as a pair."""

    go_type: ClassVar[Type]

    status: str
    labels: Mapping
    annotations: Mapping
    starts_at: gotime.Time
    ends_at: gotime.Time
    generator_url: str
    fingerprint: str


ALERT: Final = Type(
    "template.Alert",
    Kind.STRUCT,
    fields=(
        Field("Status", STRING, "status", "status"),
        Field("Labels", KV, "labels", "labels"),
        Field("Annotations", KV, "annotations", "annotations"),
        Field("StartsAt", gotime.TIME, "starts_at", "startsAt"),
        Field("EndsAt", gotime.TIME, "ends_at", "endsAt"),
        Field("GeneratorURL", STRING, "generator_url", "generatorURL"),
        Field("Fingerprint", STRING, "fingerprint", "fingerprint"),
    ),
)
PLAIN_ALERTS: Final = Type("[]template.Alert", Kind.SLICE, elem=ALERT)
ALERTS: Final = Type("template.Alerts", Kind.SLICE, elem=ALERT)
Alert.go_type = ALERT


def _with_status(status: str) -> Callable[[Iterable[Alert]], Slice]:
    return lambda alerts: Slice([one for one in alerts if one.status == status], PLAIN_ALERTS)


ALERTS.methods.update(
    Firing=_method("Firing", PLAIN_ALERTS, _with_status("firing")),
    Resolved=_method("Resolved", PLAIN_ALERTS, _with_status("resolved")),
)


# All of it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The dot of a template."""

    receiver: str = ""
    status: str = ""
    alerts: Slice = field(default_factory=lambda: Slice((), ALERTS))
    notification_reason: str = ""
    group_labels: Mapping = field(default_factory=lambda: kv({}))
    common_labels: Mapping = field(default_factory=lambda: kv({}))
    common_annotations: Mapping = field(default_factory=lambda: kv({}))
    route_labels: Mapping = field(default_factory=lambda: kv({}))
    external_url: str = ""
    route_labels_rendered: bool = False
    """Whether ``route_labels`` are texts already; else they are templates."""
    is_pointer: bool = True
    """What a notification hands over is a pointer to the struct, which only errors tell."""

    @property
    def go_type(self) -> Type:
        return POINTER if self.is_pointer else DATA


DATA: Final = Type(
    "template.Data",
    Kind.STRUCT,
    fields=(
        Field("Receiver", STRING, "receiver", "receiver"),
        Field("Status", STRING, "status", "status"),
        Field("Alerts", ALERTS, "alerts", "alerts"),
        Field("NotificationReason", STRING, "notification_reason", "notification_reason"),
        Field("GroupLabels", KV, "group_labels", "groupLabels"),
        Field("CommonLabels", KV, "common_labels", "commonLabels"),
        Field("CommonAnnotations", KV, "common_annotations", "commonAnnotations"),
        Field("RouteLabels", KV, "route_labels", "routeLabels"),
        Field("ExternalURL", STRING, "external_url", "externalURL"),
        Field("routeLabelsRendered", BOOL, "route_labels_rendered"),
    ),
)
POINTER: Final = Type("*template.Data", Kind.POINTER, elem=DATA)


@lru_cache(_RECEIVERS_REMEMBERED)
def receiver_seen(name: str) -> str:
    """The name of a receiver as notifications tell it: as Go's ``regexp.QuoteMeta`` quotes it."""
    return _REGEXP_SPECIAL.sub(r"\\\g<0>", name)


PAIRS_A_STEP: Final = 1_500
"""Labels and annotations that are gone through before others may go on: about a millisecond."""


def data_of(notification: Notification, *, route_labels_rendered: bool = True) -> Data:
    """What templates see of a notification. It costs as much as there are alerts: make it when somebody asks."""
    steps = data_in_steps(notification, route_labels_rendered=route_labels_rendered)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            data: Data = end.value
            return data


def data_in_steps(
    notification: Notification, *, route_labels_rendered: bool = True
) -> Generator[None, None, Data]:
    """As :func:`data_of`; whoever drives it may do other things wherever it yields."""
    seen = Slice((), ALERTS)
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    left = PAIRS_A_STEP
    for one in notification.alerts:
        if not seen:
            labels, annotations = dict(one.labels), dict(one.annotations)
        seen.append(_alert(one, notification.now_ns))
        labels, annotations = _common(labels, one.labels), _common(annotations, one.annotations)
        left -= 1 + len(one.labels) + len(one.annotations)
        if left < 0:
            yield
            left = PAIRS_A_STEP
    return Data(
        receiver=receiver_seen(notification.receiver),
        status="firing" if any(one.status == "firing" for one in seen) else "resolved",
        alerts=seen,
        notification_reason=notification.reason,
        group_labels=kv(notification.group_labels),
        common_labels=kv(labels),
        common_annotations=kv(annotations),
        route_labels=kv(notification.route_labels),
        external_url=notification.external_url,
        route_labels_rendered=route_labels_rendered,
    )


def _alert(one: alert.Alert, now_ns: int) -> Alert:
    resolved = one.resolved_at(now_ns)
    return Alert(
        status="resolved" if resolved else "firing",
        labels=kv(one.labels),
        annotations=kv(one.annotations),
        starts_at=gotime.Time.of(*one.starts_at),
        ends_at=gotime.Time.of(*one.ends_at) if resolved else gotime.ZERO,
        generator_url=one.generator_url,
        fingerprint=f"{one.fingerprint:016x}",
    )


def _common(common: dict[str, str], labels: Labels) -> dict[str, str]:
    """The pairs that are also in ``labels``, where an absent one is as good as an empty one."""
    if not common or common.items() <= labels.items():
        return common
    return {name: value for name, value in common.items() if labels.get(name, "") == value}
