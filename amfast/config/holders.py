"""The kinds of values that hold others: lists, maps, blocks, and free-form values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, Final, TypeVar

from amfast.config.emit import Key, Tree, natural_order
from amfast.config.kinds import TEXT
from amfast.config.nodes import Mapping, Node, Scalar, Sequence
from amfast.config.places import pairs
from amfast.config.scalars import resolve
from amfast.config.schema import (
    Block,
    JsonSchema,
    Kind,
    Place,
    Shape,
    describe,
    is_null,
    name_of,
    nullable,
    read_block,
    rows_of,
    shape_of,
    show_rows,
)
from amfast.model.matcher import (
    Matcher,
    MatcherError,
    MatchType,
    matcher_order,
    parse_matchers,
    simple_matcher,
)

T = TypeVar("T")
B = TypeVar("B", bound=Block)

Pairs = tuple[tuple[str, str], ...]
"""A map of texts, in the order written."""


class ListOf(Kind[tuple[T, ...]]):
    """A list of values of one kind."""

    def __init__(self, item: Kind[T]) -> None:
        super().__init__(())
        self._item = item

    def read(self, place: Place) -> tuple[T, ...]:
        return tuple(value for _, value in items(place, self._item))

    def show(self, value: tuple[T, ...]) -> Tree:
        return [self._item.show(one) for one in value]

    def named(self) -> str:
        return f"list of {self._item.named()}"

    def json_schema(self) -> JsonSchema:
        item = self._item.json_schema()
        return {"type": "array", "items": item if self._item.null_is_absent else nullable(item)}

    def shapes(self) -> Iterable[Shape]:
        return self._item.shapes()


def items(place: Place, kind: Kind[T]) -> list[tuple[Place, T]]:
    """The values of a list with their places."""
    if not isinstance(place.node, Sequence):
        place.refuse(f"expected a list, found {describe(place.node)}")
        return []
    found = []
    for index, node in enumerate(place.node.items):
        at = place.at_index(index, node)
        if kind.null_is_absent and is_null(node):
            at.refuse(f"expected {kind.noun}, found nothing")
        else:
            found.append((at, kind.value(at)))
    return found


class _Texts(Kind["tuple[str, ...] | None"]):
    """A list of texts; null is not the same as empty."""

    title = "list of text"

    def read(self, place: Place) -> tuple[str, ...]:
        return ListOf(TEXT).read(place)

    def show(self, value: tuple[str, ...] | None) -> Tree:
        return list(value or ())

    def json_schema(self) -> JsonSchema:
        return {"type": "array", "items": TEXT.json_schema()}


class MapOf(Kind[tuple[tuple[str, T], ...]]):
    """Names to values of one kind, in the order written; ``as_null`` says which values are printed as null."""

    def __init__(self, item: Kind[T]) -> None:
        super().__init__(())
        self._item = item

    def read(self, place: Place) -> tuple[tuple[str, T], ...]:
        return tuple((at.key, self._item.value(at)) for at in entries(place))

    def show(self, value: tuple[tuple[str, T], ...]) -> Tree:
        return {name: self._item.show(one) for name, one in natural_order(value)}

    def named(self) -> str:
        return f"map to {self._item.named()}"

    def json_schema(self) -> JsonSchema:
        return {"type": "object", "additionalProperties": nullable(self._item.json_schema())}

    def shapes(self) -> Iterable[Shape]:
        return self._item.shapes()


class _RegexpMap(Kind[Pairs]):
    """Names to regular expressions, none of which may be null."""

    title = "map to regular expression"

    def read(self, place: Place) -> Pairs:
        found = []
        for at in entries(place):
            if is_null(at.node):
                at.refuse("expected a regular expression, found nothing")
            text = TEXT.value(at)
            try:
                Matcher(MatchType.REGEXP, at.key, text)
            except MatcherError as error:
                at.refuse(str(error))
            found.append((at.key, text))
        return tuple(found)

    def show(self, value: Pairs) -> Tree:
        shown: dict[Key, Tree] = {name: text or None for name, text in natural_order(value)}
        return shown

    def json_schema(self) -> JsonSchema:
        return {"type": "object", "additionalProperties": TEXT.json_schema()}


def entries(place: Place) -> list[Place]:
    """The places of a map's values."""
    return [place.at_key(name.text, node) for name, node in pairs(place, once_with_merges=True)]


