"""``global``: what receivers fall back to (reference config, section 3)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from amfast.config.addresses import HOST_PORT, SECRET_URL, URL, HostPort
from amfast.config.holders import BlockOf
from amfast.config.http import HttpConfig
from amfast.config.kinds import BOOL, BOOL_OR_UNSET, DURATION, PATH, SECRET, SECRET_OR_EMPTY, TEXT, Secret
from amfast.config.schema import Block, Place, key
from amfast.config.tls import TlsConfig
from amfast.config.url import Url

DEFAULT_RESOLVE_TIMEOUT_NS: Final = 5 * 60 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Global(Block):
    """Settings for the whole node, and what receivers use where they say nothing themselves."""

    CHECKED_ALWAYS: ClassVar = True  # else each receiver would miss what is right beside one wrong value

    resolve_timeout_ns: int = key(
        DURATION,
        DEFAULT_RESOLVE_TIMEOUT_NS,
        "How long an alert without an end lasts after it was last heard of.",
        name="resolve_timeout",
        shown=True,
    )
    http_config: HttpConfig = key(
        BlockOf(lambda: HttpConfig, based=True),
        HttpConfig(),
        "How HTTP requests are made by receivers without an `http_config` of their own.",
    )
    jira_api_url: Url | None = key(URL, None, "Jira's API.")
    smtp_from: str = key(TEXT, "", "Sender of mails.")
    smtp_hello: str = key(TEXT, "localhost", "Name with which this host greets mail servers.")
    smtp_smarthost: HostPort | None = key(HOST_PORT, None, "Mail server that takes mails.")
    smtp_auth_username: str = key(TEXT, "", "User at the mail server.")
    smtp_auth_password: Secret | None = key(
        SECRET, None, "Password for LOGIN and PLAIN.", excludes=("smtp_auth_password_file",)
    )
    smtp_auth_password_file: str = key(PATH, "", "File with the password.")
    smtp_auth_secret: Secret | None = key(
        SECRET, None, "Secret for CRAM-MD5.", excludes=("smtp_auth_secret_file",)
    )
    smtp_auth_secret_file: str = key(PATH, "", "File with the secret.")
    smtp_auth_identity: str = key(TEXT, "", "Identity for PLAIN.")
    smtp_require_tls: bool = key(BOOL, True, "Whether mails go over STARTTLS or not at all.", shown=True)
    smtp_tls_config: TlsConfig | None = key(
        BlockOf(lambda: TlsConfig), TlsConfig(), "TLS towards mail servers."
    )
    smtp_force_implicit_tls: bool | None = key(
        BOOL_OR_UNSET, None, "Whether the connection begins with TLS; if unset, on port 465 only."
    )
    slack_api_url: Secret | None = key(
        SECRET_URL, None, "Slack's incoming webhook.", excludes=("slack_api_url_file",)
    )
    slack_api_url_file: str = key(PATH, "", "File with Slack's incoming webhook.")
    slack_app_token: Secret | None = key(
        SECRET, None, "Token of a Slack app.", excludes=("slack_app_token_file",)
    )
    slack_app_token_file: str = key(PATH, "", "File with the token of a Slack app.")
    slack_app_url: Url | None = key(
        URL, Url("https://slack.com/api/chat.postMessage"), "Where messages of a Slack app are posted."
    )
    pagerduty_url: Url | None = key(
        URL, Url("https://events.pagerduty.com/v2/enqueue"), "PagerDuty's events API."
    )
    opsgenie_api_url: Url | None = key(URL, Url("https://api.opsgenie.com/"), "Opsgenie's API.")
    opsgenie_api_key: Secret | None = key(
        SECRET, None, "Key for Opsgenie.", excludes=("opsgenie_api_key_file",)
    )
    opsgenie_api_key_file: str = key(PATH, "", "File with the key for Opsgenie.")
    wechat_api_url: Url | None = key(URL, Url("https://qyapi.weixin.qq.com/cgi-bin/"), "WeChat's API.")
    wechat_api_secret: Secret | None = key(
        SECRET, None, "Secret for WeChat.", excludes=("wechat_api_secret_file",)
    )
    wechat_api_secret_file: str = key(PATH, "", "File with the secret for WeChat.")
    wechat_api_corp_id: str = key(TEXT, "", "Corporation at WeChat.")
    victorops_api_url: Url | None = key(
        URL, Url("https://alert.victorops.com/integrations/generic/20131114/alert/"), "VictorOps' API."
    )
    victorops_api_key: Secret | None = key(
        SECRET, None, "Key for VictorOps.", excludes=("victorops_api_key_file",)
    )
    victorops_api_key_file: str = key(PATH, "", "File with the key for VictorOps.")
    telegram_api_url: Url | None = key(URL, Url("https://api.telegram.org"), "Telegram's API.")
    telegram_bot_token: Secret | None = key(
        SECRET, None, "Token of a Telegram bot.", excludes=("telegram_bot_token_file",)
    )
    telegram_bot_token_file: str = key(PATH, "", "File with the token of a Telegram bot.")
    webex_api_url: Url | None = key(URL, Url("https://webexapis.com/v1/messages"), "Webex' API.")
    rocketchat_api_url: Url | None = key(URL, Url("https://open.rocket.chat/"), "Rocket.Chat's API.")
    rocketchat_token: Secret | None = key(
        SECRET_OR_EMPTY, None, "Token for Rocket.Chat.", excludes=("rocketchat_token_file",)
    )
    rocketchat_token_file: str = key(PATH, "", "File with the token for Rocket.Chat.")
    rocketchat_token_id: Secret | None = key(
        SECRET_OR_EMPTY, None, "User at Rocket.Chat.", excludes=("rocketchat_token_id_file",)
    )
    rocketchat_token_id_file: str = key(PATH, "", "File with the user at Rocket.Chat.")
    mattermost_webhook_url: Secret | None = key(
        SECRET_URL, None, "Mattermost's incoming webhook.", excludes=("mattermost_webhook_url_file",)
    )
    mattermost_webhook_url_file: str = key(PATH, "", "File with Mattermost's incoming webhook.")

    def checked(self, place: Place) -> Global:
        place.walk.found[_GLOBAL] = self
        hook = self.slack_api_url or self.slack_api_url_file
        app = self.slack_app_token or self.slack_app_token_file
        same = (
            self.slack_api_url is not None
            and self.slack_app_url is not None
            and self.slack_api_url.reveal() == self.slack_app_url.reveal()
        )
        if hook and app and not same:
            place.refuse(
                "slack_api_url and slack_app_token cannot both be set, unless the URL is slack_app_url"
            )
        return self


_GLOBAL: Final = "global"
_SLASHED: Final = "global URLs that receivers gave a slash"


def global_of(place: Place) -> Global:
    """The global block of the file being read; it is read before everything else."""
    found: Global = place.walk.found.get(_GLOBAL, _NO_GLOBAL)
    return found


_NO_GLOBAL: Final = Global()


def slashed(place: Place, own: Url | None, name: str) -> Url | None:
    """A receiver's own URL, or the global one of this name, with a slash at its end. Reports that there is none.

    Like the reference, the global one is then printed with its slash too.
    """
    inherited: Url | None = getattr(global_of(place), name)
    url = own or inherited
    if url is None:
        place.refuse(f"needs a URL here or in global.{name}")
        return None
    if own is None:
        place.walk.found.setdefault(_SLASHED, {})[name] = url.with_slash()
    return url.with_slash()


def as_used(place: Place) -> Global:
    """The global block as it is printed after all receivers were read."""
    return replace(global_of(place), **place.walk.found.get(_SLASHED, {}))
