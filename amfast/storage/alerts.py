"""The file of alerts: what was heard, and when which group is due, so that a restart goes on where it stopped.

The format is our own: a header line, then frames. The first byte of a frame says what it holds: ``M`` when the file
was begun, ``R`` a slice of the table of alerts, ``G`` the next flushes of some groups, ``E`` nothing, at the end.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from amfast.model.clock import Clock
from amfast.model.errors import AmfastError
from amfast.model.flush import GroupName
from amfast.model.metric import Family, Kind, Summary, Value, single
from amfast.storage.disk import MACHINE, Disk, RunInThread
from amfast.storage.frames import frame, frames_of
from amfast.storage.whole import NewFile, open_if_there, remove_leftovers, set_aside

HEADER: Final = b"amfast alerts 2\n"
GROUPS_A_SLICE: Final = 1000
TIMES_END_NS: Final = 1 << 63
APART_S: Final = 60.0
"""Between two writes: about what it takes Prometheus to say everything again."""
APART: Final = 100
"""Times as long as the last write took there are at least between two."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file of alerts is made of, and who takes it back."""

    rows: Callable[[int], tuple[int, bytes]]
    """A slice of the alerts from this place on, and the next place, 0 at the end."""
    take_rows: Callable[[bytes, int], int]
    """Takes a slice that was written at this time; how many alerts. Raises ValueError."""
    timers: Callable[[], Iterator[tuple[GroupName, int]]]
    """Every group with the wall time of its next flush, in nanoseconds."""


@dataclass(slots=True)
class Restored:
    """What an earlier life left."""

    saved_at_ns: int = 0
    """When the file was begun; 0 without one."""
    alerts: int = 0
    timers: dict[GroupName, int] = field(default_factory=dict)
    is_complete: bool = False


