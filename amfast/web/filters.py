"""What the query of a listing of alerts asks for (reference api, section 6)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from amfast.model.labels import Labels
from amfast.model.matcher import Matcher, MatcherError, MatcherMode, parse_matcher
from amfast.model.regex import Effort, Pattern, PatternError
from amfast.web.params import Params
from amfast.web.ports import AlertFilter, ReceiverFilter

ReceiverLabels: TypeAlias = Mapping[str, Labels]


class BadParameter(Exception):  # noqa: N818 - an answer more than an error
    """A query parameter that cannot be understood; the text goes back as a JSON string."""


def parse_filter(texts: Iterable[str], mode: MatcherMode, what: str = "") -> list[Matcher]:
    """One matcher a text. Raises BadParameter, whose text begins with ``what``."""
    matchers, effort = [], Effort()
    try:
        for text in texts:
            matcher = parse_matcher(text, mode)
            effort.take(matcher.pattern)
            matchers.append(matcher)
    except (MatcherError, PatternError) as error:
        raise BadParameter(f"{what}{error}") from None
    return matchers


def read_filter(params: Params, mode: MatcherMode, receiver_labels: ReceiverLabels) -> AlertFilter:
    """What is to be listed. Raises BadParameter for the first parameter that is wrong."""
    matchers = parse_filter(params.many("filter"), mode)
    return AlertFilter(
        matchers,
        params.flag("active"),
        params.flag("silenced"),
        params.flag("inhibited"),
        params.flag("muted"),
        _receiver_filter(params, mode, receiver_labels),
    )


def _receiver_filter(
    params: Params, mode: MatcherMode, receiver_labels: ReceiverLabels
) -> ReceiverFilter | None:
    """Whether any of the receivers named passes; None when all do, even no receiver at all."""
    pattern = _receiver_pattern(params)
    matchers = parse_filter(
        params.many("receiver_matchers"), mode, "failed to parse receiver_matchers param: "
    )
    if pattern is None and not matchers:
        return None

    def has_labels(name: str) -> bool:
        labels = receiver_labels.get(name)
        return labels is not None and all(matcher.matches_filter(labels) for matcher in matchers)

    def takes(names: Collection[str]) -> bool:
        if pattern is not None and not any(map(pattern.matches, names)):
            return False
        return not matchers or any(map(has_labels, names))

    return takes


def _receiver_pattern(params: Params) -> Pattern | None:
    text = params.last("receiver")
    if not text:
        return None
    try:
        return Pattern(text)
    except PatternError as error:
        raise BadParameter(f"failed to parse receiver param: error parsing regexp: {error}") from None
