"""Plain twin of the intake: a body in, alerts and complaints out (reference api, sections 3 and 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from amfast.model.alert import Alert
from amfast.model.goquote import quote
from amfast.model.labels import make_labels
from amfast.model.timestamp import ZERO, Time
from amfast.web import json_in
from amfast.web.errors import body_unreadable, required, wrong_format
from amfast.web.uri import is_request_uri

NameCheck: TypeAlias = Callable[[str], bool]
"""Whether a text may be the name of a label (reference config, section 12)."""

_FIELDS: Final = {
    name.lower(): name for name in ("annotations", "endsAt", "generatorURL", "labels", "startsAt")
}


@dataclass(slots=True)
class ParsedAlerts:
    """What a body held: alerts to store, a text for each alert that is invalid, and what was counted."""

    alerts: list[Alert] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    firing: int = 0
    resolved: int = 0


@dataclass(slots=True)
class _Posted:
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    starts_at: Time = ZERO
    ends_at: Time = ZERO
    generator_url: str = ""


def parse_alerts(body: bytes, now: Time, resolve_timeout_ns: int, is_name: NameCheck) -> ParsedAlerts:
    """Read, complete and validate the alerts of a request that came at ``now`` (with the local offset).

    Raises RequestRefused when the body as a whole cannot be taken.
    """
    parsed = ParsedAlerts()
    for posted in _read(body):
        starts_at, ends_at, timeout = posted.starts_at, posted.ends_at, False
        if starts_at.is_zero:
            starts_at = now if ends_at.is_zero else ends_at
        if ends_at.is_zero:
            ends_at, timeout = Time(now.ns + resolve_timeout_ns, now.offset_s), True
        if ends_at.ns > now.ns:
            parsed.firing += 1
        else:
            parsed.resolved += 1
        labels = {name: value for name, value in (posted.labels or {}).items() if value}
        annotations = posted.annotations or {}
        error = _complaint(labels, annotations, starts_at, ends_at, is_name)
        if error:
            parsed.errors.append(error)
            continue
        parsed.alerts.append(
            Alert(
                make_labels(labels),
                make_labels(annotations),
                starts_at,
                ends_at,
                now,
                posted.generator_url,
                timeout,
            )
        )
    return parsed


def _complaint(
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    starts_at: Time,
    ends_at: Time,
    is_name: NameCheck,
) -> str:
    if ends_at.ns < starts_at.ns:
        return "start time must be before end time"
    if not labels:
        return "at least one label pair required"
    for what, names in (("label set", labels), ("annotations", annotations)):
        for name in sorted(names):
            if not is_name(name):
                return f"invalid {what}: invalid name {quote(name)}"
    return ""


def _read(body: bytes) -> list[_Posted]:
    try:
        value = json_in.first_value(body)
        items = [] if value is None else json_in.array(value, "the list of alerts")
        alerts = [_read_alert(item, f"alert {index}") for index, item in enumerate(items)]
    except json_in.BodyEmpty:
        raise required("alerts") from None
    except json_in.BodyError as error:
        raise body_unreadable("alerts", str(error)) from None
    for index, alert in enumerate(alerts):
        url = alert.generator_url
        if url and not is_request_uri(url):
            raise wrong_format(f"{index}.generatorURL", "body", "uri", url)
        if alert.labels is None:
            raise required(f"{index}.labels")
    return alerts


def _read_alert(value: Any, where: str) -> _Posted:
    posted = _Posted()
    for name, item in json_in.pairs(value, where):
        known = _FIELDS.get(json_in.fold(name))
        if known == "labels":
            posted.labels = json_in.label_map(item, f"{where}: labels", posted.labels)
        elif known == "annotations":
            posted.annotations = json_in.label_map(item, f"{where}: annotations", posted.annotations)
        elif known is None:
            continue
        elif known == "generatorURL":
            posted.generator_url = "" if item is None else json_in.text(item, f"{where}: generatorURL")
        elif item is None:
            continue
        elif known == "startsAt":
            posted.starts_at = json_in.time(item, f"{where}: startsAt")
        else:
            posted.ends_at = json_in.time(item, f"{where}: endsAt")
    return posted