class _Matchers(Kind[tuple[Matcher, ...]]):
    """A list of texts, each of which may hold several matchers; sorted."""

    title = "list of matchers"

    def read(self, place: Place) -> tuple[Matcher, ...]:
        if isinstance(place.node, Sequence):
            simple = [_matcher_of(node) for node in place.node.items]
            if None not in simple:  # as nearly always
                return tuple(sorted(filter(None, simple), key=matcher_order))
        found: list[Matcher] = []
        for at, text in items(place, TEXT):
            try:
                found.extend(parse_matchers(text, place.walk.mode, at.warn))
            except MatcherError as error:
                at.refuse(str(error))
        return tuple(sorted(found, key=matcher_order))

    def show(self, value: tuple[Matcher, ...]) -> Tree:
        return [str(matcher) for matcher in value]

    def json_schema(self) -> JsonSchema:
        return {"type": "array", "items": {"type": "string"}}


def _matcher_of(node: Node) -> Matcher | None:
    """The matcher that a text holds, if it is so simple that there is nothing to say of it."""
    if not isinstance(node, Scalar) or is_null(node):
        return None
    try:
        return simple_matcher(node.text)
    except MatcherError:
        return None


class BlockOf(Kind[B]):
    """A mapping with known keys; the class comes from a function because blocks may hold themselves.

    With ``based``, relative file names below it are joined with the folder of the configuration file.
    """

    null_is_absent = True

    def __init__(self, block: Callable[[], type[B]], *, based: bool = False) -> None:
        self._block = block
        self._based = based

    def named(self) -> str:
        return f"[{name_of(self._block())}](#{name_of(self._block()).lower()})"

    def read(self, place: Place) -> B:
        return read_block(self._block(), place.based() if self._based else place)

    def show(self, value: B) -> Tree:
        return show_rows(rows_of(type(value)), lambda row: getattr(value, row.field))

    def empty(self, value: B | None) -> bool:
        return value is None

    def json_schema(self) -> JsonSchema:
        return {"$ref": f"#/$defs/{name_of(self._block())}"}

    def shapes(self) -> Iterable[Shape]:
        return (shape_of(self._block()),)


class ValueBlockOf(BlockOf[B]):
    """A block that is left out when printed if it says nothing, and that a null empties."""

    null_is_absent = False

    def __init__(self, block: Callable[[], type[B]], *, based: bool = False) -> None:
        super().__init__(block, based=based)

    def value(self, place: Place) -> B:
        return self._block()() if is_null(place.node) else self.read(place)

    def empty(self, value: B | None) -> bool:
        return value is None or value == type(value)()


class _Anything(Kind[Any]):
    """Whatever YAML can say: text, numbers, true and false, null, tuples, read-only mappings."""

    title = "anything"

    def read(self, place: Place) -> Any:  # noqa: ANN401 - see the title
        node = place.node
        if isinstance(node, Scalar):
            return resolve(node.text) if node.plain else node.text
        if isinstance(node, Sequence):
            return tuple(self.value(place.at_index(n, one)) for n, one in enumerate(node.items))
        found = {}
        for name, one in pairs(place, once_with_merges=True):
            found[resolve(name.text) if name.plain else name.text] = self.value(place.at_key(name.text, one))
        return MappingProxyType(found)

    def show(self, value: Any) -> Tree:  # noqa: ANN401 - see the title
        if isinstance(value, tuple):
            return [self.show(one) for one in value]
        if isinstance(value, MappingProxyType):
            return {name: self.show(one) for name, one in natural_order(value.items())}
        shown: Tree = value
        return shown

    def empty(self, value: Any) -> bool:  # noqa: ANN401 - see the title
        return value is None

    def json_schema(self) -> JsonSchema:
        return {}


class _Free(_Anything):
    """A mapping of names to anything."""

    title = "map to anything"

    def read(self, place: Place) -> Any:  # noqa: ANN401 - see the title
        if not isinstance(place.node, Mapping):
            place.refuse(f"expected a mapping, found {describe(place.node)}")
            return self.zero
        return MappingProxyType({at.key: ANYTHING.value(at) for at in entries(place)})

    def empty(self, value: Any) -> bool:  # noqa: ANN401 - see the title
        return not value

    def json_schema(self) -> JsonSchema:
        return {"type": "object"}


TEXTS: Final = ListOf(TEXT)
TEXTS_OR_UNSET: Final = _Texts(None)
TEXT_MAP: Final = MapOf(TEXT)
REGEXP_MAP: Final = _RegexpMap(())
MATCHERS: Final = _Matchers(())
ANYTHING: Final = _Anything(None)
FREE_MAP: Final = _Free(None)
