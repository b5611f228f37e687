"""What the web station asks of the others; ``app.py`` hands the implementations in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from amfast._ext.intake import Posted
from amfast.model.labels import Labels
from amfast.model.matcher import Matcher
from amfast.model.silence import Silence
from amfast.model.timestamp import Time


class AlertSink(Protocol):
    """Where the bodies of posted alerts go."""

    def post(self, body: bytes | memoryview, resolve_timeout_ns: int) -> Posted:
        """Store the valid alerts of a body. Raises BodyEmpty, BodyError and BodyInvalid, with nothing stored."""
        ...


ReceiverFilter: TypeAlias = Callable[[Collection[str]], bool]
"""Whether any of the receivers named is wanted."""


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which of the alerts not yet over to list; ``takes_receivers`` is None when receivers do not matter."""

    matchers: Sequence[Matcher] = ()
    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    muted: bool = True
    takes_receivers: ReceiverFilter | None = None


class AlertReader(Protocol):
    """Listings as JSON in portions that are worked out as they are asked for, each within milliseconds."""

    @property
    def is_loaded(self) -> bool:
        """Whether all alerts have their groups; they do not for a moment after a reload."""
        ...

    async def wait_loaded(self) -> None: ...

    def alerts(self, wanted: AlertFilter) -> Iterator[bytes]:
        """The list of alerts, by fingerprint."""
        ...

    def groups(self, wanted: AlertFilter) -> Iterator[bytes]:
        """The list of groups with their alerts."""
        ...

    async def count(self) -> None:
        """Be ready to be asked for metrics."""
        ...


class SilenceStore(Protocol):
    """The silences."""

    def list(self) -> Iterable[Silence]:
        """All of them, in the order they came."""
        ...

    def get(self, silence_id: str) -> Silence | None: ...

    def set(self, silence: Silence) -> str:
        """Create or update; returns the id it now has. Raises SilenceNotFound, SilenceRefused."""
        ...

    def expire(self, silence_id: str) -> bool:
        """End a silence now; False when the id is unknown."""
        ...

    def settled(self) -> Awaitable[None] | None:
        """Something to wait for until all changes so far are on disk; None if they are."""
        ...


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """``name`` is None without clustering; ``peers`` are (name, address), this node included."""

    name: str | None
    status: Literal["ready", "settling", "disabled"]
    peers: Sequence[tuple[str, str]]


class StatusReader(Protocol):
    """What the status page and the receiver list show."""

    @property
    def uptime(self) -> Time:
        """When this process began to serve."""
        ...

    def config_text(self) -> str:
        """The configuration in force, marshalled again with its secrets hidden."""
        ...

    def cluster(self) -> ClusterStatus: ...

    def receivers(self) -> Sequence[tuple[str, Labels]]:
        """(name, labels) of every configured receiver in the order of the configuration."""
        ...

    def resolve_timeout_ns(self) -> int:
        """How long an alert without an end lasts after it was last sent."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything behind the API. ``reload`` raises AmfastError."""

    alerts: AlertSink
    reader: AlertReader
    silences: SilenceStore
    status: StatusReader
    reload: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """What the status API and ``build_info`` say about the program."""

    version: str
    revision: str = ""
    branch: str = ""
    build_user: str = ""
    build_date: str = ""
    runtime: str = ""
    """The runtime and its version, where the reference shows its Go version."""
    tags: str = "unknown"
    os: str = "linux"
    arch: str = "amd64"
