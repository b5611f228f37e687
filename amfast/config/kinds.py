"""The kinds of values that keys have, from their YAML form to Python and back to print."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from amfast.config.emit import Tree, natural_order
from amfast.config.nodes import Scalar, Sequence
from amfast.config.scalars import resolve
from amfast.config.schema import Block, Kind, Place, describe, is_null, pairs, read_block, rows_of, show_rows
from amfast.config.url import url_problem
from amfast.model.duration import (
    DurationError,
    format_duration,
    format_go_duration,
    parse_duration,
    parse_go_duration,
)
from amfast.model.matcher import Matcher, MatcherError, matcher_order, parse_matchers

T = TypeVar("T")
B = TypeVar("B", bound=Block)
D = TypeVar("D", int, "int | None")

Pairs = tuple[tuple[str, str], ...]
"""A map of texts, in the order written."""

_SECRET_TEXT: Final = "<secret>"  # noqa: S105 - what is shown in place of one
_UINT_END: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is never shown; ``reveal`` it only where it is used."""

    _value: str

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return _SECRET_TEXT


def _text(place: Place) -> str | None:
    if isinstance(place.node, Scalar):
        return place.node.text
    place.refuse(f"expected text, found {describe(place.node)}")
    return None


class _Text(Kind[str]):
    def read(self, place: Place) -> str:
        return _text(place) or self.zero

    def show(self, value: str) -> Tree:
        return value


class _Bool(Kind[bool]):
    def read(self, place: Place) -> bool:
        if isinstance(place.node, Scalar) and place.node.plain:
            value = resolve(place.node.text)
            if isinstance(value, bool):
                return value
        place.refuse("expected true or false, without quotes")
        return self.zero

    def show(self, value: bool) -> Tree:
        return value


class _Uint(Kind[int]):
    def read(self, place: Place) -> int:
        if isinstance(place.node, Scalar) and place.node.plain:
            value = resolve(place.node.text)
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _UINT_END:
                return int(value)
        place.refuse("expected a number from 0 up, without quotes")
        return self.zero

    def show(self, value: int) -> Tree:
        return value


class _Duration(Kind[D]):
    """Prometheus' notation, in nanoseconds."""

    def read(self, place: Place) -> D:
        text = _text(place)
        if text is None:
            return self.zero
        try:
            return parse_duration(text)
        except DurationError as error:
            place.refuse(str(error))
            return self.zero

    def show(self, value: D) -> Tree:
        return None if value is None else format_duration(value)

    def empty(self, value: D) -> bool:
        return value is None


class _GoDuration(Kind[int]):
    """Go's notation, in nanoseconds; a bare number is nanoseconds already."""

    def read(self, place: Place) -> int:
        text = _text(place)
        if text is None or not isinstance(place.node, Scalar):
            return self.zero
        value = resolve(text) if place.node.plain else text
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _UINT_END // 2:
            return int(value)
        try:
            return parse_go_duration(text)
        except DurationError as error:
            place.refuse(str(error))
            return self.zero

    def show(self, value: int) -> Tree:
        return format_go_duration(value)


class _SecretTemplateUrl(Kind["Secret | None"]):
    """A URL that may say who may write to it; empty is the same as not there."""

    def read(self, place: Place) -> Secret | None:
        text = _text(place)
        if not text:
            return None
        if "{{" in text:
            place.refuse("templates in URLs are not supported by this version of amfast")
        elif text != _SECRET_TEXT and (problem := url_problem(text)):
            place.refuse(problem)
        return Secret(text)

    def show(self, value: Secret | None) -> Tree:
        return None if value is None else _SECRET_TEXT


class _Texts(Kind["tuple[str, ...] | None"]):
    """A list of texts; null is not the same as empty."""

    def read(self, place: Place) -> tuple[str, ...]:
        return ListOf(TEXT).read(place)

    def show(self, value: tuple[str, ...] | None) -> Tree:
        return list(value or ())


class _TextMap(Kind[Pairs]):
    def read(self, place: Place) -> Pairs:
        return tuple((at.key, TEXT.value(at)) for at in _entries(place))

    def show(self, value: Pairs) -> Tree:
        return dict(natural_order(value))


class _RegexpMap(Kind[Pairs]):
    """Names to regular expressions, none of which may be null."""

    def read(self, place: Place) -> Pairs:
        found = []
        for at in _entries(place):
            if is_null(at.node):
                at.refuse("expected a regular expression, found nothing")
            found.append((at.key, TEXT.value(at)))
        return tuple(found)

    def show(self, value: Pairs) -> Tree:
        return {name: text or None for name, text in natural_order(value)}


def _entries(place: Place) -> list[Place]:
    return [place.at_key(name.text, node) for name, node in pairs(place, once_with_merges=True)]


class _Matchers(Kind[tuple[Matcher, ...]]):
    """A list of texts, each of which may hold several matchers; sorted."""

    def read(self, place: Place) -> tuple[Matcher, ...]:
        found: list[Matcher] = []
        for at, text in _items(place, TEXT):
            try:
                found.extend(parse_matchers(text, place.walk.mode, at.warn))
            except MatcherError as error:
                at.refuse(str(error))
        return tuple(sorted(found, key=matcher_order))

    def show(self, value: tuple[Matcher, ...]) -> Tree:
        return [str(matcher) for matcher in value]


class ListOf(Kind[tuple[T, ...]]):
    """A list of values of one kind."""

    def __init__(self, item: Kind[T]) -> None:
        super().__init__(())
        self._item = item

    def read(self, place: Place) -> tuple[T, ...]:
        return tuple(value for _, value in _items(place, self._item))

    def show(self, value: tuple[T, ...]) -> Tree:
        return [self._item.show(one) for one in value]


def _items(place: Place, kind: Kind[T]) -> list[tuple[Place, T]]:
    if not isinstance(place.node, Sequence):
        place.refuse(f"expected a list, found {describe(place.node)}")
        return []
    found = []
    for index, node in enumerate(place.node.items):
        at = place.at_index(index, node)
        if kind.null_is_absent and is_null(node):
            at.refuse("expected a mapping, found nothing")
        else:
            found.append((at, kind.value(at)))
    return found


class BlockOf(Kind[B]):
    """A mapping with known keys; the class comes from a function because blocks may hold themselves."""

    null_is_absent = True

    def __init__(self, block: Callable[[], type[B]]) -> None:
        self._block = block

    def read(self, place: Place) -> B:
        return read_block(self._block(), place)

    def show(self, value: B) -> Tree:
        return show_rows(rows_of(type(value)), lambda row: getattr(value, row.field))


TEXT: Final = _Text("")
BOOL: Final = _Bool(zero=False)
UINT: Final = _Uint(0)
DURATION: Final = _Duration[int](0)
DURATION_OR_UNSET: Final = _Duration["int | None"](None)
GO_DURATION: Final = _GoDuration(0)
SECRET_TEMPLATE_URL: Final = _SecretTemplateUrl(None)
TEXTS_OR_UNSET: Final = _Texts(None)
TEXT_MAP: Final = _TextMap(())
REGEXP_MAP: Final = _RegexpMap(())
MATCHERS: Final = _Matchers(())
