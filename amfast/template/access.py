"""Fields, map keys and methods of any value: ``.Name`` (Go's text/template, exec.go, evalField)."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from operator import attrgetter, methodcaller
from typing import Any, Final

from . import values
from .conversions import needs_typing, typed, wrong_call, zero
from .errors import TemplateError, at
from .meter import Meter
from .nodes import Node, Tree
from .values import ANY, STRING, Field, Function, FunctionError, Kind, Type, Value, type_of

_SIZED: Final = (str, list, dict)
_SMALL: Final = 64
"""A receiver up to which nobody counts what it costs."""
_WITH_TYPE: Final = (values.Mapping, values.Sequence)

Getter = Callable[[Value], Value]

_NO_FIELD: Final = "can't evaluate field {field} in type {type}"
_NIL: Final = "nil pointer evaluating {type}.{field}"
_UNEXPORTED: Final = "{field} is an unexported field of struct type {type}"


class FieldFault(Exception):  # noqa: N818 - it is not yet an error: that needs to be told which value it was
    """A field that cannot be had; the generated code adds its local variables to it."""

    def __init__(self, chain: Chain, index: int, reason: str) -> None:
        super().__init__(reason)
        self._chain = chain
        self._index = index
        self._reason = reason

    def located(self, variables: Mapping[str, Any]) -> TemplateError:
        """The error, given the local variables of the code that looked for the field."""
        return self._chain.error(self._index, self._reason, variables)


@dataclasses.dataclass(slots=True)
class Chain:
    """``X.A.B``: the names, and which local variables hold X and, if X is an item of a range, what it ranges over."""

    tree: Tree
    node: Node
    """Where an error is while it is looked for."""
    called_at: Node
    """Where one is that a method gives."""
    meter: Meter
    names: list[str]
    root: str
    container: str | None
    fields: list[Fields] = dataclasses.field(default_factory=list)

    def field(self, index: int) -> Fields:
        """What finds the field of that number; they are asked for in order."""
        self.fields.append(Fields(self, index))
        return self.fields[index]

    def walk(self, value: Value) -> Value:
        """The value of the whole chain."""
        if value is None and self.container is None:
            return None
        for field in self.fields:
            value = field[type(value)](value)
        return value

    def error(self, index: int, reason: str, variables: Mapping[str, Any]) -> TemplateError:
        """The error for the field of that number; what is before it is looked up again for its type."""
        value = variables[self.root]
        in_interface = self.container is not None and type_of(variables[self.container]).elem is ANY
        for field in self.fields[:index]:
            in_interface = field.gives_interface(type_of(value))
            value = field[type(value)](value)
        name = ANY.name if in_interface or value is None else type_of(value).name
        return at(self.tree, self.node, reason.format(field=self.names[index], type=name))


class Fields(dict[type, Getter]):
    """One name of a chain: what gets it from a value, by the value's Python type."""

    def __init__(self, chain: Chain, index: int) -> None:
        super().__init__()
        self._chain = chain
        self._index = index
        self._name = chain.names[index]
        self._by_type: dict[Type, Getter] = {}

    def __missing__(self, python_type: type) -> Getter:
        getter: Getter
        if python_type is type(None):
            getter = self._of_nil
        else:
            go_type = _type_of_all(python_type)
            getter = self._of_each if go_type is None else self._getter(go_type)
        self[python_type] = getter
        return getter

    def gives_interface(self, go_type: Type) -> bool:
        """Whether what is found in a value of this type is declared as ``interface {}``."""
        method = find_method(go_type, self._name)
        if method is not None:
            return method.result is ANY
        found = find_field(go_type, self._name)
        return found.type is ANY if found is not None else go_type.elem is ANY

    def fault(self, reason: str) -> FieldFault:
        """The error that this field is not to be had."""
        return FieldFault(self._chain, self._index, reason)

    def is_in_interface(self) -> bool:
        """Whether a nil here has a type, so that asking it for something is an error."""
        return self._index > 0 or self._chain.container is not None

    def _of_nil(self, _: Value) -> Value:
        if self.is_in_interface():
            raise self.fault(_NIL)

    def _of_each(self, value: Value) -> Value:
        """Of values of a Python class that stands for many Go types."""
        getter = self._by_type.get(value.go_type)
        if getter is None:
            getter = self._by_type[value.go_type] = self._getter(value.go_type)
        return getter(value)

    def _getter(self, go_type: Type) -> Getter:
        method = find_method(go_type, self._name)
        if method is not None:
            return self._calling(method)
        found = find_field(go_type, self._name)
        if found is not None:
            return self._refusing(_UNEXPORTED) if is_unexported(found) else _getting(found)
        if is_keyed_by_strings(go_type) and go_type.elem is not None:
            return _looking_up(self._name, go_type.elem)
        return self._refusing(_NO_FIELD)

    def _calling(self, method: Function) -> Getter:
        chain, call, name = self._chain, method.call, self._name
        wrong = wrong_call(name, method, 0, 0)
        if wrong:
            return self._failing(wrong)
        meter, cost = chain.meter, method.cost

        def getter(value: Value) -> Value:
            meter.left -= cost
            if isinstance(value, _SIZED) and len(value) > _SMALL:
                meter.weigh((value,))
            try:
                return call(value)
            except FunctionError as error:
                raise at(chain.tree, chain.called_at, f"error calling {name}: {error}") from None

        return getter

    def _failing(self, message: str) -> Getter:
        def getter(_: Value) -> Value:
            raise at(self._chain.tree, self._chain.node, message)

        return getter

    def _refusing(self, reason: str) -> Getter:
        def getter(_: Value) -> Value:
            raise self.fault(reason)

        return getter


