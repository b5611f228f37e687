"""An aggregation group: the alerts of one route that share their group labels, flushed together by a timer.

The timer is set again at the start of every flush, so the period is fixed whatever a flush takes; a flush that
outlasts the period delays the next one, which then starts at once (reference notify, section 4).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from amfast._ext.grouping import Members, Places
from amfast._ext.snapshot import Snapshot
from amfast.dispatch.agenda import Agenda
from amfast.dispatch.route import Route
from amfast.model.alert import make_alert
from amfast.model.clock import Clock
from amfast.model.events import AlertResolved, GroupInfo, Recording
from amfast.model.flush import Flush, FlushPipeline, GroupName
from amfast.model.json_text import encode
from amfast.model.labels import Labels, format_labels, labels_order
from amfast.model.notification import NotifyError
from amfast.model.timestamp import NS
from amfast.model.told import Alerts

FLUSH_TIME_MIN_S = 10.0
ALERTS_A_SLICE = 1000
"""Looked at before the event loop may go on: a millisecond."""
COMPARISONS_A_SLICE = 30_000
ALL_COMPARISONS = (1 << 32) - 1
LABELS_SHOWN_US = 5_000_000
"""For how long listings show the labels of a route as they were rendered for one of them."""

RenderLabels = Callable[[Flush, Alerts], tuple[Labels, Sequence[str]]]
"""Renders the route labels of a flush over its alerts: the labels, and what is wrong with those left out."""


@dataclass(frozen=True, slots=True)
class GroupContext:
    """What the groups of one dispatcher share."""

    clock: Clock
    agenda: Agenda
    """Of flushes to begin."""
    late: Agenda
    """Of flushes to give up: thousands may hang at one time, and so be late at one time."""
    log: logging.Logger
    cluster_wait_s: Callable[[], float]
    has_met: Callable[[str], bool]
    """Whether another node told of the group with this key at the moment at which this one did."""
    not_before_us: int
    """Monotonic time before which no group flushes."""
    on_empty: Callable[[Group], None]
    render_labels: RenderLabels
    recording: Recording
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held for one round of the event loop between two slices of work; so however many groups have a long flush at one
    time, other things come in between."""


