"""``mattermost_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from amfast.config.addresses import SECRET_URL
from amfast.config.globals import global_of
from amfast.config.holders import BlockOf, ListOf
from amfast.config.kinds import BOOL, BOOL_OR_UNSET, PATH, TEMPLATE, Secret
from amfast.config.receivers.common import HttpIntegration, default, with_http
from amfast.config.schema import Block, Place, key


@dataclass(frozen=True, slots=True)
class MattermostPriority(Block):
    """How urgent a message is."""

    priority: str = key(TEMPLATE, "", "`important` or `urgent`.")
    requested_ack: bool = key(BOOL, False, "Whether readers shall confirm it.")
    persistent_notifications: bool = key(BOOL, False, "Whether they are reminded until they do.")


@dataclass(frozen=True, slots=True)
class MattermostProps(Block):
    """What only some clients show."""

    card: str = key(TEMPLATE, "", "Text beside the message.")


@dataclass(frozen=True, slots=True)
class MattermostField(Block):
    """A row of the table in a message."""

    title: str = key(TEMPLATE, "", "Title of the row.", required=True)
    value: str = key(TEMPLATE, "", "Text of the row.", required=True)
    short: bool | None = key(BOOL_OR_UNSET, None, "Whether it fits beside another.")


@dataclass(frozen=True, slots=True)
class MattermostAttachment(Block):
    """Deprecated: the same keys stand in the receiver itself."""

    fallback: str = key(TEMPLATE, "", "Text where there are no attachments.")
    color: str = key(TEMPLATE, "", "Colour beside the text.")
    pretext: str = key(TEMPLATE, "", "Text above.")
    text: str = key(TEMPLATE, "", "Text.")
    author_name: str = key(TEMPLATE, "", "Author.")
    author_link: str = key(TEMPLATE, "", "Where the author leads.")
    author_icon: str = key(TEMPLATE, "", "Picture of the author.")
    title: str = key(TEMPLATE, "", "Title.")
    title_link: str = key(TEMPLATE, "", "Where the title leads.")
    fields: tuple[MattermostField, ...] = key(ListOf(BlockOf(lambda: MattermostField)), (), "Table.")
    thumb_url: str = key(TEMPLATE, "", "Small picture.")
    footer: str = key(TEMPLATE, "", "Text below.")
    footer_icon: str = key(TEMPLATE, "", "Picture of the text below.")
    image_url: str = key(TEMPLATE, "", "Large picture.")


@dataclass(frozen=True, slots=True)
class MattermostConfig(HttpIntegration):
    """Posts to Mattermost."""

    kind: ClassVar[str] = "mattermost"

    webhook_url: Secret | None = key(
        SECRET_URL,
        None,
        "Incoming webhook; without it and its file, the global ones.",
        excludes=("webhook_url_file",),
    )
    webhook_url_file: str = key(PATH, "", "File with the webhook.")
    channel: str = key(TEMPLATE, "", "Channel or user.")
    username: str = key(TEMPLATE, default("mattermost.default.username"), "Name of the sender.")
    text: str = key(TEMPLATE, default("mattermost.default.text"), "Text.")
    fallback: str = key(TEMPLATE, default("mattermost.default.fallback"), "Text without attachments.")
    color: str = key(TEMPLATE, default("mattermost.default.color"), "Colour beside the text.")
    pretext: str = key(TEMPLATE, "", "Text above.")
    author_name: str = key(TEMPLATE, "", "Author.")
    author_link: str = key(TEMPLATE, "", "Where the author leads.")
    author_icon: str = key(TEMPLATE, "", "Picture of the author.")
    title: str = key(TEMPLATE, default("mattermost.default.title"), "Title.")
    title_link: str = key(TEMPLATE, default("mattermost.default.titlelink"), "Where the title leads.")
    fields: tuple[MattermostField, ...] = key(ListOf(BlockOf(lambda: MattermostField)), (), "Table.")
    thumb_url: str = key(TEMPLATE, "", "Small picture.")
    footer: str = key(TEMPLATE, "", "Text below.")
    footer_icon: str = key(TEMPLATE, "", "Picture of the text below.")
    image_url: str = key(TEMPLATE, "", "Large picture.")
    icon_url: str = key(TEMPLATE, "", "Picture of the sender, by URL.")
    icon_emoji: str = key(TEMPLATE, "", "Picture of the sender, by name.")
    attachments: tuple[MattermostAttachment, ...] = key(
        ListOf(BlockOf(lambda: MattermostAttachment)), (), "Deprecated: further texts."
    )
    type: str = key(TEMPLATE, "", "Type of the post.")
    props: MattermostProps | None = key(BlockOf(lambda: MattermostProps), None, "For some clients.")
    priority: MattermostPriority | None = key(BlockOf(lambda: MattermostPriority), None, "How urgent it is.")

    def checked(self, place: Place) -> MattermostConfig:
        common, config = global_of(place), self
        if not (self.webhook_url or self.webhook_url_file):
            config = replace(
                config,
                webhook_url=common.mattermost_webhook_url,
                webhook_url_file=common.mattermost_webhook_url_file,
            )
        if not (config.webhook_url or config.webhook_url_file):
            place.refuse("needs webhook_url or webhook_url_file, here or in global as mattermost_webhook_url")
        return with_http(config, place)
