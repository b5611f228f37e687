"""The walk through trees that finds each action's context (Go's html/template, escape.go).

A template that is called in a context other than text becomes another one, named after it and the context. A template
that calls itself is first taken to end where it starts, then where that led to. What is found out in a walk that came
to nothing is undone.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from amfast.template.errors import TemplateError
from amfast.template.nodes import Action, Break, Call, Continue, If, Listing, Node, Range, Text, Tree, With
from amfast.template.quoting import bytes_of, quote

from .context import DEAD, Context, Problem, State, failed, joined
from .pipelines import escapers
from .steps import run
from .texts import rewritten

WORK_MAX: Final = 200_000
"""Nodes that may be visited, and pieces of text. Only loops nested in loops that end elsewhere come near."""
_PIECE_LENGTH: Final = 64

Walk: TypeAlias = Generator[Any, Any, Context]


@dataclass(slots=True)
class Loop:
    """Where a ``range`` is left or gone on with."""

    breaks: list[tuple[Context, Break]] = field(default_factory=list)
    continues: list[tuple[Context, Continue]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Body:
    """What is being walked: a template under the name it has in its context."""

    name: str
    tree: Tree
    loop: Loop = field(default_factory=Loop)

    def place(self, node: Node) -> str:
        """File, line and column of a node."""
        return place_at(self.tree, node.position)

    def placed(self, context: Context, node: Node, *before: Context) -> Context:
        """``context``; a problem that was in none of those before is one of ``node``."""
        problem = context.problem
        if problem is None or any(problem is known.problem for known in before):
            return context
        return replace(context, problem=replace(problem, place=self.place(node)))

    def line(self, node: Node) -> int:
        """The line of a node."""
        return self.tree.source.count("\n", 0, node.position) + 1


def place_at(tree: Tree, position: int) -> str:
    """``name:line:column``, the column in bytes from 0."""
    line_start = tree.source.rfind("\n", 0, position) + 1
    column = len(bytes_of(tree.source[line_start:position]))
    return f"{tree.parse_name}:{tree.source.count(chr(10), 0, position) + 1}:{column}"


class Walker:
    """Finds out what becomes of the templates that one template reaches."""

    def __init__(self, trees: Mapping[str, Tree]) -> None:
        self.trees = trees
        self.outputs: dict[str, Context] = {}
        """By name of a template in its context, where it ends."""
        self.sources: dict[str, Tree] = {}
        """The tree of each."""
        self.edits: dict[tuple[str, int], Any] = {}
        """By template and ``id`` of a node: a text's text, an action's escapers, a call's other name."""
        self._called: dict[str, int] = {}
        """By name, where in the log its last call stands."""
        self._log: list[tuple[dict[Any, Any], Any, Any]] = []
        self._work = 0

    def run(self, name: str) -> None:
        """Walk from the template ``name``, which starts and has to end in text."""
        context = run(self._template(Context(), name, self.trees[name]))
        if context.problem is not None:
            raise TemplateError(context.problem.message(name))
        if context.state is not State.TEXT:
            raise TemplateError(Problem(f"ends in a non-text context: {context}").message(name))

    def _set(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:  # noqa: ANN401
        self._log.append((mapping, key, mapping.get(key)))
        mapping[key] = value

    def _undo(self, mark: int) -> None:
        while len(self._log) > mark:
            mapping, key, before = self._log.pop()
            if before is None:
                del mapping[key]
            else:
                mapping[key] = before

    def _listing(self, context: Context, listing: Listing | None, body: Body) -> Walk:
        for node in [] if listing is None else listing.nodes:
            self._work += 1
            if self._work > WORK_MAX:
                raise TemplateError(
                    f"html/template:{body.place(node)}: too entangled to be escaped; call and loop less deeply"
                )
            if isinstance(node, Call):
                context = yield self._call(context, node, body)
            elif isinstance(node, Range):
                context = yield self._range(context, node, body)
            elif isinstance(node, If | With):
                context = yield self._branch(context, node, body)
            else:
                context = self._leaf(context, node, body)
            if context.state is State.DEAD:
                break
        return context

    def _leaf(self, context: Context, node: Node, body: Body) -> Context:
        if isinstance(node, Text):
            return self._text(context, node, body)
        if isinstance(node, Action):
            return self._action(context, node, body)
        if isinstance(node, Break):
            body.loop.breaks.append((context, node))
        elif isinstance(node, Continue):
            body.loop.continues.append((context, node))
        return DEAD

    def _text(self, context: Context, node: Text, body: Body) -> Context:
        self._work += len(node.text) // _PIECE_LENGTH
        context, text = rewritten(context, node.text)
        if text != node.text:
            self._set(self.edits, (body.name, id(node)), text)
        return context

    def _action(self, context: Context, node: Action, body: Body) -> Context:
        if node.pipe.variables:
            return context
        after, names = escapers(context, node)
        self._set(self.edits, (body.name, id(node)), names)
        return body.placed(after, node, context)

    def _branch(self, context: Context, node: If | With, body: Body) -> Walk:
        one = yield self._listing(context, node.body, body)
        other = yield self._listing(context, node.otherwise, body)
        return body.placed(joined(one, other, node.keyword), node, one, other)

    def _range(self, context: Context, node: Range, body: Body) -> Walk:
        inner = replace(body, loop=Loop())
        once = yield self._listing(context, node.body, inner)
        once = _loop_joined(once, inner)
        if once.problem is None and once != context:  # else another round leads where the first one led
            mark = len(self._log)
            inner = replace(body, loop=Loop())
            twice = yield self._listing(once, node.body, inner)
            self._undo(mark)
            once = body.placed(joined(once, twice, node.keyword), node, once, twice)
            if once.problem is not None:
                return _relined(once.problem, "on range loop re-entry: ", body.line(node))
            once = _loop_joined(once, inner)
        if once.problem is not None:
            return once
        never = yield self._listing(context, node.otherwise, body)
        return body.placed(joined(once, never, node.keyword), node, once, never)

    def _call(self, context: Context, node: Call, body: Body) -> Walk:
        name = context.derived(node.name)
        if name != node.name:
            self._set(self.edits, (body.name, id(node)), name)
        self._set(self._called, name, len(self._log))
        if name in self.outputs:
            return self.outputs[name]
        tree = self.trees.get(node.name)
        if tree is None:
            return failed(f"no such template {quote(node.name)}", body.place(node))
        end: Context = yield self._template(context, name, self.trees.get(name, tree))
        return end

    def _template(self, context: Context, name: str, tree: Tree) -> Walk:
        """Walk a template that is not walked yet, and find where it ends."""
        self._set(self.sources, name, tree)
        assumed = context
        for attempt in range(2):
            self._set(self.outputs, name, assumed)
            mark = len(self._log)
            end: Context = yield self._listing(context, tree.root, Body(name, tree))
            if end.problem is None and (self._called.get(name, -1) < mark or end == assumed):
                self._set(self.outputs, name, end)
                return end
            self._undo(mark)
            if end.problem is not None and attempt == 0:
                self._set(self.outputs, name, end)
                return end
            assumed = end
        place = place_at(tree, _start(tree))
        return failed(f"cannot compute output context for template {name}", place)


def _start(tree: Tree) -> int:
    """Where the first thing in a template begins."""
    first = tree.root.nodes[0]
    if tree.name == tree.parse_name:
        return 0
    return first.position if isinstance(first, Text) else tree.source.rfind("{{", 0, first.position)


def _loop_joined(context: Context, body: Body) -> Context:
    """Where the rounds of a loop end, those that are cut short included."""
    if context.problem is not None:
        return context
    leaving: list[tuple[Context, Node]] = [*body.loop.breaks, *body.loop.continues]
    for number, (other, node) in enumerate(leaving):
        context = body.placed(joined(context, other, "range"), node, context, other)
        if context.problem is not None:
            word = "break" if number < len(body.loop.breaks) else "continue"
            return _relined(context.problem, f"at range loop {word}: ", body.line(node))
    return context


def _relined(problem: Problem, prefix: str, line: int) -> Context:
    return Context(State.ERROR, problem=replace(problem, text=prefix + problem.text, line=line))
