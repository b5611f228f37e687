"""When an attempt to send may begin, so that a dead receiver delays no other.

Thousands of groups may have something to say to one receiver that refuses, fails or hangs. If all of them tried as
often as each alone would, the node would do little else. So every integration has a door: it is open as long as one
of the last attempts worked, and at a closed one the attempts wait in line. Of all closed doors of the node, each in its
turn, one attempt begins every few milliseconds. The first that works opens its door again for all that wait at it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from amfast.model.clock import Clock, Timer

FREE: Final = 100
"""Attempts that may begin at a door after the last one that worked, before it closes."""
SPACING_US: Final = 5_000
"""Between two attempts at closed doors."""
UNDER_WAY_MAX: Final = 2_000
"""Attempts of the whole node, each with a connection, beyond which none begins at a closed door."""
CALLS_A_TURN: Final = 50
"""Attempts at open doors that begin at once before the event loop may go on."""


class Doors:
    """All doors of a node."""

    def __init__(self, clock: Clock) -> None:
        self.under_way = 0
        """Attempts that have begun and not ended."""
        self._clock = clock
        self._waited_at: dict[Door, None] = {}
        """Doors that somebody waits at; the one whose turn it is comes first."""
        self._next_us = 0
        """Monotonic time before which no attempt begins at a closed door."""
        self._timer: Timer | None = None
        self._timer_us = 0

    def door(self) -> Door:
        """A new one, open."""
        return Door(self)

    def wait_at(self, door: Door) -> None:
        """Have the door looked at, now and as long as somebody waits at it."""
        self._waited_at.setdefault(door)
        now_us = self._clock.monotonic_us()
        self._look_in(now_us, now_us if door.room > 0 else max(self._next_us, now_us))

    def _look_in(self, now_us: int, at_us: int) -> None:
        """Have a turn, at this monotonic time or before. Nobody puts a turn off, or a crowd would for ever."""
        if self._timer is not None:
            if self._timer_us <= at_us:
                return
            self._timer.cancel()
        self._timer_us = at_us
        self._timer = self._clock.call_later((at_us - now_us) / 1e6, self._turn)

    def _next_closed(self) -> Door | None:
        """Whose turn it is: with too many attempts under way, only where there is none may one begin."""
        if self.under_way < UNDER_WAY_MAX:
            return next(iter(self._waited_at), None)
        return next((door for door in self._waited_at if not door.under_way), None)

    def _turn(self) -> None:
        self._timer = None
        left = CALLS_A_TURN
        for door in list(self._waited_at):
            left -= door.let_in(min(door.room, left))
            if not door.is_waited_at:
                del self._waited_at[door]
        now_us = self._clock.monotonic_us()
        closed = self._next_closed() if now_us >= self._next_us else None
        if closed is not None:
            self._next_us = now_us + SPACING_US
            del self._waited_at[closed]
            closed.let_in(1)
            if closed.is_waited_at:
                self._waited_at[closed] = None
        if self._waited_at:
            goes_on = any(door.room > 0 for door in self._waited_at)
            self._look_in(now_us, now_us if goes_on else max(self._next_us, now_us + SPACING_US // 5))


class Door:
    """Of one integration."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self.under_way = 0
        """Attempts here that have begun and not ended."""
        self._begun = 0
        """Attempts since the last that worked."""
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def room(self) -> int:
        """How many attempts may begin before the door closes; not positive when it is closed."""
        return FREE - self._begun

    @property
    def is_waited_at(self) -> bool:
        while self._line and self._line[0].done():  # given up
            self._line.popleft()
        return bool(self._line)

    async def passed(self) -> bool:
        """Return when an attempt may begin; True if that took time."""
        if self.room > 0 and not self._line:
            return False
        mine = asyncio.get_running_loop().create_future()
        self._line.append(mine)
        self._doors.wait_at(self)
        await mine
        return True

    def let_in(self, count: int) -> int:
        """Let some of those that wait begin; returns how many did."""
        let_in = 0
        while let_in < count and self.is_waited_at:
            self._line.popleft().set_result(None)
            let_in += 1
        return let_in

    def begin(self) -> None:
        """An attempt begins."""
        self._begun += 1
        self.under_way += 1
        self._doors.under_way += 1

    def end(self, *, worked: bool) -> None:
        """An attempt has ended."""
        self.under_way -= 1
        self._doors.under_way -= 1
        if worked:
            self._begun = 0
            if self.is_waited_at:
                self._doors.wait_at(self)
