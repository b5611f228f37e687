"""Noticing that a file has changed, for ``--config.auto-reload``."""

from __future__ import annotations

from pathlib import Path

State = tuple[int, int, int] | None
"""When it was last written, its size, and which file it is; None for no file."""


class FileWatch:
    """Compares a file with what was last read of it. A link is followed, as in mounted Kubernetes maps."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = self._seen = self._state()

    def reading(self) -> None:
        """The file is about to be read: what it is now is no change any more."""
        self._read = self._seen = self._state()

    def changed(self) -> bool:
        """Whether the file is another than was read, and the same as at the last look: nobody is writing it."""
        state = self._state()
        still, self._seen = state == self._seen, state
        return state is not None and still and state != self._read

    def _state(self) -> State:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
