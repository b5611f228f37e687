"""How work that waits for the disk leaves the event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class RunInThread(Protocol):
    """Runs work elsewhere and gives what it returns or raises: ``asyncio.to_thread``."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...
