"""Matchers and label sets by chance, from so few names and values that they often meet."""

from __future__ import annotations

import random

from amfast.model.labels import make_labels
from amfast.model.matcher import Matcher, MatchType

NAMES = ("a", "b", "c", "d")
VALUES = ("1", "2", "3", "x.y")
PATTERNS = ("1|2", "2|3|", "1", "", ".*", ".+", "[12]", "x\\.y|1", "^(?:1|3)$")


def any_labels(rng: random.Random) -> dict[str, str]:
    return make_labels({name: rng.choice(VALUES) for name in NAMES if rng.random() < 0.7})


def any_matcher(rng: random.Random) -> Matcher:
    kind = rng.choice((MatchType.EQUAL, MatchType.EQUAL, *MatchType))
    regexp = kind in (MatchType.REGEXP, MatchType.NOT_REGEXP)
    return Matcher(kind, rng.choice(NAMES), rng.choice(PATTERNS if regexp else (*VALUES, "")))


def any_matchers(rng: random.Random, most: int = 3) -> tuple[Matcher, ...]:
    return tuple(any_matcher(rng) for _ in range(rng.randint(0, most)))
