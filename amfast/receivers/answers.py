"""What comes back from a request, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

BODY_BYTES_MAX: Final = 64 << 10
"""Of an answer's body, what is kept; a connection whose answer is longer is closed."""
BODY_WAIT_S: Final = 5.0
"""How long to read a body: the verdict stands in the status, and a body that does not end must not delay it."""
HEADER_BYTES_MAX: Final = 64 << 10
HEADERS_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """The final answer: ``body`` is as much as was read within the client's bounds; header names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    secrets: frozenset[str] = frozenset()
    """What the request said that must not be shown where the answer repeats it."""
