"""How configuration blocks are declared and read: a block is a frozen dataclass, a key is one of its fields.

A field made by :func:`key` says everything about one YAML key: its kind, its default, what it is for, whether it
must be there, and beside which other keys it cannot be. Reading, printing, the JSON Schema and the documentation
all come from it. The order of the fields is the order of printing (reference config, section 14).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from inspect import cleandoc
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

from amfast.config.emit import Tree
from amfast.config.nodes import Mapping, Node, Scalar, Sequence
from amfast.config.places import Place, Walk, describe, is_null, join_path, pairs

__all__ = [
    "Block",
    "Kind",
    "Place",
    "Row",
    "Rows",
    "Walk",
    "describe",
    "is_null",
    "key",
    "not_built",
    "pairs",
    "read_block",
    "read_rows",
    "rows_of",
    "show_rows",
]

T = TypeVar("T")
B = TypeVar("B", bound="Block")

JsonSchema = dict[str, Any]

_ROW: Final = "row"
_NAME_MAX: Final = 64
"""Characters of an unknown key that are compared with the known ones."""
_HINTS_MAX: Final = 50
"""Problems after which near words are no longer looked for, which takes long."""


class Kind(Generic[T]):
    """What a value may be. ``zero`` is what an explicit null means."""

    null_is_absent: ClassVar[bool] = False
    """An explicit null is as good as no key, and has no place in a list."""
    is_text: ClassVar[bool] = False
    """A single value is its text, whatever it says and wherever it stands."""
    noun: ClassVar[str] = "a mapping"
    """What is missed where a list has nothing."""
    title: str = ""

    def __init__(self, zero: T) -> None:
        self.zero = zero

    def read(self, place: Place) -> T:
        """The value at a place that is not null; after a problem, ``zero``."""
        raise NotImplementedError

    def show(self, value: T) -> Tree:
        """The value as it is printed."""
        raise NotImplementedError

    def json_schema(self) -> JsonSchema:
        """What a JSON Schema says of the value; null is added by whoever asks."""
        raise NotImplementedError

    def named(self) -> str:
        """What the documentation calls it."""
        return self.title

    def shapes(self) -> Iterable[Shape]:
        """The mappings with known keys that a value of this kind holds directly."""
        return ()

    def empty(self, value: T) -> bool:
        """Whether the value is left out when printed."""
        return not value

    def value(self, place: Place) -> T:
        """The value at a place."""
        return self.zero if is_null(place.node) else self.read(place)


@dataclass(frozen=True, slots=True)
class Shape:
    """A mapping with known keys, as it is documented."""

    name: str
    about: str
    rows: Rows
    one_of: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One key of a block. ``kind`` is None for a key that only Alertmanager has so far."""

    name: str
    field: str
    kind: Kind[Any] | None
    about: str = ""
    """What it is for, in a few words."""
    shown: bool = False
    """Printed even when empty."""
    built: bool = True
    """False for a key of Alertmanager that this version refuses."""
    required: bool = False
    excludes: tuple[str, ...] = ()
    """Keys that cannot be set beside it."""
    default: Any = None


def key(
    kind: Kind[Any],
    default: object,
    about: str = "",
    *,
    name: str = "",
    shown: bool = False,
    required: bool = False,
    excludes: tuple[str, ...] = (),
) -> Any:  # noqa: ANN401 - as field()
    """A field that is a key of the configuration; ``name`` where Python needs another name than YAML."""
    row = Row(name, "", kind, about, shown, required=required, excludes=excludes, default=default)
    return field(default=default, metadata={_ROW: row})


