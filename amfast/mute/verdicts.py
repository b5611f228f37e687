"""Which silences match which label sets, remembered.

What a label set matches does not depend on the time. Where the index finds many silences that might match, as when
they are all regular expressions, it is worked out once which ones do; later only those that came since are tried.
Listing alerts again and again then costs a look-up for each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

from amfast._ext.fingerprint import label_fingerprint
from amfast.model.anchors import Condition, Index, Needs, Pair, conditions
from amfast.model.labels import Labels
from amfast.model.matcher import Matcher

REMEMBERED_MAX: Final = 1_000_000
"""Label sets; beyond it everything is worked out anew, which is slow but bounded."""
_FEW: Final = 8
"""Silences that are tried one by one at once. Of more that might match it is remembered which ones do, and of more
new ones the index knows sooner which might."""


class Verdicts:
    """Ids of silences by the fingerprint of the labels they match, in the order the silences came."""

    def __init__(
        self,
        make: Callable[[str], Sequence[Sequence[Condition]]],
        needs: Callable[[str], Sequence[Needs]],
        arrival: Callable[[str], int],
    ) -> None:
        """Of a silence that is here, by its id: the conditions, what they need, the place in the order they came."""
        self._index: Index[str] = Index(make, needs)
        self._arrival = arrival
        self._order: list[str] = []
        self._added = 0
        """Silences that ever came; how many a verdict has seen is kept with it."""
        self._known: dict[int, tuple[int, tuple[str, ...]]] = {}

    def add(self, silence_id: str, sets: Sequence[Sequence[Matcher]]) -> None:
        if not sets:
            return
        self._order.append(silence_id)
        self._added += 1
        for matchers in sets:
            self._index.add(silence_id, conditions(matchers))

    def file(self, silence_ids: list[str], needs: list[Needs]) -> None:
        """Add the first silences, one after the other, by what their sets of matchers need.

        One with several sets comes as many times. Conditions are made later.
        """
        self._order += silence_ids
        self._added += len(silence_ids)
        self._index.file(silence_ids, needs)

    def remove(self, silence_ids: Collection[str]) -> None:
        """Take out silences, while they are still here to be asked about.

        All verdicts are forgotten: it happens at garbage collection.
        """
        if not silence_ids:
            return
        for silence_id in silence_ids:
            self._index.remove(silence_id)
        gone = set(silence_ids)
        self._order = [silence_id for silence_id in self._order if silence_id not in gone]
        self._known.clear()

    def interests(self) -> tuple[frozenset[Pair], bool]:
        """The label pairs of which a label set must have one to be matched; True where none is needed."""
        return self._index.interests()

    def matching(self, labels: Labels, fingerprint: int | None = None) -> tuple[str, ...]:
        """Ids of all silences that match, active or not. The fingerprint is that of the labels, if it is known."""
        few = self._index.matching_of_few(labels, _FEW)
        if few is not None:
            return self._in_order(few) if few else ()
        if fingerprint is None:
            fingerprint = label_fingerprint(labels)
        seen, found = self._known.get(fingerprint, (-1, ()))
        unseen = self._added - seen
        if not unseen:
            return found
        if seen >= 0 and unseen <= _FEW:
            new = self._order[-unseen:]
            found += tuple(one for one in new if self._index.holds(one, labels))
        else:
            found = self._in_order(self._index.matching(labels))
        if len(self._known) >= REMEMBERED_MAX:
            self._known.clear()
        self._known[fingerprint] = (self._added, found)
        return found

    def _in_order(self, silence_ids: Sequence[str]) -> tuple[str, ...]:
        """Each of them once, in the order they came."""
        return tuple(sorted(set(silence_ids), key=self._arrival))
