"""What generated code calls: one object for each place of a template, which knows where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NoReturn

from .access import Fields, find_field, find_method, is_keyed_by_strings, nil_receiver, no_field
from .conversions import constant, conversion, needs_typing, parameter_type, typed, wrong_call
from .errors import TemplateError, at
from .meter import CHARACTERS_PER_STEP, Meter
from .nodes import Action, Node, Tree
from .printf import text
from .printing import sorted_keys
from .quoting import quote
from .values import ANY, INT, INTS, STRING, UINTS, Function, FunctionError, Sequence, Type, Value, type_of

_STEPS_PER_PART: Final = 8
"""For each character that is shown of a list, map or struct: every part of it is looked at."""


@dataclass(slots=True)
class Place:
    """A node that is executed."""

    tree: Tree
    node: Node
    meter: Meter

    def error(self, message: str) -> TemplateError:
        """What goes wrong here."""
        return at(self.tree, self.node, message)

    def look(self) -> None:
        """See whether the rendering may go on. Raises TemplateError."""
        self.meter.look(self.tree, self.node)


def failing(error: TemplateError) -> Callable[[], NoReturn]:
    """A place that can only fail."""

    def fail() -> NoReturn:
        raise TemplateError(str(error))

    return fail


def calling(place: Place, name: str, function: Function) -> Callable[..., Value]:
    """A call of a function or method with arguments that fit."""
    cost, meter = function.cost, place.meter
    call = function.call if function.work is None else _working(function.call, function.work, meter)
    more = function.rate - 1
    shows = function.result is STRING and ANY in function.parameters

    def invoke(*arguments: Value) -> Value:
        left = meter.left
        meter.weigh(arguments)
        meter.left -= cost + (left - meter.left) * more
        if meter.left < 0:
            place.look()
        try:
            result = call(*arguments)
        except FunctionError as error:
            raise place.error(f"error calling {name}: {error}") from None
        if isinstance(result, str | list) and len(result) >= CHARACTERS_PER_STEP:
            meter.weigh((result,))
            if shows and any(map(_has_parts, arguments)):
                meter.left -= len(result) * _STEPS_PER_PART
        return result

    return invoke


def _has_parts(value: Value) -> bool:
    return not (value is None or isinstance(value, str | int | float))


def _working(call: Callable[..., Value], work: Callable[[], int], meter: Meter) -> Callable[..., Value]:
    def invoke(*arguments: Value) -> Value:
        try:
            return call(*arguments)
        finally:
            meter.left -= work()

    return invoke


def printing(place: Place, action: Action) -> Callable[[Value], str]:
    """What puts a value out that is no plain string."""
    meter = place.meter

    def show(value: Value) -> str:
        if isinstance(value, Function):
            raise place.error(f"can't print {action} of type {type_of(value)}")
        try:
            shown = text(value)
        except FunctionError as error:
            raise place.error(str(error)) from None
        meter.left -= 50 + len(shown) * (_STEPS_PER_PART if _has_parts(value) else 1)
        return shown

    return show


def entering(place: Place, name: str, depth_max: int) -> Callable[[Any], Callable[..., None]]:
    """A call of a template: finds its function in the set that is rendered."""
    meter = place.meter

    def enter(run: Any) -> Callable[..., None]:  # noqa: ANN401 - the run knows its own type
        definition = run.definitions.get(name)
        if definition is None:
            raise place.error(f"template {quote(name)} not defined")
        if meter.depth >= depth_max:
            raise place.error(f"exceeded maximum template depth ({depth_max})")
        meter.depth += 1
        meter.left -= 60
        if meter.left < 0:
            place.look()
        function: Callable[..., None] = definition.function
        return function

    return enter


def looping(place: Place, *, pairs: bool) -> Callable[[Value], Iterable[Any] | None]:
    """What a range goes through: items, or pairs of an index or key and an item; None if there is nothing."""
    typed_items: dict[Type, bool] = {}

    def items(value: Value) -> Iterable[Any] | None:
        if type(value) is Sequence and not pairs:
            needs = typed_items.get(value.go_type)
            if needs is None:
                needs = typed_items[value.go_type] = needs_typing(value.go_type.elem or ANY)
            if not needs:
                return value or None
        if value is None:
            return None
        go_type = type_of(value)
        if isinstance(value, list):
            found = _items(value, go_type)
            return (enumerate(found) if pairs else found) if value else None
        if isinstance(value, dict):
            place.meter.left -= 30 + 8 * len(value)
            keys = sorted_keys(value)
            values = _items([value[key] for key in keys], go_type)
            return (zip(_keys(keys, go_type), values, strict=True) if pairs else values) if value else None
        if go_type.kind in INTS or go_type.kind in UINTS:
            if pairs:
                raise place.error(f"can't use {text(value)} to iterate over more than one variable")
            return _numbers(value, go_type)
        raise place.error(f"range can't iterate over {text(value)}")

    return items


def _items(values: list[Value], go_type: Type) -> Iterable[Value]:
    declared = go_type.elem or ANY
    return [typed(value, declared) for value in values] if needs_typing(declared) else values


def _keys(keys: list[Value], go_type: Type) -> Iterable[Value]:
    declared = go_type.key or ANY
    return [typed(key, declared) for key in keys] if needs_typing(declared) else keys


def _numbers(value: int, go_type: Type) -> Iterable[Value] | None:
    if value <= 0:
        return None
    return range(value) if go_type is INT else (typed(number, go_type) for number in range(value))


@dataclass(slots=True)
class Argument:
    """One of a method's: a constant, or a value whose last part stands at ``node``."""

    node: Node
    is_constant: bool = False
    in_interface: bool = False


