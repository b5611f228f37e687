"""Silences and the log of notifications become equal everywhere, in whatever order they are merged."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from amfast._ext.pb import decode_entries, decode_silences
from amfast.mute.silences import Silences
from amfast.notify.nflog import NotificationLog
from amfast.sim.checkers import Violations
from amfast.sim.clock import MILLION
from amfast.sim.contract.loop import Process, ProcessClock, Wall
from amfast.sim.contract.world import World

States = tuple[frozenset[object], frozenset[object]]
"""The entries of a log and the silences, those apart whose time is over."""

log = logging.getLogger("amfast.sim")


class Agreement:
    """After the last fault all nodes are equal within ``Promises.equal_s``; and merging commutes."""

    def __init__(self, world: World, violations: Violations) -> None:
        self.equal_s: float | None = None
        """Time after the last fault until all were equal for the first time."""
        self._world = world
        self._violations = violations
        self._clock = ProcessClock(world.loop, Process(world.loop), Wall())

    def equal(self) -> bool:
        """Whether all processes have the same states now."""
        return len({self._states(log_blob, silences) for log_blob, silences in self._blobs()}) <= 1

    def poll(self, end_s: float) -> None:
        """Look once a second, after the last fault."""
        if self.equal_s is None and self.equal():
            self.equal_s = self._world.now_s - end_s

    def finish(self) -> None:
        """Say what is not as it was promised."""
        promised_s = self._world.promises.equal_s
        if self.equal_s is None or self.equal_s > promised_s:
            text = f"the nodes have not become equal within {promised_s:.0f}s after the last fault"
            self._violations.add(self._world.now_us, text)

    def merge_all(self) -> None:
        """Merge what all nodes have, forwards, backwards and twice: it must come to the same."""
        blobs = self._blobs()
        logs, silences = [one for one, _ in blobs], [one for _, one in blobs]
        results = {
            self._merged(logs, silences),
            self._merged(logs[::-1], silences[::-1]),
            self._merged([*logs, *logs], [*silences[::-1], *silences]),
        }
        if len(results) > 1:
            self._violations.add(self._world.now_us, "merging the states of all nodes depends on the order")

    def _blobs(self) -> list[tuple[bytes, bytes]]:
        serving = [node for node in self._world.nodes if node.serving]
        return [(node.app.nflog.marshal(), node.app.silences.marshal()) for node in serving]

    def _states(self, log_blob: bytes, silences: bytes) -> States:
        now_ns = self._clock.now_ns()
        return (
            frozenset(entry for entry in decode_entries(log_blob) if entry.expires_at_ns > now_ns),
            frozenset(str(one) for one in decode_silences(silences) if one.expires_at_ns > now_ns),
        )

    def _merged(self, logs: Iterable[bytes], silences: Iterable[bytes]) -> States:
        """What a new node has that merges these."""
        merged_log = NotificationLog(clock=self._clock, retention_ns=MILLION)
        merged = Silences(clock=self._clock, retention_ns=MILLION, new_id=str, log=log)
        for blob in logs:
            merged_log.merge(blob)
        for blob in silences:
            merged.merge(blob)
        return self._states(merged_log.marshal(), merged.marshal())
