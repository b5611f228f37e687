"""``msteams_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amfast.config.addresses import SECRET_URL
from amfast.config.kinds import PATH, TEMPLATE, Secret
from amfast.config.receivers.common import HttpIntegration, default
from amfast.config.schema import key


@dataclass(frozen=True, slots=True)
class MsteamsConfig(HttpIntegration):
    """Posts to a Microsoft Teams channel through its connector."""

    kind: ClassVar[str] = "msteams"
    ONE_OF: ClassVar = (("webhook_url", "webhook_url_file"),)

    webhook_url: Secret | None = key(
        SECRET_URL, None, "Webhook of the channel.", excludes=("webhook_url_file",)
    )
    webhook_url_file: str = key(PATH, "", "File with the webhook.")
    title: str = key(TEMPLATE, default("msteams.default.title"), "Title.")
    summary: str = key(TEMPLATE, default("msteams.default.summary"), "Short form.")
    text: str = key(TEMPLATE, default("msteams.default.text"), "Text.")
