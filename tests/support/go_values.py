"""Go values from the descriptions that ``tests/conformance/printf`` writes, with the types of its program."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from amfast.model.duration import format_go_duration
from amfast.template import values
from amfast.template.quoting import text_of, valid
from amfast.template.values import Field, Function, Integer, Kind, Mapping, Sequence, Type, Word

FLOAT_MAP = Type("map[int]float64", Kind.MAP, key=values.INT, elem=values.FLOAT64)
LABEL = Type("main.Label", Kind.STRING)


def _string(call: Callable[[Any], str]) -> dict[str, Function]:
    return {"String": Function("String", (), values.STRING, call)}


LOUD = Type("main.Loud", Kind.STRING, methods=_string(lambda text: valid(text).upper() + "!"))
COLOUR = Type("main.Colour", Kind.INT, methods=_string(lambda number: f"colour-{int(number)}"))
DURATION = Type("time.Duration", Kind.INT64, methods=_string(format_go_duration))
TAGS = Type("main.Tags", Kind.MAP, key=values.STRING, elem=values.STRING)
PAIR = Type(
    "main.Pair",
    Kind.STRUCT,
    fields=(Field("Name", values.STRING, "name"), Field("Value", values.STRING, "value")),
)
SONG = Type("main.Song", Kind.STRUCT, fields=(Field("Title", LOUD, "title", "called"),))
BOX = Type(
    "main.Box",
    Kind.STRUCT,
    fields=(
        Field("Count", values.INT, "count"),
        Field("Any", values.ANY, "any"),
        Field("Pair", PAIR, "pair"),
        Field("Names", values.STRINGS, "names"),
        Field("Ptr", Type("*main.Pair", Kind.POINTER, elem=PAIR), "ptr"),
    ),
)


@dataclass
class Pair:
    name: str
    value: str
    go_type: ClassVar[Type] = PAIR


@dataclass
class Song:
    title: str
    go_type: ClassVar[Type] = SONG


@dataclass
class Box:
    count: int
    any: Any
    pair: Pair
    names: Sequence
    ptr: None = None
    go_type: Type = field(default=BOX)


def told(text: str) -> str:
    """The string whose bytes are the characters of ``text``."""
    return text_of(text.encode("latin-1"))


def number(bits: str) -> float:
    """The number of 64 bits in hexadecimal."""
    return float(struct.unpack(">d", int(bits, 16).to_bytes(8, "big"))[0])


def _strings(items: list[str] | None) -> Sequence:
    return Sequence([told(item) for item in items or ()], values.STRINGS, nil=items is None)


def _box(parts: list[Any], go_type: Type) -> Box:
    count, inner, pair, names = parts
    return Box(int(count), value(inner), Pair(told(pair[0]), told(pair[1])), _strings(names), go_type=go_type)


_READERS: dict[str, Callable[[Any], Any]] = {
    "nil": lambda _: None,
    "bool": bool,
    "int": int,
    "uint64": lambda text: Integer(int(text), values.UINT64),
    "uint8": lambda text: Integer(int(text), values.UINT8),
    "float64": number,
    "complex128": lambda parts: complex(number(parts[0]), number(parts[1])),
    "string": told,
    "[]uint8": lambda text: Sequence(text.encode("latin-1"), values.BYTES),
    "main.Colour": lambda text: Integer(int(text), COLOUR),
    "main.Loud": lambda text: Word(told(text), LOUD),
    "main.Label": lambda text: Word(told(text), LABEL),
    "time.Duration": lambda text: Integer(int(text), DURATION),
    "[]interface {}": lambda items: [value(item) for item in items],
    "map[string]interface {}": lambda items: {told(key): value(item) for key, item in items.items()},
    "[]string": _strings,
    "main.Tags": lambda items: Mapping(
        {told(key): told(item) for key, item in (items or {}).items()}, TAGS, nil=items is None
    ),
    "map[int]float64": lambda items: Mapping(
        {int(key): number(item) for key, item in items.items()}, FLOAT_MAP
    ),
    "main.Song": lambda text: Song(told(text)),
    "main.Box": lambda parts: _box(parts, BOX),
    "*main.Box": lambda parts: _box(parts, Type("*main.Box", Kind.POINTER, elem=BOX)),
}


def value(description: list[Any]) -> Any:
    """The value of a pair of a type's name and what there is to know."""
    name, rest = description
    return _READERS[name](rest)
