"""The generic webhook (reference notify, section 8)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from amfast._ext.message import json_labels, json_text
from amfast.config.addresses import TEMPLATE_MARK
from amfast.config.files import read_start
from amfast.config.http import HttpConfig
from amfast.config.receivers.webhook import WebhookConfig
from amfast.config.url import url_problem
from amfast.model.notification import Notification, NotifyError
from amfast.model.told import Alerts
from amfast.receivers.errors import HttpError
from amfast.receivers.http import HttpClient
from amfast.receivers.payload import JSON_HEADERS, Pause, check_status, in_steps
from amfast.receivers.rendered import render_deeply
from amfast.template import gojson
from amfast.template.data import Data, data_in_steps, receiver_seen
from amfast.template.errors import TemplateError
from amfast.template.rendering import Renderer, brief
from amfast.template.values import FunctionError

_BYTES_A_STEP: Final = 128 << 10
"""Of a message, before others may go on: a fraction of a millisecond."""
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
        self._url = None if config.url is None else config.url.reveal()
        self._http_config = config.http_config or HttpConfig()
        self._timeout_s = config.timeout_ns / _NS_PER_S if config.timeout_ns > 0 else None

    @property
    def send_resolved(self) -> bool:
        return self._config.send_resolved

    async def notify(self, notification: Notification) -> None:
        """Make one attempt. Raises NotifyError."""
        config = self._config
        told = notification.alerts.first(config.max_alerts) if config.max_alerts else notification.alerts
        template = self._url_in_file() if self._url is None else self._url
        data: Data | None = None  # what only templates ask for
        if config.payload is not None or TEMPLATE_MARK in template:
            data = await in_steps(data_in_steps(replace(notification, alerts=told)), self._pause)
        if config.payload is None or data is None:
            body = await self._message(notification, told)
        else:
            body = self._payload(data)
        url = self._checked(template if data is None else self._rendered(template, data), template)
        try:
            answer = await self._http.post(
                url,
                headers=JSON_HEADERS,
                body=body,
                timeout_s=self._timeout_s,
                config=self._http_config,
            )
        except HttpError as error:
            raise NotifyError(f"posting to the webhook failed: {error}", retry=error.retry) from None
        check_status(answer, secret_url=url)

    async def _message(self, notification: Notification, told: Alerts) -> bytes:
        """The JSON object that is posted without a payload, and a newline."""
        written = told.json()
        while not written.go_on(_BYTES_A_STEP):
            await self._pause()
        pieces = (
            b'{"receiver":', json_text(receiver_seen(notification.receiver)),
            b',"status":', b'"firing"' if told.firing else b'"resolved"',
            b',"alerts":[', written.alerts,
            b'],"notification_reason":', json_text(notification.reason),
            b',"groupLabels":', json_labels(notification.group_labels),
            b',"commonLabels":', written.common_labels,
            b',"commonAnnotations":', written.common_annotations,
            b',"routeLabels":', json_labels(notification.route_labels),
            b',"externalURL":', json_text(notification.external_url),
            b',"version":"4","groupKey":', json_text(notification.group_key),
            b',"truncatedAlerts":%d}\n' % (len(notification.alerts) - len(told)),
        )  # fmt: skip
        return b"".join(pieces)

    def _payload(self, data: Data) -> bytes:
        try:
            value = render_deeply(self._config.payload, lambda text: self._templates.text(text, data))
            return f"{gojson.encode(value)}\n".encode("utf-8", "replace")
        except TemplateError as error:
            raise NotifyError(f"payload: {brief(error)}", retry=False) from None
        except FunctionError as error:
            raise NotifyError(f"payload: {error}", retry=False) from None

    @property
    def _where(self) -> str:
        return "url" if self._url is not None else f"url_file {self._config.url_file}"

    def _rendered(self, template: str, data: Data) -> str:
        try:
            return self._templates.text(template, data)
        except TemplateError as error:
            # Its text quotes the template, which is as secret as what it makes.
            place = _PLACE.match(str(error))
            at = f" (line {place[1]}, column {place[2]})" if place and place[2] else ""
            raise NotifyError(f"{self._where}: the template cannot be rendered{at}", retry=False) from None

    def _checked(self, url: str, template: str) -> str:
        if not url:
            raise NotifyError(f"{self._where} is empty", retry=False)
        if (self._url is None or TEMPLATE_MARK in template) and (problem := url_problem(url)):
            raise NotifyError(f"{self._where}: {problem}", retry=False)
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
