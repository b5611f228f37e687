"""The document as a tree: what was written and where, before anybody asked what it means.

Nobody changes a node once it is complete. The classes are not frozen because that doubles what a large file takes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Scalar:
    """``line`` and ``column`` count from 1. Not ``plain`` is quoted text, which is never a number or null."""

    text: str
    plain: bool
    line: int
    column: int


@dataclass(slots=True, eq=False)
class Sequence:
    items: list[Node]
    line: int
    column: int


@dataclass(slots=True, eq=False)
class Mapping:
    """Keys may repeat; merge keys are still there as ``<<``."""

    entries: list[tuple[Node, Node]]
    line: int
    column: int


Node = Scalar | Sequence | Mapping
