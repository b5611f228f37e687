"""What is wrong with a template, in Go's words."""

from __future__ import annotations

from typing import Final

from amfast.model.errors import AmfastError

from .nodes import Node, Tree
from .quoting import bytes_of, quote

_SHOWN_MAX: Final = 4_000


class TemplateError(AmfastError):
    """A template that cannot be parsed or executed: ``template: NAME:LINE:COLUMN: executing "NAME" at <.X>: …``.

    What is too long to be read is cut in its middle.
    """

    def __init__(self, text: str) -> None:
        if len(text) > _SHOWN_MAX:
            text = f"{text[: _SHOWN_MAX // 2]} … {text[-_SHOWN_MAX // 2 :]}"
        super().__init__(text)


def at(tree: Tree, node: Node, message: str) -> TemplateError:
    """What went wrong while ``node`` of ``tree`` was executed."""
    before = tree.source[: node.position]
    start = before.rfind("\n") + 1
    line, column = before.count("\n") + 1, len(bytes_of(before[start:]))
    place = f"{tree.parse_name}:{line}:{column}"
    return TemplateError(f"template: {place}: executing {quote(tree.name)} at <{node}>: {message}")
