"""How much one rendering may cost, so that no template can stop the node.

A step is what the cheapest action costs, about a tenth of a microsecond. Generated code takes the steps of a block
from ``left`` at its start; loops, templates and functions look whether there are any.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .errors import at
from .nodes import Node, Tree
from .values import Value

STEPS_MAX: Final = 10_000_000
"""Of one rendering, with the renderings that it asks for."""
OUTPUT_MAX: Final = 16_000_000
"""Characters of one rendering."""
DEPTH_MAX: Final = 400
"""Templates that are executed in each other."""

_SLICE: Final = 20_000
"""Steps between two looks at the output."""
CHARACTERS_PER_STEP: Final = 16
_SIZED: Final = (str, list, dict)


class Meter:
    """What the rendering that is going on has used. One at a time."""

    __slots__ = ("_counted", "_rest", "_size", "depth", "left", "output")

    def __init__(self) -> None:
        self.left = 0
        """Steps until somebody has to look."""
        self._rest = 0
        """Steps that are left after those."""
        self.depth = 0
        """Of templates in each other."""
        self.output: list[str] = []
        """What the rendering has put out."""
        self._counted = 0
        self._size = 0

    def start(self) -> None:
        """Begin a rendering."""
        self.left, self._rest = _SLICE, STEPS_MAX - _SLICE
        self.depth = 0

    def redirect(self, output: list[str]) -> tuple[list[str], int, int]:
        """Count ``output`` from now on; gives what ``restore`` needs to go back."""
        before = (self.output, self._counted, self._size)
        self.output, self._counted, self._size = output, 0, 0
        return before

    def restore(self, before: tuple[list[str], int, int]) -> None:
        """Count again what was counted before ``redirect``."""
        self.output, self._counted, self._size = before

    def look(self, tree: Tree, node: Node) -> None:
        """Take steps from the rest. Raises TemplateError at ``node`` when there are none, or too much was put out."""
        self._size += sum(map(len, self.output[self._counted :]))
        self._counted = len(self.output)
        if self._size > OUTPUT_MAX:
            raise at(tree, node, f"the text is longer than {OUTPUT_MAX} characters")
        if self._rest + self.left < 0:
            raise at(tree, node, f"the template takes too long (more than {STEPS_MAX} steps)")
        taken = min(self._rest, _SLICE - self.left)
        self._rest -= taken
        self.left += taken

    def weigh(self, values: Iterable[Value]) -> None:
        """Take the steps that it costs to go through texts and lists once."""
        for value in values:
            if type(value) is str:
                if len(value) >= CHARACTERS_PER_STEP:
                    self.left -= len(value) >> 4
            elif isinstance(value, _SIZED):
                size = len(value)
                if isinstance(value, list):
                    self.left -= size >> 1
                    for one in value:
                        if isinstance(one, str):
                            self.left -= len(one) >> 4
                elif size >= CHARACTERS_PER_STEP:
                    self.left -= size >> 4
