"""``/api/v2/alerts`` and ``/api/v2/alerts/groups`` (reference api, section 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from amfast.model.alert import alert_order
from amfast.model.clock import Clock
from amfast.model.labels import labels_order
from amfast.model.matcher import MatcherMode, valid_label_name
from amfast.model.metric import Family
from amfast.model.timestamp import Time
from amfast.web.alert_json import BadParameter, alert_json, read_filters
from amfast.web.json_out import encode, json_response, raw_json_response
from amfast.web.message import Request, Response
from amfast.web.params import Params
from amfast.web.parse_alerts import parse_alerts
from amfast.web.ports import AlertEntry, AlertReader, AlertSink, GroupEntry, StatusReader


class AlertsApi:
    """Takes alerts in and lists them."""

    def __init__(
        self,
        *,
        sink: AlertSink,
        reader: AlertReader,
        status: StatusReader,
        clock: Clock,
        local_offset_s: Callable[[int], int],
        mode: MatcherMode,
    ) -> None:
        self._sink = sink
        self._reader = reader
        self._status = status
        self._clock = clock
        self._local_offset_s = local_offset_s
        self._mode = mode
        self._is_name = partial(valid_label_name, mode=mode)
        self._firing = 0
        self._resolved = 0
        self._invalid = 0

    def post(self, request: Request) -> Response:
        """Store every valid alert; complain about the others. Raises RequestRefused."""
        now_ns = self._clock.now_ns()
        now = Time(now_ns, self._local_offset_s(now_ns))
        parsed = parse_alerts(bytes(request.body), now, self._status.resolve_timeout_ns(), self._is_name)
        self._firing += parsed.firing
        self._resolved += parsed.resolved
        self._invalid += len(parsed.errors)
        if parsed.alerts:
            self._sink.put(parsed.alerts)
        if parsed.errors:
            return json_response(400, "\n".join(parsed.errors))
        return Response(200)

    def get(self, request: Request) -> Response:
        """List alerts by fingerprint."""
        try:
            alert_filter, takes_receivers = read_filters(
                Params(request.target.query), self._mode, dict(self._status.receivers())
            )
        except BadParameter as error:
            return json_response(400, str(error))
        now_ns = self._clock.now_ns()
        entries = [
            entry
            for entry in self._reader.alerts()
            if alert_filter.takes(entry, now_ns) and takes_receivers(entry.receivers)
        ]
        entries.sort(key=lambda entry: entry.alert.fingerprint)
        listed = ",".join(alert_json(entry, entry.receivers) for entry in entries)
        return raw_json_response(200, f"[{listed}]")

    def get_groups(self, request: Request) -> Response:
        """List aggregation groups with the alerts that the filters leave in them."""
        params = Params(request.target.query)
        try:
            alert_filter, takes_receivers = read_filters(params, self._mode, dict(self._status.receivers()))
        except BadParameter as error:
            return json_response(400, str(error))
        now_ns = self._clock.now_ns()
        groups: list[tuple[GroupEntry, list[AlertEntry]]] = []
        for group in self._reader.groups():
            if takes_receivers((group.receiver,)):
                kept = [entry for entry in group.alerts if alert_filter.takes(entry, now_ns)]
                if kept:
                    groups.append((group, kept))
        groups.sort(key=lambda item: (labels_order(item[0].labels), item[0].receiver))
        receivers: dict[int, set[str]] = {}
        for group, kept in groups:
            for entry in kept:
                receivers.setdefault(entry.alert.fingerprint, set()).add(group.receiver)
        shows_muted = params.flag("muted")
        listed = ",".join(
            _group_json(group, kept, receivers) for group, kept in groups if shows_muted or not group.muted_by
        )
        return raw_json_response(200, f"[{listed}]")

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


def _group_json(group: GroupEntry, entries: list[AlertEntry], receivers: dict[int, set[str]]) -> str:
    entries.sort(key=lambda entry: alert_order(entry.alert))
    alerts = ",".join(
        alert_json(entry, sorted(receivers[entry.alert.fingerprint]), group.muted_by) for entry in entries
    )
    rest = encode(
        {
            "labels": dict(group.labels),
            "receiver": {"name": group.receiver},
            "routeLabels": dict(group.route_labels),
        }
    )
    return f'{{"alerts":[{alerts}],{rest[1:]}'
