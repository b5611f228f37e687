"""What happened, counted: latencies, statuses and problems by kind of request, and a line for every second."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from amfast.load.client import Answer

_OK: Final = 200
_US_MAX: Final = (1 << 32) - 1
_PROBLEMS_MAX: Final = 20
PERCENTILES: Final = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest of the ordered values that so many per cent of them do not exceed (nearest rank).

    Raises ValueError when there are none.
    """
    if not ordered:
        raise ValueError("no values")
    rank = ceil(len(ordered) * percent / 100)
    return ordered[min(max(rank, 1), len(ordered)) - 1]


@dataclass(slots=True)
class Kind:
    """Requests of one kind."""

    latencies_us: array[int] = field(default_factory=lambda: array("I"))
    """Of requests that were answered with 200, in the order of the answers: a refusal is quick and says nothing."""
    statuses: Counter[str] = field(default_factory=Counter)
    """How often each; ``0`` where there was none."""
    problems: Counter[str] = field(default_factory=Counter)
    """How often each text; beyond a number of different ones they are counted together."""
    alerts: int = 0
    """Alerts in requests that were answered with 200."""
    posted: int = 0
    """Alerts in all requests, answered or not."""
    read_bytes: int = 0
    """Of the answers, heads included."""

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    def percentiles_ms(self) -> dict[str, float]:
        """By name, milliseconds; empty when nothing was answered."""
        ordered = sorted(self.latencies_us)
        return {name: percentile(ordered, p) / 1000 for name, p in PERCENTILES.items()} if ordered else {}


@dataclass(frozen=True, slots=True)
class Second:
    """One stretch of the run, about a second: alerts and requests answered, latencies of POSTs."""

    at_s: float
    alerts: int
    requests: int
    p50_ms: float | None
    p99_ms: float | None


class Tally:
    """Counts for a whole run."""

    def __init__(self) -> None:
        self.kinds: dict[str, Kind] = {}
        self.seconds: list[Second] = []
        self.problems = 0
        """Requests without an answer, and those that were answered with anything but 200."""
        self.alerts = 0
        self._new_us: array[int] = array("I")
        self._requests = 0
        self._alerts_before = 0

    def add(self, kind: str, answer: Answer, alerts: int = 0) -> None:
        """Count a request; ``alerts`` is how many were in it."""
        counts = self.kinds.get(kind)
        if counts is None:
            counts = self.kinds[kind] = Kind()
        counts.statuses[str(answer.status)] += 1
        counts.read_bytes += answer.read_bytes
        counts.posted += alerts
        self._requests += 1
        if answer.status == _OK:
            took_us = min(answer.took_ns // 1000, _US_MAX)
            counts.latencies_us.append(took_us)
            if alerts:
                self._new_us.append(took_us)
            counts.alerts += alerts
            self.alerts += alerts
        else:
            self.problems += 1
            text = answer.problem or f"status {answer.status}"
            if len(counts.problems) >= _PROBLEMS_MAX and text not in counts.problems:
                text = "other"
            counts.problems[text] += 1

    def tick(self, at_s: float) -> Second:
        """Close a stretch that ends now, ``at_s`` seconds after the begin of the run."""
        ordered = sorted(self._new_us)
        p50, p99 = (percentile(ordered, p) / 1000 if ordered else None for p in (50.0, 99.0))
        second = Second(at_s, self.alerts - self._alerts_before, self._requests, p50, p99)
        self.seconds.append(second)
        self._new_us = array("I")
        self._requests = 0
        self._alerts_before = self.alerts
        return second
