"""Pipelines and operands as Python expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from . import nodes
from .access import Chain
from .builtin import AND, CALL, EQ, LEN, NE, NOT, OR
from .conversions import VALUE, constant, conversion, parameter_type, wrong_call
from .errors import TemplateError, at
from .meter import Meter
from .nodes import Command, Node, Pipe, Tree
from .sites import Argument, Method, Place, calling, failing
from .values import ANY, BOOL, STRING, Function, Type, Value, type_of

_WALKED_MIN = 5
"""Names of a chain from which on it is walked and not written out."""


_YES, _NO = "True", "False"


@dataclass(frozen=True, slots=True)
class Code:
    """An expression, and what is known of its value."""

    text: str
    static: Type | None = None
    is_local: bool = False
    is_constant: bool = False
    in_interface: str = _NO
    """Code for whether a nil is one of type ``interface {}``; asked after the value."""

    @property
    def is_simple(self) -> bool:
        """Whether it may be evaluated earlier or later and more than once."""
        return self.is_local or self.is_constant


@dataclass(frozen=True, slots=True)
class Dot:
    """Which local variable is the dot, and which one it is an item of."""

    local: str
    container: str | None = None


@dataclass(slots=True)
class Variable:
    """A variable of the template, the local one that holds it, and which one that is an item of."""

    name: str
    local: str
    container: str | None = None
    may_be_unset: bool = False
    """Whether the pipeline that declares it may not have been executed."""


_NIL = Code("None", is_constant=True)


class Expressions:
    """Turns what is in actions into code; ``node`` is where Go would say that an error is."""

    def __init__(self, tree: Tree, functions: Mapping[str, Function], meter: Meter) -> None:
        self.tree = tree
        self.meter = meter
        self.node: Node = nodes.Dot(0)
        self.dot = Dot("d0")
        self.variables = [Variable("$", "v0")]
        self.steps = 0
        """Of the block so far."""
        self.unset: list[str] = []
        """Local variables that have no value at the start of the block."""
        self.namespace: dict[str, Any] = {"meter": meter, "UNSET": object()}
        self._functions = functions
        self._constants: dict[tuple[type, Value], str] = {}
        self._locals = 0
        self._temporaries = 0

    # Names.

    def place(self) -> Place:
        """Where an error is now."""
        return Place(self.tree, self.node, self.meter)

    def name(self, letter: str, value: object) -> str:
        """The name of an object in the code."""
        name = f"{letter}{len(self.namespace)}"
        self.namespace[name] = value
        return name

    def constant(self, value: Value) -> str:
        """The name of a constant."""
        key = (type(value), value) if type(value) in (str, int, bool) else (object, len(self.namespace))
        if key not in self._constants:
            self._constants[key] = self.name("c", value)
        return self._constants[key]

    def local(self, letter: str) -> str:
        """The name of a new local variable."""
        self._locals += 1
        return f"{letter}{self._locals}"

    def temporary(self) -> str:
        """The name of a local variable for the rest of the statement."""
        self._temporaries += 1
        return f"t{self._temporaries}"

    def free_temporaries(self) -> None:
        """A statement begins."""
        self._temporaries = 0

    def fail(self, message: str) -> Code:
        """Code that raises an error here."""
        return self._raising(at(self.tree, self.node, message))

    def _raising(self, error: TemplateError) -> Code:
        return Code(f"{self.name('k', failing(error))}()")

    def _after(self, first: Code | None, code: Code) -> Code:
        """``code`` once ``first`` has been evaluated."""
        if first is None or first.is_simple:
            return code
        return Code(f"({first.text}, {code.text})[1]", code.static)

    def _saved(self, code: Code) -> tuple[str, Code]:
        """What to write where the value is needed first, and later."""
        if code.is_simple:
            return code.text, code
        name = self.temporary()
        return f"({name} := {code.text})", Code(name, code.static, is_local=True)

    # Pipelines and commands.

    def pipe(self, pipe: Pipe, stands_at: Pipe | None = None) -> Code:
        """The value of a pipeline, which its variables get."""
        self.node = stands_at or pipe
        first, *rest = pipe.commands
        value = replace(self._command(first, None), in_interface=_NO)
        for command in rest:
            value = replace(self._command(command, value), in_interface=_NO)
        for variable in pipe.variables:
            name = variable.names[0]
            value = self.assignment(name, value) if pipe.assigns else self._declaration(name, value)
        return value

    def _declaration(self, name: str, value: Code) -> Code:
        variable = Variable(name, self.local("v"))
        self.variables.append(variable)
        return Code(f"({variable.local} := {value.text})", value.static)

    def assignment(self, name: str, value: Code) -> Code:
        """Code that sets a variable to a value, which it gives."""
        for variable in reversed(self.variables):
            if variable.name == name:
                return Code(f"({variable.local} := {value.text})", value.static)
        return self._after(value, self.fail(f"undefined variable: {name}"))

    def _variable(self, name: str) -> tuple[Code, str | None]:
        """The value of a variable, and what it is an item of."""
        unsure: list[str] = []
        code, container = None, None
        for variable in reversed(self.variables):
            if variable.name != name:
                continue
            if variable.may_be_unset:
                unsure.append(variable.local)
                continue
            code, container = Code(variable.local, is_local=True), variable.container
            break
        if code is None:
            code = self.fail(f"undefined variable: {name}")
        for local in reversed(unsure):
            code = Code(f"({local} if {local} is not UNSET else {code.text})")
        return code, container

    def _command(self, command: Command, final: Code | None) -> Code:  # noqa: PLR0911 - a case for each operand
        first = command.arguments[0]
        self.steps += 1
        match first:
            case nodes.Field():
                self.node = first
                root = Code(self.dot.local, is_local=True)
                return self._chain(first, root, first.names, command.arguments, final, self.dot.container)
            case nodes.Chain():
                return self._chained(first, command.arguments, final)
            case nodes.Identifier():
                return self._function(first, command, command.arguments, final)
            case nodes.Variable():
                return self._of_variable(first, command.arguments, final)
            case nodes.Pipe():
                return self._not_a_function(command.arguments, final) or self.pipe(first)
        self.node = first
        wrong = self._not_a_function(command.arguments, final)
        if wrong is not None:
            return wrong
        match first:
            case nodes.Dot():
                return Code(self.dot.local, is_local=True)
            case nodes.Nil():
                return self.fail("nil is not a command")
        return self._constant_of(first, ANY)

    def _not_a_function(self, arguments: list[Node], final: Code | None) -> Code | None:
        if len(arguments) == 1 and final is None:
            return None
        return self._after(final, self.fail(f"can't give argument to non-function {arguments[0]}"))

    def _constant_of(self, node: Node, target: Type) -> Code:
        try:
            value = constant(self.tree, node, target)
        except TemplateError as error:
            return self._raising(error)
        return Code(self.constant(value), None if value is None else type_of(value), is_constant=True)

    # Fields.

    def _of_variable(self, node: nodes.Variable, arguments: list[Node], final: Code | None) -> Code:
        self.node = node
        value, container = self._variable(node.names[0])
        if len(node.names) > 1:
            return self._chain(node, value, node.names[1:], arguments, final, container)
        wrong = self._not_a_function(arguments or [node], final)
        return wrong or replace(value, in_interface=_YES if container else _NO)

    def _chained(self, node: nodes.Chain, arguments: list[Node], final: Code | None) -> Code:
        self.node = node
        if isinstance(node.node, nodes.Nil):
            return self._after(final, self.fail(f"indirection through explicit nil in {node}"))
        final_first, final = (None, None) if final is None else self._saved(final)
        root = self._argument(node.node, VALUE)
        code = self._chain(node, root, node.names, arguments, final, None)
        if final_first is None or final is None or final.text == final_first:
            return code
        return replace(code, text=f"({final_first}, {code.text})[1]")

    def _chain(
        self,
        node: Node,
        root: Code,
        names: list[str],
        arguments: list[Node],
        final: Code | None,
        container: str | None,
    ) -> Code:
        """``root.A.B``, where B may be a method that takes arguments."""
        self.steps += len(names)
        first, root = (root.text, root) if root.is_local else self._kept(root)
        chain = Chain(self.tree, self.node, node, self.meter, names, root.text, container)
        if len(arguments) > 1 or final is not None:
            return self._method(chain, first, root, arguments, final)
        in_interface = _YES if container else f"{root.text} is not None"
        return Code(self._plain(chain, first, root, len(names)), in_interface=in_interface)

    def _kept(self, code: Code) -> tuple[str, Code]:
        name = self.temporary()
        return f"({name} := {code.text})", Code(name, code.static, is_local=True)

    def _plain(self, chain: Chain, first: str, root: Code, count: int) -> str:
        """The first ``count`` names of a chain, as fields or methods without arguments."""
        if count == 0:
            return first
        if count >= _WALKED_MIN:
            for index in range(count):
                chain.field(index)
            return f"{self.name('w', chain.walk)}({first})"
        is_checked = count > 1 and chain.container is None
        text = f"{self._getter(chain, 0)}[type({root.text if is_checked else first})]({root.text})"
        for index in range(1, count):
            value = self.temporary()
            text = f"{self._getter(chain, index)}[type({value} := {text})]({value})"
        return f"({text} if {first} is not None else None)" if is_checked else text

    def _getter(self, chain: Chain, index: int) -> str:
        return self.name("g", chain.field(index))

    def _method(
        self, chain: Chain, first: str, root: Code, arguments: list[Node], final: Code | None
    ) -> Code:
        if chain.container is not None:
            return self._of_receiver(chain, first, root, arguments, final)
        final_first, final = (None, None) if final is None else self._saved(final)
        with self._unsure():
            call = self._of_receiver(chain, root.text, root, arguments, final)
        text = f"({call.text} if {first} is not None else None)"
        if final_first is None or final is None or final.text == final_first:
            return Code(text)
        return Code(f"({final_first}, {text})[1]")

    def _of_receiver(
        self, chain: Chain, first: str, root: Code, arguments: list[Node], final: Code | None
    ) -> Code:
        name = chain.names[-1]
        receiver = self._plain(chain, first, root, len(chain.names) - 1)
        place, called = self.place(), Place(self.tree, chain.called_at, self.meter)
        specs: list[Argument] = []
        codes: list[Code] = []
        for node in arguments[1:]:
            code, spec = self._untyped(node)
            codes.append(code)
            specs.append(spec)
        if final is not None:
            specs.append(Argument(self.node))
        method = Method(place, called, chain.field(len(chain.names) - 1), name, specs, len(codes))
        return self._invoked(f"{self.name('m', method)}({receiver})", codes, final, None)

    @contextmanager
    def _unsure(self) -> Iterator[None]:
        """What is declared meanwhile may not have been executed."""
        known = len(self.variables)
        yield
        for variable in self.variables[known:]:
            variable.may_be_unset = True
            self.unset.append(variable.local)

    def _untyped(self, node: Node) -> tuple[Code, Argument]:
        """An argument whose parameter's type is known only when the method is."""
        if isinstance(node, nodes.Bool | nodes.Number | nodes.String | nodes.Nil):
            self.node = node
            return _NIL, Argument(node, is_constant=True)
        code = self._argument(node, VALUE)
        return code, Argument(self.node, in_interface=code.in_interface != _NO)

    def _invoked(self, callee: str, arguments: list[Code], final: Code | None, static: Type | None) -> Code:
        """A call whose last argument comes from the pipe and is evaluated first."""
        texts = [code.text for code in arguments]
        if final is None:
            return Code(f"{callee}({', '.join(texts)})", static)
        if all(code.is_simple for code in arguments) and not callee.endswith(")"):
            return Code(f"{callee}({', '.join([*texts, final.text])})", static)
        first, final = self._saved(final)
        call = f"{callee}({', '.join([*texts, final.text])})"
        return Code(call if first == final.text else f"({first}, {call})[1]", static)

    # Functions.

    def _function(
        self, node: nodes.Identifier, command: Node, arguments: list[Node], final: Code | None
    ) -> Code:
        self.node = node
        name = node.name
        function = self._functions.get(name)
        if function is None:
            return self._after(final, self.fail(f'"{name}" is not a defined function'))
        written = arguments[1:]
        number = len(written) + (final is not None)
        wrong = wrong_call(name, function, len(written), number)
        if wrong:
            return self._after(final, self.fail(wrong))
        if function is AND or function is OR:
            return self._logic("and" if function is AND else "or", written, final)
        codes = [self._argument(one, parameter_type(function, index)) for index, one in enumerate(written)]
        final_first = None
        if final is not None:
            if not all(code.is_simple for code in codes) and not final.is_simple:
                final_first, final = self._saved(final)
            final = self._converted(final, parameter_type(function, number - 1))
            codes.append(final)
        code = self._called(function, command, name, codes, written)
        if final_first is not None:
            return Code(f"({final_first}, {code.text})[1]", code.static)
        return code

    def _called(
        self, function: Function, command: Node, name: str, codes: list[Code], written: list[Node]
    ) -> Code:
        if function is NOT:
            return Code(f"(not {codes[0].text})", BOOL)
        if function is CALL:
            callee = str(written[0]) if written else "value"
            codes = [Code(self.constant(callee), STRING, is_constant=True), *codes]
        place = Place(self.tree, command, self.meter)
        if function is LEN:
            codes = [*codes, Code(codes[0].in_interface)]
        call = self.name("k", calling(place, name, function))
        static = function.result if function.result in (STRING, BOOL) else None
        if function in (EQ, NE) and [one.is_constant and one.static is STRING for one in codes] == [
            False,
            True,
        ]:
            sign = "==" if function is EQ else "!="
            first, value = self._saved(codes[0])
            constant_name = codes[1].text
            return Code(
                f"({value.text} {sign} {constant_name} if type({first}) is str"
                f" else {call}({value.text}, {constant_name}))",
                BOOL,
            )
        return Code(f"{call}({', '.join(code.text for code in codes)})", static)

    def _logic(self, word: str, arguments: list[Node], final: Code | None) -> Code:
        final_first = None
        if final is not None and not final.is_simple:
            final_first, final = self._saved(final)
        texts = []
        for number, node in enumerate(arguments):
            with self._unsure() if number else nullcontext():
                texts.append(self._argument(node, VALUE).text)
        if final is not None:
            texts.append(final.text)
        text = f"({f' {word} '.join(texts)})"
        return Code(text if final_first is None else f"({final_first}, {text})[1]")

    def _argument(self, node: Node, target: Type) -> Code:
        """A value for a parameter of type ``target``."""
        self.node = node
        self.steps += 1
        match node:
            case nodes.Dot():
                code = Code(self.dot.local, is_local=True, in_interface=_YES if self.dot.container else _NO)
            case nodes.Field():
                root = Code(self.dot.local, is_local=True)
                code = self._chain(node, root, node.names, [], None, self.dot.container)
            case nodes.Variable():
                code = self._of_variable(node, [], None)
            case nodes.Pipe():
                code = self.pipe(node)
            case nodes.Identifier():
                code = self._function(node, node, [], None)
            case nodes.Chain():
                code = self._chained(node, [], None)
            case _:
                return self._constant_of(node, target)
        return self._converted(code, target)

    def _converted(self, code: Code, target: Type) -> Code:
        if target is ANY or target is VALUE or (code.static is not None and code.static is target):
            return code
        convert = self.name("a", conversion(self.tree, self.node, target))
        if target is not STRING:
            return Code(f"{convert}({code.text}, {code.in_interface})")
        first, value = self._saved(code)
        checked = f"{convert}({value.text}, {code.in_interface})"
        return Code(f"({value.text} if type({first}) is str else {checked})", STRING)
