"""``discord_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amfast.config.addresses import SECRET_URL
from amfast.config.kinds import PATH, TEMPLATE, TEXT, Secret
from amfast.config.receivers.common import HttpIntegration, default
from amfast.config.schema import key


@dataclass(frozen=True, slots=True)
class DiscordConfig(HttpIntegration):
    """Posts to a Discord channel."""

    kind: ClassVar[str] = "discord"
    ONE_OF: ClassVar = (("webhook_url", "webhook_url_file"),)

    webhook_url: Secret | None = key(
        SECRET_URL, None, "Webhook of the channel.", excludes=("webhook_url_file",)
    )
    webhook_url_file: str = key(PATH, "", "File with the webhook.")
    content: str = key(TEMPLATE, "", "Text above the message.")
    title: str = key(TEMPLATE, default("discord.default.title"), "Title.")
    message: str = key(TEMPLATE, default("discord.default.message"), "Text.")
    username: str = key(TEXT, "", "Name of the sender.")
    avatar_url: str = key(TEXT, "", "Picture of the sender.")
