"""Which of many lists of matchers could match a label set, without looking at all of them.

A list that cannot match without some label having one exact value is filed under that name and value, one that
needs one of several values (``=~"a|b|c"``) under each of them; only the others are tried always. Where a list has
several such conditions it is filed under the one that files the fewest others, so that what all have in common does
not bring them together; where still many come together they are filed once more by what else they need. The cost
of a look-up grows with the labels and with what nearly matches, not with the lists.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, Generic, TypeVar

from amfast.model.labels import Labels
from amfast.model.matcher import Matcher, MatchType

T = TypeVar("T", bound=Hashable)

Pair = tuple[str, str]
"""The name and the value of a label."""

LITERALS_MAX: Final = 256
"""Values of one matcher; a list with more of them is tried always, which then costs less than to file it."""
CROWD: Final = 8
"""Things under one pair; more of them are worth an index of their own."""
DEPTH_MAX: Final = 4
"""Of indexes within indexes: whoever shares so many conditions shares the next one, too."""

_Needs = tuple[tuple[Pair, ...], ...]
"""The conditions of a list of matchers: of each one of the pairs must be there."""


class Anchors(Generic[T]):
    """Things by the conditions without which they cannot match. A thing may have several lists of matchers."""

    __slots__ = ("_depth", "_free", "_places", "_shelves")

    def __init__(self, depth: int = 0) -> None:
        self._depth = depth
        self._shelves: dict[str, dict[str, dict[T, list[_Needs]] | Anchors[T]]] = {}
        """By label name and value; with each thing what else it needs. Few names hold many values."""
        self._free: dict[T, None] = {}
        self._places: dict[T, list[Pair]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def add(self, thing: T, matchers: Sequence[Matcher]) -> None:
        """File a thing under one list of matchers, beside those it has."""
        self.file(thing, _needs(matchers))

    def file(self, thing: T, needs: _Needs) -> None:
        """File a thing that needs one pair of each of these conditions."""
        places = self._places.setdefault(thing, [])
        if not needs:
            self._free[thing] = None
            return
        rarest = needs[0] if len(needs) == 1 else min(needs, key=self._crowd)
        others = tuple([pairs for pairs in needs if pairs is not rarest]) if len(needs) > 1 else ()
        for name, value in rarest:
            shelf = self._shelves.setdefault(name, {}).setdefault(value, {})
            if isinstance(shelf, Anchors):
                shelf.file(thing, others)
            else:
                shelf.setdefault(thing, []).append(others)
                if len(shelf) > CROWD and self._depth < DEPTH_MAX:
                    self._shelves[name][value] = self._spread(shelf)
        places += rarest

    def _crowd(self, pairs: Sequence[Pair]) -> tuple[int, int]:
        """How many things are filed already where these pairs would be; fewer pairs are better, too."""
        shelves = self._shelves
        return max(len(shelves[name].get(value, ())) if name in shelves else 0 for name, value in pairs), len(
            pairs
        )

    def _spread(self, shelf: dict[T, list[_Needs]]) -> Anchors[T]:
        inner: Anchors[T] = Anchors(self._depth + 1)
        for thing, lists in shelf.items():
            for needs in lists:
                inner.file(thing, needs)
        return inner

    def remove(self, thing: T) -> None:
        """Take out a thing that was added, with all its lists."""
        self._free.pop(thing, None)
        for name, value in set(self._places.pop(thing)):
            values = self._shelves[name]
            shelf = values[value]
            if isinstance(shelf, Anchors):
                shelf.remove(thing)
            else:
                del shelf[thing]
            if not shelf:
                del values[value]
            if not values:
                del self._shelves[name]

    def candidates(self, labels: Labels) -> list[T]:
        """Everything that might match the labels, in no order; a thing with several lists may come twice."""
        found = list(self._free)
        shelves = self._shelves
        if len(shelves) < len(labels):
            for name, values in shelves.items():
                value = labels.get(name)
                if value is not None and value in values:
                    shelf = values[value]
                    found += shelf.candidates(labels) if isinstance(shelf, Anchors) else shelf
        else:
            for name, value in labels.items():
                if name in shelves and value in shelves[name]:
                    shelf = shelves[name][value]
                    found += shelf.candidates(labels) if isinstance(shelf, Anchors) else shelf
        return found

    def interests(self) -> tuple[frozenset[Pair], bool]:
        """The pairs of which a label set must have one to match anything; True where no pair is needed."""
        pairs = frozenset((name, value) for name, values in self._shelves.items() for value in values)
        return pairs, bool(self._free)


def _needs(matchers: Sequence[Matcher]) -> _Needs:
    """For each matcher that demands one of a few values, the pairs that fulfil it."""
    needs: list[tuple[Pair, ...]] = []
    for matcher in matchers:
        if matcher.type is MatchType.EQUAL and matcher.value:
            needs.append(((matcher.name, matcher.value),))
        elif matcher.type is MatchType.REGEXP and matcher.pattern is not None:
            literals = matcher.pattern.literals
            # The empty value is also that of a label that is not there.
            if literals is not None and "" not in literals and len(literals) <= LITERALS_MAX:
                needs.append(tuple((matcher.name, literal) for literal in sorted(literals)))
    return tuple(needs)
