"""What can be recorded: events as values, made by the parts where things happen.

Without a recorder nothing is made. Nothing in a value changes once it is handed over, so a recorder may put it into
words later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from amfast.model.alert import Alert
from amfast.model.labels import Labels
from amfast.model.matcher import Matcher
from amfast.model.silence import Silence
from amfast.model.told import Alerts


@dataclass(frozen=True, slots=True)
class Started:
    """The node starts."""

    version: str
    build_context: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The node stops."""


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """Which group something happened in. Only notifications tell the matchers of the route and the group's UUID."""

    key: str
    labels: Labels
    receiver: str
    matchers: tuple[Matcher, ...] = ()
    uuid: str = ""


@dataclass(frozen=True, slots=True)
class AlertCreated:
    """An alert that was not stored was posted."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class AlertGrouped:
    """An alert was put into a group, also if it was there already."""

    alert: Alert
    group: GroupInfo


@dataclass(frozen=True, slots=True)
class AlertResolved:
    """A group has told, or had nobody to tell, that an alert is resolved."""

    alert: Alert
    group: GroupInfo


@dataclass(frozen=True, slots=True)
class Notified:
    """An integration has been notified of ``alerts``. The hashes are of all alerts that passed, and of the muted."""

    alerts: Alerts
    firing: tuple[int, ...]
    resolved: tuple[int, ...]
    muted: tuple[int, ...]
    group: GroupInfo
    repeat_interval_ns: int
    reason: str
    flush_id: int
    integration: str
    index: int


@dataclass(frozen=True, slots=True)
class SilenceCreated:
    """A silence was made here."""

    silence: Silence


@dataclass(frozen=True, slots=True)
class SilenceUpdated:
    """A silence was changed here."""

    silence: Silence


@dataclass(frozen=True, slots=True)
class SilenceMuted:
    """A silence kept an alert from a notification."""

    silence: Silence
    labels: Labels
    fingerprint: int


@dataclass(frozen=True, slots=True)
class InhibitionMuted:
    """An inhibition rule kept an alert from a notification; ``source`` is the fingerprint of the inhibiting one."""

    rule: str
    source_matchers: tuple[Matcher, ...]
    target_matchers: tuple[Matcher, ...]
    equal: tuple[str, ...]
    labels: Labels
    fingerprint: int
    source: int


Event = (
    Started
    | Stopped
    | AlertCreated
    | AlertGrouped
    | AlertResolved
    | Notified
    | SilenceCreated
    | SilenceUpdated
    | SilenceMuted
    | InhibitionMuted
)


class Recording:
    """Where the parts find the recorder of the configuration in force: ``record`` is None for none.

    ``new_id`` makes the UUIDs of groups.
    """

    def __init__(self, new_id: Callable[[], str] = lambda: "") -> None:
        self.record: Callable[[Event], None] | None = None
        self.new_id = new_id
