"""From a configuration file to :class:`Config`, or to one error that lists everything wrong with it."""

from __future__ import annotations

import gc
import hashlib
import posixpath
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from amfast.config.compose import YamlError, compose
from amfast.config.emit import Printed
from amfast.config.files import read_bytes
from amfast.config.nodes import Mapping, Node
from amfast.config.places import TemplateProblem, any_template
from amfast.config.schema import Place, Walk, is_null
from amfast.config.tree import read_file
from amfast.config.types import Config
from amfast.model.errors import ConfigError
from amfast.model.matcher import MatcherMode

_HASH_BYTES: Final = 6
_PROBLEMS_MAX: Final = 50
"""Problems listed at most; a file with more is broken in some one way."""
_LINE_MAX: Final = 500
"""Characters of one line: what is quoted from the file may be of any length."""


def load(
    path: str | Path,
    sendable: Collection[str],
    mode: MatcherMode = MatcherMode.FALLBACK,
    template_problem: TemplateProblem = any_template,
) -> Config:
    """Read and check a configuration file.

    ``sendable`` are the kinds of integrations that can be used: a file with others is read all the same, and
    :attr:`Config.unsupported` says so. ``mode`` decides which matchers and label names are taken, and
    ``template_problem`` which texts are templates. Raises ConfigError: one line for each problem, with file, line and
    column.
    """
    data = read_bytes(path, "the configuration file")
    return loads(data, str(path), sendable, mode, template_problem)


def loads(
    text: str | bytes,
    name: str,
    sendable: Collection[str],
    mode: MatcherMode = MatcherMode.FALLBACK,
    template_problem: TemplateProblem = any_template,
) -> Config:
    """As :func:`load`, from text; ``name`` stands for the file in errors."""
    walk = Walk(mode, posixpath.dirname(name) or ".", template_problem)
    with _collector_paused():
        return _loads(text.encode() if isinstance(text, str) else text, name, sendable, walk)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A large file becomes very many objects, all of which stay; looking for garbage among them doubles the time."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def _loads(data: bytes, name: str, sendable: Collection[str], walk: Walk) -> Config:
    file = read_file(Place(walk, document(data, name)), sendable)
    walk.found.clear()  # it holds on to places, which hold on to the walk: a circle around the whole tree
    if walk.problems or file.route is None:
        raise ConfigError("\n".join(lines_of(name, walk.problems)))
    return Config(
        global_=file.global_,
        route=file.route.route(),
        receivers=file.receivers,
        inhibit_rules=tuple(rule.rule() for rule in file.inhibit_rules),
        printed=Printed(file.shown),
        hash=int.from_bytes(hashlib.md5(data, usedforsecurity=False).digest()[:_HASH_BYTES], "little"),
        warnings=tuple(lines_of(name, walk.warnings)),
        intervals=file.intervals,
        templates=file.templates,
        tracing=file.tracing,
        event_recorder=file.event_recorder,
        unsupported=tuple(lines_of(name, walk.unsupported)),
    )


def document(data: bytes, name: str) -> Node:
    """The first YAML document, an empty mapping for none. Raises ConfigError."""
    try:
        root = compose(data)
    except YamlError as error:
        raise ConfigError(f"{name}:{error.line}:{error.column}: {error}") from None
    return Mapping([], 1, 1) if root is None or is_null(root) else root


def lines_of(name: str, found: list[tuple[Node, str]]) -> list[str]:
    """One line for each finding, in the order of the file, the same said twice only once."""
    found = sorted(found, key=lambda one: (one[0].line, one[0].column))
    lines = list(dict.fromkeys(f"{name}:{node.line}:{node.column}: {text}" for node, text in found))
    if len(lines) > _PROBLEMS_MAX:
        lines[_PROBLEMS_MAX:] = [f"{name}: and {len(lines) - _PROBLEMS_MAX} more"]
    return ["".join(char if char.isprintable() else " " for char in line[:_LINE_MAX]) for line in lines]
