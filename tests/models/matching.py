"""What the indexes over matchers must come to, by trying everything in order, with Python's own expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from amfast.dispatch.route import Route
from amfast.model.labels import Labels
from amfast.model.matcher import Matcher, MatchType


def fulfils(labels: Labels, matchers: Iterable[Matcher]) -> bool:
    """Whether the labels fulfil all conditions."""
    return all(_one(labels.get(matcher.name, ""), matcher) for matcher in matchers)


def _one(value: str, matcher: Matcher) -> bool:
    if matcher.type in (MatchType.EQUAL, MatchType.NOT_EQUAL):
        hit = value == matcher.value
    else:
        hit = re.fullmatch(matcher.value, value) is not None
    return hit is (matcher.type in (MatchType.EQUAL, MatchType.REGEXP))


def routes_of(route: Route, labels: Labels) -> list[Route]:
    """The routes that take the labels, found by scanning all children."""
    if not fulfils(labels, route.matchers):
        return []
    found = []
    for child in route.children:
        matched = routes_of(child, labels)
        found += matched
        if matched and not child.goes_on:
            break
    return found or [route]
