"""The dispatcher: every alert into the groups of the routes that take it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping

from amfast._ext.fingerprint import label_fingerprint
from amfast.dispatch.group import Group, GroupContext
from amfast.dispatch.route import Route
from amfast.model.alert import Alert
from amfast.model.clock import Clock
from amfast.model.flush import FlushPipeline
from amfast.model.metric import Family, Summary, single


class Dispatcher:
    """Groups live from their first alert until their last one was notified as resolved.

    ``pipelines`` has one entry per receiver that a route names. A reload builds a new dispatcher.
    """

    def __init__(
        self,
        root: Route,
        pipelines: Mapping[str, FlushPipeline],
        *,
        clock: Clock,
        log: logging.Logger,
        cluster_wait_s: Callable[[], float],
        not_before_us: int,
    ) -> None:
        self._root = root
        self._pipelines = pipelines
        self._clock = clock
        self._groups: dict[tuple[str, int], Group] = {}
        self._context = GroupContext(clock, log, cluster_wait_s, not_before_us, self._forget)
        self._processing = Summary()

    @property
    def root(self) -> Route:
        return self._root

    def put(self, alert: Alert) -> None:
        """Take a new alert or a new state of a known one."""
        started_us = self._clock.monotonic_us()
        for route in self._root.match(alert.labels):
            labels = route.group_labels(alert.labels)
            place = (route.id, label_fingerprint(labels))
            group = self._groups.get(place)
            if group is None:
                pipeline = self._pipelines[route.options.receiver]
                self._groups[place] = Group(route, labels, alert, pipeline, self._context)
            else:
                group.insert(alert)
        self._processing.observe((self._clock.monotonic_us() - started_us) / 1e6)

    def groups(self) -> Iterator[Group]:
        """All groups, in no order."""
        yield from self._groups.values()

    async def stop(self) -> None:
        """Stop all timers and cancel what is being sent."""
        groups = list(self._groups.values())
        self._groups.clear()
        await asyncio.gather(*(group.stop() for group in groups))

    def metrics(self) -> Iterator[Family]:
        yield single(
            "alertmanager_dispatcher_aggregation_groups",
            "gauge",
            "Aggregation groups with alerts.",
            float(len(self._groups)),
        )
        yield single(
            "alertmanager_dispatcher_alert_processing_duration_seconds",
            "summary",
            "Time to route one alert into its groups.",
            self._processing,
        )

    def _forget(self, group: Group) -> None:
        place = (group.route.id, label_fingerprint(group.labels))
        if self._groups.get(place) is group:
            del self._groups[place]
