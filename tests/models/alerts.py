"""Plain twin of the table of alerts: a dict, a merge and a sort (reference api, "Storing" and section 6)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cmp_to_key

from amfast.model.alert import Alert
from amfast.model.json_text import encode_for_html
from amfast.model.labels import Labels, compare_labels
from amfast.model.matcher import Matcher, MatchType
from amfast.model.timestamp import Time, format_ms
from tests.models.intake import NameCheck, parse_alerts

FNV_OFFSET, FNV_PRIME = 14_695_981_039_346_656_037, 1_099_511_628_211


def fingerprint(labels: Labels) -> int:
    """FNV-1a, 64 bits."""
    state = FNV_OFFSET
    for name, value in labels.items():
        for byte in name.encode() + b"\xff" + value.encode() + b"\xff":
            state = (state ^ byte) * FNV_PRIME % (1 << 64)
    return state


@dataclass(slots=True)
class Verdict:
    """What became of a body."""

    complaints: list[str] = field(default_factory=list)
    firing: int = 0
    resolved: int = 0
    stored: int = 0
    dropped: int = 0


class PlainTable:
    """Everything stored, by label set. ``limit`` is that of one ``alertname``, 0 for none."""

    def __init__(self, is_name: NameCheck, limit: int = 0) -> None:
        self._is_name = is_name
        self._limit = limit
        self.alerts: dict[tuple[tuple[str, str], ...], Alert] = {}

    def post(self, body: bytes, now: Time, resolve_timeout_ns: int) -> Verdict:
        """Raises RequestRefused, with nothing stored."""
        parsed = parse_alerts(body, now, resolve_timeout_ns, self._is_name)
        verdict = Verdict(parsed.errors, parsed.firing, parsed.resolved)
        for alert in parsed.alerts:
            key = tuple(alert.labels.items())
            known = self.alerts.get(key)
            if known is None and not self._make_room(alert, now.ns):
                verdict.dropped += 1
                continue
            verdict.stored += 1
            self.alerts[key] = merged(known, alert) if known and overlap(known, alert) else alert
        return verdict

    def _make_room(self, new: Alert, now_ns: int) -> bool:
        siblings = [(it.ends_at.ns, key) for key, it in self.alerts.items() if it.name == new.name]
        if self._limit == 0 or len(siblings) < self._limit:
            return True
        ends_ns, first = min(siblings)
        if ends_ns > now_ns:
            return False
        del self.alerts[first]
        return True

    def collect(self, now_ns: int) -> int:
        before = len(self.alerts)
        self.alerts = {key: it for key, it in self.alerts.items() if not it.resolved_at(now_ns)}
        return before - len(self.alerts)

    def in_order(self) -> list[Alert]:
        return sorted(self.alerts.values(), key=lambda it: fingerprint(it.labels))


def overlap(known: Alert, new: Alert) -> bool:
    """Whether the new activity begins or ends strictly inside the known one."""
    start, end = known.starts_at.ns, known.ends_at.ns
    return start < new.ends_at.ns < end or start < new.starts_at.ns < end


def merged(old: Alert, new: Alert) -> Alert:
    """Both reports made one. The newer gives annotations, URL and ``timeout``, and of two equal starts the zone."""
    starts_at = old.starts_at if old.starts_at.ns < new.starts_at.ns else new.starts_at
    ends_at = new.ends_at
    if new.resolved_at(new.updated_at.ns):
        if old.resolved_at(new.updated_at.ns) and old.ends_at.ns > ends_at.ns:
            ends_at = old.ends_at
    elif old.ends_at.ns > ends_at.ns and not old.timeout:
        ends_at = old.ends_at
    return replace(new, starts_at=starts_at, ends_at=ends_at)


# Listings


@dataclass(frozen=True)
class Wanted:
    """What a listing is to show."""

    matchers: Sequence[Matcher] = ()
    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    takes_receivers: Callable[[Collection[str]], bool] | None = None


Muting = Callable[[Alert], tuple[list[str], list[str]]]
"""The silences and the fingerprints that mute an alert."""


def listing(
    alerts: Iterable[Alert],
    wanted: Wanted,
    now_ns: int,
    receivers_of: Callable[[Alert], list[str]],
    muting: Muting,
) -> bytes:
    """The answer to ``GET /api/v2/alerts``; the alerts are in its order."""
    shown = []
    for alert in alerts:
        receivers = receivers_of(alert)
        silenced_by, inhibited_by = muting(alert)
        if wanted.takes_receivers is not None and not wanted.takes_receivers(receivers):
            continue
        if is_shown(alert, wanted, now_ns, silenced_by, inhibited_by):
            shown.append(alert_json(alert, receivers, silenced_by, inhibited_by))
    return ("[" + ",".join(shown) + "]\n").encode()


def is_shown(
    alert: Alert, wanted: Wanted, now_ns: int, silenced_by: Sequence[str], inhibited_by: Sequence[str]
) -> bool:
    if not alert.ends_at.is_zero and alert.ends_at.ns < now_ns:
        return False
    if not all(takes(matcher, alert.labels) for matcher in wanted.matchers):
        return False
    if not (wanted.active or silenced_by or inhibited_by):
        return False
    return (wanted.silenced or not silenced_by) and (wanted.inhibited or not inhibited_by)


def takes(matcher: Matcher, labels: Labels) -> bool:
    """How filters match: without a value it is asked whether the label is there."""
    value = labels.get(matcher.name)
    positive = matcher.type in (MatchType.EQUAL, MatchType.REGEXP)
    if matcher.value == "":
        return (value is None) is positive
    return matcher.matches(value or "")


def alert_json(
    alert: Alert, receivers: Iterable[str], silenced_by: Sequence[str] = (), inhibited_by: Sequence[str] = ()
) -> str:
    shown: dict[str, object] = {
        "annotations": dict(alert.annotations),
        "endsAt": format_ms(alert.ends_at),
        "fingerprint": f"{fingerprint(alert.labels):016x}",
        "receivers": [{"name": name} for name in receivers],
        "startsAt": format_ms(alert.starts_at),
        "status": {
            "inhibitedBy": list(inhibited_by),
            "mutedBy": [],
            "silencedBy": list(silenced_by),
            "state": "suppressed" if silenced_by or inhibited_by else "active",
        },
        "updatedAt": format_ms(alert.updated_at),
    }
    if alert.generator_url:
        shown["generatorURL"] = alert.generator_url
    shown["labels"] = dict(alert.labels)
    return encode_for_html(shown)


# Order within a group


def _optional(a: str | None, b: str | None) -> int:
    if a == b:
        return 0
    if a is None or b is None:
        return 1 if a is None else -1
    return -1 if a < b else 1


def _compare(a: Labels, b: Labels) -> int:
    for name in ("job", "instance"):
        order = _optional(a.get(name), b.get(name))
        if order:
            return order
    return compare_labels(a, b)


group_order = cmp_to_key(_compare)
"""Sort key of the labels of alerts within a group (reference notify, "Flush input")."""
