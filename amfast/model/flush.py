"""What one flush of one group carries from the dispatcher through the notification pipeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from amfast.model.events import GroupInfo
from amfast.model.labels import Labels
from amfast.model.told import Alerts

GroupName = tuple[str, tuple[str, ...]]
"""What a group is called over reloads and restarts: the key of its route, and the values it is grouped by."""


def _nowhere(_names: tuple[str, ...]) -> None:
    """Forget which time intervals mute a group."""


@dataclass(slots=True)
class Flush:
    """One run of a group's pipeline. ``now_ns`` is the tick that started it, not the moment of sending.

    Nobody changes one; the class is not frozen because that takes three times as long to make.
    """

    receiver: str
    group_key: str
    group_labels: Labels
    repeat_interval_ns: int
    now_ns: int
    deadline_us: int
    """Monotonic time after which the flush is given up."""
    route_labels: Labels = field(default_factory=dict)
    active_time_intervals: tuple[str, ...] = ()
    """Names of the intervals outside which nothing is sent; none for no restriction."""
    mute_time_intervals: tuple[str, ...] = ()
    """Names of the intervals in which nothing is sent."""
    mark_muted: Callable[[tuple[str, ...]], None] = _nowhere
    """Tells the group which intervals mute it now; the API shows them."""
    renew: Callable[[Flush], Awaitable[tuple[Flush, Alerts]]] | None = None
    """Gives the same flush as of now, with the alerts that the group has now; None where nothing changes meanwhile."""
    is_renewed: bool = False
    """Whether it has passed the stages before."""
    number: int = 0
    """Counts the flushes of the group from 1."""
    told_of: GroupInfo | None = None
    """The group as events tell of it; None when nothing is recorded."""
    muted: tuple[int, ...] = ()
    """The hashes of what was kept back on the way, if that is recorded."""


class FlushPipeline(Protocol):
    """Takes a flush and its alerts, in group order, to the receiver."""

    @property
    def has_receivers(self) -> bool:
        """Whether there is anybody to notify; else nobody will look at the alerts closely."""
        ...

    async def __call__(self, flush: Flush, alerts: Alerts) -> None:
        """Return when everything is said that was to be said. Raises NotifyError otherwise."""
        ...
