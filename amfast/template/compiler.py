"""From the tree of a template to Python code that executes it.

Nothing of a template gets into the source: its names, texts and constants are objects in the code's namespace, and the
source has names like ``c3`` for them. Truth is Python's, which is Go's for all values of ``values``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, Final

from . import nodes
from .access import FieldFault
from .errors import TemplateError
from .expressions import Code, Dot, Expressions, Variable
from .meter import DEPTH_MAX, Meter
from .nodes import Listing, Pipe, Tree
from .sites import entering, looping, printing
from .values import STRING, Function

NESTING_MAX: Final = 90
"""Brackets in each other in one line of code; Python takes 200."""


def compiled(tree: Tree, functions: Mapping[str, Function], meter: Meter) -> Callable[..., None]:
    """A function of the run and the dot that executes ``tree``. Raises TemplateError."""
    return _Body(tree, functions, meter).function()


class _Body(Expressions):
    """The code of one template, line by line."""

    def __init__(self, tree: Tree, functions: Mapping[str, Function], meter: Meter) -> None:
        super().__init__(tree, functions, meter)
        self._lines: list[str] = []
        self._indent = 0
        self._assigned = _assigned(tree.root)

    def function(self) -> Callable[..., None]:
        self._emit("def execute(run, d0):")
        self._indent += 1
        self._emit("out = run.output.append")
        self._emit("v0 = d0")
        self._emit("try:")
        with self._block():
            self._listing(self.tree.root)
        self._emit("except FieldFault as fault:")
        self._emit(" raise fault.located(locals()) from None")
        source = "\n".join(self._lines)
        self._check_nesting()
        namespace = self.namespace | {"FieldFault": FieldFault, "locals": locals, "str": str, "type": type}
        namespace["__builtins__"] = {}
        exec(compile(source, "<template>", "exec"), namespace)  # noqa: S102 - nothing of the template is in it
        function: Callable[..., None] = namespace["execute"]
        return function

    def _emit(self, line: str) -> None:
        self._lines.append(" " * self._indent + line)

    def _check_nesting(self) -> None:
        for line in self._lines:
            depth = deepest = 0
            for char in line:
                depth += (char in "([") - (char in ")]")
                deepest = max(deepest, depth)
            if deepest > NESTING_MAX:
                raise TemplateError(f"template: {self.tree.parse_name}: an action is nested too deeply")

    @contextmanager
    def _block(self, charge_from: int = 4) -> Iterator[None]:
        """Indented lines, the first of which takes the steps of all if there are so many."""
        self._indent += 1
        start = len(self._lines)
        self._emit("pass")
        outer, self.steps, self.unset = (self.steps, self.unset), 0, []
        yield
        first = [f"{name} = UNSET" for name in self.unset]
        if self.steps >= charge_from:
            first.append(f"meter.left -= {self.steps}")
        if first:
            self._lines[start] = " " * self._indent + "; ".join(first)
        self.steps, self.unset = outer
        self._indent -= 1

    @contextmanager
    def _scope(self) -> Iterator[None]:
        """Variables that are gone at its end, and the dot that is back."""
        known, dot = len(self.variables), self.dot
        yield
        del self.variables[known:]
        self.dot = dot

    # Actions.

    def _listing(self, listing: Listing) -> None:
        for node in listing.nodes:
            self.steps += 1
            self.free_temporaries()
            match node:
                case nodes.Text():
                    self._emit(f"out({self.constant(node.text)})")
                case nodes.Action():
                    self._action(node)
                case nodes.Range():
                    self._range(node)
                case nodes.If() | nodes.With():
                    with self._scope():
                        self._branch(node)
                case nodes.Break():
                    self._emit("break")
                case nodes.Continue():
                    self._emit("continue")
                case nodes.Call():
                    self._call(node)

    def _action(self, node: nodes.Action) -> None:
        self.node = node
        code = self.pipe(node.pipe)
        if node.pipe.variables:
            self._emit(code.text)
        elif code.static is STRING:
            self._emit(f"out({code.text})")
        else:
            self.node = node
            show = self.name("p", printing(self.place(), node))
            value = self.temporary()
            self._emit(
                f"out({value} if type({value} := {code.text}) is str else {show}({value}))"
                if not code.is_local
                else f"out({code.text} if type({code.text}) is str else {show}({code.text}))"
            )

    def _call(self, node: nodes.Call) -> None:
        self.node = node
        enter = self.name("k", entering(self.place(), node.name, DEPTH_MAX))
        dot = self.pipe(node.pipe).text if node.pipe is not None else "None"
        self._emit(f"{enter}(run)(run, {dot})")
        self._emit("meter.depth -= 1")

    def _branch(self, node: nodes.If | nodes.With) -> None:
        """An ``if`` or ``with`` and the branches in its ``else``, as flat as they are written."""
        keyword = "if"
        outer_dot = self.dot
        branch: nodes.If | nodes.With | None = node
        while branch is not None:
            self.free_temporaries()
            self.node = branch
            self.dot = outer_dot
            condition = self.pipe(branch.pipe).text
            known = len(self.variables)
            if isinstance(branch, nodes.With):
                self.dot = Dot(self.local("d"))
                condition = f"({self.dot.local} := {condition})"
            self._emit(f"{keyword} {condition}:")
            with self._block():
                self._listing(branch.body)
            del self.variables[known:]
            self.dot = outer_dot
            otherwise = branch.otherwise
            branch = None
            if otherwise is not None:
                keyword = "elif"
                match otherwise.nodes:
                    case [(nodes.If() | nodes.With()) as only]:
                        branch = only
                    case _:
                        self._otherwise(otherwise)

    def _otherwise(self, listing: Listing) -> None:
        self._emit("else:")
        with self._block():
            self._listing(listing)

    def _range(self, node: nodes.Range) -> None:
        with self._scope():
            self.node = node
            container, items, item = self.local("s"), self.local("i"), self.local("d")
            value = self.pipe(Pipe(node.pipe.position, False, [], node.pipe.commands), stands_at=node.pipe)
            self._emit(f"{container} = {value.text}")
            if node.pipe.assigns:
                for variable in node.pipe.variables:
                    self._emit(self.assignment(variable.names[0], Code(container, is_local=True)).text)
            place = self.place()
            loop = self.name("r", looping(place, pairs=len(node.pipe.variables) > 1))
            self._emit(f"{items} = {loop}({container})")
            known = len(self.variables)
            outer_dot, self.dot = self.dot, Dot(item, container)
            self._emit(f"if {items} is not None:")
            self._indent += 1
            targets = [item]
            after: list[str] = []
            for number, variable in enumerate(reversed(node.pipe.variables)):
                self._loop_variable(node.pipe, variable.names[0], number, targets, after)
            self._emit(f"for {', '.join(targets)} in {items}:")
            with self._block(charge_from=1):
                self.steps += 1
                for line in after:
                    self._emit(line)
                self._emit(f"if meter.left < 0: {self.name('k', place.look)}()")
                self._listing(node.body)
            self._indent -= 1
            del self.variables[known:]
            self.dot = outer_dot
            if node.otherwise is not None:
                self._otherwise_of_range(node.pipe, node.otherwise, container)

    def _loop_variable(
        self, pipe: Pipe, name: str, number: int, targets: list[str], after: list[str]
    ) -> None:
        """Set a variable at each turn: number 0 to the item, 1 to its index."""
        target = targets[-1]
        if number:
            target = self.local("v")
            targets.insert(0, target)
        if pipe.assigns:
            after.append(self.assignment(name, Code(target, is_local=True)).text)
        elif number:
            self.variables.append(Variable(name, target))
        elif name in self._assigned:
            variable = Variable(name, self.local("v"))
            self.variables.append(variable)
            after.append(f"{variable.local} = {target}")
        else:
            self.variables.append(Variable(name, target, container=self.dot.container))

    def _otherwise_of_range(self, pipe: Pipe, listing: Listing, container: str) -> None:
        """The variables of the range are what it ranges over."""
        self._emit("else:")
        with self._block():
            if not pipe.assigns:
                for variable in pipe.variables:
                    self.variables.append(Variable(variable.names[0], self.local("v")))
                    self._emit(f"{self.variables[-1].local} = {container}")
            self._listing(listing)


def _assigned(root: Any) -> frozenset[str]:  # noqa: ANN401 - any part of a tree
    """The names of the variables that are set again after their declaration."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif is_dataclass(part):
            if isinstance(part, Pipe) and part.assigns:
                found.update(variable.names[0] for variable in part.variables)
            waiting += [getattr(part, field.name) for field in fields(part)]
    return frozenset(found)
