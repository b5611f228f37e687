"""The generic webhook (reference notify, section 8)."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import replace
from typing import Final

from amfast.config.addresses import TEMPLATE_MARK
from amfast.config.files import read_start
from amfast.config.http import HttpConfig
from amfast.config.receivers.webhook import WebhookConfig
from amfast.config.url import url_problem
from amfast.model.notification import Notification, NotifyError
from amfast.model.timestamp import NS, Time, format_nano
from amfast.receivers.errors import HttpError
from amfast.receivers.http import HttpClient
from amfast.receivers.payload import JSON_HEADERS, Pause, check_status, encode_json, in_steps
from amfast.receivers.rendered import render_deeply
from amfast.template import gojson, gotime
from amfast.template.data import PAIRS_A_STEP, Alert, Data, data_in_steps
from amfast.template.errors import TemplateError
from amfast.template.rendering import Renderer, brief
from amfast.template.values import FunctionError

_VERSION: Final = "4"
_URL_FILE_BYTES_MAX: Final = 64 << 10
_NS_PER_S: Final = 1e9
_PLACE: Final = re.compile(r"template: :(\d+):(?:(\d+):)?")


class Webhook:
    """One webhook of one receiver."""

    kind = WebhookConfig.kind

    def __init__(
        self, config: WebhookConfig, index: int, http: HttpClient, templates: Renderer, pause: Pause
    ) -> None:
        self.index = index
        self._config = config
        self._http = http
        self._templates = templates
        self._pause = pause

    @property
    def send_resolved(self) -> bool:
        return self._config.send_resolved

    async def notify(self, notification: Notification) -> None:
        """Make one attempt. Raises NotifyError."""
        config = self._config
        told = replace(notification, alerts=notification.alerts[: config.max_alerts or None])
        data = await in_steps(data_in_steps(told), self._pause)
        if config.payload is None:
            left_out = len(notification.alerts) - len(told.alerts)
            body = await in_steps(message_in_steps(data, notification.group_key, left_out), self._pause)
        else:
            body = self._payload(data)
        url = self._url(data)
        http_config = config.http_config or HttpConfig()
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

    def _payload(self, data: Data) -> bytes:
        try:
            value = render_deeply(self._config.payload, lambda text: self._templates.text(text, data))
            return f"{gojson.encode(value)}\n".encode("utf-8", "replace")
        except TemplateError as error:
            raise NotifyError(f"payload: {brief(error)}", retry=False) from None
        except FunctionError as error:
            raise NotifyError(f"payload: {error}", retry=False) from None

    def _url(self, data: Data) -> str:
        config = self._config
        where = "url" if config.url is not None else f"url_file {config.url_file}"
        template = self._url_in_file() if config.url is None else config.url.reveal()
        try:
            url = self._templates.text(template, data)
        except TemplateError as error:
            # Its text quotes the template, which is as secret as what it makes.
            place = _PLACE.match(str(error))
            at = f" (line {place[1]}, column {place[2]})" if place and place[2] else ""
            raise NotifyError(f"{where}: the template cannot be rendered{at}", retry=False) from None
        if not url:
            raise NotifyError(f"{where} is empty", retry=False)
        if (config.url is None or TEMPLATE_MARK in template) and (problem := url_problem(url)):
            raise NotifyError(f"{where}: {problem}", retry=False)
        return url

    def _url_in_file(self) -> str:
        path = self._config.url_file
        try:
            return read_start(path, _URL_FILE_BYTES_MAX).decode().strip()
        except OSError as error:
            text = f"cannot read url_file {path}: {error.strerror or type(error).__name__}"
            raise NotifyError(text, retry=False) from None
        except UnicodeDecodeError:
            raise NotifyError(f"url_file {path} is not UTF-8", retry=False) from None


def message_in_steps(data: Data, group_key: str, alerts_left_out: int) -> Generator[None, None, bytes]:
    """The JSON object that is posted, keys in order, and a newline."""
    body = bytearray(encode_json({"receiver": data.receiver, "status": data.status, "alerts": []})[:-2])
    step: list[dict[str, object]] = []
    left = PAIRS_A_STEP
    for number, alert in enumerate(data.alerts, start=1):
        step.append(_alert(alert))
        left -= 1 + len(alert.labels) + len(alert.annotations)
        if left < 0 or number == len(data.alerts):
            body += encode_json(step)[1:-1] + b","
            step, left = [], PAIRS_A_STEP
            yield
    more = {
        "notification_reason": data.notification_reason,
        "groupLabels": data.group_labels,
        "commonLabels": data.common_labels,
        "commonAnnotations": data.common_annotations,
        "routeLabels": data.route_labels,
        "externalURL": data.external_url,
        "version": _VERSION,
        "groupKey": group_key,
        "truncatedAlerts": alerts_left_out,
    }
    if data.alerts:
        del body[-1:]
    body += b"]," + encode_json(more)[1:] + b"\n"
    return bytes(body)


def _alert(alert: Alert) -> dict[str, object]:
    return {
        "status": alert.status,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": _rfc3339(alert.starts_at),
        "endsAt": _rfc3339(alert.ends_at),
        "generatorURL": alert.generator_url,
        "fingerprint": alert.fingerprint,
    }


def _rfc3339(time: gotime.Time) -> str:
    return format_nano(Time(time.ns, time.zone.at(time.ns // NS).offset_s))
