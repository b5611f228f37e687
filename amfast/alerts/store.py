"""The table of alerts: the newest known state of every label set, and who wants to hear of changes."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from amfast.alerts.siblings import Siblings
from amfast.model.alert import Alert
from amfast.model.clock import Clock
from amfast.model.metric import Family, single


class AlertStore:
    """Alerts by fingerprint. They are neither written to disk nor gossiped: the senders repeat them."""

    def __init__(self, *, clock: Clock, log: logging.Logger, per_alertname_max: int = 0) -> None:
        self._clock = clock
        self._log = log
        self._per_alertname_max = per_alertname_max
        self._alerts: dict[int, Alert] = {}
        self._by_alertname: defaultdict[str, Siblings] = defaultdict(Siblings)
        self._limited = 0
        self.on_change: Callable[[Alert], None] = lambda _alert: None
        """Called with the merged state of every alert that was put."""

    def __len__(self) -> int:
        return len(self._alerts)

    def __iter__(self) -> Iterator[Alert]:
        """Everything stored, resolved alerts included."""
        return iter(list(self._alerts.values()))

    def put(self, alerts: Sequence[Alert]) -> None:
        """Take alerts in; one that overlaps with what is known of it is merged, else it replaces it."""
        dropped = 0
        for alert in alerts:
            known = self._alerts.get(alert.fingerprint)
            if known is None and not self._make_room(alert):
                dropped += 1
                continue
            merged = known.merged_with(alert) if known is not None and _overlap(known, alert) else alert
            self._alerts[alert.fingerprint] = merged
            self.on_change(merged)
        if dropped:
            self._limited += dropped
            attrs = {"alerts": dropped, "limit": self._per_alertname_max}
            self._log.warning("Alerts dropped, too many of one alertname", extra={"attrs": attrs})

    def _make_room(self, alert: Alert) -> bool:
        """Whether an unknown alert may come in under the limit for its ``alertname``."""
        if self._per_alertname_max <= 0:
            return True
        siblings = self._by_alertname[alert.name]
        if len(siblings) >= self._per_alertname_max:
            ended = siblings.ended(self._alerts, self._clock.now_ns())
            if ended is None:
                return False
            self._drop(ended)
        self._by_alertname[alert.name].add(alert)
        return True

    def _drop(self, fingerprint: int) -> None:
        alert = self._alerts.pop(fingerprint)
        siblings = self._by_alertname.get(alert.name)
        if siblings is not None:
            siblings.discard(fingerprint)
            if not siblings:
                del self._by_alertname[alert.name]

    def collect_garbage(self) -> int:
        """Forget resolved alerts; returns how many."""
        now_ns = self._clock.now_ns()
        resolved = [alert.fingerprint for alert in self._alerts.values() if alert.resolved_at(now_ns)]
        for fingerprint in resolved:
            self._drop(fingerprint)
        return len(resolved)

    def metrics(self) -> Iterator[Family]:
        yield single(
            "alertmanager_alerts_per_alert_limit",
            "gauge",
            "Most alerts kept of one alertname; 0 for no limit.",
            float(self._per_alertname_max),
        )
        if self._limited:
            yield single(
                "alertmanager_alerts_limited_total",
                "counter",
                "Alerts dropped by the limit per alertname.",
                float(self._limited),
            )


def _overlap(known: Alert, new: Alert) -> bool:
    """Whether the new activity begins or ends strictly inside the known one."""
    start, end = known.starts_at.ns, known.ends_at.ns
    return start < new.ends_at.ns < end or start < new.starts_at.ns < end
