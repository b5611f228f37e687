"""``victorops_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from amfast.config.addresses import URL
from amfast.config.globals import slashed
from amfast.config.holders import MapOf, Pairs
from amfast.config.kinds import PATH, SECRET, TEMPLATE, Secret
from amfast.config.receivers.common import HttpIntegration, default, inherited, with_http
from amfast.config.schema import Place, key
from amfast.config.url import Url

_FIXED: Final = frozenset(
    {
        "routing_key", "message_type", "state_message", "entity_display_name", "monitoring_tool", "entity_id",
        "entity_state",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class VictoropsConfig(HttpIntegration):
    """Opens and closes incidents at VictorOps (Splunk On-Call)."""

    kind: ClassVar[str] = "victorops"

    api_key: Secret | None = key(
        SECRET, None, "Key; if unset, the global one. Goes before the file.", excludes=("api_key_file",)
    )
    api_key_file: str = key(PATH, "", "File with the key; if unset, the global one.")
    api_url: Url | None = key(
        URL, None, "Where the API is; if unset, `global.victorops_api_url`.", shown=True
    )
    routing_key: str = key(TEMPLATE, "", "Team.", required=True, shown=True)
    message_type: str = key(TEMPLATE, "CRITICAL", "How bad it is.", shown=True)
    state_message: str = key(TEMPLATE, default("victorops.default.state_message"), "Text.", shown=True)
    entity_display_name: str = key(
        TEMPLATE, default("victorops.default.entity_display_name"), "Title.", shown=True
    )
    monitoring_tool: str = key(
        TEMPLATE, default("victorops.default.monitoring_tool"), "Name of the sender.", shown=True
    )
    custom_fields: Pairs = key(MapOf(TEMPLATE), (), "More fields.")

    def checked(self, place: Place) -> VictoropsConfig:
        for name, _ in self.custom_fields:
            if name in _FIXED:
                place.refuse(f"{name} is a field of its own", "custom_fields")
        config = replace(
            self,
            api_url=slashed(place, self.api_url, "victorops_api_url"),
            api_key=inherited(place, self.api_key, "victorops_api_key"),
            api_key_file=inherited(place, self.api_key_file, "victorops_api_key_file") or "",
        )
        if not (config.api_key or config.api_key_file):
            place.refuse("needs api_key or api_key_file, here or in global as victorops_api_key")
        return with_http(config, place)
