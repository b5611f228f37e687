"""Any Go value as JSON (Go's ``json.Marshal``, package encoding/json)."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from .floats import format_float
from .gotime import TIME, Time
from .printing import DEPTH_MAX, OUTPUT_MAX, is_nil
from .quoting import bytes_of, whole
from .values import INTS, STRING, UINTS, FunctionError, Kind, Type, Value, type_of

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPES: Final = [(char, f"\\u{ord(char):04x}") for char in "<>&\u2028\u2029"]
"""What Python's encoder leaves as it is and Go's does not."""
_ALL_DIGITS: Final = range(-6, 21)
"""Decimal exponents of numbers that are written without one."""


def encode(value: Value) -> str:
    """JSON without blanks, map keys in order, and nothing in strings that HTML would read.

    Raises FunctionError with Go's text for what JSON cannot hold (NaN, functions), and for what is longer than
    OUTPUT_MAX or nested deeper than DEPTH_MAX.
    """
    simple = _simple(type_of(value))
    if simple is not None:
        text = _encode(simple(value))
        if len(text) <= OUTPUT_MAX and (text.isascii() or _SURROGATE.search(text) is None):
            return escaped(text)
    writer = _Writer()
    writer.value(value, type_of(value), 0)
    return "".join(writer.parts)


def quote(text: str) -> str:
    """A string in JSON; bytes that are no UTF-8 become U+FFFD."""
    quoted = escaped(_encode(text))
    return quoted if quoted.isascii() else _SURROGATE.sub(r"\\ufffd", escaped(_encode(whole(text))))


def escaped(text: str) -> str:
    """JSON with escapes for what means something in HTML or JavaScript."""
    for char, escape in _ESCAPES:
        text = text.replace(char, escape)
    return text


def number(value: float, bits: int = 64) -> str:
    """A number in JSON: with an exponent if it is very small or very large. Raises FunctionError if it is none."""
    if not math.isfinite(value):
        raise FunctionError(f"json: unsupported value: {format_float(value, 'g', bits=bits)}")
    plain = repr(value)
    if bits == 64 and "e" not in plain:  # noqa: PLR2004 - nearly every number
        return plain.removesuffix(".0")
    exponential = format_float(value, "e", bits=bits)
    if value == 0 or int(exponential.partition("e")[2]) in _ALL_DIGITS:
        return format_float(value, "f", bits=bits)
    return exponential.replace("e-0", "e-")


class _Writer:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self._room = OUTPUT_MAX

    def _write(self, text: str) -> None:
        self._room -= len(text)
        if self._room < 0:
            raise FunctionError(f"the JSON is too long (at most {OUTPUT_MAX} characters)")
        self.parts.append(text)

    def value(self, value: Value, go_type: Type, depth: int) -> None:
        if depth > DEPTH_MAX:
            raise FunctionError(f"values are nested too deeply for JSON (at most {DEPTH_MAX} levels)")
        if go_type.kind is Kind.INTERFACE:
            go_type = type_of(value)
        kind = go_type.kind
        if value is None or (kind in (Kind.SLICE, Kind.MAP) and is_nil(value, go_type)):
            self._write("null")
        elif go_type is TIME:
            self._time(value)
        elif kind is Kind.SLICE:
            self._slice(value, go_type, depth)
        elif kind is Kind.MAP:
            self._map(value, go_type, depth)
        elif kind is Kind.STRUCT:
            self._struct(value, go_type, depth)
        elif kind is Kind.POINTER:
            self._pointer(value, go_type, depth)
        else:
            self._write(_plain(value, go_type))

    def _time(self, value: Time) -> None:
        self._write(f'"{_time_text(value)}"')

    def _pointer(self, value: Value, go_type: Type, depth: int) -> None:
        if go_type.elem is None:
            self._write("{}")  # a struct of which nothing can be seen
        else:
            self.value(value, go_type.elem, depth + 1)

    def _slice(self, value: Value, go_type: Type, depth: int) -> None:
        elem = go_type.elem
        if elem is not None and elem.kind is Kind.UINT8:
            self._write(f'"{base64.b64encode(bytes(value)).decode()}"')
            return
        self._write("[")
        for position, item in enumerate(value):
            if position:
                self._write(",")
            self.value(item, elem or type_of(item), depth + 1)
        self._write("]")

    def _map(self, value: Value, go_type: Type, depth: int) -> None:
        key_type, elem = go_type.key, go_type.elem
        if key_type is None or not (key_type.kind is Kind.STRING or key_type.kind in INTS | UINTS):
            raise FunctionError(f"json: unsupported type: {go_type.name}")
        keys = sorted((bytes_of(str(key)), str(key), key) for key in value)
        self._members(((text, value[key], elem or type_of(value[key])) for _, text, key in keys), depth)

    def _struct(self, value: Value, go_type: Type, depth: int) -> None:
        members = (
            (name, getattr(value, attribute), declared) for name, attribute, declared in _shown(go_type)
        )
        self._members(members, depth)

    def _members(self, members: Iterable[tuple[str, Value, Type]], depth: int) -> None:
        self._write("{")
        for position, (name, member, go_type) in enumerate(members):
            self._write(("," if position else "") + quote(name) + ":")
            self.value(member, go_type, depth + 1)
        self._write("}")


def _time_text(value: Time) -> str:
    try:
        return value.rfc3339("Time.MarshalJSON")
    except FunctionError as error:
        raise FunctionError(f"json: error calling MarshalJSON for type {TIME}: {error}") from None


Simple = Callable[[Value], Any]
_SIMPLE_DEPTH_MAX: Final = 5


@lru_cache(64)
def _simple(go_type: Type, depth: int = 0) -> Simple | None:  # noqa: PLR0911 - a case for each kind
    """What makes of a value what Python's own encoder, which is quick, writes as Go does; None for most types.

    It does for texts, times, and lists, maps and structs of nothing else, as alerts are.
    """
    if go_type is STRING or go_type is TIME:
        return str if go_type is STRING else _time_text
    if depth > _SIMPLE_DEPTH_MAX:
        return None
    if go_type.kind is Kind.STRUCT:
        return _simple_struct(go_type, depth)
    inner = None if go_type.elem is None else _simple(go_type.elem, depth + 1)
    match go_type.kind:
        case Kind.SLICE if inner is not None:
            return lambda value: None if is_nil(value, go_type) else [inner(one) for one in value]
        case Kind.MAP if go_type.key is go_type.elem is STRING:
            return lambda value: (
                None if is_nil(value, go_type) else {key: value[key] for key in sorted(value)}
            )
        case Kind.POINTER if depth == 0:
            return inner
    return None


def _simple_struct(go_type: Type, depth: int) -> Simple | None:
    shown = _shown(go_type)
    fields = [
        (name, attribute, simple)
        for name, attribute, declared in shown
        if (simple := _simple(declared, depth + 1)) is not None
    ]
    if len(fields) < len(shown):
        return None
    return lambda value: {name: simple(getattr(value, attribute)) for name, attribute, simple in fields}


@lru_cache(64)
def _shown(go_type: Type) -> tuple[tuple[str, str, Type], ...]:
    """Of the fields of a struct that JSON shows: the name there, the attribute and the type."""
    return tuple(
        (field.json or field.name, field.attribute, field.type)
        for field in go_type.fields
        if field.json != "-" and field.name[:1].isupper()
    )


def _plain(value: Value, go_type: Type) -> str:
    kind = go_type.kind
    if kind is Kind.STRING:
        return quote(value)
    if kind is Kind.BOOL:
        return "true" if value else "false"
    if kind in INTS or kind in UINTS:
        return str(int(value))
    if kind in (Kind.FLOAT32, Kind.FLOAT64):
        return number(value, 32 if kind is Kind.FLOAT32 else 64)
    raise FunctionError(f"json: unsupported type: {go_type.name}")
