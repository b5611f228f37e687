"""What comes back from a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """The final answer: ``body`` is as much as was read within the client's bounds; header names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]
