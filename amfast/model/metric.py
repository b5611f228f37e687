"""What the parts count, in plain Python: the hot path adds to an integer, ``/metrics`` asks for families.

A part keeps its own integers and hands them out as :class:`Family` values when it is asked;
``web/metrics.py`` turns them into the exposition.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Kind = Literal["counter", "gauge", "histogram", "summary"]

DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds, the client libraries' usual ones."""


class Summary:
    """Count and sum of observations, no quantiles."""

    __slots__ = ("count", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.count += 1
        self.total += value


class Histogram:
    """Observations counted by bucket; ``counts[i]`` holds those at most ``bounds[i]``, not cumulated."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = DEFAULT_BUCKETS) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


Value = float | Histogram | Summary


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with all its series. ``samples`` pairs label values (in ``labels`` order) with a value."""

    name: str
    kind: Kind
    help: str
    samples: Iterable[tuple[tuple[str, ...], Value]]
    labels: tuple[str, ...] = field(default=())


def single(name: str, kind: Kind, help_text: str, value: Value) -> Family:
    """A family with one series and no labels."""
    return Family(name, kind, help_text, [((), value)])


class Measured(Protocol):
    """A part that can be asked what it counted."""

    def metrics(self) -> Iterator[Family]: ...
