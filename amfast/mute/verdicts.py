"""Which silences match which label sets, remembered.

What a label set matches does not depend on the time, so it is worked out once, through the index; later only the
silences that came since are tried. Listing alerts again and again then costs a look-up for each.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from amfast._ext.fingerprint import label_fingerprint
from amfast.model.labels import Labels
from amfast.mute.silence_index import MatcherSet, SilenceIndex, any_matches

REMEMBERED_MAX = 1_000_000
"""Label sets; beyond it everything is worked out anew, which is slow but bounded."""


class Verdicts:
    """Ids of silences by the fingerprint of the labels they match, in the order the silences came."""

    def __init__(self) -> None:
        self._index = SilenceIndex()
        self._sets: dict[str, Sequence[MatcherSet]] = {}
        self._order: list[str] = []
        """Ids as they were added; the number of them that a verdict has seen is kept with it."""
        self._known: dict[int, tuple[int, tuple[str, ...]]] = {}

    def add(self, silence_id: str, sets: Sequence[MatcherSet]) -> None:
        self._sets[silence_id] = sets
        self._order.append(silence_id)
        self._index.add(silence_id, sets)

    def remove(self, silence_ids: Collection[str]) -> None:
        """Take out silences that were added. All verdicts are forgotten: it happens at garbage collection."""
        if not silence_ids:
            return
        for silence_id in silence_ids:
            self._index.remove(silence_id, self._sets.pop(silence_id))
        self._order = [silence_id for silence_id in self._order if silence_id in self._sets]
        self._known.clear()

    def matching(self, labels: Labels) -> tuple[str, ...]:
        """Ids of all silences that match, active or not."""
        fingerprint = label_fingerprint(labels)
        seen, found = self._known.get(fingerprint, (-1, ()))
        newest = len(self._order)
        if seen == newest:
            return found
        if seen < 0:
            matching = set(self._index.matching(labels))
            found = (
                tuple(silence_id for silence_id in self._order if silence_id in matching) if matching else ()
            )
        else:
            new = self._order[seen:]
            found += tuple(silence_id for silence_id in new if any_matches(self._sets[silence_id], labels))
        if len(self._known) >= REMEMBERED_MAX:
            self._known.clear()
        self._known[fingerprint] = (newest, found)
        return found
