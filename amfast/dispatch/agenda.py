"""When which group is due: one timer for all of them, and turns for those that are due at one time.

Tens of thousands of groups may have come to be with one request, and are then due together. Some at a time are called,
so that whatever else the event loop has to do comes in between.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from amfast.model.clock import Clock, Timer

CALLS_A_TURN = 50
EARLY_US = 1_000
"""Timers of an event loop may be early by their resolution; so much before its time somebody counts as due."""


class Appointment:
    """One entry of an agenda, to cancel it."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], object]) -> None:
        self.call: Callable[[], object] | None = call

    def cancel(self) -> None:
        self.call = None


class Agenda:
    """Appointments in the order of their times."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[int, int, Appointment]] = []
        self._added = 0
        self._timer: Timer | None = None
        self._timer_us = 0

    def call_at(self, due_us: int, call: Callable[[], object]) -> Appointment:
        """Call once, not before ``due_us`` on the monotonic clock; of equal times, the first that came is first."""
        appointment = Appointment(call)
        self._added += 1
        heappush(self._heap, (due_us, self._added, appointment))
        if self._timer is None or due_us < self._timer_us:
            self._set_timer(due_us)
        return appointment

    def _set_timer(self, due_us: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_us = due_us
        wait_s = (due_us - self._clock.monotonic_us()) / 1e6
        self._timer = self._clock.call_later(max(wait_s, 0.0), self._turn)

    def _turn(self) -> None:
        heap = self._heap
        until_us = self._clock.monotonic_us() + EARLY_US
        calls = 0
        self._timer = None
        while heap and (heap[0][2].call is None or (heap[0][0] <= until_us and calls < CALLS_A_TURN)):
            call = heappop(heap)[2].call
            if call is not None:
                calls += 1
                call()
        if heap:
            self._set_timer(heap[0][0])
