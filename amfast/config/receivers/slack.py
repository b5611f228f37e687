"""``slack_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from amfast.config.addresses import SECRET_URL, URL
from amfast.config.globals import global_of
from amfast.config.holders import TEXTS, BlockOf, ListOf
from amfast.config.http import Authorization
from amfast.config.kinds import (
    BOOL,
    BOOL_OR_UNSET,
    GO_DURATION,
    PATH,
    SECRET,
    TEMPLATE,
    Secret,
    join,
)
from amfast.config.receivers.common import HttpIntegration, default, with_http
from amfast.config.schema import Block, Place, key
from amfast.config.url import Url

_UPDATES_AT: Final = "https://slack.com/api/chat.postMessage"


@dataclass(frozen=True, slots=True)
class SlackConfirm(Block):
    """A question before a button does something."""

    text: str = key(TEMPLATE, "", "The question.", required=True)
    title: str = key(TEMPLATE, "", "Title of the question.")
    ok_text: str = key(TEMPLATE, "", "Word for yes.")
    dismiss_text: str = key(TEMPLATE, "", "Word for no.")


@dataclass(frozen=True, slots=True)
class SlackAction(Block):
    """A button. With `url`, the keys `name`, `value` and `confirm` do not count."""

    ONE_OF: ClassVar = (("url", "name"),)

    type: str = key(TEMPLATE, "", "`button`.", required=True)
    text: str = key(TEMPLATE, "", "What the button says.", required=True)
    url: str = key(TEMPLATE, "", "Where it leads.")
    style: str = key(TEMPLATE, "", "How it looks.")
    name: str = key(TEMPLATE, "", "Name of the action.")
    value: str = key(TEMPLATE, "", "Value of the action.")
    confirm: SlackConfirm | None = key(BlockOf(lambda: SlackConfirm), None, "Question before the action.")

    def checked(self, place: Place) -> SlackAction:  # noqa: ARG002 - nothing more to report
        return replace(self, name="", value="", confirm=None) if self.url else self


@dataclass(frozen=True, slots=True)
class SlackField(Block):
    """A row of the table in a message."""

    title: str = key(TEMPLATE, "", "Title of the row.", required=True)
    value: str = key(TEMPLATE, "", "Text of the row.", required=True)
    short: bool | None = key(BOOL_OR_UNSET, None, "Whether it fits beside another; if unset, `short_fields`.")


@dataclass(frozen=True, slots=True)
class SlackConfig(HttpIntegration):
    """Posts to Slack, through an incoming webhook (`api_url`) or as an app (`app_token`)."""

    kind: ClassVar[str] = "slack"

    send_resolved: bool = key(BOOL, False, "Whether it is told when alerts have ended.", shown=True)
    api_url: Secret | None = key(
        SECRET_URL,
        None,
        "Incoming webhook; without it and its file, the global ones.",
        excludes=("api_url_file", "app_token", "app_token_file"),
    )
    api_url_file: str = key(PATH, "", "File with the webhook.", excludes=("app_token", "app_token_file"))
    app_token: Secret | None = key(
        SECRET, None, "Token of an app; if nothing else is set, the global one.", excludes=("app_token_file",)
    )
    app_token_file: str = key(PATH, "", "File with the token.")
    app_url: Url | None = key(URL, None, "Where an app posts; if unset, `global.slack_app_url`.")
    channel: str = key(TEMPLATE, "", "Channel or user.")
    username: str = key(TEMPLATE, default("slack.default.username"), "Name of the sender.")
    color: str = key(TEMPLATE, default("slack.default.color"), "Colour beside the message.")
    title: str = key(TEMPLATE, default("slack.default.title"), "Title.")
    title_link: str = key(TEMPLATE, default("slack.default.titlelink"), "Where the title leads.")
    pretext: str = key(TEMPLATE, default("slack.default.pretext"), "Text above the message.")
    text: str = key(TEMPLATE, default("slack.default.text"), "Text.")
    message_text: str = key(TEMPLATE, "", "Text of the message itself, outside the attachment.")
    fields: tuple[SlackField, ...] = key(ListOf(BlockOf(lambda: SlackField)), (), "Table.")
    short_fields: bool = key(BOOL, False, "Whether rows of the table fit beside each other.", shown=True)
    footer: str = key(TEMPLATE, default("slack.default.footer"), "Text below the message.")
    fallback: str = key(TEMPLATE, default("slack.default.fallback"), "Text where there are no attachments.")
    callback_id: str = key(
        TEMPLATE, default("slack.default.callbackid"), "Name for actions to come back with."
    )
    icon_emoji: str = key(TEMPLATE, default("slack.default.iconemoji"), "Picture of the sender, by name.")
    icon_url: str = key(TEMPLATE, default("slack.default.iconurl"), "Picture of the sender, by URL.")
    image_url: str = key(TEMPLATE, "", "Large picture.")
    thumb_url: str = key(TEMPLATE, "", "Small picture.")
    link_names: bool = key(BOOL, False, "Whether names become links.", shown=True)
    mrkdwn_in: tuple[str, ...] = key(
        TEXTS, (), "Parts with markup; if unset, `fallback`, `pretext` and `text`."
    )
    actions: tuple[SlackAction, ...] = key(ListOf(BlockOf(lambda: SlackAction)), (), "Buttons.")
    update_message: bool = key(
        BOOL, False, f"Change the message instead of posting anew; needs {_UPDATES_AT} as own `api_url`.",
        shown=True,
    )  # fmt: skip
    timeout_ns: int = key(
        GO_DURATION, 0, "Time limit of one attempt; 0 for none.", name="timeout", shown=True
    )

    def checked(self, place: Place) -> SlackConfig:
        if self.update_message and (self.api_url is None or self.api_url.reveal() != _UPDATES_AT):
            place.refuse(f"needs {_UPDATES_AT} as api_url", "update_message")
        config = replace(self, app_url=self.app_url or global_of(place).slack_app_url)
        if config.app_url is None:
            place.refuse("must be set here or as global.slack_app_url", "app_url")
        config = _inherit(config, place)
        if not (config.api_url or config.api_url_file or config.app_token or config.app_token_file):
            place.refuse(
                "needs api_url or app_token, or a file with one, here or in global as slack_api_url or slack_app_token"
            )
        return _as_app(config, place)


def _inherit(own: SlackConfig, place: Place) -> SlackConfig:
    common, config = global_of(place), own
    authorized = own.http_config is not None and own.http_config.authorization is not None
    if not (own.app_token or own.app_token_file or authorized or own.api_url):
        config = replace(config, app_token=common.slack_app_token, app_token_file=common.slack_app_token_file)
    if not (own.api_url or own.api_url_file):
        config = replace(config, api_url=common.slack_api_url, api_url_file=common.slack_api_url_file)
    return with_http(config, place)


def _as_app(own: SlackConfig, place: Place) -> SlackConfig:
    """With an app's token it is the token that authorizes, and ``app_url`` where messages go."""
    http = own.http_config
    if http is None or own.app_url is None or not (own.app_token or own.app_token_file):
        return own
    if http.authorization is not None:
        place.refuse("authorization cannot be set beside the token of an app", "http_config")
    bearer = Authorization(
        credentials=own.app_token,
        credentials_file=join(place.walk.directory, own.app_token_file),
    )
    return replace(own, http_config=replace(http, authorization=bearer), api_url=Secret(own.app_url.reveal()))
