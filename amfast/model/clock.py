"""Time as the parts see it: handed in, never read from the system by themselves.

Production gives every part one :class:`Clock` over the running event loop; tests and the simulator give one
whose time is virtual. Wall time and loop time are two things: wall time may step, loop time only grows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A scheduled call that can be withdrawn (an asyncio ``TimerHandle`` is one)."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Everything a part may know about time."""

    def now_ns(self) -> int:
        """Wall time, nanoseconds since the Unix epoch."""
        ...

    def monotonic_us(self) -> int:
        """Monotonic time, microseconds since an arbitrary start."""
        ...

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call ``callback`` once, ``seconds`` from now (at once when not positive)."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        ...
