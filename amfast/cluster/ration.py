"""How much the log may say about what strangers send."""

from __future__ import annotations

from amfast.model.clock import Clock

LINES_A_SECOND = 10


class Ration:
    """Asked before a line is put together: a datagram can hold a thousand reasons for one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = 0
        self._said = 0

    def allows(self) -> bool:
        second = self._clock.monotonic_us() // 1_000_000
        if second != self._second:
            self._second, self._said = second, 0
        self._said += 1
        return self._said <= LINES_A_SECOND
