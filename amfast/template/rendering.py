"""Texts rendered over data: the templates of one configuration, and route labels among their functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from amfast.config.addresses import TEMPLATE_MARK
from amfast.template import functions, gotime
from amfast.template.data import Data
from amfast.template.errors import TemplateError
from amfast.template.templates import Templates
from amfast.template.values import STRING, Function, FunctionError

NESTED_MAX: Final = 16
"""Route labels that may ask for one another in a chain."""


_ERROR_CHARS_MAX: Final = 1000
_QUOTED: Final = re.compile(r"""\"(?:\\.|[^"\\])*"|`[^`]*`|<[^>]*>|(?:U\+\w+ )?'[^']*'|U\+\w+""")
"""Parts of a template in an error of the parser."""


def brief(error: TemplateError) -> str:
    """The text of an error for a line of the log: it may quote all the data there is."""
    text = str(error)
    return text if len(text) <= _ERROR_CHARS_MAX else f"{text[:_ERROR_CHARS_MAX]} ..."


class Renderer:
    """Renders texts. It is not for several threads."""

    def __init__(self, sources: Iterable[tuple[str, str]], now: Callable[[], gotime.Time]) -> None:
        """Take definitions from pairs of a file's name and its text, in order. Raises TemplateError."""
        self._templates = Templates.of(sources, _functions(now, self._route_label))
        self._labels: _RouteLabels | None = None

    def text(self, text: str, data: Data) -> str:
        """Render a text. Raises TemplateError."""
        return text if TEMPLATE_MARK not in text else self._render(self._templates.text, text, data)

    def html(self, text: str, data: Data) -> str:
        """Render HTML: what comes from data is escaped for the place where it stands. Raises TemplateError."""
        return "" if not text else self._render(self._templates.html, text, data)

    def route_labels(self, data: Data) -> tuple[dict[str, str], dict[str, TemplateError]]:
        """The labels of a route, each a text over the same data, and those that failed."""
        labels = _RouteLabels(data, self._templates.text)
        rendered: dict[str, str] = {}
        failed: dict[str, TemplateError] = {}
        for name in data.route_labels:
            try:
                rendered[name] = self._with(labels, partial(labels.get, name))
            except TemplateError as error:
                failed[name] = error
        return rendered, failed

    def _render(self, run: Callable[[str, Data], str], text: str, data: Data) -> str:
        return self._with(_RouteLabels(data, run), lambda: run(text, data))

    def _with(self, labels: _RouteLabels, work: Callable[[], str]) -> str:
        """Do work in which ``routeLabels`` asks for these."""
        self._labels = labels
        try:
            return work()
        finally:
            self._labels = None

    def _route_label(self, name: str) -> str:
        if self._labels is None:
            return ""
        try:
            return self._labels.get(name)
        except TemplateError as error:
            raise FunctionError(str(error)) from None


def problem(text: str) -> str | None:
    """Why a text of the configuration is no template, without what the reason quotes of it: it may be secret."""
    try:
        check("", text)
    except TemplateError as error:
        line, _, reason = str(error).removeprefix("template: :").partition(": ")
        where = f" (line {line} of the text)" if "\n" in text else ""
        return f"the template cannot be parsed: {_QUOTED.sub('…', reason)}{where}"
    return None


def check(name: str, text: str) -> None:
    """Raise TemplateError if the text of a file cannot be parsed."""
    Templates.of([(name, text)], _functions(lambda: gotime.ZERO, str))


def _functions(now: Callable[[], gotime.Time], route_label: Callable[[str], str]) -> dict[str, Function]:
    """What templates may call beside the functions of the language."""
    route_labels = Function("routeLabels", (STRING,), STRING, route_label)
    return {**functions.FUNCTIONS, **functions.timed(now), route_labels.name: route_labels}


class _RouteLabels:
    """The labels of a route during one rendering: each is rendered once, when it is asked for."""

    def __init__(self, data: Data, run: Callable[[str, Data], str]) -> None:
        self._data = data
        self._run = run
        self._done: dict[str, str] = {}
        self._asked: list[str] = []
        """Labels that are being rendered, each for the one before it."""

    def get(self, name: str) -> str:
        """Raises TemplateError, also for labels that need each other."""
        text: str = self._data.route_labels.get(name, "")
        if self._data.route_labels_rendered or TEMPLATE_MARK not in text:
            return text
        if name not in self._done:
            if name in self._asked:
                raise TemplateError(f"route label cycle detected: {' -> '.join([*self._asked, name])}")
            if len(self._asked) >= NESTED_MAX:
                raise TemplateError(f"more than {NESTED_MAX} route labels that need one another")
            self._asked.append(name)
            try:
                self._done[name] = self._run(text, self._data)
            finally:
                self._asked.pop()
        return self._done[name]
