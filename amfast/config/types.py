"""The configuration as the rest of the program sees it: frozen, checked, with nothing left to look up."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol

from amfast.config.kinds import BOOL, DURATION, TEXT, BlockOf, Pairs
from amfast.config.schema import Block, Place, fixed, key
from amfast.model.matcher import Matcher

_SECOND_NS: Final = 1_000_000_000
DEFAULT_GROUP_WAIT_NS: Final = 30 * _SECOND_NS
DEFAULT_GROUP_INTERVAL_NS: Final = 5 * 60 * _SECOND_NS
DEFAULT_REPEAT_INTERVAL_NS: Final = 4 * 3600 * _SECOND_NS
DEFAULT_RESOLVE_TIMEOUT_NS: Final = 5 * 60 * _SECOND_NS


@dataclass(frozen=True, slots=True)
class HttpConfig(Block):
    """How HTTP requests of integrations are made (reference config, section 10)."""

    NOT_BUILT: ClassVar = (
        "basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file", "tls_config",
        "proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header", "http_headers",
    )  # fmt: skip

    follow_redirects: bool = key(BOOL, True, shown=True)
    enable_http2: bool = key(BOOL, True, shown=True)
    """Accepted as it is: HTTP/2 is allowed by it, never demanded, and HTTP/1.1 is what is spoken."""


@dataclass(frozen=True, slots=True)
class TlsConfig(Block):
    """How the other side of a TLS connection is known (reference config, section 10)."""

    insecure_skip_verify: bool = key(BOOL, False, shown=True)


@dataclass(frozen=True, slots=True)
class Global(Block):
    """Defaults for everything (reference config, section 3)."""

    NOT_BUILT: ClassVar = (
        "smtp_from", "smtp_smarthost", "smtp_auth_username", "smtp_auth_password", "smtp_auth_password_file",
        "smtp_auth_secret", "smtp_auth_secret_file", "smtp_auth_identity", "smtp_force_implicit_tls",
        "slack_api_url", "slack_api_url_file", "slack_app_token", "slack_app_token_file",
        "opsgenie_api_key", "opsgenie_api_key_file", "wechat_api_secret", "wechat_api_secret_file",
        "wechat_api_corp_id", "victorops_api_key", "victorops_api_key_file", "telegram_bot_token",
        "telegram_bot_token_file", "rocketchat_token", "rocketchat_token_file", "rocketchat_token_id",
        "rocketchat_token_id_file", "mattermost_webhook_url", "mattermost_webhook_url_file", "jira_api_url",
    )  # fmt: skip

    resolve_timeout_ns: int = key(DURATION, DEFAULT_RESOLVE_TIMEOUT_NS, name="resolve_timeout", shown=True)
    http_config: HttpConfig = key(BlockOf(lambda: HttpConfig), HttpConfig())
    smtp_hello: str = fixed(TEXT, "localhost")
    smtp_require_tls: bool = fixed(BOOL, True)
    smtp_tls_config: TlsConfig = fixed(BlockOf(lambda: TlsConfig), TlsConfig())
    slack_app_url: str = fixed(TEXT, "https://slack.com/api/chat.postMessage")
    pagerduty_url: str = fixed(TEXT, "https://events.pagerduty.com/v2/enqueue")
    opsgenie_api_url: str = fixed(TEXT, "https://api.opsgenie.com/")
    wechat_api_url: str = fixed(TEXT, "https://qyapi.weixin.qq.com/cgi-bin/")
    victorops_api_url: str = fixed(TEXT, "https://alert.victorops.com/integrations/generic/20131114/alert/")
    telegram_api_url: str = fixed(TEXT, "https://api.telegram.org")
    webex_api_url: str = fixed(TEXT, "https://webexapis.com/v1/messages")
    rocketchat_api_url: str = fixed(TEXT, "https://open.rocket.chat/")

    def checked(self, place: Place) -> Global:
        place.walk.found[_GLOBAL] = self
        return self


_GLOBAL: Final = "global"


def global_of(place: Place) -> Global:
    """The global block of the file being read; it is read before everything else."""
    found: Global = place.walk.found.get(_GLOBAL, Global())
    return found


@dataclass(frozen=True, slots=True)
class Route:
    """One node of the routing tree; None is what it inherits (reference config, section 4).

    ``matchers`` is the sorted union of ``match``, ``match_re`` and ``matchers``.
    """

    receiver: str = ""
    group_by: tuple[str, ...] | None = None
    group_by_all: bool = False
    group_wait_ns: int | None = None
    group_interval_ns: int | None = None
    repeat_interval_ns: int | None = None
    matchers: tuple[Matcher, ...] = ()
    continue_: bool = False
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """Which alerts, while they fire, hold back which others (reference config, section 5).

    Each side's matchers are the union of its three forms; ``equal`` names labels whose values must agree.
    """

    source: tuple[Matcher, ...] = ()
    target: tuple[Matcher, ...] = ()
    equal: tuple[str, ...] = ()
    name: str = ""


class IntegrationConfig(Protocol):
    """What every integration's configuration has; it is a :class:`Block` beside that."""

    kind: ClassVar[str]
    """``webhook``, ``email`` …"""

    @property
    def send_resolved(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Receiver:
    """A name and the ways out behind it, in the order they are built (reference notify, section 5)."""

    name: str
    labels: Pairs = ()
    """In name order; ``name`` is always among them."""
    integrations: tuple[IntegrationConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration that passed every check."""

    global_: Global
    route: Route
    receivers: tuple[Receiver, ...]
    inhibit_rules: tuple[InhibitRule, ...]
    original: str = field(repr=False)
    """What the status API shows: what was understood, secrets masked (reference config, section 14)."""
    hash: int
    """``alertmanager_config_hash``: the first six bytes of the file's MD5, little-endian."""
    warnings: tuple[str, ...] = ()
    """One line each, for the log: what works but should be changed."""
