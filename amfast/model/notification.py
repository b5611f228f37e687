"""What a receiver is handed to send, and how it says that sending failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from amfast.model.labels import Labels
from amfast.model.told import Alerts

FailureReason = Literal[
    "other",
    "clientError",
    "serverError",
    "contextCanceled",
    "contextDeadlineExceeded",
    "authError",
    "rateLimited",
]


@dataclass(slots=True)
class Notification:
    """One flush of one group to one integration (reference templates, section 2).

    ``now_ns`` is the time of the flush.
    Nobody changes one; the class is not frozen because that takes three times as long to make.
    """

    receiver: str
    group_key: str
    group_labels: Labels
    route_labels: Labels
    alerts: Alerts
    reason: str
    external_url: str
    now_ns: int


class NotifyError(Exception):
    """An attempt that failed. ``retry`` says whether trying again can help; the text shows no secret."""

    def __init__(self, text: str, *, retry: bool, reason: FailureReason = "other") -> None:
        super().__init__(text)
        self.retry = retry
        self.reason = reason


class Integration(Protocol):
    """One way out of one receiver, such as its first webhook."""

    @property
    def kind(self) -> str:
        """``webhook``, ``email`` …: the integration's name in the log, the metrics and log entries."""
        ...

    @property
    def index(self) -> int:
        """Position within the receiver's list of this kind."""
        ...

    @property
    def send_resolved(self) -> bool: ...

    async def notify(self, notification: Notification) -> None:
        """Make one attempt. Raises NotifyError."""
        ...
