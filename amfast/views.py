"""What the API may see of the stations: one read-only object per question that ``web`` asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from amfast.alerts.store import AlertStore
from amfast.dispatch.dispatcher import Dispatcher
from amfast.model.alert import Alert
from amfast.model.clock import Clock
from amfast.model.labels import Labels
from amfast.model.metric import Family
from amfast.mute.inhibition import Inhibitor
from amfast.web.ports import AlertEntry, GroupEntry


class AlertViews:
    """Alerts and groups with what is true of them now.

    ``dispatcher`` and ``inhibitor`` are replaced by every reload.
    """

    def __init__(
        self, store: AlertStore, silencing: Callable[[Labels], tuple[str, ...]], clock: Clock
    ) -> None:
        self._store = store
        self._clock = clock
        self._silencing = silencing
        self.dispatcher: Dispatcher | None = None
        self.inhibitor = Inhibitor((), clock)

    def alerts(self) -> Iterator[AlertEntry]:
        """Everything stored; the receivers are those of the routes that match, in their order."""
        for alert in self._store:
            routes = self.dispatcher.root.match(alert.labels) if self.dispatcher else ()
            yield self._entry(alert, tuple(route.options.receiver for route in routes))

    def groups(self) -> Iterator[GroupEntry]:
        """The dispatcher's groups; the receivers of their alerts are for the API to fill in."""
        for group in self.dispatcher.groups() if self.dispatcher else ():
            yield GroupEntry(
                receiver=group.route.options.receiver,
                labels=group.labels,
                route_labels={},
                alerts=tuple(self._entry(alert, ()) for alert in group.alerts()),
                muted_by=(),
            )

    def metrics(self) -> Iterator[Family]:
        """Alerts in groups by state; one in several groups counts once."""
        states = {"active": 0, "suppressed": 0, "unprocessed": 0}
        now_ns = self._clock.now_ns()
        firing: dict[int, Alert] = {}
        for group in self.dispatcher.groups() if self.dispatcher else ():
            firing.update((it.fingerprint, it) for it in group.alerts() if not it.resolved_at(now_ns))
        for alert in firing.values():
            suppressed = self._silencing(alert.labels) or self._inhibiting(alert)
            states["suppressed" if suppressed else "active"] += 1
        samples = [((state,), float(count)) for state, count in states.items()]
        yield Family(
            "alertmanager_alerts", "gauge", "Alerts that have not ended, by state.", samples, ("state",)
        )

    def _entry(self, alert: Alert, receivers: tuple[str, ...]) -> AlertEntry:
        return AlertEntry(
            alert,
            receivers,
            silenced_by=self._silencing(alert.labels),
            inhibited_by=self._inhibiting(alert),
        )

    def _inhibiting(self, alert: Alert) -> tuple[str, ...]:
        return self.inhibitor.inhibiting(alert.labels, alert.fingerprint)
