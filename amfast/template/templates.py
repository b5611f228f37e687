"""The templates of one configuration, and texts rendered with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, Self, TypeAlias

from .builtin import BUILTINS
from .compiler import compiled
from .errors import TemplateError
from .html import ESCAPERS, escape
from .meter import DEPTH_MAX, Meter
from .nodes import Dot, Tree
from .parser import is_empty, parse
from .quoting import whole
from .values import Function, Value

_NOWHERE: Final = Dot(0)
_KEPT_MAX: Final = 2_000
"""Texts that are kept compiled; a configuration has fewer."""
_SOURCES_KEPT: Final = 4
"""Sources that are kept parsed for the next reload, the built-in ones among them; they take the longest as a rule."""


class _Definition:
    """One template; compiled when it is needed first."""

    __slots__ = ("_functions", "_meter", "function", "tree")

    def __init__(self, tree: Tree, functions: Mapping[str, Function], meter: Meter) -> None:
        self.tree = tree
        self._functions = functions
        self._meter = meter
        self.function: Callable[..., None] = self._first

    def _first(self, run: _Run, dot: Value) -> None:
        self.function = compiled(self.tree, self._functions, self._meter)
        self.function(run, dot)


class _Run:
    """One rendering: where the text goes, and what ``template`` finds."""

    __slots__ = ("definitions", "output")

    def __init__(self, definitions: Mapping[str, _Definition]) -> None:
        self.definitions = definitions
        self.output: list[str] = []


_Prepared: TypeAlias = dict[str, tuple[_Definition, Mapping[str, _Definition]]]
"""By text, what it became and the definitions it can use."""


class Templates:
    """The set of definitions that all texts of a configuration can use."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = {**BUILTINS, **functions}
        self._meter = Meter()
        self._renderings = 0
        """That are going on, in each other."""
        self._definitions: dict[str, _Definition] = {}
        self._texts: _Prepared = {}
        self._pages: _Prepared = {}

    @classmethod
    def of(cls, sources: Iterable[tuple[str, str]], functions: Mapping[str, Function]) -> Self:
        """The templates of sources (name and text, in order), which may call ``functions`` and those of Go.

        A later definition replaces an earlier one, but one of nothing but space replaces none. Raises TemplateError.
        """
        templates = cls(functions)
        for name, text in sources:
            templates._add(templates._definitions, _parsed(name, text, frozenset(templates._functions)))
        return templates

    def text(self, text: str, data: Value) -> str:
        """``text`` rendered with ``data`` as its dot. Raises TemplateError."""
        if not text:
            return ""
        found = self._texts.get(text)
        if found is None:
            found = _keep(self._texts, text, self._prepared(text))
        return self._rendered(*found, data)

    def html(self, text: str, data: Value) -> str:
        """``text``, which is HTML, rendered so that no value can be markup or code. Raises TemplateError."""
        if not text:
            return ""
        found = self._pages.get(text)
        if found is None:
            found = _keep(self._pages, text, self._escaped(text))
        return self._rendered(*found, data)

    def _add(self, definitions: dict[str, _Definition], trees: Mapping[str, Tree]) -> None:
        for name, tree in trees.items():
            if name not in definitions or not is_empty(tree.root):
                definitions[name] = _Definition(tree, self._functions, self._meter)

    def _prepared(self, text: str) -> tuple[_Definition, Mapping[str, _Definition]]:
        trees = parse("", text, self._functions)
        main = _Definition(trees[""], self._functions, self._meter)
        definitions = self._definitions
        if len(trees) > 1 or not is_empty(trees[""].root):
            definitions = dict(definitions)
            self._add(definitions, trees)
        return main, definitions

    def _escaped(self, text: str) -> tuple[_Definition, Mapping[str, _Definition]]:
        main, definitions = self._prepared(text)
        trees = {"": main.tree} | {name: definition.tree for name, definition in definitions.items()}
        functions = {**self._functions, **ESCAPERS}
        pages = {name: _Definition(tree, functions, self._meter) for name, tree in escape(trees, "").items()}
        return pages[""], pages

    def _rendered(self, main: _Definition, definitions: Mapping[str, _Definition], data: Value) -> str:
        run = _Run(definitions)
        meter = self._meter
        if not self._renderings:
            meter.start()
        self._renderings += 1
        depth, before = meter.depth, meter.redirect(run.output)
        try:
            main.function(run, data)
            meter.look(main.tree, main.tree.root.nodes[0] if main.tree.root.nodes else _NOWHERE)
        except RecursionError:
            raise TemplateError(f"template: exceeded maximum template depth ({DEPTH_MAX})") from None
        except MemoryError:
            raise TemplateError("template: the text takes too much memory") from None
        finally:
            self._renderings -= 1
            meter.depth = depth
            meter.restore(before)
        return whole("".join(run.output))


@lru_cache(_SOURCES_KEPT)
def _parsed(name: str, text: str, functions: frozenset[str]) -> Mapping[str, Tree]:
    return parse(name, text, functions)


def _keep(
    kept: _Prepared, text: str, prepared: tuple[_Definition, Mapping[str, _Definition]]
) -> tuple[_Definition, Mapping[str, _Definition]]:
    if len(kept) >= _KEPT_MAX:
        kept.clear()
    kept[text] = prepared
    return prepared
