"""The disk as this folder needs it, and how work that waits for it leaves the event loop."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol, TypeVar

T = TypeVar("T")


class RunInThread(Protocol):
    """Runs work elsewhere and gives what it returns or raises: ``asyncio.to_thread``."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


class Size(Protocol):
    """What is asked of a file's status."""

    @property
    def st_size(self) -> int: ...


class Disk(Protocol):
    """Those functions of ``os`` that files are kept with: that module is one, and the simulator has others."""

    def open(self, path: Path, flags: int, mode: int = ..., /) -> int: ...

    def fdopen(self, file: int, mode: Literal["rb"], /) -> BinaryIO: ...

    def write(self, file: int, data: memoryview, /) -> int: ...

    def fsync(self, file: int, /) -> None: ...

    def fdatasync(self, file: int, /) -> None: ...

    def ftruncate(self, file: int, size: int, /) -> None: ...

    def close(self, file: int, /) -> None: ...

    def replace(self, old: Path, new: Path, /) -> None: ...

    def link(self, old: Path, new: Path, /) -> None: ...

    def unlink(self, path: Path, /) -> None: ...

    def listdir(self, path: Path, /) -> list[str]: ...

    def stat(self, path: Path, /) -> Size: ...


MACHINE: Final[Disk] = os
