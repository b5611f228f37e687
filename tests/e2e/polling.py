"""Waiting for something outside this process, with a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
_POLL_S = 0.05


def eventually(look: Callable[[], T], what: str, within_s: float = 30.0) -> T:
    """The first true value `look` returns; AssertionError naming `what` when `within_s` seconds pass first.

    A `look` that raises OSError (connection refused, reset) or an AssertionError counts as not yet.
    """
    deadline = time.monotonic() + within_s
    last: object = None
    while True:
        try:
            seen = look()
        except (OSError, AssertionError) as error:
            last = error
        else:
            if seen:
                return seen
            last = seen
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within_s:g} s: {what} (last seen: {last!r})")
        time.sleep(_POLL_S)


def stays_quiet(seconds: float) -> None:
    """Let the time pass in which something that must not happen would happen."""
    time.sleep(seconds)
