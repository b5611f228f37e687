"""Plain twin of the alerts of a flush: a tuple of values, and their JSON made by Python's encoder."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from dataclasses import dataclass

from amfast._ext.fingerprint import alert_hash
from amfast.model.alert import Alert
from amfast.model.labels import Labels
from amfast.model.timestamp import ZERO, format_nano
from amfast.template.gojson import escaped

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def encode_json(value: object) -> bytes:
    """JSON as Go's encoder writes it: compact, and safe inside HTML."""
    return escaped(_encode(value)).encode()


@dataclass(frozen=True)
class PlainAlerts:
    """Alerts as a flush at ``now_ns`` sees them; to it, all of them are marked."""

    alerts: tuple[Alert, ...]
    now_ns: int

    def __len__(self) -> int:
        return len(self.alerts)

    def __iter__(self) -> Iterator[Alert]:
        return iter(self.alerts)

    def marked(self, start: int, count: int, _marks: int) -> list[tuple[int, Labels, int]]:
        part = list(enumerate(self.alerts))[start : start + count]
        return [(place, one.labels, one.fingerprint) for place, one in part]

    def without(self, gone: list[int]) -> PlainAlerts:
        return self._those([place not in gone for place in range(len(self))])

    def first(self, count: int) -> PlainAlerts:
        return PlainAlerts(self.alerts[:count], self.now_ns)

    def still_firing(self) -> PlainAlerts:
        return self._those([not one.resolved_at(self.now_ns) for one in self.alerts])

    def ended(self) -> PlainAlerts:
        return self._those([one.resolved_at(self.now_ns) for one in self.alerts])

    def heard(self, since_ns: int, also: Container[int]) -> PlainAlerts:
        return self._those(
            [one.updated_at.ns >= since_ns or alert_hash(one.labels) in also for one in self.alerts]
        )

    def _those(self, wanted: list[bool]) -> PlainAlerts:
        kept = (one for one, is_wanted in zip(self.alerts, wanted, strict=True) if is_wanted)
        return PlainAlerts(tuple(kept), self.now_ns)

    @property
    def hashes(self) -> tuple[int, ...]:
        return tuple(alert_hash(one.labels) for one in self.alerts)

    @property
    def firing(self) -> tuple[int, ...]:
        return self.still_firing().hashes

    @property
    def resolved(self) -> tuple[int, ...]:
        return self.ended().hashes

    def json(self) -> PlainJson:
        return PlainJson(self)


@dataclass(frozen=True)
class PlainJson:
    """What the message of a webhook says of alerts."""

    told: PlainAlerts

    def go_on(self, _most: int) -> bool:
        return True

    @property
    def alerts(self) -> bytes:
        return encode_json([_said(one, self.told.now_ns) for one in self.told.alerts])[1:-1]

    @property
    def common_labels(self) -> bytes:
        return _common([one.labels for one in self.told.alerts])

    @property
    def common_annotations(self) -> bytes:
        return _common([one.annotations for one in self.told.alerts])


def _said(one: Alert, now_ns: int) -> dict[str, object]:
    resolved = one.resolved_at(now_ns)
    return {
        "status": "resolved" if resolved else "firing",
        "labels": one.labels,
        "annotations": one.annotations,
        "startsAt": format_nano(one.starts_at),
        "endsAt": format_nano(one.ends_at if resolved else ZERO),
        "generatorURL": one.generator_url,
        "fingerprint": f"{one.fingerprint:016x}",
    }


def _common(sets: list[Labels]) -> bytes:
    first = sets[0] if sets else {}
    common = {name: value for name, value in first.items() if all(one.get(name, "") == value for one in sets)}
    return encode_json(common)