def no_field(chain_field: Fields) -> FieldFault:
    """The error that there is neither a field nor a method of the name."""
    return chain_field.fault(_NO_FIELD)


def nil_receiver(chain_field: Fields) -> FieldFault:
    """The error that nil has no fields."""
    return chain_field.fault(_NIL)


def _type_of_all(python_type: type) -> Type | None:
    """The Go type of all objects of a Python class; None where each has its own."""
    if python_type in (bool, int, float, complex, str, list, dict):
        return type_of(python_type())
    declared = inspect.getattr_static(python_type, "go_type", None)
    if not isinstance(declared, Type):
        return None
    if dataclasses.is_dataclass(python_type) and any(
        one.name == "go_type" for one in dataclasses.fields(python_type)
    ):
        return None
    return declared


def find_method(go_type: Type, name: str) -> Function | None:
    """A method of a type, or of what it points at."""
    found = go_type.methods.get(name)
    if found is None and go_type.kind is Kind.POINTER and go_type.elem is not None:
        return go_type.elem.methods.get(name)
    return found


def find_field(go_type: Type, name: str) -> Field | None:
    """A field of a struct, or of the one that it points at."""
    struct = go_type.elem if go_type.kind is Kind.POINTER and go_type.elem is not None else go_type
    return next((one for one in struct.fields if one.name == name), None)


def is_unexported(field: Field) -> bool:
    """Whether other packages, as templates are, cannot see the field."""
    return not field.name[:1].isupper()


def is_keyed_by_strings(go_type: Type) -> bool:
    """Whether a name can be a key of it."""
    return go_type.kind is Kind.MAP and (go_type.key is STRING or go_type.key is ANY)


def _getting(field: Field) -> Getter:
    return _typing(attrgetter(field.attribute), field.type)


def _looking_up(name: str, declared: Type) -> Getter:
    return _typing(methodcaller("get", name, zero(declared)), declared)


def _typing(get: Getter, declared: Type) -> Getter:
    """What gives what ``get`` finds the type that is declared where it is found."""
    if not needs_typing(declared):
        return get

    def getter(value: Value) -> Value:
        found = get(value)
        if type(found) in _WITH_TYPE and found.go_type is declared:
            return found
        return typed(found, declared)

    return getter
