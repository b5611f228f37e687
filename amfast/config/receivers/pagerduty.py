"""``pagerduty_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Final

from amfast.config.addresses import URL
from amfast.config.holders import FREE_MAP, BlockOf, ListOf
from amfast.config.kinds import GO_DURATION, PATH, SECRET_TEMPLATE, TEMPLATE, Secret
from amfast.config.receivers.common import HttpIntegration, needed, with_http
from amfast.config.schema import Block, Place, key
from amfast.config.url import Url

_DETAILS: Final = {
    "firing": "{{ .Alerts.Firing | toJson }}",
    "resolved": "{{ .Alerts.Resolved | toJson }}",
    "num_firing": "{{ .Alerts.Firing | len }}",
    "num_resolved": "{{ .Alerts.Resolved | len }}",
}


@dataclass(frozen=True, slots=True)
class PagerdutyLink(Block):
    """A link in an incident."""

    href: str = key(TEMPLATE, "", "Where it leads.")
    text: str = key(TEMPLATE, "", "What it says.")


@dataclass(frozen=True, slots=True)
class PagerdutyImage(Block):
    """A picture in an incident."""

    src: str = key(TEMPLATE, "", "Where the picture is.")
    alt: str = key(TEMPLATE, "", "What to say in its place.")
    href: str = key(TEMPLATE, "", "Where it leads.")


@dataclass(frozen=True, slots=True)
class PagerdutyConfig(HttpIntegration):
    """Opens and closes incidents at PagerDuty. A service key means its events API 1, a routing key its API 2."""

    kind: ClassVar[str] = "pagerduty"
    ONE_OF: ClassVar = (("service_key", "service_key_file", "routing_key", "routing_key_file"),)

    service_key: Secret | None = key(SECRET_TEMPLATE, None, "Key for API 1.", excludes=("service_key_file",))
    service_key_file: str = key(PATH, "", "File with the key for API 1.")
    routing_key: Secret | None = key(SECRET_TEMPLATE, None, "Key for API 2.", excludes=("routing_key_file",))
    routing_key_file: str = key(PATH, "", "File with the key for API 2.")
    url: Url | None = key(URL, None, "Where API 2 is; if unset, `global.pagerduty_url`.")
    client: str = key(TEMPLATE, '{{ template "pagerduty.default.client" . }}', "Name of the sender.")
    client_url: str = key(TEMPLATE, '{{ template "pagerduty.default.clientURL" . }}', "Link to the sender.")
    description: str = key(TEMPLATE, '{{ template "pagerduty.default.description" .}}', "What has happened.")
    details: Mapping[str, Any] | None = key(
        FREE_MAP, None, f"More facts, templates in their texts; {', '.join(_DETAILS)} are added if missing."
    )
    images: tuple[PagerdutyImage, ...] = key(ListOf(BlockOf(lambda: PagerdutyImage)), (), "Pictures.")
    links: tuple[PagerdutyLink, ...] = key(ListOf(BlockOf(lambda: PagerdutyLink)), (), "Links.")
    source: str = key(TEMPLATE, "", "What is affected; if unset, `client`.")
    severity: str = key(TEMPLATE, "", "How bad it is; if unset, `error`.")
    class_: str = key(TEMPLATE, "", "Class of what has happened.", name="class")
    component: str = key(TEMPLATE, "", "Part that is affected.")
    group: str = key(TEMPLATE, "", "Group of parts that is affected.")
    timeout_ns: int = key(
        GO_DURATION, 0, "Time limit of one attempt; 0 for none.", name="timeout", shown=True
    )

    def checked(self, place: Place) -> PagerdutyConfig:
        return with_http(
            replace(
                self,
                url=needed(place, self.url, "pagerduty_url", "url"),
                details=MappingProxyType({**_DETAILS, **(self.details or {})}),
                source=self.source or self.client,
            ),
            place,
        )
