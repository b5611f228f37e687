"""A state of delimited records on disk: a snapshot in the reference's format, and a journal of what came since."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from amfast.model.clock import Clock
from amfast.model.keeper import Keeper
from amfast.model.metric import Family, Kind, Summary, Value, single
from amfast.storage.disk import MACHINE, Disk, RunInThread
from amfast.storage.journal import Journal, Mark
from amfast.storage.salvage import salvage
from amfast.storage.whole import open_if_there, remove_leftovers, set_aside, write_atomically

JOURNAL_BYTES_MAX: Final = 64 << 20
"""Beyond it a snapshot is written before its time."""
LOOK_S: Final = 10.0
"""How often to look whether a snapshot is needed before its time."""


class Persistent(Protocol):
    """A state that fits one file of delimited records."""

    keeper: Keeper
    """Told of everything that is stored, whoever made it."""

    def marshal(self) -> bytes: ...

    def load(self, data: bytes) -> None:
        """Take over records as they stand. Raises ValueError for data that does not decode, with nothing stored."""
        ...

    def merge(self, data: bytes) -> int:
        """Take over what is newer. Raises ValueError likewise."""
        ...

    def is_certain(self, record: bytes) -> bool:
        """Whether the bytes are one delimited record beyond doubt."""
        ...

    def collect_garbage(self) -> int: ...


class SnapshotFile:
    """One state and its files. ``name`` is the word for it in the metrics: ``silences`` or ``nflog``.

    ``spacing_s`` lies between the writes of the journal.
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        state: Persistent,
        *,
        clock: Clock,
        log: logging.Logger,
        run: RunInThread = asyncio.to_thread,
        disk: Disk = MACHINE,
        spacing_s: float = 0.0,
    ) -> None:
        self._path = directory / name
        self._journal_path = directory / f"{name}.journal"
        self._name = name
        self._state = state
        self._clock = clock
        self._log = log
        self._run = run
        self._disk = disk
        self.journal = Journal(self._journal_path, self._journal_failed, run, disk, spacing_s)
        self._writing = threading.Lock()
        self._written = 0
        """The number of the maintenance run whose data the file holds."""
        self._failed_at: int | None = None
        """The number of the last maintenance run before the disk failed: what has changed since then is in memory
        only until a later run succeeds. None while all is well."""
        self._maintenances = 0
        self._errors = 0
        self._size_bytes = 0
        self._damages = 0
        self._gc_durations = Summary()
        self._snapshot_durations = Summary()

    # Start

    def load(self) -> None:
        """Read snapshot and journal if they are there, and note from now on what changes.

        What is damaged is kept under another name, and what can be read of it is taken. Raises AmfastError when a
        file cannot be read at all.
        """
        remove_leftovers(self._path, self._disk)
        remove_leftovers(self._journal_path, self._disk)
        with open_if_there(self._path, self._disk) as file:
            data = b"" if file is None else file.read()
        if data:
            try:
                self._state.load(data)
            except ValueError as error:
                self._salvage(data, error)
        with open_if_there(self._journal_path, self._disk) as file:
            if file is not None:
                self._replay(file)
        if self._damages:
            self.maintain()  # what was kept is to be on disk before anything else happens
        elif self.journal.size:
            self.journal.hold()
        self._state.keeper = self.journal

    def _salvage(self, data: bytes, why: ValueError) -> None:
        name = self._set_aside(self._path)
        found = salvage(data, self._state.load, self._state.is_certain)
        attrs = {
            "file": str(self._path),
            "err": str(why),
            "first_damage_at": found.first_at,
            "size": len(data),
            "records_kept": found.records,
            "bytes_lost": found.lost_bytes,
            "damaged_file_kept_as": str(name),
        }
        self._log.error("The file is damaged, going on with what can be read of it", extra={"attrs": attrs})

    def _replay(self, file: BinaryIO) -> None:
        unreadable = 0

        def take(content: bytes) -> None:
            nonlocal unreadable
            try:
                self._state.merge(content)
            except ValueError:
                unreadable += 1

        attrs: dict[str, object] = {"file": str(self._journal_path)}
        try:
            found = self.journal.replay(file, take)
        except ValueError as error:
            attrs |= {"err": str(error), "damaged_file_kept_as": str(self._set_aside(self._journal_path))}
            self._log.error("The journal cannot be read, going on without it", extra={"attrs": attrs})
            return
        attrs |= {"writes": found.records, "unfinished_bytes": found.torn_bytes}
        if found.damaged_at < 0 and not unreadable:
            self._log.info("Changes since the last snapshot read from the journal", extra={"attrs": attrs})
            return
        name = self._set_aside(self._journal_path)
        attrs |= {
            "first_damage_at": found.damaged_at,
            "bytes_lost": found.lost_bytes,
            "unreadable": unreadable,
            "damaged_file_kept_as": str(name),
        }
        self._log.error(
            "The journal is damaged, going on with what can be read of it", extra={"attrs": attrs}
        )

    def _set_aside(self, path: Path) -> Path:
        self._damages += 1
        return set_aside(path, self._clock.now_ns(), self._disk)

    # While it runs

    async def maintain_every(self, seconds: float) -> None:
        """Collect garbage and write the file again and again, until cancelled.

        That happens before its time when the journal has grown long, or when the disk has failed.
        """
        while True:
            waited_s = 0.0
            while waited_s < seconds:
                pause_s = min(LOOK_S, seconds - waited_s)
                await self._clock.sleep(pause_s)
                waited_s += pause_s
                if self._failed_at is not None or self.journal.size > JOURNAL_BYTES_MAX:
                    break
            await self._run(partial(self._write, *self._prepare()))

    def maintain(self) -> None:
        """Collect garbage and write the file once, now."""
        with self._writing:
            number, mark, data = self._prepare()
        self._write(number, mark, data)

    async def finish(self) -> None:
        """Write everything: the last act before the end. The journal is then empty."""
        settled = self.journal.settled()
        if settled is not None:
            await settled
        self.maintain()
        self.journal.close()

    def _prepare(self) -> tuple[int, Mark, bytes]:
        """The number of this run, what it makes superfluous, and what is to be in the file."""
        started_us = self._clock.monotonic_us()
        self._state.collect_garbage()
        collected_us = self._clock.monotonic_us()
        self._gc_durations.observe((collected_us - started_us) / 1e6)
        self._maintenances += 1
        return self._maintenances, self.journal.mark(), self._state.marshal()

    def _write(self, number: int, mark: Mark, data: bytes) -> None:
        """In any thread. Errors are logged and counted."""
        started_us = self._clock.monotonic_us()
        try:
            with self._writing:
                # A thread that was overtaken, as by the last run before the end, must not bring old data back.
                if number < self._written:
                    return
                write_atomically(self._path, [data], self._disk)
                self._written = number
                self.journal.cut(mark)
        except OSError as error:
            self._errors += 1
            self._failed("Writing the snapshot failed, the old file stays", self._path, error)
            return
        if self._failed_at is not None and self._failed_at < number:
            self._failed_at = None
            self._log.warning("The disk takes writes again", extra={"attrs": {"file": str(self._path)}})
        self._size_bytes = len(data)
        self._snapshot_durations.observe((self._clock.monotonic_us() - started_us) / 1e6)

    def _journal_failed(self, error: Exception) -> None:
        what = "Writing the journal failed, changes are only in memory until the next snapshot succeeds"
        self._failed(what, self._journal_path, error)

    def _failed(self, what: str, path: Path, error: Exception) -> None:
        """One line as long as it lasts: the disk is tried again every few seconds."""
        if self._failed_at is None:
            attrs = {"file": str(path), "err": str(error)}
            self._log.error(what, extra={"attrs": attrs})
        self._failed_at = self._maintenances

    def metrics(self) -> Iterator[Family]:
        rows: tuple[tuple[str, Kind, str, Value], ...] = (
            ("gc_duration_seconds", "summary", "Time to collect garbage in", self._gc_durations),
            ("snapshot_duration_seconds", "summary", "Time to write the file of", self._snapshot_durations),
            ("snapshot_size_bytes", "gauge", "Size of the last file written of", float(self._size_bytes)),
            ("maintenance_total", "counter", "Maintenance runs of", float(self._maintenances)),
            ("maintenance_errors_total", "counter", "Failed maintenance runs of", float(self._errors)),
        )
        for suffix, kind, text, value in rows:
            yield single(f"alertmanager_{self._name}_{suffix}", kind, f"{text} {self._name}.", value)
        ours: tuple[tuple[str, Kind, str, float], ...] = (
            (
                "disk_failing",
                "gauge",
                "Whether the disk did not take the last write of",
                self._failed_at is not None,
            ),
            ("damaged_files_total", "counter", "Damaged files found at the start, of", self._damages),
            ("journal_size_bytes", "gauge", "Size of the journal of", self.journal.size),
            ("journal_writes_total", "counter", "Writes to the journal of", self.journal.writes),
        )
        for suffix, kind, text, number in ours:
            yield single(f"amfast_{self._name}_{suffix}", kind, f"{text} {self._name}.", float(number))
