"""Disks of simulated machines: what was not synced may be lost with the power, and the last write be torn."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import BinaryIO, Literal, TypeVar

from amfast.sim.contract.loop import Process

Loss = Literal["nothing", "unsynced", "everything"]
"""What a disk loses as its machine's process ends: killed, without power, replaced."""

_BUSY_S_MAX = 0.005
_ZEROS_MAX = 64
_T = TypeVar("_T")


class Gone(asyncio.CancelledError):
    """The process has ended; what it does to its disk reaches nobody, and nothing that handles errors sees this."""


@dataclass(slots=True)
class _File:
    data: bytes = b""
    synced: bytes = b""
    since: list[bytes] = field(default_factory=list)
    """What was in it after each change since it was synced."""

    def change(self, data: bytes) -> None:
        self.data = data
        self.since.append(data)

    def sync(self) -> None:
        self.synced = self.data
        self.since.clear()

    def lose(self, random: Random) -> None:
        """Keep a part of what was not synced: some changes, and the next one torn, at times with zeros behind."""
        states = [self.synced, *self.since]
        number = random.randrange(len(states))
        kept = states[number]
        if number + 1 < len(states) and len(states[number + 1]) > len(kept):
            torn = states[number + 1][len(kept) :]
            kept += torn[: random.randrange(len(torn))] + bytes(
                random.choice((0, random.randrange(_ZEROS_MAX)))
            )
        self.data = kept
        self.sync()


class Machine:
    """What outlives processes: files, and the names they have. There is one folder."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.names: dict[str, _File] = {}
        self._since: list[dict[str, _File]] = [{}]
        """The names when the folder was synced last, and after each change since."""

    def changed(self) -> None:
        """Note what the names are now."""
        self._since.append(dict(self.names))

    def sync(self) -> None:
        """Have the names as they are outlast everything."""
        self._since = [dict(self.names)]

    def lose(self, loss: Loss) -> None:
        """Lose that."""
        if loss == "everything":
            self.names.clear()
        elif loss == "unsynced":
            self.names = dict(self._random.choice(self._since))
            for file in self.names.values():
                file.lose(self._random)
        if loss != "nothing":
            self.sync()

    def copy(self) -> Machine:
        """Another one with the same files, to look at what would be read."""
        other = Machine(Random(0))  # noqa: S311 - nothing is drawn from it
        other.names = {name: _File(file.data, file.data) for name, file in self.names.items()}
        other.sync()
        return other


class Disk:
    """The disk as one process has it: an :class:`amfast.storage.disk.Disk` that ends with the process.

    Once ``cut`` is set it is called in place of the call that ``calls_left`` counts down to; a write is first done by
    half.
    """

    def __init__(self, machine: Machine, process: Process, random: Random) -> None:
        self.calls_left = 0
        self.cut: Callable[[], None] | None = None
        """Has to end the process."""
        self._machine = machine
        self._process = process
        self._random = random
        self._open: dict[int, _File | None] = {}
        self._opened = 0

    # As in the module ``os``.

    def open(self, path: Path, flags: int, _mode: int = 0o777, /) -> int:
        self._step()
        names, file = self._machine.names, None
        if not flags & os.O_DIRECTORY:
            file = names.get(path.name)
            if file is None and not flags & os.O_CREAT:
                raise FileNotFoundError(2, "no such file", str(path))
            if file is None:
                file = names[path.name] = _File()
                self._machine.changed()
        self._opened += 1
        self._open[self._opened] = file
        return self._opened

    def fdopen(self, file: int, _mode: Literal["rb"], /) -> BinaryIO:
        return io.BytesIO(self._file(file).data)

    def write(self, file: int, data: memoryview, /) -> int:
        opened = self._file(file)
        self._step(lambda: opened.change(opened.data + data[: self._random.randrange(len(data))]))
        opened.change(opened.data + data)
        return len(data)

    def fsync(self, file: int, /) -> None:
        self._step()
        opened = self._open[file]
        if opened is None:
            self._machine.sync()
        else:
            opened.sync()

    fdatasync = fsync

    def ftruncate(self, file: int, size: int, /) -> None:
        self._step()
        opened = self._file(file)
        if size != len(opened.data):
            opened.change(opened.data[:size].ljust(size, b"\0"))

    def close(self, file: int, /) -> None:
        self._step()
        del self._open[file]

    def replace(self, old: Path, new: Path, /) -> None:
        self._step()
        self._machine.names[new.name] = self._machine.names.pop(old.name)
        self._machine.changed()

    def link(self, old: Path, new: Path, /) -> None:
        self._step()
        self._machine.names[new.name] = self._machine.names[old.name]
        self._machine.changed()

    def unlink(self, path: Path, /) -> None:
        self._step()
        if path.name not in self._machine.names:
            raise FileNotFoundError(2, "no such file", str(path))
        del self._machine.names[path.name]
        self._machine.changed()

    def listdir(self, _path: Path, /) -> list[str]:
        return list(self._machine.names)

    def stat(self, path: Path, /) -> os.stat_result:
        if path.name not in self._machine.names:
            raise FileNotFoundError(2, "no such file", str(path))
        return os.stat_result((0, 0, 0, 0, 0, 0, len(self._machine.names[path.name].data), 0, 0, 0))

    def _file(self, file: int) -> _File:
        opened = self._open[file]
        if opened is None:
            raise IsADirectoryError(21, "is a folder")
        return opened

    def _step(self, half: Callable[[], None] | None = None) -> None:
        """Before a call that changes something: the process may have ended, or end now."""
        if self._process.alive and self.cut is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                if half is not None:
                    half()
                self.cut()
        if not self._process.alive:
            raise Gone

    # As ``asyncio.to_thread``.

    async def run(self, work: Callable[[], _T], /) -> _T:
        """Do the work after a moment; it is done also if nobody waits for it any more."""
        return await asyncio.shield(self._process.spawn(self._take_time(work)))

    async def _take_time(self, work: Callable[[], _T]) -> _T:
        await asyncio.sleep(self._random.random() * _BUSY_S_MAX)
        done = work()
        await asyncio.sleep(self._random.random() * _BUSY_S_MAX)
        return done
