"""Matchers of labels: what routes, silences, inhibition rules and API filters are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from functools import lru_cache
from typing import Final

from amfast.model.goquote import quote
from amfast.model.labels import Labels
from amfast.model.matcher_grammar import (
    RESERVED,
    SIMPLE,
    MatcherError,
    Parsed,
    parse_classic,
    parse_classic_one,
    parse_utf8,
)
from amfast.model.regex import Pattern, PatternError

__all__ = [
    "MatchType",
    "Matcher",
    "MatcherError",
    "MatcherMode",
    "format_matchers",
    "matcher_order",
    "parse_matcher",
    "parse_matchers",
    "valid_label_name",
]


class MatchType(IntEnum):
    """The operators, numbered as on the wire (reference storage, section 3)."""

    EQUAL = 0
    REGEXP = 1
    NOT_EQUAL = 2
    NOT_REGEXP = 3


class MatcherMode(Enum):
    """Which grammar is read (reference config, section 12)."""

    FALLBACK = "fallback"
    """Both: the UTF-8 grammar unless only the classic one understands the text, or they disagree."""
    CLASSIC = "classic"
    UTF8 = "utf8"


_TYPES = {
    "=": MatchType.EQUAL,
    "!=": MatchType.NOT_EQUAL,
    "=~": MatchType.REGEXP,
    "!~": MatchType.NOT_REGEXP,
}
_OPERATORS = {match_type: operator for operator, match_type in _TYPES.items()}
_RANK = {match_type: rank for rank, match_type in enumerate(_OPERATORS)}
_NEGATIVE = frozenset({MatchType.NOT_EQUAL, MatchType.NOT_REGEXP})
_REGEXP = frozenset({MatchType.REGEXP, MatchType.NOT_REGEXP})

_REMEMBERED: Final = 1024
_CLASSIC_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_VALUE_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label; a label that is not there has the empty value.

    Raises MatcherError when built with a regular expression that does not compile.
    """

    type: MatchType
    name: str
    value: str
    pattern: Pattern | None = field(init=False, repr=False, compare=False)
    """The compiled regular expression of ``=~`` and ``!~``."""
    negative: bool = field(init=False, repr=False, compare=False)
    """Whether the operator is ``!=`` or ``!~``."""

    def __post_init__(self) -> None:
        pattern = None
        if self.type in _REGEXP:
            try:
                pattern = Pattern(self.value)
            except PatternError as error:
                raise MatcherError(f"error parsing regexp: {error}") from None
        object.__setattr__(self, "pattern", pattern)
        object.__setattr__(self, "negative", self.type in _NEGATIVE)

    def matches(self, value: str) -> bool:
        """Whether ``value`` fulfils the condition."""
        hit = value == self.value if self.pattern is None else self.pattern.matches(value)
        return hit is not self.negative

    def matches_labels(self, labels: Labels) -> bool:
        """Whether the label set fulfils the condition."""
        value = labels.get(self.name, "")
        hit = value == self.value if self.pattern is None else self.pattern.matches(value)
        return hit is not self.negative

    def matches_filter(self, labels: Labels) -> bool:
        """As :meth:`matches_labels`, with the exceptions of API filters (reference api, "Filter semantics").

        With an empty value, a positive matcher takes a missing label, a negative one any label that is there.
        """
        if not self.value and (self.name in labels) is self.negative:
            return True
        return self.matches_labels(labels)

    def __str__(self) -> str:
        """The canonical text, part of group keys (reference config, section 12, "Printing")."""
        if not RESERVED.isdisjoint(self.name):
            return f"{quote(self.name)}{_OPERATORS[self.type]}{quote(self.value)}"
        return f'{self.name}{_OPERATORS[self.type]}"{self.value.translate(_VALUE_ESCAPES)}"'


def matcher_order(matcher: Matcher) -> tuple[str, str, int]:
    """Sort key: name, value, then the operators as ``=``, ``!=``, ``=~``, ``!~``."""
    return matcher.name, matcher.value, _RANK[matcher.type]


def format_matchers(matchers: Iterable[Matcher]) -> str:
    """The list as one text: ``{a="b",c=~"d"}``."""
    return "{" + ",".join(map(str, matchers)) + "}"


def valid_label_name(name: str, mode: MatcherMode) -> bool:
    """Whether alerts, silences, group_by and the like may use the name in this mode."""
    if mode is MatcherMode.CLASSIC:
        return _CLASSIC_NAME.fullmatch(name) is not None
    return bool(name) and _is_unicode(name)


def _ignore(_warning: str) -> None:
    """Take a warning that nobody asked for."""


def parse_matchers(
    text: str, mode: MatcherMode, warn: Callable[[str], object] = _ignore
) -> tuple[Matcher, ...]:
    """Read a list of matchers in the order written; braces around it are optional.

    ``warn`` is given a line for text that works now but would be refused, or read differently, by the
    UTF-8 grammar alone. Raises MatcherError.
    """
    return _parse(text, mode, warn, parse_classic)


def parse_matcher(text: str, mode: MatcherMode, warn: Callable[[str], object] = _ignore) -> Matcher:
    """Read exactly one matcher, without braces except in classic mode. Raises MatcherError."""
    if mode is not MatcherMode.CLASSIC and (text.startswith("{") or text.endswith("}")):
        raise MatcherError(f"unexpected open or close brace: {text}")
    found = _parse(text, mode, warn, lambda one: [parse_classic_one(one)], count=1)
    return found[0]


def _parse(
    text: str,
    mode: MatcherMode,
    warn: Callable[[str], object],
    classic: Callable[[str], list[Parsed]],
    count: int | None = None,
) -> tuple[Matcher, ...]:
    if not _is_unicode(text):
        raise MatcherError("matcher is not valid UTF-8")
    if (simple := simple_matcher(text)) is not None:
        return (simple,)
    if mode is MatcherMode.CLASSIC:
        return _build(classic(text))
    try:
        found = _build(parse_utf8(text))
        if count not in (None, len(found)):
            raise MatcherError(f"expected {count} matcher, found {len(found)}")  # noqa: TRY301 - one way out
    except MatcherError as error:
        if mode is MatcherMode.UTF8:
            raise
        found = _build(classic(text))
        better = ",".join(map(str, found))
        warn(f"matchers {text!r} are read by the classic grammar only ({error}); write them as {better!r}")
        return found
    if mode is MatcherMode.UTF8:
        return found
    try:
        old = _build(classic(text))
    except MatcherError:
        return found
    if old != found:
        warn(f"matchers {text!r} mean different things in the two grammars; the classic one is used")
    return old


@lru_cache(_REMEMBERED)
def simple_matcher(text: str) -> Matcher | None:
    """The matcher that a text holds if both grammars read it alike, as nearly always; the same come again and again.

    Raises MatcherError: its regular expression does not compile.
    """
    found = SIMPLE.fullmatch(text)
    if found is None or not _is_unicode(text):
        return None
    name, operator, quoted, bare = found.groups()
    return Matcher(_TYPES[operator], name, bare if quoted is None else quoted)


def _build(parsed: Iterable[Parsed]) -> tuple[Matcher, ...]:
    return tuple(Matcher(_TYPES[operator], name, value) for operator, name, value in parsed)


def _is_unicode(text: str) -> bool:
    """False for text with lone surrogates, which no UTF-8 can say."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
