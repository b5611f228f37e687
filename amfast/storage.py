"""The files of the data directory: read at the start, written whole beside the old one and renamed over it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from amfast.model.clock import Clock
from amfast.model.errors import AmfastError
from amfast.model.metric import Family, Kind, Summary, Value, single


class Persistent(Protocol):
    """A state that fits one file of delimited records."""

    def marshal(self) -> bytes: ...

    def load(self, data: bytes) -> None:
        """Raises ValueError for data that does not decode."""
        ...

    def collect_garbage(self) -> int: ...


class SnapshotFile:
    """One state and its file. ``name`` is the word for it in the metrics: ``silences`` or ``nflog``."""

    def __init__(
        self, directory: Path, name: str, state: Persistent, *, clock: Clock, log: logging.Logger
    ) -> None:
        self._path = directory / name
        self._name = name
        self._state = state
        self._clock = clock
        self._log = log
        self._writing = threading.Lock()
        self._written = 0
        """The number of the maintenance run whose data the file holds."""
        self._maintenances = 0
        self._errors = 0
        self._size_bytes = 0
        self._gc_durations = Summary()
        self._snapshot_durations = Summary()

    def load(self) -> None:
        """Read the file if there is one. Raises AmfastError when it cannot be read or does not decode."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise AmfastError(f"cannot read {self._path}: {error.strerror}") from error
        try:
            self._state.load(data)
        except ValueError as error:
            raise AmfastError(
                f"{self._path} is damaged ({error}); move it away to start without what it holds"
            ) from error

    async def maintain_every(self, seconds: float) -> None:
        """Collect garbage and write the file again and again, until cancelled."""
        while True:
            await self._clock.sleep(seconds)
            await asyncio.to_thread(self._write_logged, *self._prepare())

    def maintain(self) -> None:
        """Collect garbage and write the file once, now: the last act before the end."""
        self._write_logged(*self._prepare())

    def _prepare(self) -> tuple[int, bytes]:
        """The number of this run, and what is to be in the file."""
        started_us = self._clock.monotonic_us()
        self._state.collect_garbage()
        collected_us = self._clock.monotonic_us()
        self._gc_durations.observe((collected_us - started_us) / 1e6)
        self._maintenances += 1
        return self._maintenances, self._state.marshal()

    def _write_logged(self, number: int, data: bytes) -> None:
        started_us = self._clock.monotonic_us()
        try:
            with self._writing:
                # A thread that was overtaken, as by the last run before the end, must not bring old data back.
                if number < self._written:
                    return
                write_atomically(self._path, data)
                self._written = number
        except OSError as error:
            self._errors += 1
            attrs = {"file": str(self._path), "err": str(error)}
            self._log.error("Writing the snapshot failed, the old file stays", extra={"attrs": attrs})
            return
        self._size_bytes = len(data)
        self._snapshot_durations.observe((self._clock.monotonic_us() - started_us) / 1e6)

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


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file so that a crash leaves the old or the new one. Raises OSError; the old file then stays."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
