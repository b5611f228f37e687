"""What is wrong with a world, and since when it is right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

Trouble = tuple[object, ...]
"""What is wrong: ``("node", 2)``, ``("heard", 0, 2)`` for what Prometheus 0 tells node 2, and so on."""


class Troubles:
    """Begun and ended by faults; the same may go wrong several times at once. Times are microseconds."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._running: dict[Trouble, int] = defaultdict(int)
        self._well_since_us: dict[Trouble, int] = defaultdict(int)
        self._last_us = 0

    def begin(self, *trouble: object) -> None:
        """Something goes wrong."""
        self._running[trouble] += 1
        self._last_us = self._now_us()

    def end(self, *trouble: object) -> None:
        """And is mended."""
        self._running[trouble] -= 1
        if not self._running[trouble]:
            del self._running[trouble]
        self._well_since_us[trouble] = self._last_us = self._now_us()

    def well_since_us(self, *trouble: object) -> int | None:
        """Since when that has not been wrong; None if it is."""
        return None if trouble in self._running else self._well_since_us[trouble]

    def calm_since_us(self) -> int | None:
        """Since when nothing at all has been wrong; None if something is."""
        return None if self._running else self._last_us
