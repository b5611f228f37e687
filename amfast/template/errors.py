"""What is wrong with a template, in Go's words."""

from __future__ import annotations

from amfast.model.errors import AmfastError

from .nodes import Node, Tree
from .quoting import bytes_of, quote


class TemplateError(AmfastError):
    """A template that cannot be parsed or executed: ``template: NAME:LINE:COLUMN: executing "NAME" at <.X>: …``."""


def at(tree: Tree, node: Node, message: str) -> TemplateError:
    """What went wrong while ``node`` of ``tree`` was executed."""
    before = tree.source[: node.position]
    start = before.rfind("\n") + 1
    line, column = before.count("\n") + 1, len(bytes_of(before[start:]))
    place = f"{tree.parse_name}:{line}:{column}"
    return TemplateError(f"template: {place}: executing {quote(tree.name)} at <{node}>: {message}")
