"""What a configuration turns into, and a reload replaces: rules, integrations, pipelines and the dispatcher."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from amfast.alerts.store import AlertStore
from amfast.config.types import Config
from amfast.dispatch.dispatcher import Dispatcher
from amfast.dispatch.route import Route, build_routes
from amfast.model.alert import Alert
from amfast.model.errors import AmfastError
from amfast.model.flush import FlushPipeline
from amfast.model.metric import Family, single
from amfast.model.timestamp import NS
from amfast.mute.inhibition import Inhibitor
from amfast.notify.delivery import Surroundings
from amfast.notify.pipeline import build_pipeline
from amfast.notify.stages import Stage
from amfast.receivers.http import HttpClient
from amfast.receivers.table import build
from amfast.views import AlertViews


@dataclass(frozen=True, slots=True)
class Parts:
    """What stays through every reload."""

    load_config: Callable[[], Config]
    store: AlertStore
    views: AlertViews
    stages: Callable[[Inhibitor], Sequence[Stage]]
    """What every flush passes, with the inhibition rules in force."""
    around: Surroundings
    http: HttpClient
    log: logging.Logger
    retention_ns: int
    not_before_us: int
    """Monotonic time before which nothing is flushed (``--dispatch.start-delay``)."""


class Running:
    """The configuration in force. A reload that fails changes nothing."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._config: Config | None = None
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

    async def stop(self) -> None:
        """Stop the dispatcher; alerts that come from now on are only stored."""
        self._parts.store.on_change = lambda _alert: None
        if self._parts.views.dispatcher is not None:
            await self._parts.views.dispatcher.stop()

    async def apply(self, config: Config) -> None:
        """Put a configuration in force."""
        parts = self._parts
        root = build_routes(config.route)
        inhibitor = Inhibitor(config.inhibit_rules, parts.around.clock)
        pipelines, integrations = self._pipelines(config, root, parts.stages(inhibitor))
        dispatcher = Dispatcher(
            root,
            pipelines,
            clock=parts.around.clock,
            log=parts.around.log,
            cluster_wait_s=parts.around.cluster_wait_s,
            not_before_us=parts.not_before_us,
        )
        # All that can fail is behind us.
        await self.stop()
        self._config = config
        self._integrations = integrations
        parts.views.dispatcher = dispatcher
        parts.views.inhibitor = inhibitor

        def pass_on(alert: Alert) -> None:
            inhibitor.observe(alert)
            dispatcher.put(alert)

        parts.store.on_change = pass_on
        alerts = list(parts.store)
        for alert in alerts:  # all of them, before a group may notify about the first
            inhibitor.observe(alert)
        for alert in alerts:
            dispatcher.put(alert)
        self._warn(root)
        self._succeeded = True
        self._succeeded_at_s = parts.around.clock.now_ns() / NS

    def _pipelines(
        self, config: Config, root: Route, stages: Sequence[Stage]
    ) -> tuple[dict[str, FlushPipeline], int]:
        """A pipeline for each receiver that a route names, and how many integrations they have in all."""
        used = {route.options.receiver for route in root.walk()}
        pipelines: dict[str, FlushPipeline] = {}
        count = 0
        for receiver in config.receivers:
            if receiver.name not in used:
                attrs = {"receiver": receiver.name}
                self._parts.log.info("Receiver not built, no route uses it", extra={"attrs": attrs})
                continue
            integrations = build(receiver, self._parts.http)
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
