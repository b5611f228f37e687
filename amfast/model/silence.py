"""The silence as it is stored, gossiped and listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from amfast.model.labels import Labels

SilenceState = Literal["active", "pending", "expired"]


class MatcherSpec(NamedTuple):
    """A matcher as it travels; its pattern may have come from a peer and need not compile."""

    type: int
    """0 ``=``, 1 ``=~``, 2 ``!=``, 3 ``!~``: the numbers of the wire (reference storage, section 3)."""
    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Times are nanoseconds since the Unix epoch. The matchers of one set must all match, one set suffices."""

    id: str
    matcher_sets: tuple[tuple[MatcherSpec, ...], ...]
    starts_at_ns: int
    ends_at_ns: int
    updated_at_ns: int
    created_by: str
    comment: str
    annotations: Labels
    unknown: bytes = b""
    """Fields of newer versions, kept as they came so that they survive our own writing."""

    def state(self, now_ns: int) -> SilenceState:
        if now_ns < self.starts_at_ns:
            return "pending"
        return "active" if now_ns < self.ends_at_ns else "expired"


class SilenceNotFound(Exception):  # noqa: N818 - it is an answer more than an error
    """No silence has the id that was asked for."""


class SilenceRefused(Exception):  # noqa: N818
    """A silence that cannot be stored; its text is for the one who sent it."""
