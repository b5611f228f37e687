"""What a Go value is in Python.

| Go | Python |
|---|---|
| untyped nil | ``None`` |
| ``bool``, ``int``, ``float64``, ``complex128`` | ``bool``, ``int``, ``float``, ``complex`` |
| ``string`` | ``str``; bytes that are no UTF-8 as lone surrogates (``surrogateescape``) |
| ``[]interface {}``, ``map[string]interface {}`` | ``list``, ``dict`` |
| anything else | an object with ``go_type`` |

Inside a slice, a map or a struct whose Go type says what is in it, a value needs no type of its own: the items of a
``[]uint8`` are ``int``. There ``None`` is a nil slice, map or pointer.

The last also are what their kind says: an ``Integer`` is an ``int``, a ``Word`` a ``str``, a ``Sequence`` a
``list``, a ``Mapping`` a ``dict``; a struct is any object whose attributes are its fields; a pointer to a
struct is the struct. So ``isinstance`` tells the kind, and ``type_of`` the Go type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingLike
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any, Final, Self

Value = Any
"""A Go value, as the table above says."""


class Kind(Enum):
    """The kinds of Go's ``reflect`` that occur here; the values are Go's words."""

    INVALID = "invalid"
    BOOL = "bool"
    INT = "int"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT = "uint"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    UINTPTR = "uintptr"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    COMPLEX128 = "complex128"
    STRING = "string"
    SLICE = "slice"
    MAP = "map"
    STRUCT = "struct"
    POINTER = "ptr"
    FUNC = "func"
    INTERFACE = "interface"

    __hash__ = object.__hash__  # Enum's own takes a tenth of the time of a rendering


INTS: Final = frozenset({Kind.INT, Kind.INT8, Kind.INT16, Kind.INT32, Kind.INT64})
UINTS: Final = frozenset({Kind.UINT, Kind.UINT8, Kind.UINT16, Kind.UINT32, Kind.UINT64, Kind.UINTPTR})


@dataclass(frozen=True, slots=True, eq=False)
class Type:
    """A Go type; two are the same when they are the same object."""

    name: str
    """As ``%T`` prints it: ``string``, ``[]string``, ``template.KV``."""
    kind: Kind
    key: Type | None = None
    """Of a map."""
    elem: Type | None = None
    """Of a slice, map or pointer."""
    fields: tuple[Field, ...] = ()
    """Of a struct, in order."""
    methods: dict[str, Function] = field(default_factory=dict)
    """The first parameter of their ``call`` is the receiver, which ``parameters`` leaves out."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a struct: its Go name, its type, the attribute that holds it, and its JSON name."""

    name: str
    type: Type
    attribute: str
    json: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """A Go function. ``call`` gets Python values of the parameters' types, already checked and converted.

    It raises FunctionError where the Go function returns an error or panics. With ``variadic`` the last parameter's
    type is that of the rest's elements.
    """

    name: str
    parameters: tuple[Type, ...]
    result: Type
    call: Callable[..., Any]
    variadic: bool = False
    cost: int = 50
    """Of one call, in steps (see ``meter``), without what its texts and lists cost by their lengths."""
    rate: int = 16
    """Steps for 16 characters of its arguments."""
    work: Callable[[], int] | None = None
    """Gives the steps that the last call took besides, where lengths do not tell."""
    fault: str = ""
    """Go's text of why templates cannot call it, once the number of its arguments is right; empty if they can."""

    @property
    def go_type(self) -> Type:
        return _function_type(self.parameters, self.result, self.variadic)


@cache
def _function_type(parameters: tuple[Type, ...], result: Type, variadic: bool) -> Type:
    names = [parameter.name for parameter in parameters]
    if variadic:
        names[-1] = f"...{names[-1]}"
    return Type(f"func({', '.join(names)}) {result.name}", Kind.FUNC)


class FunctionError(Exception):
    """What a Go function returned as its error: the text alone."""


INVALID: Final = Type("<nil>", Kind.INVALID)
BOOL: Final = Type("bool", Kind.BOOL)
INT: Final = Type("int", Kind.INT)
INT8: Final = Type("int8", Kind.INT8)
INT16: Final = Type("int16", Kind.INT16)
INT32: Final = Type("int32", Kind.INT32)
INT64: Final = Type("int64", Kind.INT64)
UINT: Final = Type("uint", Kind.UINT)
UINT8: Final = Type("uint8", Kind.UINT8)
UINT16: Final = Type("uint16", Kind.UINT16)
UINT32: Final = Type("uint32", Kind.UINT32)
UINT64: Final = Type("uint64", Kind.UINT64)
UINTPTR: Final = Type("uintptr", Kind.UINTPTR)
FLOAT32: Final = Type("float32", Kind.FLOAT32)
FLOAT64: Final = Type("float64", Kind.FLOAT64)
COMPLEX128: Final = Type("complex128", Kind.COMPLEX128)
STRING: Final = Type("string", Kind.STRING)
ANY: Final = Type("interface {}", Kind.INTERFACE)
FUNC: Final = Type("func", Kind.FUNC)
STRINGS: Final = Type("[]string", Kind.SLICE, elem=STRING)
ANYS: Final = Type("[]interface {}", Kind.SLICE, elem=ANY)
BYTES: Final = Type("[]uint8", Kind.SLICE, elem=UINT8)
MAP: Final = Type("map[string]interface {}", Kind.MAP, key=STRING, elem=ANY)

_NATURAL: Final[dict[type, Type]] = {
    type(None): INVALID,
    bool: BOOL,
    int: INT,
    float: FLOAT64,
    complex: COMPLEX128,
    str: STRING,
    list: ANYS,
    dict: MAP,
}


class Integer(int):
    """An integer of another type than ``int``."""

    go_type: Type

    def __new__(cls, value: int, go_type: Type) -> Self:
        """``value`` must fit the type's kind."""
        new = super().__new__(cls, value)
        new.go_type = go_type
        return new


class Word(str):
    """A string of another type than ``string``."""

    __slots__ = ("go_type",)

    go_type: Type

    def __new__(cls, value: str, go_type: Type) -> Self:
        new = super().__new__(cls, value)
        new.go_type = go_type
        return new


class Sequence(list[Any]):
    """A slice of another type than ``[]interface {}``, or a nil one (which is empty, but ``null`` in JSON)."""

    def __init__(self, items: Iterable[Value], go_type: Type, *, nil: bool = False) -> None:
        super().__init__(items)
        self.go_type = go_type
        self.nil = nil


class Mapping(dict[Any, Any]):
    """A map of another type than ``map[string]interface {}``, or a nil one."""

    def __init__(self, items: MappingLike[Value, Value], go_type: Type, *, nil: bool = False) -> None:
        super().__init__(items)
        self.go_type = go_type
        self.nil = nil


def type_of(value: Value) -> Type:
    """The Go type of a value."""
    found = _NATURAL.get(type(value))
    if found is not None:
        return found
    go_type: Type = value.go_type
    return go_type
