"""The kinds of single values that keys have, from their YAML form to Python and back to print."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from amfast.config.emit import Tree
from amfast.config.nodes import Scalar
from amfast.config.scalars import resolve
from amfast.config.schema import JsonSchema, Kind, Place, describe
from amfast.model.duration import (
    DurationError,
    format_duration,
    format_go_duration,
    parse_duration,
    parse_go_duration,
)

B = TypeVar("B", bool, "bool | None")
D = TypeVar("D", int, "int | None")

SECRET_TEXT: Final = "<secret>"  # noqa: S105 - what is shown in place of one
_INT_END: Final = 1 << 63
_UINT_END: Final = 1 << 64
_SCALAR_TYPES: Final = ["string", "number", "boolean"]
"""Unquoted text may look like anything."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is never shown; ``reveal`` it only where it is used."""

    _value: str

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return SECRET_TEXT


def text_of(place: Place) -> str | None:
    """The text of a scalar, however it looks; None after a problem."""
    if isinstance(place.node, Scalar):
        return place.node.text
    place.refuse(f"expected text, found {describe(place.node)}")
    return None


def plain_value(place: Place) -> Any:  # noqa: ANN401 - it is whatever the file says
    """What an unquoted scalar means; the text of a quoted one; None for what is no scalar."""
    node = place.node
    if not isinstance(node, Scalar):
        return None
    return resolve(node.text) if node.plain else node.text


class Text(Kind[str]):
    """Text as it was written."""

    is_text = True

    def __init__(self, title: str = "text", zero: str = "") -> None:
        super().__init__(zero)
        self.title = title

    def read(self, place: Place) -> str:
        return text_of(place) or ""

    def show(self, value: str) -> Tree:
        return value

    def json_schema(self) -> JsonSchema:
        return {"type": _SCALAR_TYPES}


class _File(Text):
    """A file name; a relative one is joined with the folder that the place says, or always with that of the file."""

    is_text = False

    def __init__(self, *, always: bool = False) -> None:
        super().__init__("file name")
        self._always = always

    def read(self, place: Place) -> str:
        return join(place.walk.directory if self._always else place.base, text_of(place) or "")


def join(folder: str, name: str) -> str:
    """A file name seen from a folder, made short; empty and absolute names stay as they are."""
    if not folder or not name or name.startswith("/"):
        return name
    return posixpath.normpath(posixpath.join(folder, name))


class Word(Text):
    """One of some words. ``zero`` is what a null means."""

    is_text = False

    def __init__(self, words: Iterable[str], zero: str = "") -> None:
        self.words = tuple(words)
        super().__init__(" or ".join(f"`{word}`" for word in self.words if word), zero)

    def read(self, place: Place) -> str:
        text = text_of(place)
        if text is not None and text not in self.words:
            place.refuse(f"expected one of {', '.join(filter(None, self.words))}, found {text[:40]!r}")
        return text or ""

    def json_schema(self) -> JsonSchema:
        return {"enum": list(self.words)}


class _Secret(Kind["Secret | None"]):
    """Text that is never shown; empty is the same as not there, unless it has its own meaning."""

    def __init__(self, title: str, *, empty_is_unset: bool = True) -> None:
        super().__init__(None)
        self.title = title
        self._empty_is_unset = empty_is_unset

    def read(self, place: Place) -> Secret | None:
        text = text_of(place)
        return None if text is None or (not text and self._empty_is_unset) else Secret(text)

    def show(self, value: Secret | None) -> Tree:
        return SECRET_TEXT if value is not None and value.reveal() else None

    def empty(self, value: Secret | None) -> bool:
        return value is None

    def json_schema(self) -> JsonSchema:
        return {"type": _SCALAR_TYPES}


