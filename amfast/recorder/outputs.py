"""What the recorder needs of an output, and the outputs that write lines: files and standard output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from amfast.model.errors import AmfastError
from amfast.recorder.shapes import Tree, as_json
from amfast.recorder.words import ENVELOPE

CLOSE_S = 30.0
"""How long an output may take to write what it was given, once no more comes."""

PATIENCE_S = 5.0
"""How long the other outputs wait for one that writes lines. Until it is done it gets no more of them."""


class Entry:
    """One recorded event on its way to the outputs. ``tell`` puts it into words, or raises ValueError."""

    __slots__ = ("_json", "_tell", "kind")

    def __init__(self, kind: str, tell: Callable[[], Tree]) -> None:
        self.kind = kind
        self._tell = tell
        self._json: bytes | None = None

    def json(self) -> bytes:
        """Its JSON text, made once for all outputs. Raises ValueError."""
        if self._json is None:
            self._json = as_json(ENVELOPE, self._tell())
        return self._json

    def binary(self) -> bytes:
        """Its protobuf form. Raises ValueError."""
        return ENVELOPE.binary(self._tell())


class Output(Protocol):
    """One place to which events go."""

    @property
    def name(self) -> str:
        """What metrics and the log call it; it shows no secret."""
        ...

    def encode(self, entry: Entry) -> bytes:
        """The bytes that are written for an event. Raises ValueError."""
        ...

    async def write(self, payloads: Sequence[bytes]) -> str:
        """Write or queue what was encoded; returns why that failed, empty when it did not."""
        ...

    async def close(self) -> None:
        """Write what is left, within :data:`CLOSE_S`, and end."""
        ...


class LineOutput:
    """Lines of JSON. A thread of its own writes them, so that a slow disk or a full pipe holds up nothing else."""

    def __init__(self, name: str, write: Callable[[bytes], None], end: Callable[[], None]) -> None:
        self.name = name
        self._write = write
        self._end = end
        self._jobs: queue.SimpleQueue[tuple[asyncio.Future[str], bytes] | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._doing: asyncio.Future[str] | None = None
        # Not one of the loop's own threads, for which the end of the process would wait.
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def encode(self, entry: Entry) -> bytes:
        return entry.json() + b"\n"

    async def write(self, payloads: Sequence[bytes]) -> str:
        """See :class:`Output`."""
        if self._doing is not None and not self._doing.done():
            return "still writing what came before"
        self._doing = done = self._loop.create_future()
        self._jobs.put((done, b"".join(payloads)))
        finished, _ = await asyncio.wait([done], timeout=PATIENCE_S)
        return done.result() if finished else f"not written within {PATIENCE_S:g} s"

    async def close(self) -> None:
        """See :class:`Output`."""
        self._jobs.put(None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._ended.wait()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            done, data = job
            try:
                self._write(data)
                problem = ""
            except OSError as error:
                problem = error.strerror or type(error).__name__
            self._call(_answer, done, problem)
        with contextlib.suppress(OSError):
            self._end()
        self._call(self._ended.set)

    def _call(self, callback: Callable[..., object], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # nobody waits any more
            self._loop.call_soon_threadsafe(callback, *args)


def _answer(done: asyncio.Future[str], problem: str) -> None:
    if not done.done():
        done.set_result(problem)


def file_output(path: str) -> LineOutput:
    """Appends to a file, which is made if it is not there. Raises AmfastError when it cannot be opened."""
    try:
        file = _Appended(Path(path))
    except OSError as error:
        raise AmfastError(f"cannot write to {path}: {error.strerror}") from None
    return LineOutput(f"file:{path}", file.write, file.close)


def stdout_output(descriptor: int = 1) -> LineOutput:
    """Writes to standard output."""
    return LineOutput("stdout", lambda data: _write_all(descriptor, data), lambda: None)


class _Appended:
    """A file that is opened again when somebody has renamed or removed it, as when logs are rotated."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = self._open()

    def _open(self) -> int:
        # A named pipe that nobody reads is an error, not something to wait for.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(self._path, flags, 0o644)
        os.set_blocking(descriptor, True)
        return descriptor

    def write(self, data: bytes) -> None:
        """Raises OSError."""
        if self._has_gone():
            descriptor = self._open()
            os.close(self._descriptor)
            self._descriptor = descriptor
        _write_all(self._descriptor, data)

    def _has_gone(self) -> bool:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return True
        ours = os.fstat(self._descriptor)
        return (found.st_dev, found.st_ino) != (ours.st_dev, ours.st_ino)

    def close(self) -> None:
        os.close(self._descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
