"""Which alerts fire: a fixed number of places, and the alert that holds each of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """In one place the alert ``ended``, firing since ``start_ns``, was resolved; ``begun`` came instead."""

    place: int
    ended: int
    start_ns: int
    begun: int


class Population:
    """``size`` places; the alert in a place is a number that no other alert ever has."""

    def __init__(self, size: int, start_ns: int) -> None:
        self.size = size
        self._replaced = 0
        self._first_start_ns = start_ns
        self._starts_ns: dict[int, int] = {}
        self._due = 0.0

    def number(self, place: int) -> int:
        """The alert that holds a place now."""
        rounds, rest = divmod(self._replaced, self.size)
        return place + self.size * (rounds + (place < rest))

    def start_ns(self, place: int) -> int:
        """When that alert began to fire, nanoseconds since 1970."""
        return self._starts_ns.get(place, self._first_start_ns)

    def replace(self, count: int, now_ns: int) -> list[Change]:
        """Resolve the alerts that have fired longest, no more than there are places, for new ones."""
        changes = []
        for _ in range(min(count, self.size)):
            place = self._replaced % self.size
            ended, start_ns = self.number(place), self.start_ns(place)
            self._replaced += 1
            self._starts_ns[place] = now_ns
            changes.append(Change(place, ended, start_ns, self.number(place)))
        return changes

    def churn(self, per_second: float, seconds: float, now_ns: int) -> list[Change]:
        """Replace what is due after so much time; a fraction of an alert waits for the next call."""
        self._due += per_second * seconds
        count = int(self._due)
        self._due -= count
        return self.replace(count, now_ns)
