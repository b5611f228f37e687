"""YAML text to nodes, with libyaml doing the reading (YAML 1.1; reference config, section 1).

Aliases become the node they stand for, shared. A few lines of aliases can stand for billions of nodes, so the
tree's full size and depth are known, and bounded, before anybody walks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import yaml

from amfast.config.files import BYTES_MAX
from amfast.config.nodes import Mapping, Node, Scalar, Sequence
from amfast.config.scalars import resolve

NODES_MAX: Final = 1_000_000
"""Nodes of the document with every alias written out."""
DEPTH_MAX: Final = 128

_PREFIX: Final = "tag:yaml.org,2002:"
_TAGS: Final = frozenset(_PREFIX + kind for kind in ("bool", "float", "int", "map", "null", "seq", "str"))

_BOOL: Final = f"{_PREFIX}bool"
_TAGGED: Final[dict[str, type | tuple[type, ...]]] = {
    _BOOL: bool,
    f"{_PREFIX}int": int,
    f"{_PREFIX}float": (float, int),
    f"{_PREFIX}null": type(None),
}


class YamlError(Exception):
    """A text that is no YAML document, or one beyond the limits; ``line`` and ``column`` count from 1."""

    def __init__(self, text: str, line: int = 1, column: int = 1) -> None:
        super().__init__(text)
        self.line = line
        self.column = column


def compose(data: bytes) -> Node | None:
    """Read the first document of a stream; None when there is none. Raises YamlError."""
    if len(data) > BYTES_MAX:
        raise YamlError(f"the file is larger than {BYTES_MAX >> 20} MiB")
    parser = yaml.CSafeLoader(data)
    try:
        parser.get_event()  # the start of the stream
        if not parser.check_event(yaml.DocumentStartEvent):
            return None
        parser.get_event()
        return _Composer().document(parser)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlError(f"not valid YAML: {error.problem or error.context}", line, column) from None
    except yaml.reader.ReaderError as error:
        raise YamlError(f"not valid YAML: {error.reason} at byte {error.position}") from None
    finally:
        parser.dispose()


@dataclass(slots=True)
class _Open:
    """A collection being read: where its next node goes, and what it comes to with aliases written out."""

    node: Sequence | Mapping
    anchor: str | None
    items: list[Node] | None
    """Of a list; None for a mapping."""
    entries: list[tuple[Node, Node]]
    key: Node | None = None
    """Waits for its value."""
    size: int = 1
    depth: int = 1
    """Of what is in it; a scalar is as deep as nothing."""

    def add(self, node: Node, size: int) -> None:
        self.size += size
        if self.size > NODES_MAX:
            raise YamlError(f"more than {NODES_MAX} values, aliases counted", node.line, node.column)
        if self.items is not None:
            self.items.append(node)
        elif self.key is None:
            self.key = node
        else:
            self.entries.append((self.key, node))
            self.key = None


class _Composer:
    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}

    def document(self, parser: yaml.CSafeLoader) -> Node:
        """Read up to the end of the document. Written for the common case, scalars, of which there are many."""
        opened, next_event = self._open, parser.get_event
        while True:
            event: Any = next_event()
            mark = event.start_mark
            if type(event) is not yaml.ScalarEvent:
                done = self._other(event, mark.line + 1, mark.column + 1)
                if done is not None and not opened:
                    return done
                continue
            tag = event.tag
            if tag is not None:
                _check_tag(tag, mark.line + 1, mark.column + 1)
                _check_tagged(tag, event.value, mark.line + 1, mark.column + 1)
            plain = event.implicit[0] or tag not in (None, "!", f"{_PREFIX}str")
            node = Scalar(event.value, plain, mark.line + 1, mark.column + 1)
            if event.anchor is not None:
                self._anchors[event.anchor] = node, 1, 1
            if not opened:
                return node
            last = opened[-1]
            if last.size >= NODES_MAX:
                last.add(node, 1)  # says so
            last.size += 1
            if last.items is not None:
                last.items.append(node)
            elif last.key is None:
                last.key = node
            else:
                last.entries.append((last.key, node))
                last.key = None

    def _other(self, event: Any, line: int, column: int) -> Node | None:  # noqa: ANN401 - PyYAML's are untyped
        """A collection that begins or ends, or an alias; returns what is complete now."""
        kind = type(event)
        if kind is yaml.AliasEvent:
            name = str(event.anchor)
            if name not in self._anchors:
                text = f"alias *{name} refers to an anchor that is not complete before it"
                raise YamlError(text, line, column)
            return self._add(*self._anchors[name])
        if kind is yaml.SequenceEndEvent or kind is yaml.MappingEndEvent:
            last = self._open.pop()
            if last.anchor is not None:
                self._anchors[last.anchor] = last.node, last.size, last.depth + 1
            return self._add(last.node, last.size, last.depth + 1)
        _check_tag(event.tag, line, column)
        self._anchors.pop(event.anchor, None)  # an alias inside would mean the collection itself
        if kind is yaml.SequenceStartEvent:
            items = Sequence([], line, column)
            self._open.append(_Open(items, event.anchor, items.items, []))
        else:
            entries = Mapping([], line, column)
            self._open.append(_Open(entries, event.anchor, None, entries.entries))
        _check_depth(len(self._open), self._open[-1].node)
        return None

    def _add(self, node: Node, size: int, depth: int) -> Node:
        """Put a finished node where it belongs; ``size`` and ``depth`` count its aliases written out."""
        if self._open:
            parent = self._open[-1]
            parent.depth = max(parent.depth, depth)
            _check_depth(len(self._open) + depth, node)
            parent.add(node, size)
        return node


def _check_depth(depth: int, node: Node) -> None:
    if depth > DEPTH_MAX:
        raise YamlError(f"nested deeper than {DEPTH_MAX} levels", node.line, node.column)


def _check_tag(tag: str | None, line: int, column: int) -> None:
    if tag not in (None, "!") and tag not in _TAGS:
        raise YamlError(f"the tag {tag} is not supported", line, column)


def _check_tagged(tag: str, text: str, line: int, column: int) -> None:
    """A tag may say what a scalar is anyway, but not make it something else; a whole number is a float too."""
    types = _TAGGED.get(tag)
    value = resolve(text)
    if types is not None and (not isinstance(value, types) or (tag != _BOOL and isinstance(value, bool))):
        raise YamlError(f"the text is not what its tag {tag} says", line, column)
