"""A configuration as text, the way yaml.v2 prints it (reference config, section 14)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

import yaml

from amfast.config.scalars import reads_as_text

Tree: TypeAlias = "str | int | bool | list[Tree] | dict[str, Tree] | None"
"""What is printed: texts are quoted when they need it, the rest stands as it is."""

_WIDTH: Final = 80


def emit(tree: Tree) -> str:
    """Print a tree as one YAML document in block style."""
    events = [
        yaml.StreamStartEvent(),
        yaml.DocumentStartEvent(explicit=False),
        *_events(tree),
        yaml.DocumentEndEvent(explicit=False),
        yaml.StreamEndEvent(),
    ]
    text: str = yaml.emit(events, Dumper=yaml.CSafeDumper, allow_unicode=True, width=_WIDTH)
    return text.removesuffix("...\n")


def _events(tree: Tree) -> Iterator[yaml.Event]:
    if isinstance(tree, dict):
        yield yaml.MappingStartEvent(None, None, implicit=True, flow_style=False)
        for name, value in tree.items():
            yield from _events(name)
            yield from _events(value)
        yield yaml.MappingEndEvent()
    elif isinstance(tree, list):
        yield yaml.SequenceStartEvent(None, None, implicit=True, flow_style=False)
        for value in tree:
            yield from _events(value)
        yield yaml.SequenceEndEvent()
    else:
        yield _scalar(tree)


def _scalar(value: str | bool | int | None) -> yaml.Event:
    style = None
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif value is None:
        text = "null"
    elif isinstance(value, int):
        text = str(value)
    else:
        text = value
        if "\n" in value:
            style = "|"
        elif not reads_as_text(value):
            style = '"'
    return yaml.ScalarEvent(None, None, (True, True), text, style=style)


def natural_order(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs in the order yaml.v2 gives the keys of a map: runs of digits by value, letters after the rest."""
    return sorted(pairs, key=lambda pair: _NaturalKey(pair[0]))


class _NaturalKey:
    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __lt__(self, other: _NaturalKey) -> bool:
        a, b = self._text, other._text
        position = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
        if position is None:
            return len(a) < len(b)
        x, y = a[position], b[position]
        if x.isalpha() and y.isalpha():
            return x < y
        if x.isalpha() or y.isalpha():
            return y.isalpha()
        lead = "1" if "0" in (x, y) and _digit_before(a, position) else ""
        a_run, b_run = _digits(a, position), _digits(b, position)
        a_number, b_number = int(f"0{lead}{a_run}"), int(f"0{lead}{b_run}")
        return (a_number, len(a_run), x) < (b_number, len(b_run), y)


def _digits(text: str, start: int) -> str:
    end = start
    while end < len(text) and text[end].isdecimal():
        end += 1
    return text[start:end]


def _digit_before(text: str, position: int) -> bool:
    """Whether the run of digits before ``position`` holds anything but zeros."""
    while position and text[position - 1].isdecimal():
        position -= 1
        if text[position] != "0":
            return True
    return False
