"""The alert side of a node put together from its real parts: table, groups, silences, rules and listings."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping, Sequence

from amfast._ext.intake import Posted
from amfast.alerts.store import AlertStore
from amfast.config.load import loads
from amfast.dispatch.dispatcher import Dispatcher
from amfast.dispatch.route import Route, build_routes
from amfast.model.alert import Alert, make_alert
from amfast.model.clock import Clock
from amfast.model.events import Recording
from amfast.model.flush import Flush, FlushPipeline
from amfast.model.labels import Labels
from amfast.model.timestamp import NS, format_nano
from amfast.model.told import Alerts
from amfast.mute.inhibition import Inhibitor
from amfast.mute.silences import Silences
from amfast.views import AlertViews, Mutes
from amfast.web.uri import is_request_uri

LOG = logging.getLogger("test")
FAR_NS = 1_000_000 * NS
"""A resolve timeout after which no test still runs."""


class Nobody:
    """A pipeline without receivers."""

    has_receivers = False

    async def __call__(self, _flush: Flush, _alerts: Alerts) -> None:
        """Do nothing."""


def make_store(clock: Clock, *, limit: int = 0, offset_s: int = 0, seed: int = 1) -> AlertStore:
    return AlertStore(
        clock=clock,
        log=LOG,
        local_offset_s=lambda _now_ns: offset_s,
        stopwatch_ns=lambda: 0,
        is_uri=is_request_uri,
        per_alertname_max=limit,
        seed=seed,
    )


def body_of(*alerts: Alert) -> bytes:
    """A POST that says these alerts; what has no end is posted without one."""
    items = []
    for it in alerts:
        item: dict[str, object] = {
            "labels": dict(it.labels),
            "annotations": dict(it.annotations),
            "startsAt": format_nano(it.starts_at),
            "generatorURL": it.generator_url,
        }
        if not it.ends_at.is_zero:
            item["endsAt"] = format_nano(it.ends_at)
        items.append(item)
    return json.dumps(items).encode()


def post(store: AlertStore, *alerts: Alert) -> Posted:
    return store.post(body_of(*alerts), FAR_NS)


def stored(store: AlertStore) -> list[Alert]:
    """Everything listed, as values."""
    return [make_alert(*seen.fields()) for seen in store]


class AlertSide:
    """All of it under one configuration; ``pipelines`` are by receiver, and without one nobody is told.

    Groups flush once the dispatcher's ``run`` was awaited.
    """

    def __init__(
        self,
        clock: Clock,
        config: str = "",
        pipelines: Mapping[str, FlushPipeline] | None = None,
        loop_fd: int = -1,
    ) -> None:
        self.clock = clock
        self.store = make_store(clock)
        self.silences = Silences(
            clock=clock, retention_ns=3600 * NS, new_id=lambda: str(uuid.uuid4()), log=LOG
        )
        self.mutes = Mutes(self.store.table, self.silences, clock)
        self.views = AlertViews(self.store, self.mutes, clock, loop_fd)
        parsed = loads(config or "route: {receiver: d}\nreceivers: [{name: d}]", "test.yml", {})
        self.inhibitor = Inhibitor(parsed.inhibit_rules, clock)
        self.mutes.inhibitor = self.inhibitor
        self.mutes.watch_for(self.inhibitor)
        self.store.on_news = self.inhibitor.observe
        self.dispatcher = route_to(self.store, build_routes(parsed.route), pipelines or {}, clock)
        self.views.dispatcher = self.dispatcher


def route_to(
    store: AlertStore,
    root: Route,
    pipelines: Mapping[str, FlushPipeline],
    clock: Clock,
    *,
    not_before_us: int = 0,
    recording: Recording | None = None,
) -> Dispatcher:
    """A dispatcher that takes over the store."""
    receivers = {route.options.receiver for route in root.walk()}
    dispatcher = Dispatcher(
        root,
        {name: pipelines.get(name, Nobody()) for name in receivers},
        store.places,
        clock=clock,
        log=LOG,
        cluster_wait_s=lambda: 0.0,
        not_before_us=not_before_us,
        render_labels=_unrendered,
        recording=recording,
    )
    store.place = dispatcher.place
    dispatcher.begin()
    return dispatcher


def _unrendered(flush: Flush, alerts: Alerts) -> tuple[Labels, Sequence[str]]:
    """The labels as they are; like a template, it goes through the alerts."""
    assert all(isinstance(one, Alert) for one in alerts)
    return flush.route_labels, ()
