"""``pushover_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from amfast.config.kinds import BOOL, GO_DURATION_WITH_UNIT, PATH, SECRET_TEMPLATE, TEMPLATE, Secret
from amfast.config.receivers.common import HttpIntegration, default
from amfast.config.schema import key

_MINUTE_NS: Final = 60 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class PushoverConfig(HttpIntegration):
    """Sends a message through Pushover."""

    kind: ClassVar[str] = "pushover"
    ONE_OF: ClassVar = (("user_key", "user_key_file"), ("token", "token_file"))

    user_key: Secret | None = key(SECRET_TEMPLATE, None, "Who gets it.", excludes=("user_key_file",))
    user_key_file: str = key(PATH, "", "File with who gets it.")
    token: Secret | None = key(SECRET_TEMPLATE, None, "Token of the application.", excludes=("token_file",))
    token_file: str = key(PATH, "", "File with the token.")
    title: str = key(TEMPLATE, default("pushover.default.title"), "Title.")
    message: str = key(TEMPLATE, default("pushover.default.message"), "Text; an HTML template with `html`.")
    url: str = key(TEMPLATE, default("pushover.default.url"), "Link.")
    url_title: str = key(TEMPLATE, "", "What the link says.")
    device: str = key(TEMPLATE, "", "Device; if unset, all of them.")
    sound: str = key(TEMPLATE, "", "Sound; if unset, the user's choice.")
    priority: str = key(TEMPLATE, '{{ if eq .Status "firing" }}2{{ else }}0{{ end }}', "Priority, -2 to 2.")
    retry_ns: int = key(
        GO_DURATION_WITH_UNIT, _MINUTE_NS, "How often an emergency is repeated.", name="retry"
    )
    expire_ns: int = key(
        GO_DURATION_WITH_UNIT, 60 * _MINUTE_NS, "How long an emergency is repeated.", name="expire"
    )
    ttl_ns: int = key(GO_DURATION_WITH_UNIT, 0, "How long the message is kept; 0 for ever.", name="ttl")
    html: bool = key(BOOL, False, "Whether the text is HTML.", excludes=("monospace",))
    monospace: bool = key(BOOL, False, "Whether all letters are of one width.")
