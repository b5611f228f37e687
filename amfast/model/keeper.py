"""Whoever has changes on disk before anybody is told that they are done."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol


class Keeper(Protocol):
    """Takes delimited records as they are stored."""

    def add(self, record: bytes) -> None:
        """Have a record on disk soon; the call never waits."""
        ...

    def settled(self) -> Awaitable[None] | None:
        """Something to wait for until what was added so far is on disk or was given up; None if there is nothing."""
        ...


class NoKeeper:
    """Keeps nothing, as for a state that lives in memory only."""

    def add(self, record: bytes) -> None:
        """Pass over it."""

    def settled(self) -> None:
        """Say that there is nothing to wait for."""
