"""``webex_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from amfast.config.addresses import URL
from amfast.config.kinds import TEMPLATE
from amfast.config.receivers.common import HttpIntegration, default, needed, with_http
from amfast.config.schema import Place, key
from amfast.config.url import Url


@dataclass(frozen=True, slots=True)
class WebexConfig(HttpIntegration):
    """Posts to a Webex room. The token of the bot is its own `http_config.authorization`."""

    kind: ClassVar[str] = "webex"

    api_url: Url | None = key(URL, None, "Where the API is; if unset, `global.webex_api_url`.")
    message: str = key(TEMPLATE, default("webex.default.message"), "Text.")
    room_id: str = key(TEMPLATE, "", "Room to post to.", required=True, shown=True)

    def checked(self, place: Place) -> WebexConfig:
        if self.http_config is None or self.http_config.authorization is None:
            place.refuse("needs authorization of its own", "http_config")
        url = needed(place, self.api_url, "webex_api_url", "api_url")
        return with_http(replace(self, api_url=url), place)
