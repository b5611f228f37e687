"""The journal beside a snapshot: what changed since it was written, on disk before anybody is told that it is done.

Changes that come while the disk is busy wait for it together, so that one write serves them all. A thread does the
writing; the event loop never waits for the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from amfast.storage.disk import MACHINE, Disk, RunInThread
from amfast.storage.frames import frame, frames_of
from amfast.storage.whole import read_all, size_of, sync_folder, write_all, write_atomically

HEADER: Final = b"amfast journal 2\n"
PORTION_BYTES: Final = 16 << 20
"""Of records in one frame."""
PENDING_BYTES_MAX: Final = 64 << 20
"""Of records that wait for the disk; beyond it they are left to the next snapshot."""
WAIT_MAX_S: Final = 10.0
"""How long anybody waits for the disk; then what was written counts as given up."""


class Mark(NamedTuple):
    """A place in the journal up to which a snapshot makes it superfluous."""

    generation: int
    size: int


@dataclass(slots=True)
class Replay:
    """What was found in a journal."""

    records: int = 0
    damaged_at: int = -1
    """Where the first damage begins; -1 without any."""
    lost_bytes: int = 0
    """That are damaged."""
    torn_bytes: int = 0
    """What the last write before a crash left unfinished; nobody was told that it was done."""


class _Batch:
    """What is written together, and who waits for it: no longer than :data:`WAIT_MAX_S`, then it was given up.

    A disk that hangs must not make everybody hang who is only to know that it holds something.
    """

    def __init__(self, on_failure: Callable[[Exception], None]) -> None:
        self.records: list[bytes] = []
        self.bytes = 0
        self._on_failure = on_failure
        self._waiters: list[asyncio.Future[None]] = []
        self._is_open = True
        self._deadline = asyncio.get_running_loop().call_later(WAIT_MAX_S, self._give_up)

    def settled(self) -> Awaitable[None] | None:
        if not self._is_open:
            return None
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        return waiter

    def _give_up(self) -> None:
        self._on_failure(TimeoutError(f"a write has taken more than {WAIT_MAX_S:g} s"))
        self.end()

    def end(self) -> None:
        """Let everybody go on."""
        self._is_open = False
        self._deadline.cancel()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()


class Journal:
    """Delimited records in checksummed frames, one frame for each write.

    ``on_failure`` hears why the disk fails. Writes begin at least ``spacing_s`` apart, where who waits is in no hurry:
    then more of them share one.
    """

    def __init__(
        self,
        path: Path,
        on_failure: Callable[[Exception], None],
        run: RunInThread = asyncio.to_thread,
        disk: Disk = MACHINE,
        spacing_s: float = 0.0,
    ) -> None:
        self._path = path
        self._disk = disk
        self._on_failure = on_failure
        self._run = run
        self._spacing_s = spacing_s
        self._not_before_s = 0.0
        """On the loop's clock, when the next write may begin."""
        self._lock = threading.Lock()
        self._file = -1
        self._generation = 0
        self._under_way: _Batch | None = None
        """What is being written."""
        self._next: _Batch | None = None
        """What is pending."""
        self._task: asyncio.Task[None] | None = None
        self.size = 0
        """Bytes that are on disk."""
        self.writes = 0

    def replay(self, file: BinaryIO, take: Callable[[bytes], object]) -> Replay:
        """Give what the file of an earlier life holds to ``take``, write by write; go on behind what is good.

        Raises ValueError if it is of another version, OSError.
        """
        begun = file.read(len(HEADER))
        if HEADER.startswith(begun) and begun != HEADER:
            return Replay()  # the crash came before anything was in it
        file.seek(0)
        reader = frames_of(file, HEADER)
        found = Replay()
        for content in reader:
            take(content)
            found.records += 1
        self.size = reader.end
        if reader.damages:
            found.damaged_at, found.lost_bytes = reader.damages[0], reader.lost_bytes
        else:
            found.torn_bytes = reader.size - reader.end
        return found

    def hold(self) -> None:
        """Have what was replayed outlast the machine: whoever wrote it may have ended before it was on disk."""
        try:
            with self._lock:
                self._open()
                self._disk.fdatasync(self._file)
                sync_folder(self._path.parent, self._disk)
        except OSError as error:
            self._on_failure(error)

    # In the event loop

    def add(self, record: bytes) -> None:
        """Have one delimited record written soon; the call never waits."""
        if self._next is None:
            self._next = _Batch(self._on_failure)
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._write_pending())
        batch = self._next
        batch.records.append(record)
        batch.bytes += len(record)
        if batch.bytes > PENDING_BYTES_MAX:
            batch.records.clear()
            batch.bytes = 0
            self._on_failure(OSError("changes come faster than the disk takes them"))

    @property
    def is_settled(self) -> bool:
        """Whether what was added so far is on disk or was given up."""
        return self._next is None and self._under_way is None

    def settled(self) -> Awaitable[None] | None:
        """Something to wait for until that is so; None if it is already."""
        latest = self._next or self._under_way
        return None if latest is None else latest.settled()

    def mark(self) -> Mark:
        """What a snapshot of the state as it is now makes superfluous."""
        return Mark(self._generation, self.size)

    async def _write_pending(self) -> None:
        loop = asyncio.get_running_loop()
        while self._next is not None:
            if (rest_s := self._not_before_s - loop.time()) > 0:
                await asyncio.sleep(rest_s)
            self._not_before_s = loop.time() + self._spacing_s
            batch = self._under_way = self._next
            self._next = None
            try:
                if batch.records:
                    await self._run(partial(self._append, batch.records))
            except Exception as error:  # noqa: BLE001 - whatever it is, it must be told, and nobody wait for ever
                self._on_failure(error)
            self._under_way = None
            batch.end()
        self._task = None

    # In threads

    def _append(self, records: list[bytes]) -> None:
        with self._lock:
            self._open()
            size = self.size
            try:
                for content in _portions(records):
                    write_all(self._file, framed := frame(content), self._disk)
                    size += len(framed)
                self._disk.fdatasync(self._file)
            except OSError:
                with contextlib.suppress(OSError):
                    self._disk.ftruncate(self._file, self.size)
                self._close()  # the next write looks anew at what there is
                raise
            self.size = size
            self.writes += 1

    def _open(self) -> None:
        """Have the file open, with nothing behind what counts. Raises OSError."""
        if self._file >= 0:
            return
        file = self._disk.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            self._disk.ftruncate(file, self.size)
            if self.size == 0:
                write_all(file, HEADER, self._disk)
                self._disk.fdatasync(file)
                sync_folder(self._path.parent, self._disk)
        except OSError:
            self._disk.close(file)
            raise
        self.size = max(self.size, len(HEADER))
        self._file = file

    def cut(self, mark: Mark) -> None:
        """Forget what came before the mark: the snapshot on disk has it. Raises OSError."""
        with self._lock:
            if mark.generation != self._generation or size_of(self._path, self._disk) is None:
                return
            self._generation += 1
            self._close()
            rest = read_all(self._path, self._disk)[max(mark.size, len(HEADER)) : self.size]
            try:
                if rest:
                    write_atomically(self._path, (HEADER, rest), self._disk)
                else:
                    self._disk.unlink(self._path)
            finally:  # even what fails at last may have put the new file in place
                self.size = min(self.size, size_of(self._path, self._disk) or 0)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        # Even a close that fails gives the descriptor back, and it may be somebody else's before we try again.
        file, self._file = self._file, -1
        if file >= 0:
            self._disk.close(file)


def _portions(records: list[bytes]) -> Iterator[bytes]:
    """The records joined to contents of frames."""
    start = size = 0
    for place, record in enumerate(records):
        if size and size + len(record) > PORTION_BYTES:
            yield b"".join(records[start:place])
            start, size = place, 0
        size += len(record)
    yield b"".join(records[start:])