class Method:
    """``X.Name arguments``: gives for X what takes the arguments."""

    def __init__(
        self, place: Place, called: Place, field: Fields, name: str, arguments: list[Argument], written: int
    ) -> None:
        self._place = place
        self._called = called
        self._field = field
        self._name = name
        self._arguments = arguments
        self._written = written
        """Arguments that are not from a pipe."""
        self._plans: dict[Type, Callable[..., Value]] = {}

    def __call__(self, receiver: Value) -> Callable[..., Value]:
        """The method of ``receiver``, checked for the number of its arguments. Raises TemplateError or FieldFault."""
        if receiver is None:
            if self._field.is_in_interface():
                raise nil_receiver(self._field)
            return lambda *_: None
        go_type = type_of(receiver)
        plan = self._plans.get(go_type)
        if plan is None:
            plan = self._plans[go_type] = self._plan(go_type)
        return partial(plan, receiver)

    def _plan(self, go_type: Type) -> Callable[..., Value]:
        name = self._name
        method = find_method(go_type, name)
        if method is None:
            if find_field(go_type, name) is not None:
                raise self._place.error(f"{name} has arguments but cannot be invoked as function")
            if is_keyed_by_strings(go_type):
                raise self._place.error(f"{name} is not a method but has arguments")
            raise no_field(self._field)
        wrong = wrong_call(name, method, self._written, len(self._arguments))
        if wrong:
            raise self._place.error(wrong)
        converters = [
            self._converter(argument, parameter_type(method, index))
            for index, argument in enumerate(self._arguments)
        ]
        invoke = calling(self._called, name, method)
        if len(converters) == 1:
            (convert,) = converters
            return lambda receiver, argument: invoke(receiver, convert(argument))

        def plan(receiver: Value, *arguments: Value) -> Value:
            return invoke(
                receiver, *(convert(one) for convert, one in zip(converters, arguments, strict=True))
            )

        return plan

    def _converter(self, argument: Argument, target: Type) -> Callable[[Value], Value]:
        tree, node = self._place.tree, argument.node
        if argument.is_constant:
            try:
                value = constant(tree, node, target)
            except TemplateError as error:
                fail = failing(error)
                return lambda _: fail()
            return lambda _: value
        convert, in_interface = conversion(tree, node, target), argument.in_interface
        return lambda value: convert(value, in_interface)