class AlertsFile:
    """Alerts and the timers of their groups on disk, written and read a slice at a time."""

    def __init__(
        self,
        directory: Path,
        contents: Contents,
        *,
        clock: Clock,
        log: logging.Logger,
        run: RunInThread,
        disk: Disk = MACHINE,
    ) -> None:
        self._path = directory / "alerts"
        self._contents = contents
        self._clock = clock
        self._log = log
        self._run = run
        self._disk = disk
        self._is_failing = False
        self._errors = 0
        self._damages = 0
        self._size_bytes = 0
        self._took_s = 0.0
        self._durations = Summary()

    # Reading

    async def restore(self) -> Restored:
        """Take back what the file holds. Raises AmfastError when it cannot be read at all.

        A damaged file is kept under another name, and what can be read of it is taken.
        """
        remove_leftovers(self._path, self._disk)
        restored = Restored()
        with open_if_there(self._path, self._disk) as file:
            if file is None:
                return restored
            try:
                async for slice_ in self._slices(file, restored):
                    self._take(slice_, restored)
            except ValueError as error:
                self._report_damage(restored, str(error))
                return restored
        attrs = {"file": str(self._path), "alerts": restored.alerts, "groups": len(restored.timers)}
        self._log.info("Alerts of an earlier life read", extra={"attrs": attrs})
        return restored

    async def _slices(self, file: BinaryIO, restored: Restored) -> AsyncIterator[bytes]:
        """The contents of all good frames, then ValueError if not all were good."""
        reader = frames_of(file, HEADER)
        for content in reader:
            yield content
            await self._clock.sleep(0)
        if reader.damages or reader.end != reader.size or not restored.is_complete:
            first = reader.damages[0] if reader.damages else reader.end
            raise ValueError(f"the first damage is at {first} of {reader.size} bytes")

    def _take(self, content: bytes, restored: Restored) -> None:
        """Raises ValueError for what was never written so, whatever its checksum."""
        kind, body = content[:1], content[1:]
        if kind == b"M":
            restored.saved_at_ns = _time_of(_read_json(body))
        elif not restored.saved_at_ns:
            raise ValueError("when it was written is lost")
        elif kind == b"R":
            restored.alerts += self._contents.take_rows(body, restored.saved_at_ns)
        elif kind == b"G":
            restored.timers.update(map(_timer_of, _read_list(body)))
        elif kind == b"E":
            restored.is_complete = True

    def _report_damage(self, restored: Restored, why: str) -> None:
        self._damages += 1
        attrs = {
            "file": str(self._path),
            "err": why,
            "alerts_kept": restored.alerts,
            "groups_kept": len(restored.timers),
            "damaged_file_kept_as": str(set_aside(self._path, self._clock.now_ns(), self._disk)),
        }
        self._log.error(
            "The file of alerts is damaged, going on with what can be read of it", extra={"attrs": attrs}
        )

    # Writing

    async def write_every(self, seconds: float) -> None:
        """Write the file every minute, less often where it is large, until cancelled; every ``seconds`` at least."""
        while True:
            await self._clock.sleep(min(seconds, max(APART_S, APART * self._took_s)))
            await self.write()

    async def write(self) -> None:
        """Write the file, now. The event loop goes on between the slices. Errors are logged and counted."""
        started_us = self._clock.monotonic_us()
        new: NewFile | None = None
        try:
            new = await self._run(partial(NewFile, self._path, self._disk))
            await self._run(partial(new.write, HEADER))
            for content in self._frames():
                await self._run(partial(new.write, frame(content)))
            await self._run(new.put_in_place)
        except OSError as error:
            self._errors += 1
            if not self._is_failing:
                attrs = {"file": str(self._path), "err": str(error)}
                self._log.error("Writing the alerts failed, the old file stays", extra={"attrs": attrs})
            self._is_failing = True
            return
        finally:
            if new is not None:
                new.give_up()  # of what is in place nothing is left to give up
        if self._is_failing:
            self._is_failing = False
            self._log.warning("The disk takes writes again", extra={"attrs": {"file": str(self._path)}})
        self._size_bytes = new.size
        self._took_s = (self._clock.monotonic_us() - started_us) / 1e6
        self._durations.observe(self._took_s)

    def _frames(self) -> Iterator[bytes]:
        yield b"M" + json.dumps(self._clock.now_ns()).encode()
        start = -1
        while start:
            start, rows = self._contents.rows(max(start, 0))
            yield b"R" + rows
        timers = self._contents.timers()
        while some := [[key, values, due_ns] for (key, values), due_ns in islice(timers, GROUPS_A_SLICE)]:
            yield b"G" + json.dumps(some).encode()
        yield b"E"

    def forget(self) -> None:
        """Remove the file: what it says would be older each time. Raises AmfastError."""
        try:
            self._disk.unlink(self._path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise AmfastError(f"cannot remove {self._path}: {error.strerror}") from error

    def metrics(self) -> Iterator[Family]:
        rows: tuple[tuple[str, Kind, str, Value], ...] = (
            ("snapshot_duration_seconds", "summary", "Time to write the file of", self._durations),
            ("snapshot_size_bytes", "gauge", "Size of the last file written of", float(self._size_bytes)),
            ("snapshot_errors_total", "counter", "Failed writes of the file of", float(self._errors)),
            ("damaged_files_total", "counter", "Damaged files found at the start, of", float(self._damages)),
            (
                "disk_failing",
                "gauge",
                "Whether the disk did not take the last write of",
                float(self._is_failing),
            ),
        )
        for suffix, kind, text, value in rows:
            yield single(f"amfast_alerts_{suffix}", kind, f"{text} alerts.", value)


def _read_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _read_list(body: bytes) -> list[object]:
    found = _read_json(body)
    if not isinstance(found, list):
        raise ValueError("it is no list of timers")  # noqa: TRY004 - what is wrong is the file
    return found


def _time_of(value: object) -> int:
    if not isinstance(value, int) or not 0 < value < TIMES_END_NS:
        raise ValueError(f"{value!r:.40} is no time")
    return value


def _timer_of(item: object) -> tuple[GroupName, int]:
    match item:
        case [str(key), [*values], due_ns]:
            return (key, tuple(map(str, values))), _time_of(due_ns)
    raise ValueError(f"{item!r:.40} is no timer")
