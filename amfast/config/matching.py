"""The three forms in which routes and inhibition rules say what labels must be like."""

from __future__ import annotations

import re

from amfast.config.holders import Pairs
from amfast.config.schema import Place
from amfast.model.matcher import Matcher, MatchType, matcher_order

_CLASSIC_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def check_match(place: Place, side: str, match: Pairs, match_re: Pairs) -> None:
    """Look at the names in the two old forms, whose keys begin with ``side``: they are classic in every mode."""
    for name, _ in (*match, *match_re):
        if not _CLASSIC_NAME.fullmatch(name):
            place.refuse(f"invalid label name {name!r} in {side}match or {side}match_re")


def united(match: Pairs, match_re: Pairs, matchers: tuple[Matcher, ...]) -> tuple[Matcher, ...]:
    """The three forms as one, sorted."""
    if not (match or match_re):
        return matchers  # they are sorted already
    union = [
        *(Matcher(MatchType.EQUAL, name, value) for name, value in match),
        *(Matcher(MatchType.REGEXP, name, f"^(?:{value})$") for name, value in match_re),
        *matchers,
    ]
    return tuple(sorted(union, key=matcher_order))
