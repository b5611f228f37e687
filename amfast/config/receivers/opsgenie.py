"""``opsgenie_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from amfast.config.addresses import TEMPLATE_MARK, URL
from amfast.config.globals import slashed
from amfast.config.holders import BlockOf, ListOf, MapOf, Pairs
from amfast.config.kinds import BOOL, PATH, SECRET_TEMPLATE, TEMPLATE, Secret
from amfast.config.receivers.common import HttpIntegration, default, inherited, with_http
from amfast.config.schema import Block, Place, key
from amfast.config.url import Url

_TYPES: Final = ("team", "teams", "user", "escalation", "schedule")


@dataclass(frozen=True, slots=True)
class OpsgenieResponder(Block):
    """Who is told of an alert."""

    ONE_OF: ClassVar = (("id", "name", "username"),)

    id: str = key(TEMPLATE, "", "Id at Opsgenie.")
    name: str = key(TEMPLATE, "", "Name at Opsgenie.")
    username: str = key(TEMPLATE, "", "User name at Opsgenie.")
    type: str = key(TEMPLATE, "", f"One of {', '.join(_TYPES)}, or a template.")

    def checked(self, place: Place) -> OpsgenieResponder:
        if TEMPLATE_MARK in self.type:
            if problem := place.walk.template_problem(self.type):
                place.refuse(problem, "type")
        elif self.type.lower() not in _TYPES:
            place.refuse(f"expected one of {', '.join(_TYPES)}", "type")
        return self


@dataclass(frozen=True, slots=True)
class OpsgenieConfig(HttpIntegration):
    """Opens and closes alerts at Opsgenie."""

    kind: ClassVar[str] = "opsgenie"

    api_key: Secret | None = key(
        SECRET_TEMPLATE,
        None,
        "Key; if unset, the global one. Goes before the file.",
        excludes=("api_key_file",),
    )
    api_key_file: str = key(PATH, "", "File with the key; if unset, the global one.")
    api_url: Url | None = key(URL, None, "Where the API is; if unset, `global.opsgenie_api_url`.")
    message: str = key(TEMPLATE, default("opsgenie.default.message"), "Title.")
    description: str = key(TEMPLATE, default("opsgenie.default.description"), "Text.")
    source: str = key(TEMPLATE, default("opsgenie.default.source"), "Where it comes from.")
    details: Pairs = key(MapOf(TEMPLATE), (), "More facts, beside the common labels.")
    entity: str = key(TEMPLATE, "", "What is affected.")
    responders: tuple[OpsgenieResponder, ...] = key(
        ListOf(BlockOf(lambda: OpsgenieResponder)), (), "Who is told."
    )
    actions: str = key(TEMPLATE, "", "Comma-separated actions.")
    tags: str = key(TEMPLATE, "", "Comma-separated tags.")
    note: str = key(TEMPLATE, "", "A note.")
    priority: str = key(TEMPLATE, "", "`P1` to `P5`.")
    update_alerts: bool = key(BOOL, False, "Whether texts of an open alert are brought up to date.")

    def checked(self, place: Place) -> OpsgenieConfig:
        config = replace(
            self,
            api_url=slashed(place, self.api_url, "opsgenie_api_url"),
            api_key=inherited(place, self.api_key, "opsgenie_api_key"),
            api_key_file=inherited(place, self.api_key_file, "opsgenie_api_key_file") or "",
        )
        if not (config.api_key or config.api_key_file):
            place.refuse("needs api_key or api_key_file, here or in global as opsgenie_api_key")
        return with_http(config, place)
