"""``telegram_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from amfast.config.addresses import URL
from amfast.config.globals import global_of
from amfast.config.kinds import BOOL, INT, PATH, SECRET, TEMPLATE, Secret, Word
from amfast.config.receivers.common import HttpIntegration, default, inherited, with_http
from amfast.config.schema import Place, key
from amfast.config.url import Url

_PARSE_MODE: Final = Word(("", "Markdown", "MarkdownV2", "HTML"))


@dataclass(frozen=True, slots=True)
class TelegramConfig(HttpIntegration):
    """Sends a message as a Telegram bot."""

    kind: ClassVar[str] = "telegram"
    ONE_OF: ClassVar = (("chat_id", "chat_id_file"),)

    api_url: Url | None = key(URL, None, "Where the API is; if unset, `global.telegram_api_url`.", shown=True)
    bot_token: Secret | None = key(
        SECRET,
        None,
        "Token of the bot; without it and its file, the global ones.",
        excludes=("bot_token_file",),
    )
    bot_token_file: str = key(PATH, "", "File with the token.")
    chat_id: int = key(INT, 0, "Chat to send to; 0 counts as unset.", excludes=("chat_id_file",))
    chat_id_file: str = key(PATH, "", "File with the chat.")
    message_thread_id: int = key(INT, 0, "Topic of the chat.")
    message: str = key(TEMPLATE, default("telegram.default.message"), "Text.")
    disable_notifications: bool = key(BOOL, False, "Whether the message comes without a sound.")
    parse_mode: str = key(_PARSE_MODE, "HTML", "Markup of the text; empty for none.")

    def checked(self, place: Place) -> TelegramConfig:
        common, config = global_of(place), self
        if not (self.bot_token or self.bot_token_file):
            config = replace(
                config, bot_token=common.telegram_bot_token, bot_token_file=common.telegram_bot_token_file
            )
        if not (config.bot_token or config.bot_token_file):
            place.refuse("needs bot_token or bot_token_file, here or in global as telegram_bot_token")
        config = replace(config, api_url=inherited(place, self.api_url, "telegram_api_url"))
        return with_http(config, place)
