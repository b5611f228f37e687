"""The table of alerts: the newest known state of every label set, and who wants to hear of changes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from amfast._ext.grouping import Places
from amfast._ext.intake import Intake, Posted
from amfast._ext.posting import Posting
from amfast._ext.saved import dump, restore
from amfast._ext.table import StoredAlert, Table
from amfast.alerts.siblings import Siblings
from amfast.model.alert import Alert, make_alert
from amfast.model.clock import Clock
from amfast.model.metric import Family, Summary, single
from amfast.model.timestamp import NS

ROWS_A_SLICE = 20_000
"""Looked at before the event loop may go on: about a millisecond."""
SAVED_A_SLICE = 5_000
"""Rows made bytes, or of bytes, before the event loop may go on: some ten milliseconds."""
LEASE_NS = 300 * NS
"""How long at most an alert read from disk waits for its sender to repeat it: the usual resolve_timeout."""
OFFSET_HOLDS_NS = 900 * NS
"""Zones change at whole quarters of an hour."""

Told = Callable[[Sequence[tuple[bool, Alert]]], None]
"""Takes the alerts of one body, each after whether it is new."""


def _ignore(_news: object) -> None:
    """Take news that nobody asked for."""


class AlertStore(Posting):
    """Alerts by label set. They are not gossiped: the senders repeat them to every node.

    What is stored already finds its groups by itself, through ``places``; only what is new to routing is handed to
    ``place``. ``stopwatch_ns`` is a clock for short times; ``seed`` keeps senders from knowing the places of the
    hash tables.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        log: logging.Logger,
        local_offset_s: Callable[[int], int],
        stopwatch_ns: Callable[[], int],
        is_uri: Callable[[str], bool],
        classic_names: bool = False,
        per_alertname_max: int = 0,
        seed: int = 0,
    ) -> None:
        self.table = Table(seed)
        intake = Intake(self.table, classic_names=classic_names, is_uri=is_uri)
        super().__init__(intake, clock.now_ns, stopwatch_ns, OFFSET_HOLDS_NS)
        self._clock = clock
        self._log = log
        self._local_offset_s = local_offset_s
        self.places = Places(self.table)
        self._siblings = Siblings(self.table, clock, per_alertname_max) if per_alertname_max > 0 else None
        self._per_alertname_max = per_alertname_max
        self._limited = 0
        self.place: Callable[[Sequence[StoredAlert]], None] = _ignore
        """Called with alerts that have no place yet."""
        self.on_news: Callable[[StoredAlert], None] = _ignore
        """Called with every alert that could inhibit others when it came to fire or ended."""
        self._on_told: Told | None = None

    def record(self, on_told: Told | None) -> None:
        """From now on, have all that is posted told, once it has its groups."""
        self._on_told = on_told
        self.table.keeps_told = on_told is not None

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[StoredAlert]:
        """Everything stored, resolved alerts included, by fingerprint."""
        return iter(self.table)

    def _follow_up(self, posted: Posted) -> None:
        if unplaced := self.places.take_unplaced():
            self.place(unplaced)
        for stored in self.table.take_news():
            self.on_news(stored)
        if self._on_told is not None:
            told = self.table.take_told()
            self._on_told([(is_new, make_alert(*fields)) for is_new, fields in told])
        if posted.dropped:
            self._limited += posted.dropped
            attrs = {"alerts": posted.dropped, "limit": self._per_alertname_max}
            self._log.warning("Alerts dropped, too many of one alertname", extra={"attrs": attrs})

    def _offset_at(self, now_ns: int) -> int:
        return self._local_offset_s(now_ns)

    async def sources(self) -> AsyncIterator[StoredAlert]:
        """What is stored and could inhibit other alerts, a slice at a time."""
        start = -1
        while start:
            start, found = self.table.sources(max(start, 0), ROWS_A_SLICE // 10)
            for stored in found:
                yield stored
            await self._clock.sleep(0)

    async def place_all(self) -> None:
        """Find the groups of everything stored, as after a reload, a slice at a time."""
        start = -1
        while start:
            start = self.places.sweep(max(start, 0), ROWS_A_SLICE // 10)
            self.place(self.places.take_unplaced())
            await self._clock.sleep(0)

    def dump(self, start: int) -> tuple[int, bytes]:
        """A slice of what is stored or still to be told, as bytes for :meth:`restore`; first where to go on, or 0."""
        return dump(self.table, self._clock.now_ns(), start, SAVED_A_SLICE)

    def restore(self, data: bytes, saved_at_ns: int) -> int:
        """Take back a slice that was written at that time, before anything finds its groups; how many alerts.

        Raises ValueError.
        """
        return restore(self.table, data, saved_at_ns, self._clock.now_ns(), LEASE_NS)

    async def collect_garbage(self) -> int:
        """Forget resolved alerts, a slice at a time; returns how many."""
        count, start = 0, -1
        while start:
            start, gone = self.table.collect(self._clock.now_ns(), max(start, 0), ROWS_A_SLICE)
            count += gone
            await self._clock.sleep(0)
        start = -1
        while start:
            start = self.table.sweep(max(start, 0), ROWS_A_SLICE)
            if start:
                await self._clock.sleep(0)
        return count

    def metrics(self) -> Iterator[Family]:
        processing = Summary()
        processing.count, processing.total = self.stored, self.stored_in_s
        yield single(
            "alertmanager_dispatcher_alert_processing_duration_seconds",
            "summary",
            "Time to store one alert and route it into its groups.",
            processing,
        )
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