class Group:
    """Built for its first alert, which decides when the first flush comes once the group was started."""

    # What most groups never change belongs to the class: thousands may be founded with one request.
    due_us: int | None = None
    """Monotonic time of the next flush, once it is set."""
    _beat_us = 0
    """A time at which it was or would have been due; neither a start nor what delays a flush changes the beat.

    So the nodes of a cluster stay in step, and their turns apart. Only one whose turn met that of another takes up the
    beat of that turn: nodes that are out of step by the difference of their waits would else meet again each time.
    """
    _flushing: asyncio.Task[None] | None = None
    _flushes = 0
    _is_late = False
    """Whether the flush under way was cancelled because it had not ended at its deadline."""
    _tick_missed = False
    _is_retired = False
    _is_cut_off = False
    _is_released = False
    _shown_labels: tuple[int, Labels] | None = None
    """What listings show, and the monotonic time at which it was rendered."""

    def __init__(
        self,
        route: Route,
        values: tuple[str, ...],
        first_starts_ns: int,
        pipeline: FlushPipeline,
        places: Places,
        context: GroupContext,
    ) -> None:
        self.route = route
        self.values = values
        """What :meth:`Route.group_values` says of every alert here."""
        self.members = Members(places, route.options.receiver, self._tail_json)
        if route.options.labels_are_templates:
            self.members.keeps_tail = False
        self._pipeline = pipeline
        self._context = context
        self._first_starts_ns = first_starts_ns

    @cached_property
    def labels(self) -> Labels:
        """What the group is named by."""
        return self.route.group_labels(self.values)

    @cached_property
    def key(self) -> str:
        """What the log calls the group (reference notify, section 4)."""
        return f"{self.route.key}:{format_labels(self.labels)}"

    @cached_property
    def told_of(self) -> GroupInfo:
        """What events say of the group."""
        return GroupInfo(self.key, self.labels, self.members.receiver)

    @cached_property
    def _told_of_with_route(self) -> GroupInfo:
        """What notifications say of the group."""
        return replace(self.told_of, matchers=self.route.matchers, uuid=self._context.recording.new_id())

    @property
    def identity(self) -> GroupName:
        """What stays the same over a reload, as :attr:`key` does, but quick."""
        return self.route.key, self.values

    @cached_property
    def order(self) -> tuple[object, str]:
        """By what groups are listed: their labels, then the receiver."""
        return labels_order(self.labels), self.members.receiver

    def start(self, now_ns: int, now_us: int) -> None:
        """Set the timer of the first flush, at a wall and a monotonic time. Alerts that join never shorten the wait."""
        due_us = self.due_us
        if due_us is None:
            wait_ns = self.route.options.group_wait_ns
            already_late = self._first_starts_ns + wait_ns < now_ns
            self._beat_us = now_us if already_late else now_us + wait_ns // 1000
            due_us = max(self._beat_us, self._context.not_before_us)
        self._context.agenda.put(due_us, self)

    def retire(self) -> None:
        """Flush no more; a flush that is under way goes on to its end."""
        self._is_retired = True

    def succeed(self, old: Group) -> None:
        """Go on where a retired group of the same labels stopped, before a reload.

        A wait that had begun goes on, if the route is what it was, and no flush begins beside one of the old group.
        """
        if old.route.options == self.route.options:
            self.due_us, self._beat_us = old.due_us, old._beat_us
            self.members.muted_by = old.members.muted_by
        if old._flushing is not None:
            self._flushing = old._flushing
            self._flushing.add_done_callback(self._predecessor_ended)

    def next_due_us(self) -> int | None:
        """When to flush next, for a life to come: a flush that is under way or was cut off is to be made again."""
        is_open = self._flushing is not None or self._is_cut_off
        if self.due_us is None or not is_open:
            return self.due_us
        return self.due_us - self.route.options.group_interval_ns // 1000

    def resume(self, due_us: int) -> None:
        """Before the start: wait until this time, or no longer than a wait can last, instead of beginning anew."""
        clock, options = self._context.clock, self.route.options
        longest_us = max(options.group_wait_ns, options.group_interval_ns) // 1000
        self._beat_us = min(due_us, clock.monotonic_us() + longest_us)
        self.due_us = max(self._beat_us, self._context.not_before_us)

    @property
    def is_flushing(self) -> bool:
        return self._flushing is not None

    def cancel(self) -> None:
        """Flush no more, and give up a flush that is under way."""
        self.retire()
        if self._flushing is not None:
            self._is_cut_off = True
            self._flushing.cancel()

    async def cancelled(self) -> None:
        """Return once a flush that was given up has ended."""
        if self._flushing is not None:
            await asyncio.wait([self._flushing])

    def release(self) -> None:
        """Hold no alert any more once the flush that is under way, its own or a predecessor's, has ended."""
        self._is_released = True

    async def let_go(self) -> None:
        """Hold no alert any more."""
        while not self.members.close(ALERTS_A_SLICE * 10):
            await self._context.clock.sleep(0)

    def tick(self) -> None:
        """Flush, and set the timer of the next flush."""
        if self._is_retired:
            return
        now_us, period_us = self._context.clock.monotonic_us(), self.route.options.group_interval_ns // 1000
        if self._context.has_met(self.key) and self._flushes and (wait_s := self._context.cluster_wait_s()):
            self._beat_us = now_us + int(wait_s * 1e6)
            self._context.agenda.put(self._beat_us, self)
            return
        began_us = max(self.due_us or 0, now_us)  # timers may be early
        self._context.agenda.put(began_us + period_us - (began_us - self._beat_us) % period_us, self)
        if self._flushing is None:
            self._start_flush()
        else:
            self._tick_missed = True

    def _predecessor_ended(self, _task: asyncio.Task[None]) -> None:
        self._flushing = None
        if self._is_released:
            self.members.close()
        elif self._tick_missed and not self._is_retired:
            self._tick_missed = False
            self._start_flush()

    def _start_flush(self) -> None:
        self._flushing = asyncio.get_running_loop().create_task(self._flush())
        self._flushing.add_done_callback(self._flush_ended)

    def _flush_ended(self, task: asyncio.Task[None]) -> None:
        self._flushing = None
        if task.cancelled():
            return  # whoever did that sees to the rest
        error = task.exception()
        if error is not None:
            # Not a failure to notify but a defect of ours: the group goes on, and the log says what it was.
            self._log_failure(f"{type(error).__name__}: {error}")
        if self._is_retired:
            # Before its successor has taken over what the table has forgotten, it is to stay here.
            if self._is_released:
                self.members.close()
        elif not len(self.members):
            self.due_us = None
            self.members.close()
            self._context.on_empty(self)
        elif self._tick_missed:
            self._tick_missed = False
            self._start_flush()

    async def _flush(self) -> None:
        clock, options = self._context.clock, self.route.options
        now_ns = clock.now_ns()
        limit_s = max(options.group_interval_ns / NS, FLUSH_TIME_MIN_S) + self._context.cluster_wait_s()
        self._flushes += 1
        flush = self._flush_at(now_ns, clock.monotonic_us() + int(limit_s * 1e6))
        if self._context.log.isEnabledFor(logging.DEBUG):
            attrs = {"aggrGroup": self.key, "receiver": options.receiver, "alerts": len(self.members)}
            self._context.log.debug("Flushing", extra={"attrs": attrs})
        # As asyncio.timeout would, at half the price.
        self._is_late = False
        deadline = clock.call_later(limit_s, self._give_up)
        try:
            snapshot = await self._snapshot(now_ns)
            alerts = snapshot.told()
            if self._pipeline.has_receivers:
                flush = self._with_labels(flush, alerts)
            await self._pipeline(flush, alerts)
        except NotifyError as error:
            self._log_failure(str(error))
        except asyncio.CancelledError:
            if self._is_cut_off or not self._is_late:
                raise
            self._log_failure(f"the flush did not end within {limit_s:g} s")
        else:
            if flush.told_of is not None and (record := self._context.recording.record) is not None:
                for alert in alerts.ended():
                    record(AlertResolved(alert, self.told_of))
            # What was told to be resolved goes, unless it was updated meanwhile.
            snapshot.forget_ended()
        finally:
            deadline.cancel()

    def _give_up(self) -> None:
        if self._flushing is not None:
            self._context.late.put(self._context.clock.monotonic_us(), _Late(self, self._flushing))

    def give_up(self, flush: asyncio.Task[None]) -> None:
        """Give up a flush, if it still is under way."""
        if self._flushing is flush:
            self._is_late = True
            flush.cancel()

    def _flush_at(self, now_ns: int, deadline_us: int) -> Flush:
        options = self.route.options
        return Flush(
            receiver=options.receiver,
            group_key=self.key,
            group_labels=self.labels,
            repeat_interval_ns=options.repeat_interval_ns,
            now_ns=now_ns,
            deadline_us=deadline_us,
            route_labels=options.labels,
            active_time_intervals=self.route.active_time_intervals,
            mute_time_intervals=self.route.mute_time_intervals,
            mark_muted=self._mark_muted,
            renew=self._renew,
            number=self._flushes,
            told_of=None if self._context.recording.record is None else self._told_of_with_route,
        )

    def _with_labels(self, flush: Flush, alerts: Alerts) -> Flush:
        """The flush with route labels that are texts."""
        if not self.route.options.labels_are_templates:
            return flush
        labels, problems = self._context.render_labels(flush, alerts)
        for problem in problems:
            attrs = {"aggrGroup": self.key, "receiver": flush.receiver, "err": problem}
            self._context.log.error("A route label is left out", extra={"attrs": attrs})
        return replace(flush, route_labels=labels)

    def _tail_json(self) -> bytes:
        """What the list of groups writes behind the alerts."""
        options = self.route.options
        labels = self._labels_now() if options.labels_are_templates else options.labels
        shown = {
            "labels": dict(self.labels),
            "receiver": {"name": options.receiver},
            "routeLabels": dict(labels),
        }
        return encode(shown)[1:].encode("utf-8", "replace")

    def _labels_now(self) -> Labels:
        clock = self._context.clock
        now_us = clock.monotonic_us()
        if self._shown_labels is None or now_us - self._shown_labels[0] >= LABELS_SHOWN_US:
            now_ns = clock.now_ns()
            self.members.sort(ALL_COMPARISONS)  # as nearly always they are, when they are listed
            snapshot = Snapshot(self.members, now_ns, make_alert)
            snapshot.look(len(snapshot), closely=True)
            flush = self._flush_at(now_ns, now_us)
            self._shown_labels = now_us, self._context.render_labels(flush, snapshot.told())[0]
        return self._shown_labels[1]

    def _mark_muted(self, names: tuple[str, ...]) -> None:
        self.members.muted_by = names

    async def _snapshot(self, now_ns: int) -> Snapshot:
        """The members in group order, as a flush sees them; many take several slices."""
        closely = self._pipeline.has_receivers or self._context.recording.record is not None
        while not self.members.sort(COMPARISONS_A_SLICE):
            await self._pause()
        snapshot = Snapshot(self.members, now_ns, make_alert)
        while not snapshot.look(ALERTS_A_SLICE, closely):
            await self._pause()
        return snapshot

    async def _pause(self) -> None:
        async with self._context.turn:
            await self._context.clock.sleep(0)

    async def _renew(self, flush: Flush) -> tuple[Flush, Alerts]:
        """The flush as it would be if it began now. After a reload no alert joins any more; it tells what it has."""
        now_ns = self._context.clock.now_ns()
        alerts = (await self._snapshot(now_ns)).told()
        return self._with_labels(self._flush_at(now_ns, flush.deadline_us), alerts), alerts

    def _log_failure(self, text: str) -> None:
        attrs = {"aggrGroup": self.key, "receiver": self.route.options.receiver, "err": text}
        self._context.log.error("Flush failed, trying again at the next interval", extra={"attrs": attrs})


@dataclass(slots=True, eq=False)
class _Late:
    """A flush that is to be given up, as the agenda has it."""

    group: Group
    flush: asyncio.Task[None]
    due_us: int | None = None

    def tick(self) -> None:
        self.group.give_up(self.flush)
