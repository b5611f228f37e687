"""``rocketchat_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from amfast.config.addresses import URL
from amfast.config.globals import global_of
from amfast.config.holders import BlockOf, ListOf
from amfast.config.kinds import BOOL, BOOL_OR_UNSET, PATH, SECRET_OR_EMPTY, TEMPLATE, TEXT, Secret
from amfast.config.receivers.common import HttpIntegration, default, inherited, with_http
from amfast.config.schema import Block, Place, key
from amfast.config.url import Url


@dataclass(frozen=True, slots=True)
class RocketchatField(Block):
    """A row of the table in a message."""

    short: bool | None = key(
        BOOL_OR_UNSET, None, "Whether it fits beside another; if unset, `short_fields`.", shown=True
    )
    title: str = key(TEMPLATE, "", "Title of the row.", shown=True)
    value: str = key(TEMPLATE, "", "Text of the row.", shown=True)


@dataclass(frozen=True, slots=True)
class RocketchatAction(Block):
    """A button. Only `text`, `url` and `msg` are sent."""

    type: str = key(TEXT, "", "Counts for nothing: it is a button.", shown=True)
    text: str = key(TEMPLATE, "", "What the button says.", shown=True)
    url: str = key(TEMPLATE, "", "Where it leads.", shown=True)
    imageurl: str = key(TEXT, "", "Counts for nothing.", shown=True)
    iswebview: bool = key(BOOL, False, "Counts for nothing.", shown=True)
    webviewheightratio: str = key(TEXT, "", "Counts for nothing.", shown=True)
    msg: str = key(TEMPLATE, "", "What it writes into the chat.", shown=True)
    msginchatwindow: bool = key(BOOL, False, "Counts for nothing.", shown=True)
    msgprocessingtype: str = key(TEXT, "", "Counts for nothing.", shown=True)


@dataclass(frozen=True, slots=True)
class RocketchatConfig(HttpIntegration):
    """Posts to Rocket.Chat."""

    kind: ClassVar[str] = "rocketchat"

    send_resolved: bool = key(BOOL, False, "Whether it is told when alerts have ended.", shown=True)
    api_url: Url | None = key(URL, None, "Where the API is; if unset, `global.rocketchat_api_url`.")
    token_id: Secret | None = key(
        SECRET_OR_EMPTY, None, "User; if unset, the global one.", excludes=("token_id_file",)
    )
    token_id_file: str = key(PATH, "", "File with the user; if unset, the global one.")
    token: Secret | None = key(
        SECRET_OR_EMPTY, None, "Token; if unset, the global one.", excludes=("token_file",)
    )
    token_file: str = key(PATH, "", "File with the token; if unset, the global one.")
    channel: str = key(TEMPLATE, "", "Channel or user.")
    color: str = key(
        TEMPLATE, '{{ if eq .Status "firing" }}red{{ else }}green{{ end }}', "Colour beside the message."
    )
    title: str = key(TEMPLATE, default("rocketchat.default.title"), "Title.")
    title_link: str = key(TEMPLATE, default("rocketchat.default.titlelink"), "Where the title leads.")
    text: str = key(TEMPLATE, default("rocketchat.default.text"), "Text.")
    fields: tuple[RocketchatField, ...] = key(ListOf(BlockOf(lambda: RocketchatField)), (), "Table.")
    short_fields: bool = key(BOOL, False, "Whether rows of the table fit beside each other.", shown=True)
    emoji: str = key(TEMPLATE, default("rocketchat.default.emoji"), "Picture of the sender, by name.")
    icon_url: str = key(TEMPLATE, default("rocketchat.default.iconurl"), "Picture of the sender, by URL.")
    image_url: str = key(TEMPLATE, "", "Large picture.")
    thumb_url: str = key(TEMPLATE, "", "Small picture.")
    link_names: bool = key(BOOL, False, "Whether names become links.", shown=True)
    actions: tuple[RocketchatAction, ...] = key(ListOf(BlockOf(lambda: RocketchatAction)), (), "Buttons.")

    def checked(self, place: Place) -> RocketchatConfig:
        common = global_of(place)
        config = replace(
            self,
            api_url=self.api_url or common.rocketchat_api_url,
            token=common.rocketchat_token if self.token is None else self.token,
            token_file=inherited(place, self.token_file, "rocketchat_token_file") or "",
            token_id=common.rocketchat_token_id if self.token_id is None else self.token_id,
            token_id_file=inherited(place, self.token_id_file, "rocketchat_token_id_file") or "",
        )
        for name in ("token", "token_id"):
            if getattr(config, name) is None and not getattr(config, f"{name}_file"):
                place.refuse(f"needs {name} or {name}_file, here or in global as rocketchat_{name}")
        return with_http(config, place)
