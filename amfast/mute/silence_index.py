"""Which silences could match a label set, without looking at all of them.

Each matcher set that demands some label to have one exact value is filed under that name and value; only the
others have to be tried against everything. The cost of a look-up grows with the labels, not with the silences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from amfast.model.labels import Labels
from amfast.model.matcher import Matcher, MatchType

MatcherSet = Sequence[Matcher]


def _anchor(matchers: MatcherSet) -> tuple[str, str] | None:
    """The label pair without which the set cannot match, if there is one."""
    for matcher in matchers:
        if matcher.type is MatchType.EQUAL and matcher.value:
            return matcher.name, matcher.value
    return None


class SilenceIndex:
    """Silence ids by the matcher sets they hold."""

    def __init__(self) -> None:
        self._anchored: dict[tuple[str, str], dict[str, list[MatcherSet]]] = {}
        self._free: dict[str, list[MatcherSet]] = {}

    def add(self, silence_id: str, sets: Sequence[MatcherSet]) -> None:
        for matchers in sets:
            anchor = _anchor(matchers)
            shelf = self._free if anchor is None else self._anchored.setdefault(anchor, {})
            shelf.setdefault(silence_id, []).append(matchers)

    def remove(self, silence_id: str, sets: Sequence[MatcherSet]) -> None:
        """Take out what :meth:`add` put in under this id."""
        for matchers in sets:
            anchor = _anchor(matchers)
            if anchor is None:
                self._free.pop(silence_id, None)
            elif (shelf := self._anchored.get(anchor)) is not None:
                shelf.pop(silence_id, None)
                if not shelf:
                    del self._anchored[anchor]

    def matching(self, labels: Labels) -> Iterator[str]:
        """Ids of the silences with a set that matches; one id may come more than once."""
        yield from _matching(self._free, labels)
        for pair in labels.items():
            shelf = self._anchored.get(pair)
            if shelf is not None:
                yield from _matching(shelf, labels)


def _matching(shelf: dict[str, list[MatcherSet]], labels: Labels) -> Iterator[str]:
    return (silence_id for silence_id, sets in shelf.items() if any_matches(sets, labels))


def any_matches(sets: Sequence[MatcherSet], labels: Labels) -> bool:
    """Whether one of the sets matches the labels."""
    return any(all(matcher.matches_labels(labels) for matcher in matchers) for matchers in sets)
