"""Templates under test: renderers, the vectors of the default texts, and what a mail says without its looks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from amfast.template import gotime
from amfast.template.data import Data
from amfast.template.loading import load_templates
from amfast.template.rendering import Renderer
from amfast.tool.decode import decode
from tests.support.virtual import START_NS

VECTORS = Path(__file__).parents[1] / "vectors" / "default_templates.json"
_INLINE = ("a", "span")


@cache
def renderer(*globs: str | Path) -> Renderer:
    """The built-in templates and those of files, at the time at which virtual clocks start."""
    return load_templates([str(glob) for glob in globs], lambda: gotime.Time(START_NS))


def data_of_case(case: dict[str, Any]) -> Data:
    return decode(json.dumps(case["data"]).encode())


def default_cases() -> list[dict[str, Any]]:
    return list(json.loads(VECTORS.read_text())["cases"])


def on_alerts() -> set[str]:
    """The templates that take a list of alerts."""
    return set(json.loads(VECTORS.read_text())["on_alerts"])


def expected_texts(case: dict[str, Any], kind: str = "texts") -> Iterator[tuple[str, str]]:
    """Names of templates and what they give for the data of a case."""
    for row in case[kind]:
        yield from ((name, row["text"]) for name in row["of"])


@dataclass
class Mail(HTMLParser):
    """What is left of an HTML text without its looks."""

    links: list[str] = field(default_factory=list)
    rules: int = 0
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _hidden: bool = False

    @classmethod
    def read(cls, html: str) -> Mail:
        mail = cls()
        HTMLParser.__init__(mail)
        mail.feed(html)
        return mail

    @property
    def text(self) -> str:
        return " ".join("".join(self._parts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        self._hidden = tag == "style"
        self.rules += tag == "hr"
        if tag == "a":
            self.links.append(found["href"] or "")
        if tag not in _INLINE:
            self._parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False
        if tag not in _INLINE:
            self._parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._parts.append(data)
