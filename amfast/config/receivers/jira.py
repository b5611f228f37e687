"""``jira_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from amfast.config.addresses import URL
from amfast.config.emit import Tree
from amfast.config.holders import FREE_MAP, BlockOf, ListOf
from amfast.config.kinds import BOOL_OR_UNSET, DURATION, TEMPLATE, TEXT, Word
from amfast.config.nodes import Scalar
from amfast.config.receivers.common import HttpIntegration, default, needed, with_http
from amfast.config.schema import Block, JsonSchema, Kind, Place, Shape, key
from amfast.config.url import Url

_TYPE: Final = Word(("auto", "cloud", "datacenter"))


@dataclass(frozen=True, slots=True)
class JiraField(Block):
    """A text of an issue. A plain text stands for a mapping with only `template`."""

    template: str = key(TEMPLATE, "", "The text.")
    enable_update: bool | None = key(
        BOOL_OR_UNSET, None, "Whether it is brought up to date in an open issue; if unset, it is."
    )


class _JiraField(Kind[JiraField]):
    """The text itself or a mapping, in which a missing text is the default one."""

    title = "template or [JiraField](#jirafield)"

    def __init__(self, text: str) -> None:
        super().__init__(JiraField())
        self.default = JiraField(text)
        self._block = BlockOf(lambda: JiraField)

    def read(self, place: Place) -> JiraField:
        if isinstance(place.node, Scalar):
            return JiraField(place.node.text)
        found = self._block.read(place)
        return found if found.template else replace(found, template=self.default.template)

    def show(self, value: JiraField) -> Tree:
        return self._block.show(value)

    def empty(self, value: JiraField) -> bool:
        return value == self.zero

    def json_schema(self) -> JsonSchema:
        return {"anyOf": [TEXT.json_schema(), self._block.json_schema()]}

    def shapes(self) -> Iterable[Shape]:
        return self._block.shapes()


_SUMMARY: Final = _JiraField(default("jira.default.summary"))
_DESCRIPTION: Final = _JiraField(default("jira.default.description"))


@dataclass(frozen=True, slots=True)
class JiraConfig(HttpIntegration):
    """Opens, changes and resolves issues in Jira."""

    kind: ClassVar[str] = "jira"

    api_url: Url | None = key(URL, None, "Where the API is; if unset, `global.jira_api_url`.")
    api_type: str = key(_TYPE, "auto", "Which Jira it is.")
    project: str = key(TEMPLATE, "", "Project of the issue.", required=True)
    summary: JiraField = key(_SUMMARY, _SUMMARY.default, "Title of the issue.")
    description: JiraField = key(_DESCRIPTION, _DESCRIPTION.default, "Text of the issue.")
    labels: tuple[str, ...] = key(ListOf(TEMPLATE), (), "Labels of the issue.")
    priority: str = key(TEMPLATE, default("jira.default.priority"), "Priority of the issue.")
    issue_type: str = key(TEMPLATE, "", "Type of the issue.", required=True)
    reopen_transition: str = key(TEXT, "", "Transition that opens an issue again.")
    resolve_transition: str = key(TEXT, "", "Transition that resolves an issue.")
    wont_fix_resolution: str = key(TEXT, "", "Resolution of issues that are never opened again.")
    reopen_duration_ns: int = key(
        DURATION, 0, "How long after its end an issue is opened again; 0 for ever.", name="reopen_duration"
    )
    fields: Mapping[str, Any] | None = key(FREE_MAP, None, "More fields, templates in their texts.")

    def checked(self, place: Place) -> JiraConfig:
        url = needed(place, self.api_url, "jira_api_url", "api_url")
        return with_http(replace(self, api_url=url), place)
