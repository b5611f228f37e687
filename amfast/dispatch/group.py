"""An aggregation group: the alerts of one route that share their group labels, flushed together by a timer.

The timer is set again at the start of every flush, so the period is fixed whatever a flush takes; a flush that
outlasts the period delays the next one, which then starts at once (reference notify, section 4).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from amfast.dispatch.route import Route
from amfast.model.alert import Alert, alert_order
from amfast.model.clock import Clock, Timer
from amfast.model.flush import Flush, FlushPipeline
from amfast.model.labels import Labels, format_labels
from amfast.model.notification import NotifyError
from amfast.model.timestamp import NS

FLUSH_TIME_MIN_S = 10.0


@dataclass(frozen=True, slots=True)
class GroupContext:
    """What the groups of one dispatcher share."""

    clock: Clock
    log: logging.Logger
    cluster_wait_s: Callable[[], float]
    not_before_us: int
    """Monotonic time before which no group flushes."""
    on_empty: Callable[[Group], None]


class Group:
    """Built with its first alert, which decides when the first flush comes."""

    def __init__(
        self, route: Route, labels: Labels, first: Alert, pipeline: FlushPipeline, context: GroupContext
    ) -> None:
        self.route = route
        self.labels = labels
        self.key = f"{route.key}:{format_labels(labels)}"
        self._pipeline = pipeline
        self._context = context
        self._alerts = {first.fingerprint: first}
        self._flushing: asyncio.Task[None] | None = None
        self._tick_missed = False
        self._timer: Timer = context.clock.call_later(self._first_wait_s(first), self._tick)

    def insert(self, alert: Alert) -> None:
        """Take an alert in, or its newer state. It never shortens the wait."""
        self._alerts[alert.fingerprint] = alert

    def alerts(self) -> list[Alert]:
        """The alerts as they came, in no order."""
        return list(self._alerts.values())

    async def stop(self) -> None:
        """Stop the timer and cancel a flush that is under way."""
        self._timer.cancel()
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.wait([self._flushing])

    def _first_wait_s(self, first: Alert) -> float:
        clock, wait_ns = self._context.clock, self.route.options.group_wait_ns
        already_late = first.starts_at.ns + wait_ns < clock.now_ns()
        wait_s = 0.0 if already_late else wait_ns / NS
        return max(wait_s, (self._context.not_before_us - clock.monotonic_us()) / 1e6)

    def _tick(self) -> None:
        interval_s = self.route.options.group_interval_ns / NS
        self._timer = self._context.clock.call_later(interval_s, self._tick)
        if self._flushing is None:
            self._start_flush()
        else:
            self._tick_missed = True

    def _start_flush(self) -> None:
        self._flushing = asyncio.get_running_loop().create_task(self._flush())
        self._flushing.add_done_callback(self._flush_ended)

    def _flush_ended(self, task: asyncio.Task[None]) -> None:
        self._flushing = None
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            # Not a failure to notify but a defect of ours: the group goes on, and the log says what it was.
            self._log_failure(f"{type(error).__name__}: {error}")
        if not self._alerts:
            self._timer.cancel()
            self._context.on_empty(self)
        elif self._tick_missed:
            self._tick_missed = False
            self._start_flush()

    async def _flush(self) -> None:
        clock, options = self._context.clock, self.route.options
        now_ns = clock.now_ns()
        snapshot = sorted(self._alerts.values(), key=alert_order)
        limit_s = max(options.group_interval_ns / NS, FLUSH_TIME_MIN_S) + self._context.cluster_wait_s()
        flush = Flush(
            receiver=options.receiver,
            group_key=self.key,
            group_labels=self.labels,
            repeat_interval_ns=options.repeat_interval_ns,
            now_ns=now_ns,
            deadline_us=clock.monotonic_us() + int(limit_s * 1e6),
        )
        alerts = tuple(alert if alert.resolved_at(now_ns) else alert.without_end() for alert in snapshot)
        attrs = {"aggrGroup": self.key, "receiver": options.receiver, "alerts": len(alerts)}
        self._context.log.debug("Flushing", extra={"attrs": attrs})
        try:
            async with asyncio.timeout(limit_s):
                await self._pipeline(flush, alerts)
        except NotifyError as error:
            self._log_failure(str(error))
        except TimeoutError:
            self._log_failure(f"the flush did not end within {limit_s:g} s")
        else:
            self._forget_resolved(snapshot, now_ns)

    def _forget_resolved(self, snapshot: list[Alert], now_ns: int) -> None:
        """Drop what was told to be resolved, unless it was updated meanwhile."""
        for alert in snapshot:
            if alert.resolved_at(now_ns) and self._alerts.get(alert.fingerprint) is alert:
                del self._alerts[alert.fingerprint]

    def _log_failure(self, text: str) -> None:
        attrs = {"aggrGroup": self.key, "receiver": self.route.options.receiver, "err": text}
        self._context.log.error("Flush failed, trying again at the next interval", extra={"attrs": attrs})
