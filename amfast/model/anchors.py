"""Matchers as the compiled index takes them: silences, inhibition rules and routes are all found through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from amfast._ext.anchors import Index, label_values
from amfast.model.matcher import Matcher, MatchType

__all__ = ["LITERALS_MAX", "Index", "Pair", "conditions", "label_values"]

Pair = tuple[str, str]
"""The name and the value of a label."""
Condition = tuple[str, str, bool, Callable[[str], bool] | None, tuple[Pair, ...] | None]
"""Name, value, whether it must not be so, the test in place of the value, the pairs that alone can fulfil it."""

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
        literals = matcher.pattern.literals
        # The empty value is also that of a label that is not there.
        if literals is not None and "" not in literals and len(literals) <= LITERALS_MAX:
            return tuple((matcher.name, literal) for literal in sorted(literals))
    return None
