"""What a node had on its disk is there when it starts again, whatever the end of the process left of that."""

from __future__ import annotations

import logging
from pathlib import Path
from random import Random

from amfast._ext.pb import decode_entries, decode_silences
from amfast.model.flush import GroupName
from amfast.mute.silences import Silences
from amfast.notify.nflog import NotificationLog
from amfast.sim.checkers import Violations
from amfast.sim.clock import MILLION
from amfast.sim.contract.disk import Disk, Loss
from amfast.sim.contract.loop import Process, ProcessClock, Wall
from amfast.sim.contract.node import Node
from amfast.sim.contract.world import World
from amfast.storage.journal import Journal
from amfast.storage.snapshot import SnapshotFile

_LOOK_S = 10
_CLOSE_S = 0.001

log = logging.getLogger("amfast.sim")


class Kept:
    """Silences and the log as soon as somebody was told so, alerts within ``Promises.saved_s``.

    A stop in order keeps all alerts, and when each group is due.
    """

    def __init__(self, world: World, violations: Violations) -> None:
        self._world = world
        self._violations = violations
        self._polls = 0
        self._settled: dict[int, tuple[bytes, bytes]] = {}
        """Per node, silences and log as they last were on disk for sure."""
        self._firing: dict[int, dict[int, int]] = {}
        """Per node, its alerts that fire, and since when."""
        self._alerts: dict[int, set[int]] = {}
        """Per node, those that its next life must know."""
        self._timers: dict[int, dict[GroupName, int]] = {}
        """Per node that was stopped in order, when its groups were due."""
        world.end_watchers.append(self.on_end)
        world.loss_watchers.append(self.on_loss)
        world.stopped_watchers.append(self.on_stopped)
        world.serving_watchers.append(self.on_serving)

    def poll(self) -> None:
        """See every now and then what all nodes have."""
        self._polls += 1
        if self._polls % _LOOK_S == 0:
            for node in self._world.nodes:
                if node.serving:
                    self._look(node)

    def _look(self, node: Node) -> None:
        app, now_us = node.app, self._world.now_us
        silences, entries = self._settled.get(node.index, (b"", b""))
        if _is_settled(app.silences):
            silences = app.silences.marshal()
        if _is_settled(app.nflog):
            entries = app.nflog.marshal()
        self._settled[node.index] = silences, entries
        before = self._firing.get(node.index, {})
        self._firing[node.index] = {one: before.get(one, now_us) for one in _firing(node)}

    def on_end(self, node: Node) -> None:
        """A process is about to end, or to begin to stop."""
        if node.serving:
            self._look(node)
            limit_us = self._world.now_us - round(self._world.promises.saved_s * MILLION)
            known = self._firing[node.index]
            self._alerts[node.index] = {one for one, since_us in known.items() if since_us <= limit_us}
            self._timers[node.index] = {}

    def on_stopped(self, node: Node, timers: dict[GroupName, int]) -> None:
        """A process has stopped in order, with these timers as it began to."""
        self._alerts[node.index] = set(self._firing[node.index])
        self._timers[node.index] = timers

    def on_loss(self, node: Node, loss: Loss) -> None:
        """A disk has lost something, or nothing: see what another process would read."""
        if loss == "everything":
            for known in (self._settled, self._alerts, self._timers):
                known.pop(node.index, None)
            return
        settled = self._settled.get(node.index)
        if settled is None:
            return
        silences, entries = self._read(node)
        now_ns = node.now_ns()
        versions = {one.id: one.updated_at_ns for one in decode_silences(silences)}
        for silence in decode_silences(settled[0]):
            is_there = versions.get(silence.id, 0) >= silence.updated_at_ns
            if not is_there and silence.expires_at_ns > now_ns:
                self._forgotten(node, f"silence {silence.id}")
        stamps = {(one.group_key, one.receiver): one.timestamp_ns for one in decode_entries(entries)}
        for entry in decode_entries(settled[1]):
            is_there = stamps.get((entry.group_key, entry.receiver), 0) >= entry.timestamp_ns
            if not is_there and entry.expires_at_ns > now_ns:
                self._forgotten(node, f"that it told {entry.receiver} of {entry.group_key.decode()}")

    def _read(self, node: Node) -> tuple[bytes, bytes]:
        loop = self._world.loop
        process = Process(loop)
        clock = ProcessClock(loop, process, Wall())
        disk = Disk(node.machine.copy(), process, Random(0))  # noqa: S311 - nothing is drawn
        silences = Silences(clock=clock, retention_ns=MILLION, new_id=str, log=log)
        entries = NotificationLog(clock=clock, retention_ns=MILLION)
        for name, state in (("silences", silences), ("nflog", entries)):
            SnapshotFile(Path(), name, state, clock=clock, log=log, run=disk.run, disk=disk).load()
        return silences.marshal(), entries.marshal()

    def on_serving(self, node: Node) -> None:
        """A process begins to serve: see what it knows."""
        self._firing[node.index] = {}
        missing = self._alerts.pop(node.index, set()) - {stored.fingerprint for stored in node.app.store}
        for fingerprint in sorted(missing):
            self._forgotten(node, f"alert {fingerprint:016x}")
        self._compare_timers(node, self._timers.pop(node.index, {}))

    def _compare_timers(self, node: Node, before: dict[GroupName, int]) -> None:
        promises, now_ns, timers = self._world.promises, node.now_ns(), dict(node.app.timers())
        runs_us = self._world.now_us - node.started_us
        ready_ns = now_ns + round(promises.start_delay_s * 10**9) - runs_us * 1000
        longest_ns = now_ns + round(max(promises.group_wait_s, promises.group_interval_s) * 10**9)
        for name, due_ns in before.items():
            # What was due while nobody ran is flushed at once, and a clock that was stepped makes no wait longer.
            is_comparable = now_ns < due_ns < longest_ns and name in timers
            moved_s = (timers.get(name, 0) - max(due_ns, ready_ns)) / 10**9
            if is_comparable and abs(moved_s) > _CLOSE_S:
                self._violations.add(
                    self._world.now_us, f"node{node.index} has moved the timer of {name} by {moved_s:.3f} s"
                )

    def _forgotten(self, node: Node, what: str) -> None:
        self._violations.add(self._world.now_us, f"node{node.index} has forgotten {what}")


def _is_settled(state: Silences | NotificationLog) -> bool:
    return isinstance(state.keeper, Journal) and state.keeper.is_settled


def _firing(node: Node) -> list[int]:
    now_ns = node.now_ns()
    return [stored.fingerprint for stored in node.app.store if stored.ends_at_ns > now_ns]
