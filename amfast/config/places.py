"""Where reading stands: a node of the file with its path, and what is collected on the way through all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from amfast.config.nodes import Mapping, Node, Scalar, Sequence
from amfast.config.scalars import NULLS
from amfast.model.matcher import MatcherMode

MERGE: Final = "<<"

TemplateProblem = Callable[[str], str | None]


def any_template(_: str) -> None:
    """Takes any text for a template, for whoever has no templates."""


@dataclass(slots=True)
class Walk:
    """One reading of one file: what it depends on, and what came up on the way."""

    mode: MatcherMode
    directory: str = "."
    """The folder of the file: where most relative file names in it start."""
    template_problem: TemplateProblem = any_template
    """Says why a text with ``{{`` is no template, without what may be secret of it; None if it is one."""
    found: dict[str, Any] = field(default_factory=dict)
    """What one block leaves for blocks that are read later, by its name there."""
    problems: list[tuple[Node, str]] = field(default_factory=list)
    warnings: list[tuple[Node, str]] = field(default_factory=list)
    unsupported: list[tuple[Node, str]] = field(default_factory=list)
    """What is right but cannot be done yet: whoever runs the configuration has to refuse it."""


@dataclass(slots=True, eq=False)
class Place:
    """A node, where it is, and, for a block, the nodes of its values by key.

    Nobody changes a place. The class is not frozen because that doubles what a large file takes.
    """

    walk: Walk
    node: Node
    parent: Place | None = None
    key: str = ""
    """The last part of the path, empty for an item of a list."""
    index: int = 0
    """The position of an item of a list."""
    base: str = ""
    """The folder that relative file names here are joined with; empty for none."""
    values: dict[str, Node] = field(default_factory=dict)
    spoilt: Collection[str] = ()
    """The keys whose values are known to be wrong: of these nothing more is reported."""

    @property
    def path(self) -> str:
        """``route.routes[0]``. Put together when somebody asks, which is when something is wrong."""
        if self.parent is None:
            return self.key
        return join_path(self.parent.path, self.key) if self.key else f"{self.parent.path}[{self.index}]"

    def refuse(self, text: str, key: str | None = None) -> None:
        """Report a problem with this node, or with the value of one of its keys, if that is not known to be wrong."""
        if key in self.spoilt:
            return
        path = self.path if key is None else join_path(self.path, key)
        node = self.node if key is None else self.values.get(key, self.node)
        self.walk.problems.append((node, f"{path}: {text}" if path else text))

    def warn(self, text: str) -> None:
        """Report something that works but should be looked at."""
        self.walk.warnings.append((self.node, f"{self.path}: {text}"))

    def cannot(self, text: str, key: str | None = None) -> None:
        """Report something that is right but that this version of amfast cannot do."""
        path = self.path if key is None else join_path(self.path, key)
        node = self.node if key is None else self.values.get(key, self.node)
        self.walk.unsupported.append((node, f"{path}: {text}"))

    def at_key(self, name: str, node: Node) -> Place:
        return Place(self.walk, node, self, name, 0, self.base)

    def at_index(self, index: int, node: Node) -> Place:
        return Place(self.walk, node, self, "", index, self.base)

    def based(self) -> Place:
        """The same place, with relative file names from here on joined with the folder of the file."""
        return Place(self.walk, self.node, self.parent, self.key, self.index, self.walk.directory)

    def with_values(self, values: dict[str, Node], spoilt: Collection[str]) -> Place:
        """The same place with the nodes of its values, and the keys of those that are wrong."""
        return Place(self.walk, self.node, self.parent, self.key, self.index, self.base, values, spoilt)


def join_path(path: str, name: str) -> str:
    """``route.receiver`` from ``route`` and ``receiver``."""
    return f"{path}.{name}" if path else name


def is_null(node: Node) -> bool:
    """Whether the node is an explicit null, or nothing at all."""
    return isinstance(node, Scalar) and node.plain and node.text in NULLS


def pairs(place: Place, *, once_with_merges: bool) -> Iterable[tuple[Scalar, Node]]:
    """The entries of a mapping in the order written, with merge keys put in where they stand.

    Of a key that comes again through a merge, the last one counts (yaml.v2), unless ``once_with_merges``.
    """
    node = place.node
    if not isinstance(node, Mapping):
        place.refuse(f"expected a mapping, found {describe(node)}")
        return ()
    if _is_simple(node):
        return node.entries  # type: ignore[return-value] # its keys are scalars
    return _pairs(place, node, set(), once_with_merges=once_with_merges)


def _is_simple(mapping: Mapping) -> bool:
    """Nothing to merge, nothing twice, nothing but scalars as keys: nearly every mapping."""
    names = set()
    for name, _ in mapping.entries:
        if type(name) is not Scalar or name.text == MERGE or name.text in names:
            return False
        names.add(name.text)
    return True


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
