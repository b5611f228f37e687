"""YAML text to nodes, with libyaml doing the reading (YAML 1.1; reference config, section 1).

Aliases become the node they stand for, shared. A few lines of aliases can stand for billions of nodes, so the
tree's full size and depth are known, and bounded, before anybody walks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import yaml

from amfast.config.nodes import Mapping, Node, Scalar, Sequence

BYTES_MAX: Final = 64 << 20
NODES_MAX: Final = 1_000_000
"""Nodes of the document with every alias written out."""
DEPTH_MAX: Final = 128

_PREFIX: Final = "tag:yaml.org,2002:"
_TAGS: Final = frozenset(_PREFIX + kind for kind in ("bool", "float", "int", "map", "null", "seq", "str"))


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
    """A collection being read; ``key`` waits for its value."""

    node: Sequence | Mapping
    anchor: str | None
    key: Node | None = None
    size: int = 1
    depth: int = 0


class _Composer:
    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}

    def document(self, parser: yaml.CSafeLoader) -> Node:
        while True:
            event: Any = parser.get_event()
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            done: Node | None = None
            if isinstance(event, yaml.AliasEvent):
                done = self._alias(str(event.anchor), line, column)
            elif isinstance(event, yaml.ScalarEvent):
                _check_tag(event.tag, line, column)
                plain = event.implicit[0] or event.tag not in (None, "!", f"{_PREFIX}str")
                done = self._add(Scalar(event.value, plain, line, column), event.anchor, 1, 1)
            elif isinstance(event, yaml.CollectionEndEvent):
                last = self._open.pop()
                done = self._add(last.node, last.anchor, last.size, last.depth + 1)
            else:
                _check_tag(event.tag, line, column)
                is_list = isinstance(event, yaml.SequenceStartEvent)
                node = Sequence([], line, column) if is_list else Mapping([], line, column)
                self._anchors.pop(event.anchor, None)  # an alias inside would mean the collection itself
                self._open.append(_Open(node, event.anchor))
                _check_depth(len(self._open), node)
            if done is not None and not self._open:
                return done

    def _alias(self, name: str, line: int, column: int) -> Node:
        if name not in self._anchors:
            raise YamlError(f"alias *{name} refers to an anchor that is not complete before it", line, column)
        return self._add(self._anchors[name][0], None, *self._anchors[name][1:])

    def _add(self, node: Node, anchor: str | None, size: int, depth: int) -> Node:
        """Put a finished node where it belongs; ``size`` and ``depth`` count its aliases written out."""
        if anchor is not None:
            self._anchors[anchor] = node, size, depth
        if self._open:
            parent = self._open[-1]
            parent.size += size
            parent.depth = max(parent.depth, depth)
            if parent.size > NODES_MAX:
                raise YamlError(f"more than {NODES_MAX} values, aliases counted", node.line, node.column)
            _check_depth(len(self._open) + depth, node)
            _append(parent, node)
        return node


def _append(parent: _Open, node: Node) -> None:
    if isinstance(parent.node, Sequence):
        parent.node.items.append(node)
    elif parent.key is None:
        parent.key = node
    else:
        parent.node.entries.append((parent.key, node))
        parent.key = None


def _check_depth(depth: int, node: Node) -> None:
    if depth > DEPTH_MAX:
        raise YamlError(f"nested deeper than {DEPTH_MAX} levels", node.line, node.column)


def _check_tag(tag: str | None, line: int, column: int) -> None:
    if tag not in (None, "!") and tag not in _TAGS:
        raise YamlError(f"the tag {tag} is not supported", line, column)
