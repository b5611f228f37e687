"""A configuration as text, the way yaml.v2 prints it (reference config, section 14)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cached_property
from typing import Final, TypeAlias, TypeVar

import yaml

from amfast.config.scalars import reads_as_text

T = TypeVar("T")

Key: TypeAlias = "str | float | bool | None"
Tree: TypeAlias = "Key | list[Tree] | Flow | dict[Key, Tree] | dict[str, Tree]"
"""What is printed: texts are quoted when they need it, the rest stands as it is."""

_WIDTH: Final = 80


class Flow(list["Tree"]):
    """A list that is printed in one line, with brackets."""


class Printed:
    """A text that is made when somebody asks for it: for a large file that takes as long as reading it."""

    def __init__(self, tree: Callable[[], Tree]) -> None:
        self._tree = tree

    @cached_property
    def text(self) -> str:
        return emit(self._tree())


def emit(tree: Tree) -> str:
    """Print a tree as one YAML document in block style."""
    events = [yaml.StreamStartEvent(), yaml.DocumentStartEvent(explicit=False)]
    _add_events(tree, events)
    events += (yaml.DocumentEndEvent(explicit=False), yaml.StreamEndEvent())
    text: str = yaml.emit(events, Dumper=yaml.CSafeDumper, allow_unicode=True, width=_WIDTH)
    return text.removesuffix("...\n")


def _add_events(tree: Tree, events: list[yaml.Event]) -> None:
    if isinstance(tree, dict):
        events.append(yaml.MappingStartEvent(None, None, implicit=True, flow_style=False))
        for name, value in tree.items():
            events.append(_scalar(name))
            _add_events(value, events)
        events.append(yaml.MappingEndEvent())
    elif isinstance(tree, list):
        flow = isinstance(tree, Flow)
        events.append(yaml.SequenceStartEvent(None, None, implicit=True, flow_style=flow))
        for value in tree:
            _add_events(value, events)
        events.append(yaml.SequenceEndEvent())
    else:
        events.append(_scalar(tree))


def _scalar(value: Key) -> yaml.Event:
    style = None
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif value is None:
        text = "null"
    elif isinstance(value, int):
        text = str(value)
    elif isinstance(value, float):
        text = _float(value)
    else:
        text = value
        if "\n" in value:
            style = "|"
        elif not reads_as_text(value):
            style = '"'
    return yaml.ScalarEvent(None, None, (True, True), text, style=style)


_EXPONENT_MIN: Final = -4
_EXPONENT_END: Final = 6


def _float(value: float) -> str:
    """The shortest digits that mean the same number, as Go's ``%g`` writes them."""
    if value != value or abs(value) == float("inf"):  # noqa: PLR0124 - only NaN differs from itself
        return {"nan": ".nan", "inf": ".inf", "-inf": "-.inf"}[repr(value)]
    sign, digits, last = Decimal(repr(value)).normalize().as_tuple()
    exponent = len(digits) - 1 + int(last)
    if value and not _EXPONENT_MIN <= exponent < _EXPONENT_END:
        first, rest = str(digits[0]), "".join(map(str, digits[1:]))
        return f"{'-' * sign}{first}{'.' * bool(rest)}{rest}e{exponent:+03d}"
    return f"{Decimal(repr(value)).normalize():f}"


def natural_order(pairs: Iterable[tuple[Key, T]]) -> list[tuple[Key, T]]:
    """Pairs in the order yaml.v2 gives the keys of a map.

    Null, then numbers, then texts, in which runs of digits count by value and letters come after the rest.
    """
    return sorted(pairs, key=lambda pair: _order(pair[0]))


def _order(name: Key) -> tuple[int, float, _NaturalKey]:
    if isinstance(name, str):
        return 2, 0.0, _NaturalKey(name)
    return (0, 0.0, _NaturalKey("")) if name is None else (1, name, _NaturalKey(""))


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
