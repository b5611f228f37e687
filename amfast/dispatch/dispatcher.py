"""The dispatcher: which groups the alerts of a place belong to, and when all groups are there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

from amfast._ext.grouping import Members, Places
from amfast._ext.table import StoredAlert
from amfast.dispatch.agenda import Agenda
from amfast.dispatch.destination import Destinations
from amfast.dispatch.group import Group, GroupContext, RenderLabels
from amfast.dispatch.route import Route
from amfast.model.alert import Alert, make_alert
from amfast.model.clock import Clock
from amfast.model.events import AlertCreated, AlertGrouped, Recording
from amfast.model.flush import FlushPipeline, GroupName
from amfast.model.metric import Family, single

GROUPS_A_SLICE = 500
"""Started or stopped before the event loop may go on."""
TOLD_A_SLICE = 50
"""Recorded before the recorder may put them into words."""


class Dispatcher:
    """Groups live from their first alert until their last one was notified as resolved.

    ``pipelines`` has one entry per receiver that a route names. A reload builds a new dispatcher, which takes over
    ``places``. Its groups do not flush before :meth:`run` was called, so that none speaks of half its alerts.
    """

    def __init__(  # noqa: PLR0913 - all of it by name
        self,
        root: Route,
        pipelines: Mapping[str, FlushPipeline],
        places: Places,
        *,
        clock: Clock,
        log: logging.Logger,
        cluster_wait_s: Callable[[], float],
        not_before_us: int,
        render_labels: RenderLabels,
        recording: Recording | None = None,
        has_met: Callable[[str], bool] = lambda _key: False,
    ) -> None:
        self._root = root
        self._destinations = Destinations(root)
        self._pipelines = pipelines
        self._places = places
        self._clock = clock
        self._groups: dict[tuple[Route, tuple[str, ...]], Group] = {}
        self._sorted: list[Members] | None = []
        self._order: list[Group] = []
        """The groups as they were sorted last, those that went since among them."""
        self._context = GroupContext(
            clock,
            Agenda(clock),
            Agenda(clock, spacing_us=0),
            log,
            cluster_wait_s,
            has_met,
            not_before_us,
            self._forget,
            render_labels,
            recording or Recording(),
        )
        self._is_running = False
        self._retired: list[Group] = []
        """Groups of configurations before, which still send."""
        self.loaded = asyncio.Event()
        """Set once the alerts that were stored before have their groups."""

    @property
    def root(self) -> Route:
        return self._root

    def begin(self) -> None:
        """Take over the places: whatever is reported from now on comes here."""
        self._places.begin(self._root.label_names())

    async def run(self) -> None:
        """Let the groups flush."""
        self._is_running = True
        clock = self._clock
        for count, group in enumerate(list(self._groups.values()), 1):
            group.start(clock.now_ns(), clock.monotonic_us())
            if count % GROUPS_A_SLICE == 0:
                await self._clock.sleep(0)
        self.loaded.set()

    def place(self, unplaced: Sequence[StoredAlert]) -> None:
        """Find the groups of alerts that differ, in what routing looks at, from all before; put them into these."""
        now_ns, now_us = self._clock.now_ns(), self._clock.monotonic_us()
        for stored in unplaced:
            labels = self._places.routed_labels(stored)
            to = self._destinations.of(labels)
            groups = []
            for route in to.routes:
                key = route, route.group_values(labels)
                group = self._groups.get(key)
                if group is None:
                    group = self._groups[key] = self._new_group(route, key[1], stored)
                    if self._is_running:
                        group.start(now_ns, now_us)
                groups.append(group.members)
            self._places.put(stored, tuple(groups), to.receivers_json, to.receivers)

    def tell(self, posted: Sequence[tuple[bool, Alert]]) -> None:
        """Record alerts that were posted: which are new, and which groups they are in."""
        record = self._context.recording.record
        if record is None:
            return
        for is_new, alert in posted:
            if is_new:
                record(AlertCreated(alert))
        for _, alert in posted:
            for route in self._root.match(alert.labels):
                group = self._groups.get((route, route.group_values(alert.labels)))
                if group is not None:
                    record(AlertGrouped(alert, group.told_of))

    async def tell_all(self) -> None:
        """Record which groups everything stored is in now, after they were made anew."""
        count = 0
        for group in list(self._groups.values()):
            for stored in group.members.stored():
                record = self._context.recording.record
                if record is None:
                    return
                record(AlertGrouped(make_alert(*stored.fields()), group.told_of))
                count += 1
                if count % TOLD_A_SLICE == 0:
                    await self._clock.sleep(0)

    def _new_group(self, route: Route, values: tuple[str, ...], first: StoredAlert) -> Group:
        self._sorted = None
        pipeline = self._pipelines[route.options.receiver]
        return Group(route, values, first.starts_at_ns, pipeline, self._places, self._context)

    def sorted_members(self) -> list[Members]:
        """The members of all groups, by the labels of the group, then its receiver."""
        if self._sorted is None:
            # Few are new as a rule, and they are all there is to sort if the others lie in order.
            order = [group for group in self._order if not group.members.is_closed]
            known = set(map(id, order))
            self._order = order + [group for group in self._groups.values() if id(group) not in known]
            self._order.sort(key=lambda group: group.order)
            self._sorted = [group.members for group in self._order]
        return self._sorted

    def timers(self) -> Iterator[tuple[GroupName, int]]:
        """What each group is called, and the wall time in ns of its next flush."""
        shift_ns = self._clock.now_ns() - self._clock.monotonic_us() * 1000
        for group in list(self._groups.values()):
            if (due_us := group.next_due_us()) is not None:
                yield group.identity, shift_ns + due_us * 1000

    def resume(self, timers: Mapping[GroupName, int]) -> None:
        """Have groups that wait no flush yet flush at these times, as :meth:`timers` gave them before a restart."""
        shift_ns = self._clock.now_ns() - self._clock.monotonic_us() * 1000
        for group in self._groups.values():
            due_ns = timers.get(group.identity)
            if due_ns is not None:
                group.resume((due_ns - shift_ns) // 1000)

    async def take_over(self, old: Dispatcher) -> None:
        """Have the groups go on where those of another configuration stop.

        Alerts that the table has forgotten but their group has still to tell of are placed anew. What is being sent
        is sent to its end.
        """
        successors = {group.identity: group for group in self._groups.values()}
        for count, group in enumerate(list(old._groups.values()), 1):
            self.place(group.members.orphans())
            successor = successors.get(group.identity)
            if successor is not None:
                successor.succeed(group)
            if group.is_flushing:
                group.release()
                self._retired.append(group)
            else:
                await group.let_go()
            if count % GROUPS_A_SLICE == 0:
                await self._clock.sleep(0)
        self._retired += [group for group in old._retired if group.is_flushing]
        old._groups.clear()
        old._sorted = []

    async def retire(self) -> None:
        """Flush no more."""
        for count, group in enumerate(list(self._groups.values()), 1):
            group.retire()
            if count % GROUPS_A_SLICE == 0:
                await self._clock.sleep(0)

    async def halt(self) -> None:
        """Stop all timers and cancel what is being sent."""
        groups = [*self._groups.values(), *self._retired]
        for group in groups:  # all at once, or those that are left would go on trying meanwhile
            group.cancel()
        for start in range(0, len(groups), GROUPS_A_SLICE):
            await asyncio.gather(*(group.cancelled() for group in groups[start : start + GROUPS_A_SLICE]))
            await self._clock.sleep(0)

    async def stop(self) -> None:
        """Halt, and let the alerts go."""
        await self.halt()
        groups = [*self._groups.values(), *self._retired]
        self._groups.clear()
        self._retired.clear()
        self._sorted = []
        self._order = []
        for count, group in enumerate(groups, 1):
            await group.let_go()
            if count % GROUPS_A_SLICE == 0:
                await self._clock.sleep(0)

    def metrics(self) -> Iterator[Family]:
        yield single(
            "alertmanager_dispatcher_aggregation_groups",
            "gauge",
            "Aggregation groups with alerts.",
            float(len(self._groups)),
        )

    def _forget(self, group: Group) -> None:
        key = group.route, group.values
        if self._groups.get(key) is group:
            del self._groups[key]
            self._sorted = None
