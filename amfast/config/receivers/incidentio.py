"""``incidentio_configs`` (reference config, section 8)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amfast.config.addresses import URL
from amfast.config.holders import BlockOf
from amfast.config.http import HttpConfig
from amfast.config.kinds import GO_DURATION, PATH, SECRET, UINT, Secret
from amfast.config.receivers.common import OWN_HTTP, HttpIntegration, with_http
from amfast.config.schema import Place, key
from amfast.config.url import Url


@dataclass(frozen=True, slots=True)
class IncidentioConfig(HttpIntegration):
    """Posts to incident.io. Files in its own `http_config` are relative to the working directory."""

    kind: ClassVar[str] = "incidentio"
    ONE_OF: ClassVar = (("url", "url_file"),)

    http_config: HttpConfig | None = key(BlockOf(lambda: HttpConfig), None, OWN_HTTP)
    url: Url | None = key(URL, None, "Where to post.", excludes=("url_file",), shown=True)
    url_file: str = key(PATH, "", "File with the URL.", shown=True)
    alert_source_token: Secret | None = key(
        SECRET, None, "Token of the alert source.", excludes=("alert_source_token_file",)
    )
    alert_source_token_file: str = key(PATH, "", "File with the token.")
    max_alerts: int = key(UINT, 0, "Alerts in one message; 0 for all.", shown=True)
    timeout_ns: int = key(
        GO_DURATION, 0, "Time limit of one attempt; 0 for none.", name="timeout", shown=True
    )

    def checked(self, place: Place) -> IncidentioConfig:
        token = self.alert_source_token or self.alert_source_token_file
        if self.http_config is not None:
            if self.http_config.authorization is not None and token:
                place.refuse("authorization cannot be set beside alert_source_token", "http_config")
            elif self.http_config.authorization is None and not token:
                place.refuse("needs alert_source_token, alert_source_token_file or http_config.authorization")
        return with_http(self, place)
