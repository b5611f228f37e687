"""Where alerts go, remembered for all whom the routing tree cannot tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from amfast.dispatch.route import Route
from amfast.model.anchors import filed_literals, told_apart
from amfast.model.json_text import receivers_json
from amfast.model.labels import Labels
from amfast.model.matcher import Matcher

REMEMBERED: Final = 1000
LETTERS_REMEMBERED: Final = 1000
"""In the names and values by which one destination is known; where there are more, the tree is asked each time."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The routes that take an alert, with the names of their receivers in the same order."""

    routes: tuple[Route, ...]
    receivers: tuple[str, ...]
    receivers_json: bytes


class Destinations:
    """Answers as :meth:`Route.match` does.

    A matcher that asks for given values, such as ``team=~"a|b"``, sees no difference between the values it does not
    ask for. So a tree with a route for one alert name in fifty still sends most of them one way.
    """

    def __init__(self, root: Route) -> None:
        self._root = root
        self._asked = _asked(root)
        self._known: dict[tuple[str | None, ...], Destination] = {}

    def of(self, labels: Labels) -> Destination:
        """Where an alert goes that has these labels among others that no matcher of the tree looks at."""
        key = told_apart(labels, self._asked)
        found = self._known.get(key)
        return self._find(key, labels) if found is None else found

    def _find(self, key: tuple[str | None, ...], labels: Labels) -> Destination:
        found = _destination(tuple(self._root.match(labels)))
        if sum(len(text) for text in key if text is not None) <= LETTERS_REMEMBERED:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = found
        return found


def _destination(routes: tuple[Route, ...]) -> Destination:
    names = tuple(route.options.receiver for route in routes)
    return Destination(routes, names, receivers_json(names))


def _asked(root: Route) -> dict[str, frozenset[str] | None]:
    """By name of a label the values that matchers ask for, None where one may see a difference between any two."""
    asked: dict[str, frozenset[str] | None] = {}
    for route in root.walk():
        for matcher in route.matchers:
            before, values = asked.get(matcher.name, frozenset()), _values(matcher)
            asked[matcher.name] = None if before is None or values is None else before | values
    return asked


def _values(matcher: Matcher) -> frozenset[str] | None:
    if matcher.pattern is None:
        return frozenset((matcher.value,))
    literals = filed_literals(matcher.value)
    return None if literals is None else frozenset(literals)
