"""The alerts of one ``alertname``, by when they end: which of them may make room for a new one."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from amfast.model.alert import Alert


class Siblings:
    """Fingerprints of stored alerts.

    The heap may hold ends that are no longer true; they are corrected when they come to its top, so that an
    alert whose end moves on every minute costs nothing here.
    """

    def __init__(self) -> None:
        self._fingerprints: set[int] = set()
        self._ends: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._fingerprints)

    def add(self, alert: Alert) -> None:
        self._fingerprints.add(alert.fingerprint)
        heapq.heappush(self._ends, (alert.ends_at.ns, alert.fingerprint))

    def discard(self, fingerprint: int) -> None:
        self._fingerprints.discard(fingerprint)

    def ended(self, alerts: Mapping[int, Alert], now_ns: int) -> int | None:
        """The one that ended first, if any has ended by now."""
        while self._ends:
            end_ns, fingerprint = self._ends[0]
            if fingerprint not in self._fingerprints:
                heapq.heappop(self._ends)
                continue
            true_end_ns = alerts[fingerprint].ends_at.ns
            if true_end_ns == end_ns:
                return fingerprint if alerts[fingerprint].resolved_at(now_ns) else None
            heapq.heapreplace(self._ends, (true_end_ns, fingerprint))
        return None
