"""Which of many lists of matchers could match a label set, without looking at all of them.

A list that cannot match without some label having one exact value is filed under that name and value, one that
needs one of several values (``=~"a|b|c"``) under each of them; only the others are tried always. Where a list has
several such conditions it is filed under the one that files the fewest others, so that what all have in common does
not bring them together. The cost of a look-up grows with the labels, not with the lists.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Final, Generic, TypeVar

from amfast.model.labels import Labels
from amfast.model.matcher import Matcher, MatchType

T = TypeVar("T", bound=Hashable)

Pair = tuple[str, str]
"""The name and the value of a label."""

LITERALS_MAX: Final = 256
"""Values of one matcher; a list with more of them is tried always, which then costs less than to file it."""


class Anchors(Generic[T]):
    """Things by the conditions without which they cannot match. A thing may have several lists of matchers."""

    def __init__(self) -> None:
        self._shelves: dict[str, dict[str, dict[T, None]]] = {}
        """Things by label name and value. Few names hold many values, so a look-up begins with the names."""
        self._free: dict[T, None] = {}
        self._places: dict[T, list[Pair]] = {}

    def add(self, thing: T, matchers: Sequence[Matcher]) -> None:
        """File a thing under one list of matchers, beside those it has."""
        pairs = self._rarest(matchers)
        places = self._places.setdefault(thing, [])
        if pairs is None:
            self._free[thing] = None
            return
        for name, value in pairs:
            self._shelves.setdefault(name, {}).setdefault(value, {})[thing] = None
        places += pairs

    def remove(self, thing: T) -> None:
        """Take out a thing that was added, with all its lists."""
        self._free.pop(thing, None)
        for name, value in set(self._places.pop(thing)):
            values = self._shelves[name]
            shelf = values[value]
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
                    found += values[value]
        else:
            for name, value in labels.items():
                if name in shelves and value in shelves[name]:
                    found += shelves[name][value]
        return found

    def interests(self) -> tuple[frozenset[Pair], bool]:
        """The pairs of which a label set must have one to match anything; True where no pair is needed."""
        pairs = frozenset((name, value) for name, values in self._shelves.items() for value in values)
        return pairs, bool(self._free)

    def _rarest(self, matchers: Sequence[Matcher]) -> Sequence[Pair] | None:
        """Where to file the list, None for one that may match without any of the conditions known here."""
        choices = list(_anchors(matchers))
        if len(choices) > 1:
            return min(choices, key=lambda pairs: (max(map(self._filed_under, pairs)), len(pairs)))
        return choices[0] if choices else None

    def _filed_under(self, pair: Pair) -> int:
        name, value = pair
        return len(self._shelves[name].get(value, ())) if name in self._shelves else 0


def _anchors(matchers: Sequence[Matcher]) -> Iterator[Sequence[Pair]]:
    """For each matcher that demands one of a few values, the pairs that fulfil it."""
    for matcher in matchers:
        if matcher.type is MatchType.EQUAL and matcher.value:
            yield ((matcher.name, matcher.value),)
        elif matcher.type is MatchType.REGEXP and matcher.pattern is not None:
            literals = matcher.pattern.literals
            # The empty value is also that of a label that is not there.
            if literals is not None and "" not in literals and len(literals) <= LITERALS_MAX:
                yield tuple((matcher.name, literal) for literal in sorted(literals))
