"""Files that people write for the program."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from amfast.model.errors import ConfigError

BYTES_MAX: Final = 64 << 20


def read_bytes(path: str | Path, what: str) -> bytes:
    """The content of a file up to one byte more than :data:`BYTES_MAX`; ``what`` names it in the error.

    Raises ConfigError.
    """
    try:
        if not stat.S_ISREG(
            Path(path).stat().st_mode
        ):  # a pipe would hold the whole node until somebody writes
            raise ConfigError(f"cannot read {what} {path}: it is not a regular file")
        with Path(path).open("rb") as file:
            return file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {what} {path}: {error.strerror or error}") from None


def read_start(path: str | Path, bytes_max: int) -> bytes:
    """The first bytes of a file that is read while the node works: it waits for nobody, a pipe may be empty.

    Raises OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor has no path
        return file.read(bytes_max) or b""
