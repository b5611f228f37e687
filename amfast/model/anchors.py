"""Matchers as the compiled index takes them: silences, inhibition rules and routes are all found through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from amfast._ext.anchors import Index, label_values, told_apart
from amfast.model.matcher import Matcher, MatchType
from amfast.model.regex import LITERALS_REMEMBERED, literals_of

__all__ = [
    "LITERALS_MAX",
    "Condition",
    "Index",
    "Needs",
    "Pair",
    "conditions",
    "filed_literals",
    "label_values",
    "told_apart",
]

Pair = tuple[str, str]
"""The name and the value of a label."""
Condition = tuple[str, str, bool, Callable[[str], bool] | None, tuple[Pair, ...] | None]
"""Name, value, whether it must not be so, the test in place of the value, the pairs that alone can fulfil it."""
Needs = tuple[tuple[Pair, ...], ...]
"""What a list of matchers needs: the pairs of each that has any."""

LITERALS_MAX: Final = 256
"""Values of one matcher; a list with more of them is tried always, which then costs less than to file it."""


def conditions(matchers: Sequence[Matcher]) -> list[Condition]:
    """What an :class:`Index` is given of a list of matchers."""
    return [
        (
            matcher.name,
            matcher.value,
            matcher.negative,
            None if matcher.pattern is None else matcher.pattern.matches,
            _pairs(matcher),
        )
        for matcher in matchers
    ]


def _pairs(matcher: Matcher) -> tuple[Pair, ...] | None:
    """The pairs of which a label set must have one, where it needs one of few values (``=``, ``=~"a|b|c"``)."""
    if matcher.type is MatchType.EQUAL:
        return ((matcher.name, matcher.value),) if matcher.value else None
    if matcher.type is MatchType.REGEXP and matcher.pattern is not None:
        values = filed_literals(matcher.value)
        if values is not None:
            return tuple((matcher.name, value) for value in values)
    return None


@lru_cache(LITERALS_REMEMBERED)
def filed_literals(pattern: str) -> tuple[str, ...] | None:
    """The values of a regular expression to file it by, None for one that is to be tried always."""
    literals = literals_of(pattern)
    # The empty value is also that of a label that is not there.
    if literals is None or "" in literals or len(literals) > LITERALS_MAX:
        return None
    return tuple(sorted(literals))
