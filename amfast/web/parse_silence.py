"""The body of ``POST /api/v2/silences``: bytes in, a silence out (reference api, sections 3 and 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import re2

from amfast.model.goquote import quote
from amfast.model.labels import make_labels
from amfast.model.regex import Effort, Pattern, PatternError
from amfast.model.silence import MatcherSpec, Silence, SilenceRefused
from amfast.model.timestamp import ZERO_NS, Time
from amfast.web import json_in
from amfast.web.errors import body_unreadable, required, too_few

NameCheck: TypeAlias = Callable[[str], bool]
"""Whether a text may be the name of a label (reference config, section 12)."""

_FIELDS: Final = {
    name.lower(): name
    for name in ("annotations", "comment", "createdBy", "endsAt", "id", "matchers", "startsAt")
}
_MATCHER_FIELDS: Final = {name.lower(): name for name in ("isEqual", "isRegex", "name", "value")}
_EQUAL, _REGEX, _NOT_EQUAL, _NOT_REGEX = range(4)

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


@dataclass(slots=True)
class _PostedMatcher:
    name: str | None = None
    value: str | None = None
    is_regex: bool | None = None
    is_equal: bool = True

    def spec(self) -> MatcherSpec:
        kind = (_EQUAL if self.is_equal else _NOT_EQUAL) + bool(self.is_regex)
        return MatcherSpec(kind, self.name or "", self.value or "")


@dataclass(slots=True)
class _Posted:
    id: str = ""
    comment: str | None = None
    created_by: str | None = None
    starts_at: Time | None = None
    ends_at: Time | None = None
    matchers: list[_PostedMatcher] | None = None
    annotations: dict[str, str] | None = None


def parse_silence(body: bytes, now_ns: int, is_name: NameCheck) -> Silence:
    """Read and validate a silence posted at ``now_ns``; without a start it starts then.

    Raises RequestRefused when the body cannot be taken, SilenceRefused when the silence makes no sense.
    """
    posted = _read(body)
    matchers, starts_at, ends_at = posted.matchers, posted.starts_at, posted.ends_at
    if posted.comment is None:
        raise required("comment")
    if posted.created_by is None:
        raise required("createdBy")
    if ends_at is None:
        raise required("endsAt")
    if matchers is None:
        raise required("matchers")
    specs = _matchers(matchers)
    if starts_at is None:
        raise required("startsAt")
    if starts_at.ns >= ends_at.ns:
        raise SilenceRefused("Failed to create silence: start time must be before end time")
    if ends_at.ns < now_ns:
        raise SilenceRefused("Failed to create silence: end time can't be in the past")
    _check_matchers(specs, is_name)
    return Silence(
        posted.id,
        (specs,),
        now_ns if starts_at.ns == ZERO_NS else starts_at.ns,
        ends_at.ns,
        now_ns,
        posted.created_by,
        posted.comment,
        make_labels(posted.annotations or {}),
    )


def _matchers(matchers: list[_PostedMatcher]) -> tuple[MatcherSpec, ...]:
    if not matchers:
        raise too_few("matchers")
    for index, matcher in enumerate(matchers):
        if matcher.is_regex is None:
            raise required(f"matchers.{index}.isRegex")
        if matcher.name is None:
            raise required(f"matchers.{index}.name")
        if matcher.value is None:
            raise required(f"matchers.{index}.value")
    return tuple(matcher.spec() for matcher in matchers)


def _check_matchers(specs: tuple[MatcherSpec, ...], is_name: NameCheck) -> None:
    all_match_empty, effort = True, Effort()
    for index, spec in enumerate(specs):
        if not is_name(spec.name):
            raise _invalid(index, f"invalid label name {quote(spec.name)}")
        if spec.type in (_REGEX, _NOT_REGEX):
            try:
                pattern = _compile(spec.pattern)
                effort.take(pattern)
            except PatternError as error:
                detail = f"invalid regular expression {quote(spec.pattern)}: error parsing regexp: {error}"
                raise _invalid(index, detail) from None
            matches_empty = spec.type == _REGEX and pattern.matches("")
        else:
            matches_empty = spec.type == _EQUAL and not spec.pattern
        all_match_empty = all_match_empty and matches_empty
    if all_match_empty:
        raise SilenceRefused(
            "invalid silence: matcher set 0: at least one matcher must not match the empty string"
        )


def _compile(text: str) -> Pattern:
    """A pattern that compiles both anchored and as it stands: ``a)|(b`` does only the former."""
    pattern = Pattern(text)
    if ")" in text and pattern.literals is None:
        try:
            re2.compile(text.encode(), _OPTIONS)
        except re2.error:
            raise PatternError(f"unexpected ): `{text}`") from None
    return pattern


def _invalid(index: int, detail: str) -> SilenceRefused:
    return SilenceRefused(f"invalid silence: invalid label matcher {index} in set 0: {detail}")


def _read(body: bytes) -> _Posted:
    try:
        value = json_in.first_value(body)
        return _Posted() if value is None else _read_silence(value)
    except json_in.BodyEmpty:
        raise required("silence") from None
    except json_in.BodyError as error:
        raise body_unreadable("silence", str(error)) from None


def _read_silence(value: Any) -> _Posted:  # noqa: ANN401 - any JSON value
    posted = _Posted()
    for name, item in json_in.pairs(value, "the silence"):
        known = _FIELDS.get(json_in.fold(name))
        if known == "annotations":
            posted.annotations = json_in.label_map(item, "annotations", posted.annotations)
        elif known == "matchers":
            posted.matchers = _read_matchers(item)
        elif known == "startsAt":
            posted.starts_at = None if item is None else json_in.time(item, "startsAt")
        elif known == "endsAt":
            posted.ends_at = None if item is None else json_in.time(item, "endsAt")
        elif known == "comment":
            posted.comment = None if item is None else json_in.text(item, "comment")
        elif known == "createdBy":
            posted.created_by = None if item is None else json_in.text(item, "createdBy")
        elif known == "id" and item is not None:
            posted.id = json_in.text(item, "id")
    return posted


def _read_matchers(value: Any) -> list[_PostedMatcher] | None:  # noqa: ANN401 - any JSON value
    if value is None:
        return None
    items = json_in.array(value, "matchers")
    return [_read_matcher(item, f"matcher {index}") for index, item in enumerate(items)]


def _read_matcher(value: Any, where: str) -> _PostedMatcher:  # noqa: ANN401 - any JSON value
    posted = _PostedMatcher()
    for name, item in json_in.pairs(value, where):
        known = _MATCHER_FIELDS.get(json_in.fold(name))
        if known == "name":
            posted.name = None if item is None else json_in.text(item, f"{where}: name")
        elif known == "value":
            posted.value = None if item is None else json_in.text(item, f"{where}: value")
        elif known == "isRegex":
            posted.is_regex = None if item is None else json_in.boolean(item, f"{where}: isRegex")
        elif known == "isEqual":
            posted.is_equal = True if item is None else json_in.boolean(item, f"{where}: isEqual")
    return posted
