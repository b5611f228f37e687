"""``/api/v2/alerts`` and ``/api/v2/alerts/groups`` (reference api, section 6)."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from itertools import chain
from typing import Final

from amfast._ext.intake import BodyEmpty, BodyError, BodyInvalid
from amfast.model.goquote import quote
from amfast.model.matcher import MatcherMode
from amfast.model.metric import Family
from amfast.web.errors import RequestRefused, body_unreadable, required, wrong_format
from amfast.web.filters import BadParameter, read_filter
from amfast.web.json_out import JSON_HEADERS, json_response
from amfast.web.message import Request, Response
from amfast.web.params import Params
from amfast.web.ports import AlertFilter, AlertReader, AlertSink, StatusReader

_EVERYTHING: Final = AlertFilter()


class AlertsApi:
    """Takes alerts in and lists them."""

    def __init__(
        self, *, sink: AlertSink, reader: AlertReader, status: StatusReader, mode: MatcherMode
    ) -> None:
        self._sink = sink
        self._reader = reader
        self._status = status
        self._mode = mode
        self._firing = 0
        self._resolved = 0
        self._invalid = 0

    def post(self, request: Request) -> Response:
        """Store every valid alert; complain about the others. Raises RequestRefused."""
        try:
            posted = self._sink.post(request.body, self._status.resolve_timeout_ns())
        except BodyEmpty:
            raise required("alerts") from None
        except BodyError as error:
            raise body_unreadable("alerts", str(error)) from None
        except BodyInvalid as error:
            raise _invalid(*error.args) from None
        self._firing += posted.firing
        self._resolved += posted.resolved
        if not posted.complaints:
            return Response(200)
        self._invalid += len(posted.complaints)
        texts = [text if name is None else text + quote(name) for text, name in posted.complaints]
        return json_response(400, "\n".join(texts))

    def get(self, request: Request) -> Response:
        """List alerts by fingerprint."""
        try:
            wanted = self._filter(request)
        except BadParameter as error:
            return json_response(400, str(error))
        return _listing(self._reader.alerts(wanted))

    def get_groups(self, request: Request) -> Response | Awaitable[Response]:
        """List aggregation groups with the alerts that the filters leave in them."""
        try:
            wanted = self._filter(request)
        except BadParameter as error:
            return json_response(400, str(error))
        if self._reader.is_loaded:
            return _listing(self._reader.groups(wanted))
        return self._groups_once_loaded(wanted)

    async def _groups_once_loaded(self, wanted: AlertFilter) -> Response:
        await self._reader.wait_loaded()
        return _listing(self._reader.groups(wanted))

    def _filter(self, request: Request) -> AlertFilter:
        if not request.target.query:
            return _EVERYTHING
        return read_filter(Params(request.target.query), self._mode, dict(self._status.receivers()))

    def metrics(self) -> Iterator[Family]:
        received = (
            (("firing", "v2"), float(self._firing)),
            (("resolved", "v2"), float(self._resolved)),
        )
        yield Family(
            "alertmanager_alerts_received_total",
            "counter",
            "Alerts received, valid or not.",
            received,
            ("status", "version"),
        )
        yield Family(
            "alertmanager_alerts_invalid_total",
            "counter",
            "Alerts received that were refused as invalid.",
            [(("v2",), float(self._invalid))],
            ("version",),
        )


def _invalid(index: int, url: str | None) -> RequestRefused:
    if url is None:
        return required(f"{index}.labels")
    return wrong_format(f"{index}.generatorURL", "body", "uri", url)


def _listing(portions: Iterator[bytes]) -> Response:
    """One answer if all of it fits into the first portion, else one in parts."""
    first = next(portions, b"")
    second = next(portions, None)
    if second is None:
        return Response(200, first, JSON_HEADERS)
    return Response(200, b"", JSON_HEADERS, parts=chain((first, second), portions))
