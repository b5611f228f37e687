"""The functions of every template (Go's text/template, funcs.go)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, Final
from urllib.parse import quote_plus

from .conversions import VALUE, is_assignable, is_nillable, typed, zero
from .printf import sprint, sprintf, sprintln, text
from .quoting import bytes_of, is_printable, text_of, valid
from .values import (
    ANY,
    BOOL,
    INT,
    INTS,
    STRING,
    UINT8,
    UINTS,
    Function,
    FunctionError,
    Integer,
    Kind,
    Type,
    Value,
    type_of,
)

_INT64_SIGN: Final = 1 << 63
_SLICE_INDEXES_MAX: Final = 3


# Indexing.


def _index(item: Value, *indexes: Value) -> Value:
    if item is None:
        raise FunctionError("index of untyped nil")
    for key in indexes:
        if item is None:
            raise FunctionError("index of nil pointer")
        go_type = type_of(item)
        if isinstance(item, str):
            data = bytes_of(item)
            item = Integer(_within(data, _position(key, len(data))), UINT8)
        elif isinstance(item, list):
            item = typed(_within(item, _position(key, len(item))), go_type.elem or ANY)
        elif isinstance(item, dict):
            declared = go_type.elem or ANY
            item = typed(item.get(_prepared(key, go_type.key or ANY), zero(declared)), declared)
        else:
            raise FunctionError(f"can't index item of type {_pointed_at(go_type)}")
    return item


def _pointed_at(go_type: Type) -> Type:
    return go_type.elem if go_type.kind is Kind.POINTER and go_type.elem is not None else go_type


def _within(items: Any, position: int) -> Value:  # noqa: ANN401 - bytes or a list
    if position == len(items):
        raise FunctionError(f"reflect: {_RANGE_WORDS[type(items) is bytes]} index out of range")
    return items[position]


_RANGE_WORDS: Final = {True: "string", False: "slice"}


def _position(index: Value, capacity: int) -> int:
    if index is None:
        raise FunctionError("cannot index slice/array with nil")
    kind = type_of(index).kind
    if kind not in INTS and kind not in UINTS:
        raise FunctionError(f"cannot index slice/array with type {type_of(index)}")
    position = int(index)
    if position >= _INT64_SIGN:
        position -= 2 * _INT64_SIGN
    if not 0 <= position <= capacity:
        raise FunctionError(f"index out of range: {position}")
    return position


def _prepared(value: Value, target: Type) -> Value:
    """An argument that fits the type, or is a number of another size."""
    if value is None:
        if not is_nillable(target):
            raise FunctionError(f"value is nil; should be of type {target}")
        return zero(target)
    source = type_of(value)
    if is_assignable(source, target):
        return value
    whole = INTS | UINTS
    if source.kind in whole and target.kind in whole:
        return typed(int(value), target)
    raise FunctionError(f"value has type {source}; should be {target}")


def _slice(item: Value, *indexes: Value) -> Value:
    if item is None:
        raise FunctionError("slice of untyped nil")
    if len(indexes) > _SLICE_INDEXES_MAX:
        raise FunctionError(f"too many slice indexes: {len(indexes)}")
    if not isinstance(item, str | list):
        raise FunctionError(f"can't slice item of type {_pointed_at(type_of(item))}")
    if isinstance(item, str) and len(indexes) == _SLICE_INDEXES_MAX:
        raise FunctionError("cannot 3-index slice a string")
    whole = bytes_of(item) if isinstance(item, str) else item
    bounds = [0, len(whole)]
    for number, index in enumerate(indexes):
        bounds[number : number + 1] = [_position(index, len(whole))]
    for low, high in pairwise(bounds):
        if low > high:
            raise FunctionError(f"invalid slice index: {low} > {high}")
    part = whole[bounds[0] : bounds[1]]
    if isinstance(part, bytes):
        return typed(text_of(part), type_of(item))
    return typed(part, type_of(item))


def _length(item: Value, in_interface: bool = False) -> int:
    """``in_interface`` says that a nil has the type ``interface {}``."""
    if isinstance(item, str):
        return len(item) if item.isascii() else len(bytes_of(item))
    if isinstance(item, list | dict):
        return len(item)
    if item is None:
        untyped = "reflect: call of reflect.Value.Type on zero Value"
        raise FunctionError("len of nil pointer" if in_interface else untyped)
    raise FunctionError(f"len of type {_pointed_at(type_of(item))}")


# Logic and comparison.


def _not(value: Value) -> bool:
    return not value


def _and(*values: Value) -> Value:
    return next((value for value in values if not value), values[-1])


def _or(*values: Value) -> Value:
    return next((value for value in values if value), values[-1])


_BAD_COMPARISON: Final = "invalid type for comparison"
_CLASSES: Final = {
    **dict.fromkeys(INTS, "int"),
    **dict.fromkeys(UINTS, "uint"),
    Kind.BOOL: "bool",
    Kind.STRING: "string",
    Kind.FLOAT32: "float",
    Kind.FLOAT64: "float",
    Kind.COMPLEX128: "complex",
}
_WHOLE: Final = ("int", "uint")


def _class(value: Value) -> str | None:
    """Which kinds of values it can be compared with."""
    return _CLASSES.get(type_of(value).kind)


def _is_nil(value: Value) -> bool:
    return value is None or bool(getattr(value, "nil", False))


def _equal(first: Value, *others: Value) -> bool:
    if not others:
        raise FunctionError("missing argument for comparison")
    return any(_same(first, other) for other in others)


def _same(first: Value, second: Value) -> bool:
    one, other = _class(first), _class(second)
    if one != other:
        if one in _WHOLE and other in _WHOLE:
            return int(first) == int(second)
        if first is None or second is None:
            return False
        raise _incompatible(first, second)
    if one is not None:
        return bool(first == second)
    if first is not None and second is not None and type_of(first).kind is not type_of(second).kind:
        raise FunctionError(
            sprintf("non-comparable types %s: ", [first])
            + f"{type_of(first)}, {type_of(second)}: "
            + sprintf("%v", [second])
        )
    if _is_nil(first) or _is_nil(second):
        return _is_nil(first) == _is_nil(second)
    if not _is_comparable(type_of(second)):
        raise FunctionError(sprintf("non-comparable type %s: ", [second]) + type_of(second).name)
    return type_of(first) is type_of(second) and bool(first == second)


def _is_comparable(go_type: Type) -> bool:
    if go_type.kind is Kind.STRUCT:
        return all(_is_comparable(field.type) for field in go_type.fields)
    return go_type.kind not in (Kind.SLICE, Kind.MAP, Kind.FUNC)


def _incompatible(first: Value, second: Value) -> FunctionError:
    return FunctionError(f"incompatible types for comparison: {type_of(first)} and {type_of(second)}")


def _less(first: Value, second: Value) -> bool:
    one, other = _class(first), _class(second)
    if one is None or other is None:
        raise FunctionError(_BAD_COMPARISON)
    if one != other:
        if one in _WHOLE and other in _WHOLE:
            return int(first) < int(second)
        raise _incompatible(first, second)
    if one in ("bool", "complex"):
        raise FunctionError(_BAD_COMPARISON)
    if one == "string":
        return bytes_of(first) < bytes_of(second)
    return bool(first < second)


def _less_or_equal(first: Value, second: Value) -> bool:
    return _less(first, second) or _equal(first, second)


def _greater(first: Value, second: Value) -> bool:
    return not _less_or_equal(first, second)


def _greater_or_equal(first: Value, second: Value) -> bool:
    return not _less(first, second)


# Escaping.

_HTML: Final = str.maketrans(
    {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_JS: Final = {
    "\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D",
}  # fmt: skip
_URL_SAFE: Final = "-_.~"


def _shown(values: tuple[Value, ...]) -> str:
    """The values as they would be put out, one after the other."""
    if len(values) == 1 and isinstance(values[0], str) and type(values[0]) is str:
        return values[0]
    parts: list[str] = []
    after_string = True
    for value in values:
        is_string = value is None or isinstance(value, str)
        if not (is_string or after_string):
            parts.append(" ")
        parts.append(text(value))
        after_string = is_string
    return "".join(parts)


def _html(*values: Value) -> str:
    return _shown(values).translate(_HTML)


def _js(*values: Value) -> str:
    return "".join(map(_js_char, _shown(values)))


def _js_char(char: str) -> str:
    escaped = _JS.get(char)
    if escaped is not None:
        return escaped
    if char < " ":
        return f"\\u{ord(char):04X}"
    return char if char.isascii() or is_printable(valid(char)) else f"\\u{ord(char):04X}"


def _urlquery(*values: Value) -> str:
    return quote_plus(bytes_of(_shown(values)), _URL_SAFE)


# Calling a value.


def _call(name: str, function: Value, *arguments: Value) -> Value:
    if function is None:
        raise FunctionError("call of nil")
    if not isinstance(function, Function):
        raise FunctionError(f"non-function {name} of type {type_of(function)}")
    wanted = len(function.parameters) - function.variadic
    if (len(arguments) < wanted) if function.variadic else (len(arguments) != wanted):
        least = "at least " if function.variadic else ""
        raise FunctionError(f"wrong number of args for {name}: got {len(arguments)} want {least}{wanted}")
    prepared = []
    for number, argument in enumerate(arguments):
        target = function.parameters[min(number, len(function.parameters) - 1)]
        try:
            prepared.append(_prepared(argument, target))
        except FunctionError as error:
            raise FunctionError(f"arg {number}: {error}") from None
    return function.call(*prepared)


def _of(
    name: str,
    result: Type,
    call: Callable[..., Any],
    *parameters: Type,
    rest: bool = False,
    cost: int = 20,
    rate: int = 1,
) -> Function:
    return Function(name, parameters, result, call, variadic=rest, cost=cost, rate=rate)


_any = partial(_of, rest=True)

AND: Final = _any("and", VALUE, _and, VALUE, VALUE)
OR: Final = _any("or", VALUE, _or, VALUE, VALUE)
NOT: Final = _of("not", BOOL, _not, VALUE)
CALL: Final = _any("call", VALUE, _call, VALUE, VALUE)
EQ: Final = _any("eq", BOOL, _equal, VALUE, VALUE)
LEN: Final = _of("len", INT, _length, VALUE)
NE: Final = _of("ne", BOOL, lambda first, second: not _equal(first, second), VALUE, VALUE)

BUILTINS: Final[dict[str, Function]] = {
    function.name: function
    for function in (
        AND,
        OR,
        NOT,
        CALL,
        EQ,
        NE,
        _of("lt", BOOL, _less, VALUE, VALUE),
        _of("le", BOOL, _less_or_equal, VALUE, VALUE),
        _of("gt", BOOL, _greater, VALUE, VALUE),
        _of("ge", BOOL, _greater_or_equal, VALUE, VALUE),
        _any("index", VALUE, _index, VALUE, VALUE),
        _any("slice", VALUE, _slice, VALUE, VALUE),
        LEN,
        _any("html", STRING, _html, ANY, cost=60),
        _any("js", STRING, _js, ANY, cost=60, rate=60),
        _any("urlquery", STRING, _urlquery, ANY, cost=60),
        _any("print", STRING, lambda *values: sprint(values), ANY, cost=60),
        _any("println", STRING, lambda *values: sprintln(values), ANY, cost=60),
        _any("printf", STRING, lambda pattern, *values: sprintf(pattern, values), STRING, ANY, cost=150),
    )
}
"""By name."""
