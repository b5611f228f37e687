"""The stages that every flush passes before it fans out to the receiver's integrations, in their order.

Each is one small object, so that the list in ``app.py`` reads like the table of reference notify, section 5.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from amfast.model.clock import Clock
from amfast.model.flush import Flush
from amfast.model.labels import Labels
from amfast.model.told import Alerts
from amfast.notify.counts import Counts

ALERTS_A_SLICE = 500
"""Asked about before the event loop may go on: a few milliseconds, where many silences might match."""
Marks = Callable[[], int]
"""The marks that an alert has one of if it may be muted now; nobody asks about the others."""


class Stage(Protocol):
    """Lets some alerts through, or waits; an empty answer ends the flush with success."""

    name: ClassVar[str]
    """What traces call it; empty for what is not traced."""
    reason: ClassVar[str]
    """Why it lets alerts not through, as metrics and traces call it."""

    async def __call__(self, flush: Flush, alerts: Alerts, /) -> Alerts: ...


@dataclass(frozen=True, slots=True)
class Settle:
    """Wait until the cluster has settled, so that the position among the peers means something."""

    name: ClassVar = ""
    reason: ClassVar = ""
    settled: Callable[[], Awaitable[None] | None]
    """Something to wait for; None where the cluster has settled."""

    async def __call__(self, _flush: Flush, alerts: Alerts) -> Alerts:
        if (settled := self.settled()) is not None:
            await settled
        return alerts


Holding = Callable[[tuple[str, ...], int], tuple[str, ...]]
"""Which of the named time intervals hold a moment, in nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class ActiveIntervals:
    """Drop everything outside the route's active time intervals, if it has any."""

    name: ClassVar = "TimeActiveStage"
    reason: ClassVar = "active_time_interval"
    holding: Holding
    counts: Counts

    async def __call__(self, flush: Flush, alerts: Alerts) -> Alerts:
        names = flush.active_time_intervals
        if not names or self.holding(names, flush.now_ns):
            flush.mark_muted(())
            return alerts
        flush.mark_muted(names)  # one of them would have been enough, so all of them mute
        self.counts.suppressed(len(alerts), self.reason, flush)
        return alerts.first(0)


@dataclass(frozen=True, slots=True)
class MuteIntervals:
    """Drop everything within the route's mute time intervals."""

    name: ClassVar = "TimeMuteStage"
    reason: ClassVar = "mute_time_interval"
    holding: Holding
    counts: Counts

    async def __call__(self, flush: Flush, alerts: Alerts) -> Alerts:
        names = flush.mute_time_intervals
        muting = self.holding(names, flush.now_ns) if names else ()
        flush.mark_muted(muting)
        if not muting:
            return alerts
        self.counts.suppressed(len(alerts), self.reason, flush)
        return alerts.first(0)


@dataclass(frozen=True, slots=True)
class Inhibit:
    """Drop the alerts that another one inhibits now."""

    name: ClassVar = "MuteStage"
    reason: ClassVar = "inhibition"
    inhibiting: Callable[[Labels, int], tuple[str, ...]]
    """It is asked for labels and their fingerprint."""
    marks: Marks
    counts: Counts
    clock: Clock

    async def __call__(self, flush: Flush, alerts: Alerts) -> Alerts:
        free = await _without(alerts, self.marks(), self.inhibiting, self.clock)
        self.counts.suppressed(len(alerts) - len(free), self.reason, flush)
        return free


@dataclass(frozen=True, slots=True)
class Silence:
    """Drop the alerts that a silence mutes now."""

    name: ClassVar = "MuteStage"
    reason: ClassVar = "silence"
    silencing: Callable[[Labels, int], tuple[str, ...]]
    """It is asked for labels and their fingerprint."""
    marks: Marks
    counts: Counts
    clock: Clock

    async def __call__(self, flush: Flush, alerts: Alerts) -> Alerts:
        audible = await _without(alerts, self.marks(), self.silencing, self.clock)
        self.counts.suppressed(len(alerts) - len(audible), self.reason, flush)
        return audible


async def _without(
    alerts: Alerts, marks: int, muting: Callable[[Labels, int], tuple[str, ...]], clock: Clock
) -> Alerts:
    """The alerts that nothing mutes, asked about a slice at a time."""
    muted: list[int] = []
    for start in range(0, len(alerts), ALERTS_A_SLICE):
        if start:
            await clock.sleep(0)
        for place, labels, fingerprint in alerts.marked(start, ALERTS_A_SLICE, marks):
            if muting(labels, fingerprint):
                muted.append(place)
    return alerts.without(muted)
