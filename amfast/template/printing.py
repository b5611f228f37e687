"""Any Go value as text (Go's fmt, print.go)."""

from __future__ import annotations

import math
from typing import Final

from . import verbs
from .quoting import bytes_of, text_of, whole
from .values import (
    BYTES,
    INTS,
    UINT8,
    UINTS,
    Function,
    FunctionError,
    Kind,
    Type,
    Value,
    type_of,
)
from .verbs import Flags

OUTPUT_MAX: Final = 1 << 20
"""Characters that one call prints."""
DEPTH_MAX: Final = 100
"""Of lists in lists."""

NIL: Final = "<nil>"
_ADDRESS: Final = 0xC0_0001_2000
"""Of everything: an address says nothing, and must not be a real one."""
_TEXT_VERBS: Final = "vsxXq"
_INTEGER_BASES: Final = {"v": 10, "d": 10, "b": 2, "o": 8, "O": 8, "x": 16, "X": 16}
_FLOAT_VERBS: Final = "vbgGxXfFeE"
_POINTERS: Final = (Kind.POINTER, Kind.FUNC, Kind.MAP, Kind.SLICE)


def is_nil(value: Value, go_type: Type) -> bool:
    """Whether ``value`` is a nil slice, map or pointer."""
    return value is None or (go_type.kind in (Kind.SLICE, Kind.MAP) and getattr(value, "nil", False))


def sorted_keys(mapping: dict[Value, Value]) -> list[Value]:
    """The keys of a map in the order in which Go prints them."""
    return sorted(mapping, key=_order)


def _order(key: Value) -> tuple[str, Value]:
    """Strings by their bytes, NaN before all numbers; keys of several types by type."""
    name = type_of(key).name
    if isinstance(key, str):
        return name, bytes_of(key)
    if isinstance(key, float):
        return name, (not math.isnan(key), 0.0 if math.isnan(key) else key)
    if isinstance(key, complex):
        return name, (key.real, key.imag)
    return (name, key) if isinstance(key, int) else (name, 0)


