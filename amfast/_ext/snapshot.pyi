from collections.abc import Callable, Container, Iterator
from typing import Any, final

from amfast._ext.grouping import Members

@final
class Snapshot:
    """The alerts of a group at one moment, in order."""

    now_ns: int

    def __init__(self, members: Members, now_ns: int, make_alert: Callable[..., Any]) -> None:
        """Those members that are in order, as a flush at ``now_ns`` sees them.

        ``make_alert`` is given ``StoredAlert.fields`` and ``now_ns``.
        """

    def __len__(self) -> int: ...
    def look(self, count: int, closely: bool) -> bool:
        """Note what state up to ``count`` more of them are in, with ``closely`` also what is told of them.

        True when there are no more. It is to be called while the group holds them.
        """

    def told(self) -> Told:
        """All of them. Raises ValueError before all were looked at."""

    def forget_ended(self) -> int:
        """Have the group drop those that had ended and were not reported since; returns how many."""

@final
class Told:
    """All alerts of a snapshot, or some of them, as a flush sees them; see ``amfast.model.told.Alerts``.

    What is not asked of the labels alone raises ValueError unless they were looked at closely.
    """

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def marked(self, start: int, count: int, marks: int) -> list[tuple[int, dict[str, str], int]]: ...
    def without(self, gone: list[int]) -> Told: ...
    def first(self, count: int) -> Told: ...
    def still_firing(self) -> Told: ...
    def ended(self) -> Told:
        """Those that do not fire any more."""
    def heard(self, since_ns: int, also: Container[int]) -> Told: ...
    @property
    def hashes(self) -> tuple[int, ...]: ...
    @property
    def firing(self) -> tuple[int, ...]: ...
    @property
    def resolved(self) -> tuple[int, ...]: ...
    def json(self) -> AlertsJson: ...

@final
class AlertsJson:
    """What the message of a webhook says of alerts, written some at a time; see ``amfast.model.told.AlertsJson``."""

    def __init__(self, told: Told) -> None: ...
    def go_on(self, most: int) -> bool: ...
    @property
    def alerts(self) -> bytes: ...
    @property
    def common_labels(self) -> bytes: ...
    @property
    def common_annotations(self) -> bytes: ...
