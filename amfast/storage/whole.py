"""Whole files: written beside the old one and renamed over it, and set aside when they are damaged."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from amfast.model.errors import AmfastError
from amfast.model.timestamp import NS, Time, format_nano
from amfast.storage.disk import MACHINE, Disk

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp")
COPIES_MAX = 1000
"""Of damaged files with the same name and time."""


def write_atomically(path: Path, pieces: Iterable[bytes], disk: Disk = MACHINE) -> int:
    """Replace a file so that a crash leaves the old or the new one; returns its size.

    Raises OSError; the old file then stays, and nothing else.
    """
    new = NewFile(path, disk)
    try:
        for piece in pieces:
            new.write(piece)
        new.put_in_place()
    except OSError:
        new.give_up()
        raise
    return new.size


class NewFile:
    """What is to replace a file, as long as it is being written. Raises OSError, as its methods do.

    It may be given up while a thread still writes: what comes after that is dropped, and never reaches whoever has got
    the descriptor since.
    """

    def __init__(self, path: Path, disk: Disk = MACHINE) -> None:
        self._path = path
        self._disk = disk
        self._temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
        self._lock = threading.Lock()
        self._file = disk.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        self.size = 0

    def write(self, data: bytes) -> None:
        with self._lock:
            if self._file >= 0:
                write_all(self._file, data, self._disk)
                self.size += len(data)

    def put_in_place(self) -> None:
        """Have it on disk, then under its name, and that on disk as well."""
        with self._lock:
            if self._file < 0:
                return
            self._disk.fsync(self._file)
            self._close()
            self._disk.replace(self._temporary, self._path)
            sync_folder(self._path.parent, self._disk)

    def give_up(self) -> None:
        """Leave the old file as it is."""
        with self._lock:
            with contextlib.suppress(OSError):
                self._close()
            with contextlib.suppress(OSError):
                self._disk.unlink(self._temporary)

    def _close(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            self._disk.close(file)


def write_all(file: int, data: bytes, disk: Disk = MACHINE) -> None:
    """Write everything, however the system cuts it. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[disk.write(file, view) :]


def sync_folder(folder: Path, disk: Disk = MACHINE) -> None:
    """Have the names in a folder on disk. Raises OSError."""
    opened = disk.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        disk.fsync(opened)
    finally:
        disk.close(opened)


def size_of(path: Path, disk: Disk = MACHINE) -> int | None:
    """Of a file, None if there is none. Raises OSError."""
    try:
        return disk.stat(path).st_size
    except FileNotFoundError:
        return None


def read_all(path: Path, disk: Disk = MACHINE) -> bytes:
    """What is in a file. Raises OSError."""
    with _open(path, disk) as file:
        return file.read()


def _open(path: Path, disk: Disk) -> BinaryIO:
    return disk.fdopen(disk.open(path, os.O_RDONLY | os.O_CLOEXEC), "rb")


def take_folder(folder: Path) -> int:
    """Make a folder if there is none, and lock it. Raises AmfastError, also if it takes no files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "there is a file of that name" if folder.is_file() else error.strerror
        raise AmfastError(f"cannot create the data directory {folder}: {why}") from None
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise AmfastError(f"cannot write into the data directory {folder}: {error.strerror}") from None
    return lock_folder(folder)


def lock_folder(folder: Path) -> int:
    """Take a folder for this process, until the file descriptor is closed or the process ends. Raises AmfastError."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            raise AmfastError(f"another amfast uses the data directory {folder}") from None
        except OSError:  # a file system without locks
            pass
    except OSError as error:
        raise AmfastError(f"cannot open the data directory {folder}: {error.strerror}") from error
    return opened


def remove_leftovers(path: Path, disk: Disk = MACHINE) -> int:
    """Remove what crashes left of unfinished writes of this file; returns how many."""
    count = 0
    with contextlib.suppress(OSError):  # then they stay, and do no harm
        for other in disk.listdir(path.parent):
            if other.startswith(path.name) and _TEMPORARY.fullmatch(other[len(path.name) :]):
                disk.unlink(path.with_name(other))
                count += 1
    return count


def set_aside(path: Path, now_ns: int, disk: Disk = MACHINE) -> Path:
    """Keep a damaged file under another name as well; returns that name. Raises AmfastError.

    The file itself stays until the next one is renamed over it, so a crash loses nothing of it.
    """
    try:
        return _set_aside(path, now_ns, disk)
    except OSError as error:
        raise AmfastError(
            f"{path} is damaged and cannot be kept under another name: {error.strerror or error}; "
            "move it away to start without it"
        ) from error


def _set_aside(path: Path, now_ns: int, disk: Disk) -> Path:
    time = format_nano(Time(now_ns // NS * NS))
    for number in range(COPIES_MAX):
        name = path.with_name(f"{path.name}.damaged-{time}{f'-{number}' if number else ''}")
        try:
            disk.link(path, name)
        except FileExistsError:
            continue
        except OSError:  # a file system without hard links
            if size_of(name, disk) is not None:
                continue
            write_atomically(name, [read_all(path, disk)], disk)
        return name
    raise OSError(f"there are {COPIES_MAX} damaged files of this name and time")


@contextlib.contextmanager
def open_if_there(path: Path, disk: Disk = MACHINE) -> Iterator[BinaryIO | None]:
    """The file for reading, None if there is none. Raises AmfastError when it cannot be read, then or later."""
    try:
        with _open(path, disk) as file:
            yield file
    except FileNotFoundError:
        yield None
    except OSError as error:
        raise AmfastError(f"cannot read {path}: {error.strerror}") from error
