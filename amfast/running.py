"""What a configuration turns into, and a reload replaces: rules, integrations, pipelines and the dispatcher."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from amfast._ext.table import StoredAlert
from amfast.alerts.store import AlertStore
from amfast.config.observing import EventRecorder as RecorderConfig
from amfast.config.observing import Tracing as TracingConfig
from amfast.config.types import Config
from amfast.dispatch.dispatcher import Dispatcher
from amfast.dispatch.route import Route, build_routes
from amfast.model.errors import AmfastError
from amfast.model.flush import Flush, FlushPipeline, GroupName
from amfast.model.labels import Labels
from amfast.model.metric import Family, single
from amfast.model.notification import Notification
from amfast.model.timestamp import NS
from amfast.model.told import Alerts
from amfast.mute.inhibition import Inhibitor
from amfast.notify.delivery import Surroundings
from amfast.notify.pipeline import build_pipeline
from amfast.notify.stages import Stage
from amfast.receivers.http import HttpClient
from amfast.receivers.table import build
from amfast.template.data import data_of
from amfast.template.rendering import Renderer, brief
from amfast.views import AlertViews


@dataclass(frozen=True, slots=True)
class Parts:
    """What stays through every reload."""

    load_config: Callable[[], Config]
    load_templates: Callable[[Config], Renderer]
    store: AlertStore
    views: AlertViews
    stages: Callable[[Config, Inhibitor], Sequence[Stage]]
    """What every flush passes, with the configuration and its inhibition rules in force."""
    around: Surroundings
    http: HttpClient
    trace: Callable[[TracingConfig | None], Awaitable[None]]
    """Send traces as a configuration says. Raises AmfastError."""
    record: Callable[[RecorderConfig], Awaitable[None]]
    """Record events as a configuration says."""
    log: logging.Logger
    retention_ns: int
    not_before_us: int
    """Monotonic time before which nothing is flushed (``--dispatch.start-delay``)."""


class Running:
    """The configuration in force. A reload that fails changes nothing."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._config: Config | None = None
        self.resolve_timeout_ns = 0
        """Of the configuration in force, as it is asked for with every request."""
        self._lock = asyncio.Lock()
        self._integrations = 0
        self._succeeded = False
        self._succeeded_at_s = 0.0

    @property
    def config(self) -> Config:
        """Raises AmfastError before the first load."""
        if self._config is None:
            raise AmfastError("no configuration is loaded yet")
        return self._config

    async def reload(self) -> None:
        """Read the configuration again and put it in force. Raises AmfastError; the old one then stays."""
        async with self._lock:
            try:
                await self.apply(self._parts.load_config())
            except AmfastError:
                self._succeeded = False
                raise

    def timers(self) -> Iterator[tuple[GroupName, int]]:
        """What each group is called, and the wall time in ns of its next flush."""
        dispatcher = self._parts.views.dispatcher
        return iter(()) if dispatcher is None else dispatcher.timers()

    async def halt(self) -> None:
        """Flush no more, and cancel what is being sent; alerts that come from now on are only stored."""
        self._parts.store.place = lambda _unplaced: None
        if self._parts.views.dispatcher is not None:
            await self._parts.views.dispatcher.halt()

    async def stop(self) -> None:
        """Let the groups go."""
        await self.halt()
        if self._parts.views.dispatcher is not None:
            await self._parts.views.dispatcher.stop()

    async def apply(self, config: Config, timers: Mapping[GroupName, int] | None = None) -> None:
        """Put a configuration in force. ``timers`` are those that an earlier life of the node left."""
        parts = self._parts
        templates = parts.load_templates(config)
        root = build_routes(config.route)
        inhibitor = Inhibitor(config.inhibit_rules, parts.around.clock)
        pipelines, integrations = self._pipelines(config, root, parts.stages(config, inhibitor), templates)
        dispatcher = Dispatcher(
            root,
            pipelines,
            parts.store.places,
            clock=parts.around.clock,
            log=parts.around.log,
            cluster_wait_s=parts.around.cluster_wait_s,
            not_before_us=parts.not_before_us,
            render_labels=partial(_render_labels, templates, parts.around.external_url),
            recording=parts.around.recording,
            has_met=parts.around.nflog.has_met,
        )
        await parts.trace(config.tracing)
        # All that can fail is behind us. What comes in goes to the new groups from here on; what is stored already
        # follows in slices.
        await parts.record(config.event_recorder)
        await self._tell_of_all(inhibitor)
        old, parts.views.dispatcher = parts.views.dispatcher, dispatcher
        parts.store.place = dispatcher.place
        parts.store.record(None if parts.around.recording.record is None else dispatcher.tell)
        dispatcher.begin()
        self._config = config
        self.resolve_timeout_ns = config.global_.resolve_timeout_ns
        self._integrations = integrations
        if old is not None:
            await old.retire()
        await parts.store.place_all()
        if old is not None:
            await dispatcher.take_over(old)
        await dispatcher.tell_all()
        if timers:
            dispatcher.resume(timers)
        await dispatcher.run()
        self._warn(root)
        self._succeeded = True
        self._succeeded_at_s = parts.around.clock.now_ns() / NS

    async def _tell_of_all(self, inhibitor: Inhibitor) -> None:
        """Put inhibition rules in force once they know of everything stored, before a group may notify by them."""
        store, mutes = self._parts.store, self._parts.views.mutes
        before = store.on_news

        def tell_both(stored: StoredAlert) -> None:
            before(stored)
            inhibitor.observe(stored)

        store.on_news = tell_both
        mutes.watch_for(inhibitor)
        async for stored in store.sources():
            inhibitor.observe(stored)
        mutes.inhibitor = inhibitor
        store.on_news = inhibitor.observe

    def _pipelines(
        self, config: Config, root: Route, stages: Sequence[Stage], templates: Renderer
    ) -> tuple[dict[str, FlushPipeline], int]:
        """A pipeline for each receiver that a route names, and how many integrations they have in all."""
        used = {route.options.receiver for route in root.walk()}
        pipelines: dict[str, FlushPipeline] = {}
        pause = partial(self._parts.around.clock.sleep, 0)
        count = 0
        for receiver in config.receivers:
            if receiver.name not in used:
                attrs = {"receiver": receiver.name}
                self._parts.log.info("Receiver not built, no route uses it", extra={"attrs": attrs})
                continue
            try:
                integrations = build(receiver, self._parts.http, templates, pause)
            except AmfastError as error:
                failed = {"attrs": {"err": str(error)}}
                self._parts.log.error("A receiver cannot be built", extra=failed)  # noqa: TRY400
                raise
            count += len(integrations)
            pipelines[receiver.name] = build_pipeline(stages, integrations, self._parts.around)
        return pipelines, count

    def _warn(self, root: Route) -> None:
        for route in root.walk():
            options = route.options
            attrs = {"route": route.key}
            if options.repeat_interval_ns > self._parts.retention_ns:
                text = "repeat_interval exceeds --data.retention, so repeats come when the log has forgotten, not later"
                self._parts.log.warning(text, extra={"attrs": attrs})
            if options.repeat_interval_ns < options.group_interval_ns:
                text = (
                    "repeat_interval is below group_interval, which then decides when a notification repeats"
                )
                self._parts.log.warning(text, extra={"attrs": attrs})

    def metrics(self) -> Iterator[Family]:
        yield single(
            "alertmanager_config_last_reload_successful",
            "gauge",
            "Whether the last reading of the configuration was a success.",
            float(self._succeeded),
        )
        yield single(
            "alertmanager_config_last_reload_success_timestamp_seconds",
            "gauge",
            "When the configuration in force was read.",
            self._succeeded_at_s,
        )
        if self._config is not None:
            dispatcher = self._parts.views.dispatcher
            used = {route.options.receiver for route in dispatcher.root.walk()} if dispatcher else ()
            yield single(
                "alertmanager_config_hash", "gauge", "Hash of the configuration.", float(self._config.hash)
            )
            yield single("alertmanager_receivers", "gauge", "Receivers that routes name.", float(len(used)))
            yield single(
                "alertmanager_integrations", "gauge", "Their integrations.", float(self._integrations)
            )
            rules = float(len(self._config.inhibit_rules))
            yield single("alertmanager_inhibition_rules", "gauge", "Inhibition rules.", rules)
            if dispatcher is not None:
                yield from dispatcher.metrics()


def _render_labels(
    templates: Renderer, external_url: str, flush: Flush, alerts: Alerts
) -> tuple[Labels, Sequence[str]]:
    """The route labels of a flush as texts, and what is wrong with those that cannot be rendered."""
    notification = Notification(
        receiver=flush.receiver,
        group_key=flush.group_key,
        group_labels=flush.group_labels,
        route_labels=flush.route_labels,
        alerts=alerts,
        reason="unknown",
        external_url=external_url,
        now_ns=flush.now_ns,
    )
    labels, failed = templates.route_labels(data_of(notification, route_labels_rendered=False))
    return labels, [f"{name}: {brief(error)}" for name, error in failed.items()]