class Printer:
    """Values one after the other into one text, under ``flags``, which the caller sets before each.

    Printing raises FunctionError when the text gets longer than OUTPUT_MAX or values nest deeper than DEPTH_MAX.
    """

    def __init__(self) -> None:
        self.flags = Flags()
        self._parts: list[str] = []
        self._room = OUTPUT_MAX
        self._erring = False

    def write(self, text: str) -> None:
        self._room -= len(text)
        if self._room < 0:
            raise FunctionError(
                f"the text is too long (at most {OUTPUT_MAX} characters can be printed at once)"
            )
        self._parts.append(text)

    def text(self) -> str:
        return whole("".join(self._parts))

    def argument(self, value: Value, verb: str, go_type: Type | None = None) -> None:
        """Print one operand; ``go_type`` is what a pointer points at."""
        if type(value) is str and verb in _TEXT_VERBS:
            self.write(self._string(value, verb) or "")
            return
        go_type = go_type or type_of(value)
        if value is None:
            if verb in "Tv":
                self.write(self.flags.padded(NIL))
            else:
                self.write(f"%!{verb}({NIL})")
        elif verb == "T":
            self.write(verbs.string(go_type.name, self.flags))
        elif verb == "p":
            self._pointer(value, go_type, verb)
        elif go_type is BYTES and self.flags.sharp_v and verb == "v":
            self._bytes_in_go_syntax(value, go_type)
        elif go_type is BYTES or not self._by_method(value, go_type, verb):
            self._value(value, go_type, verb, 0)

    def _nested(self, value: Value, go_type: Type, verb: str, depth: int) -> None:
        """What is in a slice, map, struct or interface of the declared type ``go_type``."""
        if depth > DEPTH_MAX:
            raise FunctionError(f"values are nested too deeply to be printed (at most {DEPTH_MAX} levels)")
        if go_type.kind is Kind.INTERFACE:
            if value is None:
                self.write(f"{go_type.name}(nil)" if self.flags.sharp_v else NIL)
                return
            go_type = type_of(value)
        if not self._by_method(value, go_type, verb):
            self._value(value, go_type, verb, depth)

    def _value(self, value: Value, go_type: Type, verb: str, depth: int) -> None:
        kind = go_type.kind
        if kind is Kind.SLICE:
            self._slice(value, go_type, verb, depth)
        elif kind is Kind.MAP:
            self._map(value, go_type, verb, depth)
        elif kind is Kind.STRUCT:
            self._struct(value, go_type, verb, depth)
        elif kind is Kind.POINTER and depth == 0 and value is not None and go_type.elem is not None:
            self.write("&")
            self._nested(value, go_type.elem, verb, depth + 1)
        elif kind in (Kind.POINTER, Kind.FUNC):
            self._pointer(value, go_type, verb)
        else:
            text = self._plain(value, kind, verb)
            if text is None:
                self._bad_verb(value, go_type, verb)
            else:
                self.write(text)

    def _plain(self, value: Value, kind: Kind, verb: str) -> str | None:
        """A value without parts; None if its kind does not know the verb."""
        flags = self.flags
        if kind is Kind.STRING:
            return self._string(value, verb)
        if kind is Kind.BOOL:
            return verbs.boolean(value, flags) if verb in "tv" else None
        if kind in INTS or kind in UINTS:
            return self._integer(value, verb, signed=kind in INTS)
        if kind in (Kind.FLOAT32, Kind.FLOAT64):
            bits = 32 if kind is Kind.FLOAT32 else 64
            name = "g" if verb == "v" else verb
            return verbs.floating(value, name, flags, bits=bits) if verb in _FLOAT_VERBS else None
        name = "g" if verb == "v" else verb
        return verbs.complex_number(value, name, flags) if verb in _FLOAT_VERBS else None

    def _string(self, value: str, verb: str) -> str | None:
        if verb == "q" or (verb == "v" and self.flags.sharp_v):
            return verbs.quoted(value, self.flags)
        if verb in "vs":
            return verbs.string(value, self.flags)
        return verbs.hexadecimal(value, self.flags, upper=verb == "X") if verb in "xX" else None

    def _integer(self, value: int, verb: str, *, signed: bool) -> str | None:
        value = int(value)
        if verb == "v" and self.flags.sharp_v and not signed:
            return self._with_sharp(value, sharp=True)
        base = _INTEGER_BASES.get(verb)
        if base is not None:
            return verbs.integer(value, base, self.flags, upper=verb == "X", letter_o=verb == "O")
        show = {"c": verbs.character, "q": verbs.quoted_character, "U": verbs.unicode}.get(verb)
        return None if show is None else show(value, self.flags)

    def _with_sharp(self, value: int, *, sharp: bool) -> str:
        before, self.flags.sharp = self.flags.sharp, sharp
        text = verbs.integer(value, 16, self.flags)
        self.flags.sharp = before
        return text

    def _slice(self, value: Value, go_type: Type, verb: str, depth: int) -> None:
        elem = go_type.elem or UINT8
        if verb in "sqxX" and elem.kind is Kind.UINT8:
            self.write(self._string(text_of(bytes(value or ())), verb) or "")
            return
        if self.flags.sharp_v and is_nil(value, go_type):
            self.write(f"{go_type.name}(nil)")
            return
        opening, separator, closing = self._punctuation(go_type, "[", "]")
        self.write(opening)
        for number, item in enumerate(value or ()):
            if number:
                self.write(separator)
            self._nested(item, elem, verb, depth + 1)
        self.write(closing)

    def _bytes_in_go_syntax(self, value: Value, go_type: Type) -> None:
        if is_nil(value, go_type):
            self.write("[]byte(nil)")
        else:
            self.write("[]byte{" + ", ".join(self._with_sharp(item, sharp=True) for item in value) + "}")

    def _map(self, value: Value, go_type: Type, verb: str, depth: int) -> None:
        key_type, elem = go_type.key, go_type.elem
        if self.flags.sharp_v and is_nil(value, go_type):
            self.write(f"{go_type.name}(nil)")
            return
        opening, separator, closing = self._punctuation(go_type, "map[", "]")
        self.write(opening)
        for number, key in enumerate(sorted_keys(value or {})):
            if number:
                self.write(separator)
            self._nested(key, key_type or type_of(key), verb, depth + 1)
            self.write(":")
            self._nested(value[key], elem or type_of(value[key]), verb, depth + 1)
        self.write(closing)

    def _struct(self, value: Value, go_type: Type, verb: str, depth: int) -> None:
        opening, separator, closing = self._punctuation(go_type, "{", "}")
        self.write(opening)
        for number, field in enumerate(go_type.fields):
            if number:
                self.write(separator)
            if self.flags.plus_v or self.flags.sharp_v:
                self.write(f"{field.name}:")
            self._nested(getattr(value, field.attribute), field.type, verb, depth + 1)
        self.write(closing)

    def _punctuation(self, go_type: Type, opening: str, closing: str) -> tuple[str, str, str]:
        if self.flags.sharp_v:
            return f"{go_type.name}{{", ", ", "}"
        return opening, " ", closing

    def _pointer(self, value: Value, go_type: Type, verb: str) -> None:
        if go_type.kind not in _POINTERS:
            self._bad_verb(value, go_type, verb)
            return
        address = 0 if is_nil(value, go_type) else _ADDRESS
        if verb == "v" and self.flags.sharp_v:
            inner = self._with_sharp(address, sharp=True) if address else "nil"
            self.write(f"({go_type.name})({inner})")
        elif verb == "v" and not address:
            self.write(self.flags.padded(NIL))
        elif verb in "vp":
            self.write(self._with_sharp(address, sharp=not self.flags.sharp))
        elif verb in "bodxX":
            self.write(self._integer(address, verb, signed=False) or "")
        else:
            self._bad_verb(value, go_type, verb)

    def _bad_verb(self, value: Value, go_type: Type, verb: str) -> None:
        self.write(f"%!{verb}({go_type.name}=")
        self._erring = True
        self._value(value, go_type, "v", 0)
        self._erring = False
        self.write(")")

    def _by_method(self, value: Value, go_type: Type, verb: str) -> bool:
        """Print a value as one of its own methods says; False if it has none that this verb asks for."""
        if self._erring or value is None:
            return False
        if verb == "w":
            self._bad_verb(value, go_type, verb)
            return True
        names = ("GoString",) if self.flags.sharp_v else ("Error", "String") if verb in _TEXT_VERBS else ()
        for name in names:
            method = go_type.methods.get(name)
            if method is not None and not method.parameters:
                self._method(value, method, verb)
                return True
        return False

    def _method(self, value: Value, method: Function, verb: str) -> None:
        try:
            text = str(method.call(value))
        except FunctionError as error:
            self.write(f"%!{verb}(PANIC={method.name} method: {error})")
            return
        if self.flags.sharp_v:
            self.write(verbs.string(text, self.flags))
        else:
            self.write(self._string(text, verb) or "")
