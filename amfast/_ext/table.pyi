from collections.abc import Callable, Iterable, Iterator
from typing import Self, final

from typing_extensions import disjoint_base

from amfast._ext.pool import Pool

SILENCE_ANCHOR: int
"""Marks the pairs that silences ask for."""
SOURCE_ANCHOR: int
"""Marks the pairs that inhibition rules ask for in their sources."""
TARGET_ANCHOR: int
"""Marks the pairs that inhibition rules ask for in their targets."""
ALL_MARKS: int
"""Stands for every alert, marked or not."""

@disjoint_base
class Router:
    """Base of whoever puts rows into groups."""

@final
class Table:
    """Alerts by label set, merged as they are reported, and the bytes in which they were last said."""

    pool: Pool
    stored: int
    """How many alerts are listed; alerts that only groups still hold are not."""
    make_room: Callable[[StoredAlert], bool] | None
    """Asked before an alert that is not stored comes in; False drops it."""
    on_forgotten: Callable[[StoredAlert], None] | None
    """Told of every alert that is stored no longer."""
    on_shortened: Callable[[StoredAlert], None] | None
    """Told of every stored alert that ends earlier than before."""
    keeps_told: bool
    """Whether each alert that is stored is kept for :meth:`take_told`."""
    all_are_sources: bool
    """Every alert may be a source of an inhibition rule, not only those with a marked pair."""

    def __new__(cls, seed: int = 0) -> Self:
        """``seed`` (64 bit) makes the places of the hash tables unknown to senders."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[StoredAlert]:
        """Everything stored, by fingerprint."""

    def collect(self, now_ns: int, start: int, count: int) -> tuple[int, int]:
        """Forget what has ended among ``count`` rows from ``start``; returns where to go on (0: done) and how many."""

    def sweep(self, start: int, count: int) -> int:
        """Let go of those among ``count`` rows from ``start`` that nobody holds any more, as after :meth:`collect`.

        Returns where to go on, 0 at the end.
        """

    def watch(self, mark: int, added: Iterable[tuple[str, str]], removed: Iterable[tuple[str, str]]) -> None:
        """Mark label pairs, or take the mark from pairs that were added under it before."""

    def sources(self, start: int, count: int) -> tuple[int, list[StoredAlert]]:
        """Possible sources of inhibition among ``count`` rows from ``start``, after where to go on (0: done)."""

    def take_news(self) -> list[StoredAlert]:
        """Possible sources of inhibition that came to fire, ended, or end earlier than before, since the last call."""

    def take_told(
        self,
    ) -> list[
        tuple[
            bool,
            tuple[
                dict[str, str], dict[str, str], tuple[int, int], tuple[int, int], tuple[int, int], str, bool
            ],
        ]
    ]:
        """What was stored since the last call, in order: whether it is new, and ``StoredAlert.fields`` of it."""

@final
class StoredAlert:
    """One row of the table, as it is now. The row lives at least as long as this."""

    row: int
    @property
    def fingerprint(self) -> int: ...
    @property
    def labels(self) -> dict[str, str]:
        """In name order."""

    @property
    def starts_at_ns(self) -> int: ...
    @property
    def ends_at_ns(self) -> int: ...
    def fields(
        self,
    ) -> tuple[dict[str, str], dict[str, str], tuple[int, int], tuple[int, int], tuple[int, int], str, bool]:
        """Labels, annotations, start, end, update (each in ns and offset in s), URL, whether the end is a timeout."""

    def forget(self) -> None:
        """Take it out of the list."""
