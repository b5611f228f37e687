"""Trees whose output is safe HTML, from trees whose output is text (Go's html/template)."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from amfast.template.nodes import Action, Call, If, Listing, Node, Range, Text, Tree, With
from amfast.template.quoting import quote

from .pipelines import escaped
from .steps import run
from .walk import Walker

_Copying: TypeAlias = Generator[Any, Any, Listing]


def escape(trees: Mapping[str, Tree], name: str) -> dict[str, Tree]:
    """The template ``name`` and all that it reaches, with escapers in every pipeline that prints something.

    A template that is called where text of another kind stands is there twice, the second time under another name.
    ``trees`` stay as they are. TemplateError if somewhere no way of escaping is right.
    """
    walker = Walker(trees)
    walker.run(name)
    return {
        name: Tree(name, tree.parse_name, tree.source, run(_Copier(walker.edits, name).listing(tree.root)))
        for name, tree in walker.sources.items()
    }


class _Copier:
    """Copies one template with its edits."""

    def __init__(self, edits: Mapping[tuple[str, int], Any], name: str) -> None:
        self._edits = edits
        self._name = name

    def listing(self, listing: Listing) -> _Copying:
        nodes: list[Node] = []
        for node in listing.nodes:
            if isinstance(node, If | With | Range):
                body = yield self.listing(node.body)
                otherwise = None if node.otherwise is None else (yield self.listing(node.otherwise))
                nodes.append(type(node)(node.position, node.pipe, body, otherwise))
            else:
                nodes.append(self._leaf(node))
        return replace(listing, nodes=nodes)

    def _leaf(self, node: Node) -> Node:
        edit = self._edits.get((self._name, id(node)))
        if edit is None:
            return node
        if isinstance(node, Text):
            return Text(node.position, edit)
        if isinstance(node, Action):
            return Action(node.position, escaped(node.pipe, edit))
        if isinstance(node, Call):
            return Call(node.position, quote(edit), edit, node.pipe)
        return node
