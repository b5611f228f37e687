"""Any Go value as JSON (Go's ``json.Marshal``, package encoding/json)."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable
from typing import Final

from .floats import format_float
from .printing import DEPTH_MAX, OUTPUT_MAX, is_nil
from .quoting import bytes_of, whole
from .values import INTS, UINTS, Function, FunctionError, Kind, Type, Value, type_of

_ESCAPED: Final = re.compile('[\0-\x1f"\\\\<>&\u2028\u2029]|[\ud800-\udfff]')
_SHORT: Final = {
    '"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
}  # fmt: skip
_SURROGATES: Final = "\ud800"
_ALL_DIGITS: Final = range(-6, 21)
"""Decimal exponents of numbers that are written without one."""


def encode(value: Value) -> str:
    """JSON without blanks, map keys in order, and nothing in strings that HTML would read.

    Raises FunctionError with Go's text for what JSON cannot hold (NaN, functions), and for what is longer than
    OUTPUT_MAX or nested deeper than DEPTH_MAX.
    """
    writer = _Writer()
    writer.value(value, type_of(value), 0)
    return "".join(writer.parts)


def quote(text: str) -> str:
    """A string in JSON; bytes that are no UTF-8 become U+FFFD."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    if char >= _SURROGATES:
        return "\\ufffd"
    return _SHORT.get(char) or f"\\u{ord(char):04x}"


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
        elif "MarshalJSON" in go_type.methods:
            self._by_method(value, go_type, go_type.methods["MarshalJSON"])
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

    def _by_method(self, value: Value, go_type: Type, method: Function) -> None:
        try:
            text = bytes(method.call(value)).decode("utf-8", "replace")
        except FunctionError as error:
            raise FunctionError(f"json: error calling MarshalJSON for type {go_type.name}: {error}") from None
        self._write(text)

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
        shown = (field for field in go_type.fields if field.json != "-" and field.name[:1].isupper())
        self._members(
            ((field.json or field.name, getattr(value, field.attribute), field.type) for field in shown),
            depth,
        )

    def _members(self, members: Iterable[tuple[str, Value, Type]], depth: int) -> None:
        self._write("{")
        for position, (name, member, go_type) in enumerate(members):
            self._write(("," if position else "") + quote(name) + ":")
            self.value(member, go_type, depth + 1)
        self._write("}")


def _plain(value: Value, go_type: Type) -> str:
    kind = go_type.kind
    if kind is Kind.STRING:
        return quote(whole(value))
    if kind is Kind.BOOL:
        return "true" if value else "false"
    if kind in INTS or kind in UINTS:
        return str(int(value))
    if kind in (Kind.FLOAT32, Kind.FLOAT64):
        return number(value, 32 if kind is Kind.FLOAT32 else 64)
    raise FunctionError(f"json: unsupported type: {go_type.name}")
