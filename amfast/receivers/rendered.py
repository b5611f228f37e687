"""Values of a configuration with templates in their texts, at any depth, and what the rendered texts mean.

A rendered text is read as YAML: where it says a number, true, null, a list or a mapping, that is the value (reference
notify, section 8).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from amfast.config.compose import YamlError, compose
from amfast.config.nodes import Node, Scalar, Sequence
from amfast.config.places import MERGE
from amfast.config.scalars import resolve

VALUES_MAX: Final = 100_000
"""In what a rendered text means, aliases written out; a text that means more is a text."""


def render_deeply(value: Any, text: Callable[[str], str]) -> Any:  # noqa: ANN401 - whatever YAML and JSON can say
    """The value with its texts, keys included, put through ``text``; keys that are no text are left out."""
    if isinstance(value, str):
        return _meaning(text(value))
    if isinstance(value, tuple):
        return [render_deeply(one, text) for one in value]
    if isinstance(value, Mapping):
        return {text(key): render_deeply(one, text) for key, one in value.items() if isinstance(key, str)}
    return value


def _meaning(rendered: str) -> Any:  # noqa: ANN401 - see above
    try:
        node = compose(rendered.encode("utf-8", "surrogateescape"))
        value = None if node is None else _Meanings().of(node)
    except YamlError:
        return rendered
    return rendered if isinstance(value, str) else value


class _Meanings:
    """The values of nodes, counted."""

    def __init__(self) -> None:
        self._left = VALUES_MAX

    def of(self, node: Node) -> Any:  # noqa: ANN401 - see above
        self._left -= 1
        if self._left < 0:
            raise YamlError(f"more than {VALUES_MAX} values", node.line, node.column)
        if isinstance(node, Scalar):
            return resolve(node.text) if node.plain else node.text
        if isinstance(node, Sequence):
            return [self.of(one) for one in node.items]
        found: dict[str, Any] = {}
        for key, one in node.entries:
            if not isinstance(key, Scalar):
                raise YamlError("a key must be a single value", key.line, key.column)
            name = resolve(key.text) if key.plain else key.text
            if key.plain and key.text == MERGE:
                self._merge(found, one)
            elif isinstance(name, str):
                found[name] = self.of(one)
        return found

    def _merge(self, found: dict[str, Any], node: Node) -> None:
        """Add the entries of a mapping, or of several, of which the first counts most."""
        for one in reversed(node.items) if isinstance(node, Sequence) else [node]:
            value = self.of(one)
            if not isinstance(value, dict):
                raise YamlError("expected a mapping to merge", one.line, one.column)
            found.update(value)
