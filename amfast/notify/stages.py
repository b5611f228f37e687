"""The stages that every flush passes before it fans out to the receiver's integrations, in their order.

Settle, inhibit and silence today; each is one small object, so that the list in ``pipeline.py`` reads like the table of
reference notify, section 5.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from amfast.model.alert import Alert
from amfast.model.flush import Flush
from amfast.model.labels import Labels
from amfast.notify.counts import Counts


class Stage(Protocol):
    """Lets some alerts through, or waits; an empty answer ends the flush with success."""

    async def __call__(self, flush: Flush, alerts: tuple[Alert, ...], /) -> tuple[Alert, ...]: ...


@dataclass(frozen=True, slots=True)
class Settle:
    """Wait until the cluster has settled, so that the position among the peers means something."""

    settled: Callable[[], Awaitable[None]]

    async def __call__(self, _flush: Flush, alerts: tuple[Alert, ...]) -> tuple[Alert, ...]:
        await self.settled()
        return alerts


@dataclass(frozen=True, slots=True)
class Inhibit:
    """Drop the alerts that another one inhibits now; it is asked for labels and their fingerprint."""

    inhibiting: Callable[[Labels, int], tuple[str, ...]]
    counts: Counts

    async def __call__(self, _flush: Flush, alerts: tuple[Alert, ...]) -> tuple[Alert, ...]:
        free = tuple(alert for alert in alerts if not self.inhibiting(alert.labels, alert.fingerprint))
        self.counts.suppressed(len(alerts) - len(free), "inhibition")
        return free


@dataclass(frozen=True, slots=True)
class Silence:
    """Drop the alerts that a silence mutes now."""

    silencing: Callable[[Labels], tuple[str, ...]]
    counts: Counts

    async def __call__(self, _flush: Flush, alerts: tuple[Alert, ...]) -> tuple[Alert, ...]:
        audible = tuple(alert for alert in alerts if not self.silencing(alert.labels))
        self.counts.suppressed(len(alerts) - len(audible), "silence")
        return audible
