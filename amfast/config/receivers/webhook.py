"""``webhook_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from amfast.config.addresses import SECRET_TEMPLATE_URL
from amfast.config.holders import ANYTHING
from amfast.config.kinds import GO_DURATION, PATH, UINT, Secret
from amfast.config.receivers.common import HttpIntegration, with_http
from amfast.config.schema import Place, key


@dataclass(frozen=True, slots=True)
class WebhookConfig(HttpIntegration):
    """Posts a JSON object to a URL."""

    kind: ClassVar[str] = "webhook"
    ONE_OF: ClassVar = (("url", "url_file"),)

    url: Secret | None = key(SECRET_TEMPLATE_URL, None, "Where to post.", excludes=("url_file",))
    url_file: str = key(PATH, "", "File with the URL.", shown=True)
    max_alerts: int = key(UINT, 0, "Alerts in one message; 0 for all.", shown=True)
    timeout_ns: int = key(
        GO_DURATION, 0, "Time limit of one attempt; 0 for none.", name="timeout", shown=True
    )
    payload: Any = key(ANYTHING, None, "JSON to post instead, with templates in its texts.")

    def checked(self, place: Place) -> WebhookConfig:
        return with_http(self, place)
