"""What the notification pipeline counts (reference metrics, section 4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import get_args

from amfast.model.flush import Flush
from amfast.model.metric import Family, Histogram, Kind
from amfast.model.notification import FailureReason

INTEGRATIONS = (
    "email", "pagerduty", "wechat", "pushover", "slack", "opsgenie", "webhook", "victorops", "sns", "telegram",
    "discord", "webex", "msteams", "msteamsv2", "incidentio", "jira", "rocketchat", "mattermost",
)  # fmt: skip
"""Every kind has its series from the start, so that rates over them work before the first notification."""

LATENCY_BOUNDS_S = (1.0, 5.0, 10.0, 15.0, 20.0)


class _ByIntegration:
    def __init__(self) -> None:
        self.counts = dict.fromkeys(INTEGRATIONS, 0)

    def add(self, integration: str) -> None:
        self.counts[integration] += 1

    def family(self, name: str, kind: Kind, help_text: str) -> Family:
        samples = [((integration,), float(count)) for integration, count in self.counts.items()]
        return Family(name, kind, help_text, samples, ("integration",))


class Counts:
    """One set of counters for all receivers of the node; it outlives reloads."""

    def __init__(self) -> None:
        self.notifications = _ByIntegration()
        self.requests = _ByIntegration()
        self.failed_requests = _ByIntegration()
        self._failures = {
            (integration, reason): 0 for integration in INTEGRATIONS for reason in get_args(FailureReason)
        }
        self._latency = {integration: Histogram(LATENCY_BOUNDS_S) for integration in INTEGRATIONS}
        self._suppressed: defaultdict[str, int] = defaultdict(int)

    def suppressed(self, alerts: int, reason: str, flush: Flush) -> None:
        """Once a flush: what is kept back when it looks again was counted before, or will be by the next one."""
        if alerts and not flush.is_renewed:
            self._suppressed[reason] += alerts

    def failed(self, integration: str, reason: FailureReason) -> None:
        self._failures[integration, reason] += 1

    def took(self, integration: str, seconds: float) -> None:
        self._latency[integration].observe(seconds)

    def metrics(self) -> Iterator[Family]:
        prefix = "alertmanager_notification"
        yield self.notifications.family(f"{prefix}s_total", "counter", "Notifications attempted.")
        yield self.requests.family(f"{prefix}_requests_total", "counter", "Sending attempts.")
        yield self.failed_requests.family(
            f"{prefix}_requests_failed_total", "counter", "Sending attempts that failed."
        )
        yield Family(
            f"{prefix}s_failed_total",
            "counter",
            "Notifications given up, by cause.",
            [(labels, float(count)) for labels, count in self._failures.items()],
            ("integration", "reason"),
        )
        yield Family(
            f"{prefix}_latency_seconds",
            "histogram",
            "Duration of sending attempts.",
            [((integration,), histogram) for integration, histogram in self._latency.items()],
            ("integration",),
        )
        yield Family(
            f"{prefix}s_suppressed_total",
            "counter",
            "Alerts that were not notified, by what held them back.",
            [((reason,), float(count)) for reason, count in self._suppressed.items()],
            ("reason",),
        )
