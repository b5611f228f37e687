"""How configuration blocks are declared and read: a block is a frozen dataclass, a key is one of its fields.

A field made by :func:`key` says everything about one YAML key: its kind, its default, and whether it is
printed when empty. The order of the fields is the order of printing (reference config, section 14).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

from amfast.config.emit import Tree
from amfast.config.nodes import Mapping, Node, Scalar, Sequence
from amfast.config.scalars import resolve
from amfast.model.matcher import MatcherMode

T = TypeVar("T")
B = TypeVar("B", bound="Block")

MERGE: Final = "<<"
_ROW: Final = "row"
_NAME_MAX: Final = 64
"""Characters of an unknown key that are compared with the known ones."""


@dataclass(slots=True)
class Walk:
    """One reading of one file: what it depends on, and what came up on the way."""

    mode: MatcherMode
    found: dict[str, Any] = field(default_factory=dict)
    """What one block leaves for blocks that are read later, by its name there."""
    problems: list[tuple[Node, str]] = field(default_factory=list)
    warnings: list[tuple[Node, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """A node, its path (``route.routes[0]``) and, for a block, the nodes of its values by key."""

    walk: Walk
    node: Node
    path: str = ""
    key: str = ""
    """The last part of the path."""
    values: dict[str, Node] = field(default_factory=dict)

    def refuse(self, text: str, key: str | None = None) -> None:
        """Report a problem with this node, or with the value of one of its keys."""
        path = self.path if key is None else _join(self.path, key)
        node = self.node if key is None else self.values.get(key, self.node)
        self.walk.problems.append((node, f"{path}: {text}" if path else text))

    def warn(self, text: str) -> None:
        """Report something that works but should be looked at."""
        self.walk.warnings.append((self.node, f"{self.path}: {text}"))

    def at_key(self, name: str, node: Node) -> Place:
        return Place(self.walk, node, _join(self.path, name), name)

    def at_index(self, index: int, node: Node) -> Place:
        return Place(self.walk, node, f"{self.path}[{index}]")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


class Kind(Generic[T]):
    """What a value may be. ``zero`` is what an explicit null means."""

    null_is_absent: ClassVar[bool] = False
    """An explicit null is as good as no key, and has no place in a list."""

    def __init__(self, zero: T) -> None:
        self.zero = zero

    def read(self, place: Place) -> T:
        """The value at a place that is not null; after a problem, ``zero``."""
        raise NotImplementedError

    def show(self, value: T) -> Tree:
        """The value as it is printed."""
        raise NotImplementedError

    def empty(self, value: T) -> bool:
        """Whether the value is left out when printed."""
        return not value

    def value(self, place: Place) -> T:
        """The value at a place."""
        return self.zero if is_null(place.node) else self.read(place)


@dataclass(frozen=True, slots=True)
class Row:
    """One key of a block. ``kind`` is None for a key that only Alertmanager has so far."""

    name: str
    field: str
    kind: Kind[Any] | None
    shown: bool = False
    """Printed even when empty."""
    built: bool = True
    """False for a key of Alertmanager that this version refuses."""


def key(kind: Kind[Any], default: object, *, name: str = "", shown: bool = False) -> Any:  # noqa: ANN401 - as field()
    """A field that is a key of the configuration; ``name`` where Python needs another name than YAML."""
    return field(default=default, metadata={_ROW: Row(name, "", kind, shown)})


def fixed(kind: Kind[Any], default: object) -> Any:  # noqa: ANN401 - as field()
    """A field that is printed with its default but cannot be set in this version."""
    return field(default=default, init=False, repr=False, metadata={_ROW: Row("", "", kind, built=False)})


class Block:
    """Base of the dataclasses that describe a mapping with known keys."""

    __slots__ = ()

    NOT_BUILT: ClassVar[tuple[str, ...]] = ()
    """Keys of Alertmanager that this version refuses by name."""

    def checked(self, place: Place) -> Self:  # noqa: ARG002 - for those that override it
        """Look at the values together, report problems at ``place``, and return what is finally used."""
        return self


_ROWS: Final[dict[type[Block], tuple[Row, ...]]] = {}


def rows_of(block: type[Block]) -> tuple[Row, ...]:
    """The keys of a block in printing order, those without a field last."""
    if block not in _ROWS:
        _ROWS[block] = _collect_rows(block)
    return _ROWS[block]


def _collect_rows(block: type[Block]) -> tuple[Row, ...]:
    rows = []
    for one in fields(block):  # type: ignore[arg-type] # every block is a dataclass
        if _ROW in one.metadata:
            row: Row = one.metadata[_ROW]
            rows.append(replace(row, name=row.name or one.name, field=one.name))
    return (*rows, *not_built(block.NOT_BUILT))


def not_built(names: tuple[str, ...]) -> tuple[Row, ...]:
    """Rows of keys that are refused by name."""
    return tuple(Row(name, "", None, built=False) for name in names)


def is_null(node: Node) -> bool:
    """Whether the node is an explicit null, or nothing at all."""
    return isinstance(node, Scalar) and node.plain and resolve(node.text) is None


def read_rows(place: Place, rows: tuple[Row, ...]) -> tuple[dict[str, Any], Place]:
    """Read a mapping against its rows: the values by field name, and the place with their nodes."""
    by_name = {row.name: row for row in rows}
    values: dict[str, Any] = {}
    nodes: dict[str, Node] = {}
    for name, node in pairs(place, once_with_merges=False):
        row = by_name.get(name.text)
        if row is None:
            place.at_key(name.text, name).refuse(f"unknown key{_hint(name.text, by_name)}")
        elif row.built:
            nodes[name.text] = node
        elif not (is_null(node) or (isinstance(node, Sequence) and not node.items)):
            path = _join(place.path, row.name)
            place.walk.problems.append((name, f"{path} is not supported by this version of amfast"))
    for row in rows:
        if row.kind is None or row.name not in nodes:
            continue
        at = place.at_key(row.name, nodes[row.name])
        if not (row.kind.null_is_absent and is_null(at.node)):
            values[row.field] = row.kind.value(at)
    return values, replace(place, values=nodes)


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name[:_NAME_MAX], known, n=1)
    return f', did you mean "{near[0]}"?' if near else ""


def pairs(place: Place, *, once_with_merges: bool) -> Iterator[tuple[Scalar, Node]]:
    """The entries of a mapping in the order written, with merge keys put in where they stand.

    Of a key that comes again through a merge, the last one counts (yaml.v2), unless ``once_with_merges``.
    """
    if not isinstance(place.node, Mapping):
        place.refuse(f"expected a mapping, found {describe(place.node)}")
        return
    yield from _pairs(place, place.node, set(), once_with_merges=once_with_merges)


def _pairs(
    place: Place, mapping: Mapping, seen: set[str], *, once_with_merges: bool
) -> Iterator[tuple[Scalar, Node]]:
    for name, node in mapping.entries:
        if not isinstance(name, Scalar):
            place.at_key("?", name).refuse(f"expected a key, found {describe(name)}")
        elif name.plain and name.text == MERGE:
            for merged in _merged(place, node):
                inner = seen if once_with_merges else set()
                yield from _pairs(place, merged, inner, once_with_merges=once_with_merges)
        elif name.text in seen:
            place.at_key(name.text, name).refuse("the key is there twice")
        else:
            seen.add(name.text)
            yield name, node


def _merged(place: Place, node: Node) -> list[Mapping]:
    """The mappings behind a merge key, those that take precedence last."""
    found = []
    for one in reversed(node.items) if isinstance(node, Sequence) else (node,):
        if isinstance(one, Mapping):
            found.append(one)
        else:
            place.at_key(MERGE, one).refuse(f"expected a mapping to merge, found {describe(one)}")
    return found


def describe(node: Node) -> str:
    """What a node is, without what it says: it may be a secret."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    return "nothing" if is_null(node) else "a single value"


def read_block(block: type[B], place: Place) -> B:
    """Read a mapping as a block; problems within it hide what would only follow from them."""
    before = len(place.walk.problems)
    values, place = read_rows(place, rows_of(block))
    made = block(**values)
    return made.checked(place) if len(place.walk.problems) == before else made


def show_rows(rows: tuple[Row, ...], value: Callable[[Row], Any]) -> dict[str, Tree]:
    """The printed form of a block whose values come from ``value``; what is empty is left out."""
    shown: dict[str, Tree] = {}
    for row in rows:
        if row.kind is not None:
            one = value(row)
            if row.shown or not row.kind.empty(one):
                shown[row.name] = row.kind.show(one)
    return shown
