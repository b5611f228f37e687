"""How a failed exchange reads in the log."""

from __future__ import annotations

import os


def describe(error: Exception) -> str:
    """Why an exchange failed, the same words on every event loop."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return str(error)
