"""The named time intervals of a configuration: which of them hold a moment."""

from __future__ import annotations

from collections.abc import Iterable

from amfast.config.types import Intervals
from amfast.model.interval import TimeInterval


class NamedIntervals:
    """Built anew by every reload. Every name that a route uses is among them: the configuration was checked."""

    def __init__(self, intervals: Intervals) -> None:
        self._by_name: dict[str, tuple[TimeInterval, ...]] = dict(intervals)

    def holding(self, names: Iterable[str], now_ns: int) -> tuple[str, ...]:
        """Those of the names whose interval holds the moment, in the order given."""
        return tuple(name for name in names if any(one.contains(now_ns) for one in self._by_name[name]))
