"""Recursion that costs no stack: a walk is a generator that yields the walks whose outcome it needs."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

T = TypeVar("T")


def run(walk: Generator[Any, Any, T]) -> T:
    """What the walk returns."""
    walks = [walk]
    outcome: T | None = None
    while True:
        try:
            step = walks[-1].send(outcome)
        except StopIteration as end:
            walks.pop()
            if not walks:
                result: T = end.value
                return result
            outcome = end.value
        else:
            walks.append(step)
            outcome = None
