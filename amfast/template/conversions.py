"""Which values fit which types (package reflect, and text/template's exec.go)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import nodes
from .errors import at
from .nodes import Node, Tree
from .values import (
    ANY,
    BOOL,
    COMPLEX128,
    FLOAT64,
    INT,
    INTS,
    STRING,
    UINTS,
    Function,
    Integer,
    Kind,
    Mapping,
    Sequence,
    Type,
    Value,
    Word,
    type_of,
)

VALUE: Final = Type("reflect.Value", Kind.STRUCT)
"""Of a parameter that takes any value, an invalid one too."""

_NILLABLE: Final = frozenset({Kind.SLICE, Kind.MAP, Kind.POINTER, Kind.FUNC, Kind.INTERFACE})
_AS_IT_IS: Final = frozenset({Kind.INTERFACE, Kind.STRUCT, Kind.FUNC, Kind.POINTER, Kind.FLOAT32})
_NATURAL: Final = frozenset({STRING, BOOL, INT, FLOAT64, COMPLEX128, ANY})
_UNNAMED: Final = ("[]", "map[", "*", "func")


def is_nillable(go_type: Type) -> bool:
    """Whether ``nil`` is a value of the type."""
    return go_type.kind in _NILLABLE or go_type is VALUE


def zero(go_type: Type) -> Value:
    """The zero value of a type; None for those that have none here."""
    match go_type.kind:
        case Kind.STRING:
            return typed("", go_type)
        case Kind.BOOL:
            return False
        case Kind.FLOAT32 | Kind.FLOAT64:
            return 0.0
        case Kind.COMPLEX128:
            return 0j
        case kind if kind in INTS or kind in UINTS:
            return typed(0, go_type)
    return typed(None, go_type)


def needs_typing(go_type: Type) -> bool:
    """Whether ``typed`` may change a value that was found where this type is declared."""
    return not (go_type in _NATURAL or go_type.kind in _AS_IT_IS)


def typed(value: Value, go_type: Type) -> Value:  # noqa: PLR0911 - a case for each kind
    """A value from where ``go_type`` is declared, with that type."""
    kind = go_type.kind
    if kind in _AS_IT_IS or go_type in _NATURAL:
        return value
    if value is None:
        if kind is Kind.SLICE:
            return Sequence((), go_type, nil=True)
        return Mapping({}, go_type, nil=True) if kind is Kind.MAP else None
    if type_of(value) is go_type:
        return value
    if kind is Kind.STRING:
        return Word(value, go_type)
    if kind in INTS or kind in UINTS:
        return Integer(value, go_type)
    if kind is Kind.SLICE:
        return Sequence(value, go_type)
    return Mapping(value, go_type) if kind is Kind.MAP else value


def is_assignable(source: Type, target: Type) -> bool:
    """Whether Go lets a value of one type be assigned to another."""
    if source is target or target.kind is Kind.INTERFACE:
        return True
    return (
        source.kind is target.kind
        and source.kind in (Kind.SLICE, Kind.MAP, Kind.POINTER)
        and (source.name.startswith(_UNNAMED) or target.name.startswith(_UNNAMED))
        and source.elem is target.elem
        and source.key is target.key
    )


def conversion(tree: Tree, node: Node, target: Type) -> Callable[[Value, bool], Value]:
    """What checks a value for a parameter of type ``target``.

    The second argument says whether a nil comes from a place of type ``interface {}``. It raises TemplateError.
    """
    fits: set[Type] = set()

    def convert(value: Value, in_interface: bool) -> Value:
        if value is None:
            if is_nillable(target) and not (in_interface and target.kind is not Kind.INTERFACE):
                return zero(target)
            if in_interface:
                raise at(tree, node, f"wrong type for value; expected {target}; got {ANY}")
            raise at(tree, node, f"invalid value; expected {target}")
        source = type_of(value)
        if source in fits:
            return value
        if is_assignable(source, target):
            fits.add(source)
            return value
        if source.kind is Kind.POINTER and source.elem is not None and is_assignable(source.elem, target):
            return value
        if target.kind is Kind.POINTER and target.elem is source:
            return value
        raise at(tree, node, f"wrong type for value; expected {target}; got {source}")

    return convert


def constant(tree: Tree, node: Node, target: Type) -> Value:  # noqa: C901, PLR0911 - a case for each kind
    """The value of a constant as an argument of type ``target``. Raises TemplateError."""
    kind = target.kind
    if isinstance(node, nodes.Nil):
        if not is_nillable(target):
            raise at(tree, node, f"cannot assign nil to {target}")
        return zero(target)
    if kind is Kind.INTERFACE or target is VALUE:
        return ideal(tree, node)
    match kind, node:
        case Kind.BOOL, nodes.Bool(value=truth):
            return truth
        case Kind.STRING, nodes.String(text=text):
            return typed(text, target)
        case Kind.FLOAT32 | Kind.FLOAT64, nodes.Number(float_value=float(real)):
            return real
        case Kind.COMPLEX128, nodes.Number(complex_value=number) if number is not None:
            return number
        case _, nodes.Number(int_value=int(whole)) if kind in INTS:
            return typed(_wrapped(whole, kind), target)
        case _, nodes.Number(uint_value=int(whole)) if kind in UINTS:
            return typed(_wrapped(whole, kind), target)
    expected = _EXPECTED.get(kind)
    if expected is None:
        raise at(tree, node, f"can't handle {node} for arg of type {target}")
    raise at(tree, node, f"expected {expected}; found {node}")


_EXPECTED: Final = {
    Kind.BOOL: "bool",
    Kind.STRING: "string",
    Kind.FLOAT32: "float",
    Kind.FLOAT64: "float",
    Kind.COMPLEX128: "complex",
    **dict.fromkeys(INTS, "integer"),
    **dict.fromkeys(UINTS, "unsigned integer"),
}
_BITS: Final = {"8": 8, "16": 16, "32": 32}


def _wrapped(value: int, kind: Kind) -> int:
    """What is left of a number in the bits of its kind."""
    bits = _BITS.get(kind.value.lstrip("uint"), 64)
    value &= (1 << bits) - 1
    return value - (1 << bits) if kind in INTS and value >> (bits - 1) else value


def ideal(tree: Tree, node: Node) -> Value:
    """The value of a constant where nothing says what type it should have. Raises TemplateError."""
    match node:
        case nodes.Bool(value=truth):
            return truth
        case nodes.String(text=text):
            return text
        case nodes.Number():
            return _ideal_number(tree, node)
    raise at(tree, node, f"can't handle assignment of {node} to empty interface argument")


def _ideal_number(tree: Tree, node: nodes.Number) -> Value:
    if node.complex_value is not None:
        return node.complex_value
    if node.float_value is not None and _looks_like_float(node.text):
        return node.float_value
    if node.int_value is not None:
        return node.int_value
    if node.uint_value is not None:
        raise at(tree, node, f"{node.text} overflows int")
    return None


def _looks_like_float(text: str) -> bool:
    is_hex_int = text[:2] in ("0x", "0X") and not any(char in text for char in "pP")
    return not is_hex_int and text[0] != "'" and any(char in text for char in ".eEpP")


def parameter_type(function: Function, index: int) -> Type:
    """Of an argument; those behind the last parameter of a variadic function have its type."""
    return function.parameters[min(index, len(function.parameters) - 1)]


def wrong_call(name: str, function: Function, written: int, number: int) -> str:
    """Why it cannot be called with that many arguments, of which ``written`` are not from a pipe; else empty."""
    wanted = len(function.parameters) - function.variadic
    if function.variadic:
        if number < wanted:
            return f"wrong number of args for {name}: want at least {wanted} got {written}"
    elif number != wanted:
        return f"wrong number of args for {name}: want {wanted} got {number}"
    return function.fault
