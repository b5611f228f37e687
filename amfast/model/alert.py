"""The alert: what a sender said about one label set, and until when it holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cmp_to_key

from amfast._ext.fingerprint import label_fingerprint
from amfast.model.labels import Labels, compare_labels
from amfast.model.timestamp import ZERO, Time


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; ``labels`` and ``annotations`` are in name order and never changed.

    ``timeout`` marks an ``ends_at`` that nobody sent: the receiver of the alert added ``resolve_timeout``.
    """

    labels: Labels
    annotations: Labels
    starts_at: Time
    ends_at: Time
    updated_at: Time
    generator_url: str = ""
    timeout: bool = False
    fingerprint: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", label_fingerprint(self.labels))

    @property
    def name(self) -> str:
        """The value of ``alertname``, empty without one."""
        return self.labels.get("alertname", "")

    def resolved_at(self, now_ns: int) -> bool:
        """Whether the alert has ended at ``now_ns``; the end itself counts as ended."""
        return not self.ends_at.is_zero and self.ends_at.ns <= now_ns

    def without_end(self) -> Alert:
        """The same alert, firing without a known end: how a flush sees what still fires."""
        return replace(self, ends_at=ZERO)

    def merged_with(self, newer: Alert) -> Alert:
        """Both reports of one label set made one (reference api, "Storing").

        The report with the later ``updated_at`` gives annotations, URL and ``timeout``, the earlier start wins,
        and a later end that somebody sent stays.
        """
        old, new = (self, newer) if newer.updated_at.ns >= self.updated_at.ns else (newer, self)
        starts_at = min(old.starts_at, new.starts_at, key=lambda time: time.ns)
        ends_at = new.ends_at
        if new.resolved_at(new.updated_at.ns):
            if old.resolved_at(new.updated_at.ns) and old.ends_at.ns > ends_at.ns:
                ends_at = old.ends_at
        elif old.ends_at.ns > ends_at.ns and not old.timeout:
            ends_at = old.ends_at
        return replace(new, starts_at=starts_at, ends_at=ends_at)


def _optional(a: str | None, b: str | None) -> int:
    """Alerts having a label come before those lacking it."""
    if a == b:
        return 0
    if a is None or b is None:
        return 1 if a is None else -1
    return -1 if a < b else 1


def _compare(a: Alert, b: Alert) -> int:
    for name in ("job", "instance"):
        order = _optional(a.labels.get(name), b.labels.get(name))
        if order:
            return order
    return compare_labels(a.labels, b.labels)


alert_order = cmp_to_key(_compare)
"""Sort key of alerts within a group: job, instance, then label set (reference notify, "Flush input")."""
