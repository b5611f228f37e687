"""An inhibition rule as it is written, and what it becomes (reference config, section 5)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass

from amfast.config.holders import MATCHERS, REGEXP_MAP, TEXT_MAP, TEXTS, Pairs
from amfast.config.kinds import TEXT
from amfast.config.matching import check_match, united
from amfast.config.schema import Block, Place, key
from amfast.config.types import InhibitRule
from amfast.model.matcher import Matcher, valid_label_name


@dataclass(frozen=True, slots=True)
class InhibitRuleBlock(Block):
    """While a source alert fires, target alerts with the same values of some labels are not notified."""

    name: str = key(TEXT, "", "Name of the rule.")
    source_match: Pairs = key(TEXT_MAP, (), "Deprecated: label values of a source that must be equal.")
    source_match_re: Pairs = key(
        REGEXP_MAP, (), "Deprecated: regular expressions that label values of a source must match."
    )
    source_matchers: tuple[Matcher, ...] = key(MATCHERS, (), "What labels of a source must be like.")
    target_match: Pairs = key(TEXT_MAP, (), "Deprecated: label values of a target that must be equal.")
    target_match_re: Pairs = key(
        REGEXP_MAP, (), "Deprecated: regular expressions that label values of a target must match."
    )
    target_matchers: tuple[Matcher, ...] = key(MATCHERS, (), "What labels of a target must be like.")
    equal: tuple[str, ...] = key(
        TEXTS, (), "Labels whose values must agree; a missing label has the empty value."
    )

    def checked(self, place: Place) -> InhibitRuleBlock:
        check_match(place, "source_", self.source_match, self.source_match_re)
        check_match(place, "target_", self.target_match, self.target_match_re)
        for name in self.equal:
            if not valid_label_name(name, place.walk.mode):
                place.refuse(f"invalid label name {name!r}", "equal")
        return self

    def rule(self) -> InhibitRule:
        """The rule as the rest of the program sees it."""
        return InhibitRule(
            source=united(self.source_match, self.source_match_re, self.source_matchers),
            target=united(self.target_match, self.target_match_re, self.target_matchers),
            equal=tuple(sorted(set(self.equal))),
            name=self.name,
        )
