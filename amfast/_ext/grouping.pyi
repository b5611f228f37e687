from collections.abc import Callable, Iterable
from typing import Self, final

from amfast._ext.table import Router, StoredAlert, Table

@final
class Places(Router):
    """Where alerts are routed, by those of their labels that routing looks at."""

    epoch: int
    """Grows with every :meth:`begin`."""

    def __new__(cls, table: Table) -> Self:
        """From now on the table has its rows routed here."""

    def begin(self, names: Iterable[str] | None) -> None:
        """Route everything anew, by these labels only, or by all."""

    def take_unplaced(self) -> list[StoredAlert]:
        """The alerts reported since the last call for which no place is known."""

    def routed_labels(self, stored: StoredAlert) -> dict[str, str]:
        """Those of its labels that routing looks at, in name order."""

    def put(
        self, stored: StoredAlert, groups: tuple[Members, ...], receivers: bytes, names: tuple[str, ...]
    ) -> None:
        """Make a place for alerts like this one, with its groups, and put it into them.

        ``receivers`` is what listings show, a JSON list; ``names`` are the receivers' names in the same order.
        """

    def sweep(self, start: int, count: int) -> int:
        """Route up to ``count`` rows from ``start``, those without a place; returns where to go on, 0 at the end."""

@final
class Members:
    """The alerts of one group."""

    receiver: str
    muted_by: tuple[str, ...]
    """The time intervals that muted the group at its last flush."""
    is_closed: bool
    keeps_tail: bool
    """Whether the tail is the same for good; else it is asked for with every listing."""

    def __new__(cls, places: Places, receiver: str, make_tail: Callable[[], bytes]) -> Self:
        """``make_tail`` gives what a listing writes behind the alerts of the group."""

    def __len__(self) -> int: ...
    def close(self, count: int = ...) -> bool:
        """Take no more alerts, and let up to ``count`` go; True when none is left."""

    def sort(self, comparisons: int) -> bool:
        """Bring the alerts into group order (reference notify, "Flush input"), within about so many comparisons.

        True when all are in order; else it is to be called again.
        """

    def orphans(self) -> list[StoredAlert]:
        """The alerts that the table does not list any more."""

    def stored(self) -> list[StoredAlert]:
        """The alerts as they are held."""
