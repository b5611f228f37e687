"""The limit on alerts of one ``alertname``: which stored alert may make room for a new one."""

from __future__ import annotations

import heapq

from amfast._ext.table import StoredAlert, Table
from amfast.model.clock import Clock

SPARE_ENTRIES = 100
"""Entries of a heap that may be out of date or double before it is made anew."""


class Siblings:
    """Stored alerts by the value of ``alertname``, each with when it ends.

    The heaps may hold ends earlier than the true ones; they are corrected when they come to the top, so that an alert
    whose end moves on every minute costs nothing here. Whose end moves back is entered once more.
    """

    def __init__(self, table: Table, clock: Clock, alerts_max: int) -> None:
        self._clock = clock
        self._max = alerts_max
        self._alerts: dict[str, dict[int, StoredAlert]] = {}
        self._ends: dict[str, list[tuple[int, int]]] = {}
        table.make_room = self.make_room
        table.on_forgotten = self.forget
        table.on_shortened = self.end_earlier

    def make_room(self, new: StoredAlert) -> bool:
        """Whether an alert that is not stored may come in; one that has ended goes for it if need be."""
        name = new.labels.get("alertname", "")
        alerts = self._alerts.setdefault(name, {})
        if len(alerts) >= self._max:
            ended = self._ended(name)
            if ended is None:
                return False
            ended.forget()
            alerts = self._alerts.setdefault(name, {})
        alerts[new.row] = new
        self._enter(name, 0, new.row)
        return True

    def end_earlier(self, stored: StoredAlert) -> None:
        """Note an end that is earlier than the one noted before."""
        self._enter(stored.labels.get("alertname", ""), stored.ends_at_ns, stored.row)

    def _enter(self, name: str, end_ns: int, row: int) -> None:
        ends = self._ends.setdefault(name, [])
        heapq.heappush(ends, (end_ns, row))
        alerts = self._alerts.get(name, {})
        if len(ends) > 2 * len(alerts) + SPARE_ENTRIES:
            self._ends[name] = [(alert.ends_at_ns, row) for row, alert in alerts.items()]
            heapq.heapify(self._ends[name])

    def forget(self, gone: StoredAlert) -> None:
        """Take out an alert that is stored no longer."""
        name = gone.labels.get("alertname", "")
        alerts = self._alerts.get(name, {})
        alerts.pop(gone.row, None)
        if not alerts:
            self._alerts.pop(name, None)
            self._ends.pop(name, None)

    def _ended(self, name: str) -> StoredAlert | None:
        """The one that ended first, if any has ended by now."""
        alerts, ends = self._alerts[name], self._ends[name]
        while ends:
            end_ns, row = ends[0]
            alert = alerts.get(row)
            if alert is None:
                heapq.heappop(ends)
                continue
            true_end_ns = alert.ends_at_ns
            if true_end_ns == end_ns:
                return alert if true_end_ns <= self._clock.now_ns() else None
            heapq.heapreplace(ends, (true_end_ns, row))
        return None