class Block:
    """Base of the dataclasses that describe a mapping with known keys."""

    __slots__ = ()

    NOT_BUILT: ClassVar[tuple[str, ...]] = ()
    """Keys of Alertmanager that this version refuses by name."""
    ONE_OF: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Groups of keys, at least one of which must be set."""

    CHECKED_ALWAYS: ClassVar[bool] = False
    """Whether :meth:`checked` is asked although some values are wrong. What it says of the keys of these, which have
    their zero value, is not reported."""

    def checked(self, place: Place) -> Self:  # noqa: ARG002 - for those that override it
        """Look at the values together, report problems at ``place``, and return what is finally used."""
        return self


def nullable(schema: JsonSchema) -> JsonSchema:
    """The same JSON Schema, and null."""
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return {**schema, "type": [*types, "null"]}
    return {"anyOf": [schema, {"type": "null"}]} if schema else {}


class Rows(tuple[Row, ...]):  # noqa: SLOT001 - a tuple with attributes cannot have slots
    """The keys of a mapping in printing order, and what reading asks of them again and again."""

    by_name: dict[str, Row]
    built: frozenset[str]
    """The names of those that this version reads."""
    rules: tuple[Row, ...]
    """Those that must be there or exclude others."""

    def __new__(cls, found: Iterable[Row]) -> Self:
        made = super().__new__(cls, found)
        made.by_name = {row.name: row for row in made}
        made.built = frozenset(row.name for row in made if row.built)
        made.rules = tuple(row for row in made if row.required or row.excludes)
        return made


_ROWS: Final[dict[type[Block], Rows]] = {}


def rows_of(block: type[Block]) -> Rows:
    """The keys of a block in printing order, those without a field last."""
    if block not in _ROWS:
        _ROWS[block] = _collect_rows(block)
    return _ROWS[block]


def _collect_rows(block: type[Block]) -> Rows:
    rows = []
    for one in fields(block):  # type: ignore[arg-type] # every block is a dataclass
        if _ROW in one.metadata:
            row: Row = one.metadata[_ROW]
            rows.append(replace(row, name=row.name or one.name, field=one.name))
    return Rows((*rows, *not_built(block.NOT_BUILT)))


def name_of(block: type[Block]) -> str:
    """What the documentation calls a block."""
    return block.__name__.removesuffix("Block")


def shape_of(block: type[Block]) -> Shape:
    """A block as it is documented."""
    return Shape(name_of(block), cleandoc(block.__doc__ or ""), rows_of(block), block.ONE_OF)


def not_built(names: tuple[str, ...]) -> tuple[Row, ...]:
    """Rows of keys that are refused by name."""
    return tuple(Row(name, "", None, built=False) for name in names)


def read_rows(place: Place, rows: Rows, *, in_order: bool = False) -> tuple[dict[str, Any], Place]:
    """Read a mapping against its rows: the values by field name, and the place with their nodes.

    ``in_order``: values are read in the order of the rows, because later ones need earlier ones.
    """
    nodes = _nodes_by_key(place, rows)
    by_name, values = rows.by_name, dict[str, Any]()
    problems, spoilt = place.walk.problems, set[str]()
    for key_name in [row.name for row in rows if row.name in nodes] if in_order else nodes:
        row, node = by_name[key_name], nodes[key_name]
        kind = row.kind
        if kind is None or (kind.null_is_absent and is_null(node)):
            continue
        if kind.is_text and type(node) is Scalar:
            values[row.field] = kind.zero if is_null(node) else node.text
            continue
        known = len(problems)
        values[row.field] = kind.value(place.at_key(key_name, node))
        if len(problems) > known:
            spoilt.add(key_name)
    return values, place.with_values(nodes, spoilt)


def _nodes_by_key(place: Place, rows: Rows) -> dict[str, Node]:
    """The nodes of a mapping for the keys that there are; the others are reported."""
    if type(place.node) is Mapping:
        found = {name.text: node for name, node in place.node.entries if type(name) is Scalar}
        if len(found) == len(place.node.entries) and found.keys() <= rows.built:
            return found  # nothing twice, nothing to merge, nothing unknown: nearly every mapping
    by_name = rows.by_name
    nodes: dict[str, Node] = {}
    for name, node in pairs(place, once_with_merges=False):
        row = by_name.get(name.text)
        if row is not None and row.built:
            nodes[name.text] = node
        elif row is None:
            hint = _hint(name.text, by_name) if len(place.walk.problems) < _HINTS_MAX else ""
            place.at_key(name.text, name).refuse(f"unknown key{hint}")
        elif not (is_null(node) or (isinstance(node, Sequence) and not node.items)):
            path = join_path(place.path, row.name)
            place.walk.problems.append((name, f"{path} is not supported by this version of amfast"))
    return nodes


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name[:_NAME_MAX], known, n=1)
    return f', did you mean "{near[0]}"?' if near else ""


def is_set(value: object) -> bool:
    """Whether a value counts as given where keys exclude or need each other."""
    return value is not None and value not in ("", 0, ())


def read_block(block: type[B], place: Place) -> B:
    """Read a mapping as a block; problems within it hide what might only follow from them."""
    before = len(place.walk.problems)
    values, place = read_rows(place, rows_of(block))
    made = block(**values)
    is_wrong = len(place.walk.problems) > before and not block.CHECKED_ALWAYS
    check_rows(place, rows_of(block), values, block.ONE_OF, is_whole=not is_wrong)
    if len(place.walk.problems) > before and not block.CHECKED_ALWAYS:
        return made
    return made.checked(place)


def check_rows(
    place: Place,
    rows: Rows,
    values: dict[str, Any],
    one_of: tuple[tuple[str, ...], ...] = (),
    *,
    is_whole: bool = True,
) -> None:
    """Report keys that are there beside others that exclude them, and, if all that is there is right, missing keys."""
    if not (rows.rules or one_of):
        return
    given = {row.name for row in rows if row.field in values and is_set(values[row.field])}
    for row in rows.rules:
        if is_whole and row.required and row.name not in given:
            place.refuse("must be set", row.name)
        if row.name in given:
            for other in row.excludes:
                if other in given:
                    place.refuse(f"cannot be set beside {other}", row.name)
    for names in one_of if is_whole else ():
        if given.isdisjoint(names):
            place.refuse(f"set one of {' and '.join(filter(None, (', '.join(names[:-1]), names[-1])))}")


def show_rows(rows: Rows, value: Callable[[Row], Any]) -> dict[str, Tree]:
    """The printed form of a block whose values come from ``value``; what is empty is left out."""
    shown: dict[str, Tree] = {}
    for row in rows:
        if row.kind is not None:
            one = value(row)
            if row.shown or not row.kind.empty(one):
                shown[row.name] = row.kind.show(one)
    return shown