class _Bool(Kind[B]):
    title = "true or false"

    def read(self, place: Place) -> B:
        value = plain_value(place)
        if isinstance(value, bool):
            return value
        place.refuse("expected true or false, without quotes")
        return self.zero

    def show(self, value: B) -> Tree:
        return value

    def empty(self, value: B) -> bool:
        return value == self.zero

    def json_schema(self) -> JsonSchema:
        return {"enum": [True, False, "y", "yes", "on", "n", "no", "off"]}


class _Whole(Kind[int]):
    """A whole number from ``first`` up to but not including ``end``; of a fraction the whole part counts."""

    def __init__(self, title: str, first: int, end: int) -> None:
        super().__init__(0)
        self.title = title
        self._first = first
        self._end = end

    def read(self, place: Place) -> int:
        value = _number(place)
        if value is not None and self._first <= value < self._end:
            return int(value)
        place.refuse(f"expected {self.title}, without quotes")
        return self.zero

    def show(self, value: int) -> Tree:
        return value

    def json_schema(self) -> JsonSchema:
        return {"type": "number", **({"minimum": 0} if self._first == 0 else {})}


class _Float(Kind[float]):
    title = "number"

    def read(self, place: Place) -> float:
        value = _number(place)
        if value is not None:
            return float(value)
        place.refuse("expected a number, without quotes")
        return self.zero

    def show(self, value: float) -> Tree:
        return value

    def json_schema(self) -> JsonSchema:
        return {"type": "number"}


def _number(place: Place) -> float | None:
    value = plain_value(place)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


class _Duration(Kind[D]):
    """Prometheus' notation, in nanoseconds."""

    title = "duration"

    def read(self, place: Place) -> D:
        text = text_of(place)
        if text is None:
            return self.zero
        try:
            return parse_duration(text)
        except DurationError as error:
            place.refuse(str(error))
            return self.zero

    def show(self, value: D) -> Tree:
        return None if value is None else format_duration(value)

    def empty(self, value: D) -> bool:
        return value == self.zero

    def json_schema(self) -> JsonSchema:
        pattern = "^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$"
        return {"type": ["string", "integer"], "pattern": pattern, "minLength": 1}


class _GoDuration(Kind[int]):
    """Go's notation, in nanoseconds; a bare number is nanoseconds already, where that is allowed."""

    title = "Go duration"

    def __init__(self, *, bare_numbers: bool = True) -> None:
        super().__init__(0)
        self._bare_numbers = bare_numbers

    def read(self, place: Place) -> int:
        text = text_of(place)
        if text is None:
            return self.zero
        value = _number(place) if self._bare_numbers else None
        if value is not None and abs(value) < _INT_END:
            return int(value)
        try:
            return parse_go_duration(text)
        except DurationError as error:
            place.refuse(str(error))
            return self.zero

    def show(self, value: int) -> Tree:
        return format_go_duration(value)

    def json_schema(self) -> JsonSchema:
        return {"type": ["string", "number"]}


TEXT: Final = Text()
TEMPLATE: Final = Text("template")
HTML_TEMPLATE: Final = Text("HTML template")
PATH: Final = Text("file name")
"""Relative to the working directory of the process."""
FILE: Final = _File()
"""Relative to the folder of the configuration file, where the place says so."""
FILE_BESIDE: Final = _File(always=True)
"""Relative to the folder of the configuration file."""
SECRET: Final = _Secret("secret")
SECRET_OR_EMPTY: Final = _Secret("secret", empty_is_unset=False)
SECRET_TEMPLATE: Final = _Secret("secret template")
BOOL: Final = _Bool[bool](zero=False)
BOOL_OR_UNSET: Final = _Bool["bool | None"](None)
UINT: Final = _Whole("a number from 0 up", 0, _UINT_END)
INT: Final = _Whole("a whole number", -_INT_END, _INT_END)
FLOAT: Final = _Float(0.0)
DURATION: Final = _Duration[int](0)
DURATION_OR_UNSET: Final = _Duration["int | None"](None)
GO_DURATION: Final = _GoDuration()
GO_DURATION_WITH_UNIT: Final = _GoDuration(bare_numbers=False)
