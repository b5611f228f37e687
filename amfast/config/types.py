"""The configuration as the rest of the program sees it: frozen, checked, with nothing left to look up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol

from amfast.config.emit import Printed
from amfast.config.globals import Global
from amfast.config.holders import Pairs
from amfast.config.observing import EventRecorder, Tracing
from amfast.model.interval import TimeInterval
from amfast.model.matcher import Matcher

_SECOND_NS: Final = 1_000_000_000
DEFAULT_GROUP_WAIT_NS: Final = 30 * _SECOND_NS
DEFAULT_GROUP_INTERVAL_NS: Final = 5 * 60 * _SECOND_NS
DEFAULT_REPEAT_INTERVAL_NS: Final = 4 * 3600 * _SECOND_NS

Intervals = tuple[tuple[str, tuple[TimeInterval, ...]], ...]
"""Named time intervals: a moment is in one when it is in any of its alternatives."""


@dataclass(frozen=True, slots=True)
class Route:
    """One node of the routing tree; None is what it inherits (reference config, section 4).

    ``matchers`` is the sorted union of ``match``, ``match_re`` and ``matchers``.
    """

    receiver: str = ""
    group_by: tuple[str, ...] | None = None
    group_by_all: bool = False
    group_wait_ns: int | None = None
    group_interval_ns: int | None = None
    repeat_interval_ns: int | None = None
    matchers: tuple[Matcher, ...] = ()
    continue_: bool = False
    routes: tuple[Route, ...] = ()
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    labels: Pairs = ()
    """What this route adds to the labels it inherits; the values are templates."""


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """Which alerts, while they fire, hold back which others (reference config, section 5).

    Each side's matchers are the union of its three forms; ``equal`` names labels whose values must agree.
    """

    source: tuple[Matcher, ...] = ()
    target: tuple[Matcher, ...] = ()
    equal: tuple[str, ...] = ()
    name: str = ""


class IntegrationConfig(Protocol):
    """What every integration's configuration has; it is a :class:`Block` beside that."""

    kind: ClassVar[str]
    """``webhook``, ``email`` …"""

    @property
    def send_resolved(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Receiver:
    """A name and the ways out behind it, in the order they are built (reference notify, section 5)."""

    name: str
    labels: Pairs = ()
    """In name order; ``name`` is always among them."""
    integrations: tuple[IntegrationConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration that passed every check."""

    global_: Global
    route: Route
    receivers: tuple[Receiver, ...]
    inhibit_rules: tuple[InhibitRule, ...]
    printed: Printed = field(repr=False, compare=False)
    hash: int
    """``alertmanager_config_hash``: the first six bytes of the file's MD5, little-endian."""
    warnings: tuple[str, ...] = ()
    """One line each, for the log: what works but should be changed."""
    intervals: Intervals = ()
    templates: tuple[str, ...] = ()
    """Globs of template files, seen from the working directory."""
    tracing: Tracing | None = None
    event_recorder: EventRecorder = field(default_factory=EventRecorder)
    unsupported: tuple[str, ...] = ()
    """One line each, with file, line and column: what is right but amfast cannot do yet. A node must not run
    with it; a check of the file has nothing against it."""

    @property
    def original(self) -> str:
        """What the status API shows: what was understood, secrets masked (reference config, section 14)."""
        return self.printed.text
