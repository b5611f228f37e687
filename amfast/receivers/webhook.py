"""The generic webhook (reference notify, section 8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from amfast.config.http import HttpConfig
from amfast.config.receivers.webhook import WebhookConfig
from amfast.config.url import url_problem
from amfast.model.alert import Alert
from amfast.model.labels import Labels
from amfast.model.notification import Notification, NotifyError
from amfast.model.timestamp import ZERO, format_nano
from amfast.receivers.errors import HttpError
from amfast.receivers.http import HttpClient
from amfast.receivers.payload import JSON_HEADERS, check_status, encode_json, regexp_quote

_VERSION: Final = "4"
_URL_FILE_BYTES_MAX: Final = 64 << 10
_NS_PER_S: Final = 1e9


class Webhook:
    """One webhook of one receiver."""

    kind = WebhookConfig.kind

    def __init__(self, config: WebhookConfig, index: int, http: HttpClient) -> None:
        self.index = index
        self._config = config
        self._http = http

    @property
    def send_resolved(self) -> bool:
        return self._config.send_resolved

    async def notify(self, notification: Notification) -> None:
        """Make one attempt. Raises NotifyError."""
        config = self._config
        body = encode_json(webhook_message(notification, config.max_alerts))
        http_config = config.http_config or HttpConfig()
        url = self._url()
        try:
            answer = await self._http.post(
                url,
                headers=JSON_HEADERS,
                body=body,
                timeout_s=config.timeout_ns / _NS_PER_S if config.timeout_ns > 0 else None,
                config=http_config,
            )
        except HttpError as error:
            raise NotifyError(f"posting to the webhook failed: {error}", retry=error.retry) from None
        check_status(answer, secret_url=url)

    def _url(self) -> str:
        if self._config.url is not None:
            return self._config.url.reveal()
        try:
            with Path(self._config.url_file).open("rb") as file:
                url = file.read(_URL_FILE_BYTES_MAX).decode().strip()
        except OSError as error:
            text = f"cannot read url_file {self._config.url_file}: {error.strerror or type(error).__name__}"
            raise NotifyError(text, retry=False) from None
        except UnicodeDecodeError:
            raise NotifyError(f"url_file {self._config.url_file} is not UTF-8", retry=False) from None
        if "{{" in url:
            text = (
                f"url_file {self._config.url_file} holds a template, which this version of amfast cannot run"
            )
            raise NotifyError(text, retry=False)
        if not url:
            raise NotifyError(f"url_file {self._config.url_file} is empty", retry=False)
        if problem := url_problem(url):
            raise NotifyError(f"url_file {self._config.url_file}: {problem}", retry=False)
        return url


def webhook_message(notification: Notification, max_alerts: int) -> dict[str, object]:
    """The JSON object that is posted, keys in order; with ``max_alerts`` it is about the first ones only."""
    alerts = notification.alerts[: max_alerts or None]
    now_ns = notification.now_ns
    firing = any(not alert.resolved_at(now_ns) for alert in alerts)
    return {
        "receiver": regexp_quote(notification.receiver),
        "status": "firing" if firing else "resolved",
        "alerts": [_alert(alert, now_ns) for alert in alerts],
        "notification_reason": notification.reason,
        "groupLabels": dict(notification.group_labels),
        "commonLabels": _common(alerts, lambda alert: alert.labels),
        "commonAnnotations": _common(alerts, lambda alert: alert.annotations),
        "routeLabels": dict(notification.route_labels),
        "externalURL": notification.external_url,
        "version": _VERSION,
        "groupKey": notification.group_key,
        "truncatedAlerts": len(notification.alerts) - len(alerts),
    }


def _alert(alert: Alert, now_ns: int) -> dict[str, Any]:
    resolved = alert.resolved_at(now_ns)
    return {
        "status": "resolved" if resolved else "firing",
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": format_nano(alert.starts_at),
        "endsAt": format_nano(alert.ends_at if resolved else ZERO),
        "generatorURL": alert.generator_url,
        "fingerprint": f"{alert.fingerprint:016x}",
    }


def _common(alerts: Sequence[Alert], labels_of: Callable[[Alert], Labels]) -> dict[str, str]:
    """The pairs that all alerts have."""
    if not alerts:
        return {}
    common = dict(labels_of(alerts[0]))
    for alert in alerts[1:]:
        labels = labels_of(alert)
        common = {name: value for name, value in common.items() if labels.get(name) == value}
    return common
