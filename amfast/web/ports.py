"""What the web station asks of the others; ``app.py`` hands the implementations in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from amfast.model.alert import Alert
from amfast.model.labels import Labels
from amfast.model.silence import Silence
from amfast.model.timestamp import Time


class AlertSink(Protocol):
    """Where valid alerts go."""

    def put(self, alerts: Sequence[Alert]) -> None: ...


@dataclass(frozen=True, slots=True)
class AlertEntry:
    """An alert with what is known about it at this moment.

    ``receivers`` are in the order of the routes (duplicates possible), ``silenced_by`` in the order the
    silences came; ``inhibited_by`` holds fingerprints in hexadecimal.
    """

    alert: Alert
    receivers: tuple[str, ...]
    silenced_by: tuple[str, ...]
    inhibited_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """An aggregation group; ``muted_by`` names the time intervals that mute it now."""

    receiver: str
    labels: Labels
    route_labels: Labels
    alerts: tuple[AlertEntry, ...]
    muted_by: tuple[str, ...]


class AlertReader(Protocol):
    """What the listings show, in any order, resolved alerts included."""

    def alerts(self) -> Iterable[AlertEntry]: ...

    def groups(self) -> Iterable[GroupEntry]: ...


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
