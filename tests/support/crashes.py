"""Cuts a program off at any of its system calls on files, as a kill or a power cut would."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

CALLS = ("open", "write", "fsync", "fdatasync", "ftruncate", "close", "replace", "unlink", "link")


class Crash(BaseException):
    """The end of the program; nothing that handles errors sees it."""


class CrashAt:
    """Within it, the call with this number (from 0) raises instead of being made, and so do all that follow.

    A write is first done by half. ``made`` counts the calls; ``failure``, if given, is raised in place of the crash,
    by that one call only.
    """

    def __init__(self, number: int, failure: OSError | None = None) -> None:
        self.number = number
        self.made = 0
        self._failure = failure
        self._real: dict[str, Any] = {name: getattr(os, name) for name in CALLS}

    def __enter__(self) -> Self:
        for name in CALLS:
            setattr(os, name, self._wrap(name))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        for name, call in self._real.items():
            setattr(os, name, call)
        # What was cut off complains when it is collected: here, and not in the middle of some other test.
        gc.collect(1)
        return kind is not None and issubclass(kind, Crash)

    @property
    def has_struck(self) -> bool:
        return self.made > self.number

    def _wrap(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def call(*args: Any, **options: Any) -> Any:
            if name == "open" and args[1] & ~os.O_CLOEXEC == os.O_RDONLY:
                return real(*args, **options)  # to read a file changes nothing
            number, self.made = self.made, self.made + 1
            if number < self.number or (self._failure is not None and number > self.number):
                return real(*args, **options)
            if number == self.number and name == "write":
                real(args[0], args[1][: len(args[1]) // 2])
            if self._failure is not None:
                raise self._failure
            raise Crash

        return call
