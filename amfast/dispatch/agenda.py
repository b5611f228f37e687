"""When which group is due: one timer for all of them, and turns for those that are due at one time.

Tens of thousands of groups may have come to be with one request, and are then due together. Some at a time are called,
so that whatever else the event loop has to do comes in between. And thousands may be due one shortly after the other:
those that come to be due soon after a turn wait for one another, because several flushes at one time cost half of what
they cost one by one, with a processor that has meanwhile fallen asleep and forgotten everything. Who is alone is never
late.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Protocol

from amfast.model.clock import Clock, Timer

CALLS_A_TURN = 50
EARLY_US = 1_000
"""Timers of an event loop may be early by their resolution; so much before its time somebody counts as due."""
SPACING_US = 50_000
"""Between two turns, so the most that anybody waits for the others."""


class Due(Protocol):
    """Somebody with a next time."""

    due_us: int | None
    """When to call on the monotonic clock. Whoever sets another or none cancels what the agenda holds."""

    def tick(self) -> None:
        """It is time."""


class Agenda:
    """Who is due, in the order of their times."""

    def __init__(self, clock: Clock, spacing_us: int = SPACING_US) -> None:
        self._clock = clock
        self._spacing_us = spacing_us
        self._heap: list[tuple[int, int, Due]] = []
        self._added = 0
        self._timer: Timer | None = None
        self._timer_us = 0
        self._next_turn_us = 0
        """Monotonic time before which no turn begins."""

    def put(self, due_us: int, who: Due) -> None:
        """Call ``who`` once, not before ``due_us``; of equal times, the first that came is first."""
        who.due_us = due_us
        self._added += 1
        heappush(self._heap, (due_us, self._added, who))
        if self._timer is None or max(due_us, self._next_turn_us) < self._timer_us:
            self._set_timer(due_us)

    def _set_timer(self, due_us: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_us = max(due_us, self._next_turn_us)
        wait_s = (self._timer_us - self._clock.monotonic_us()) / 1e6
        self._timer = self._clock.call_later(max(wait_s, 0.0), self._turn)

    def _turn(self) -> None:
        heap = self._heap
        now_us = self._clock.monotonic_us()
        until_us = now_us + EARLY_US
        calls = 0
        self._timer = None
        while heap and heap[0][0] <= until_us and calls < CALLS_A_TURN:
            due_us, _, who = heappop(heap)
            if who.due_us == due_us:
                calls += 1
                who.tick()
        # A turn that has not come to its end goes on at once.
        self._next_turn_us = now_us + self._spacing_us if 0 < calls < CALLS_A_TURN else 0
        if heap:
            self._set_timer(heap[0][0])
