"""``msteamsv2_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from amfast.config.addresses import SECRET_URL
from amfast.config.globals import global_of
from amfast.config.kinds import PATH, TEMPLATE, Secret
from amfast.config.receivers.common import HttpIntegration, default, with_http
from amfast.config.schema import Place, key


@dataclass(frozen=True, slots=True)
class Msteamsv2Config(HttpIntegration):
    """Posts to a Microsoft Teams channel through a workflow. Takes the global `proxy_url` if it has none."""

    kind: ClassVar[str] = "msteamsv2"
    ONE_OF: ClassVar = (("webhook_url", "webhook_url_file"),)

    webhook_url: Secret | None = key(
        SECRET_URL, None, "Webhook of the workflow.", excludes=("webhook_url_file",)
    )
    webhook_url_file: str = key(PATH, "", "File with the webhook.")
    title: str = key(TEMPLATE, default("msteamsv2.default.title"), "Title.")
    text: str = key(TEMPLATE, default("msteamsv2.default.text"), "Text.")

    def checked(self, place: Place) -> Msteamsv2Config:
        own = self.http_config
        if own is None or own.proxy_url is not None:
            return with_http(self, place)
        return replace(self, http_config=replace(own, proxy_url=global_of(place).http_config.proxy_url))
