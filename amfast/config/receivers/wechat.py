"""``wechat_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from amfast.config.addresses import URL
from amfast.config.globals import global_of, slashed
from amfast.config.kinds import BOOL, PATH, SECRET_TEMPLATE, TEMPLATE, Secret, Word
from amfast.config.receivers.common import HttpIntegration, default, needed, with_http
from amfast.config.schema import Place, key
from amfast.config.url import Url

_TYPE: Final = Word(("", "text", "markdown"))


@dataclass(frozen=True, slots=True)
class WechatConfig(HttpIntegration):
    """Sends a message through WeChat Work."""

    kind: ClassVar[str] = "wechat"

    send_resolved: bool = key(BOOL, False, "Whether it is told when alerts have ended.", shown=True)
    api_secret: Secret | None = key(
        SECRET_TEMPLATE,
        None,
        "Secret; without it and its file, the global ones.",
        excludes=("api_secret_file",),
    )
    api_secret_file: str = key(PATH, "", "File with the secret.")
    corp_id: str = key(TEMPLATE, "", "Corporation; if unset, `global.wechat_api_corp_id`.")
    message: str = key(TEMPLATE, default("wechat.default.message"), "Text.")
    api_url: Url | None = key(URL, None, "Where the API is; if unset, `global.wechat_api_url`.")
    to_user: str = key(TEMPLATE, default("wechat.default.to_user"), "Users.")
    to_party: str = key(TEMPLATE, default("wechat.default.to_party"), "Departments.")
    to_tag: str = key(TEMPLATE, default("wechat.default.to_tag"), "Tags.")
    agent_id: str = key(TEMPLATE, default("wechat.default.agent_id"), "Application.")
    message_type: str = key(_TYPE, "text", "Form of the text.")

    def checked(self, place: Place) -> WechatConfig:
        common, config = global_of(place), self
        if not (self.api_secret or self.api_secret_file):
            config = replace(
                config, api_secret=common.wechat_api_secret, api_secret_file=common.wechat_api_secret_file
            )
        if not (config.api_secret or config.api_secret_file):
            place.refuse("needs api_secret or api_secret_file, here or in global as wechat_api_secret")
        return with_http(
            replace(
                config,
                api_url=slashed(place, self.api_url, "wechat_api_url"),
                corp_id=needed(place, self.corp_id, "wechat_api_corp_id", "corp_id") or "",
                message_type=self.message_type or "text",
            ),
            place,
        )
