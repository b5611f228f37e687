"""What must hold of notifications, looked at from outside while a run goes on. Bounds are those of ``Promises``."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from amfast.sim.checkers import Violations
from amfast.sim.clock import MILLION
from amfast.sim.contract.node import Node
from amfast.sim.contract.receiver import UNCONFIRMED, Told
from amfast.sim.contract.world import World

_REASONS_A_MEETING = 20
"""Turns that meet are the exception: one copy for so many reasons, and one more."""
_POLLED_S = 2
"""How often to look at what nodes know; it may have been so for as much longer, at either end."""


@dataclass(slots=True)
class _Known:
    """What a node knows of an alert, and since when."""

    is_over: bool
    over_us: int
    is_silenced: bool
    silenced_us: int


class Knowledge:
    """No notification says of an alert what its node has known better for longer than a flush may last.

    That goes for alerts told to fire that are over, or to be over that fire, and for those that a silence mutes.
    """

    def __init__(self, world: World, violations: Violations) -> None:
        self._world = world
        self._violations = violations
        self._polls = 0
        self._known: list[dict[int, _Known]] = [{} for _ in world.nodes]
        """Per node, by the fingerprint of the alert."""
        self._lives = [0] * len(world.nodes)
        self._stale_us = round((world.promises.flush_s + 2 * _POLLED_S) * MILLION)
        world.told_watchers.append(self.on_told)

    def poll(self) -> None:
        """See every now and then what every node knows."""
        self._polls += 1
        if self._polls % _POLLED_S:
            return
        for node in self._world.nodes:
            if self._lives[node.index] != node.lives:
                self._lives[node.index] = node.lives
                self._known[node.index].clear()
            if node.serving:
                self._look(node)

    def _look(self, node: Node) -> None:
        now_ns, now_us, before = node.now_ns(), self._world.now_us, self._known[node.index]
        all_known = self._known[node.index] = {}  # what is collected, it knows no better any more
        silencing = node.app.silences.silencing
        for stored in node.app.store:
            fingerprint = stored.fingerprint
            is_over = stored.ends_at_ns <= now_ns
            is_silenced = bool(silencing(stored.labels, fingerprint))
            known = before.get(fingerprint) or _Known(is_over, now_us, is_silenced, now_us)
            all_known[fingerprint] = known
            if known.is_over != is_over:
                known.is_over, known.over_us = is_over, now_us
            if known.is_silenced != is_silenced:
                known.is_silenced, known.silenced_us = is_silenced, now_us

    def on_told(self, told: Told) -> None:
        """Compare what is said with what is known."""
        node = self._world.nodes[told.node]
        if node.serving:
            self._look(node)
        for fingerprint in sorted(told.firing | told.resolved):
            known = self._known[told.node].get(int(fingerprint, 16))
            if known is None:
                continue
            fires = fingerprint in told.firing
            if known.is_over == fires:
                self._compare(told, known.over_us, f"{fingerprint} {'fires' if fires else 'is over'}")
            if known.is_silenced:
                self._compare(told, known.silenced_us, f"{fingerprint} is not silenced")

    def _compare(self, told: Told, since_us: int, said: str) -> None:
        if told.time_us - since_us > self._stale_us:
            text = f"node{told.node} tells {told.receiver} that {said}"
            self._violations.add(
                told.time_us, f"{text}, and has known better since {since_us / MILLION:.3f}s"
            )


@dataclass(slots=True)
class _Last:
    told: Told
    since_us: int
    """When it was said first."""
    starts: int
    """Processes begun before that."""
    copies: int = 0
    doubtful: int = 0
    """Copies to a receiver that did not confirm; counted apart."""
    crossed: tuple[Told, ...] = ()
    """What was said before ``told`` and had not been confirmed by then: the log may hold it to be the last word."""


class Copies:
    """Nothing is said twice for the same reason more often than promised; in a calm cluster never.

    The receiver's own log decides what is a reason: its last notification for the group says what it knows. Where two
    crossed, the nodes may believe that it was told the other one last, and so what is news after either is a reason.
    """

    def __init__(self, world: World, violations: Violations, skew_s: float) -> None:
        self.reasons = self.copies = self.worst = 0
        self._met = 0
        """How often two turns met while all was calm."""
        self._world = world
        self._violations = violations
        self._skew_us = round(skew_s * MILLION)
        self._last: dict[tuple[str, str], _Last] = {}
        self._firing: dict[str, frozenset[str]] = defaultdict(frozenset)
        """Per receiver, the alerts that it was last told to fire."""
        self._nobody_us = 0
        """When there last was no process at all."""
        self._unconfirmed_us: dict[str, int] = {}
        """When a receiver last took something without saying so."""
        world.told_watchers.append(self.on_told)

    def poll(self) -> None:
        """See which receivers do not confirm, and whether somebody runs."""
        if not any(node.serving for node in self._world.nodes):
            self._nobody_us = self._world.now_us
        for receiver in self._world.receivers.values():
            late = receiver.mode == "late" and receiver.late_s >= self._world.promises.answer_s
            if late or receiver.mode in UNCONFIRMED:
                self._unconfirmed_us[receiver.name] = self._world.now_us

    def on_told(self, told: Told) -> None:
        """Count it as a reason, or as a copy."""
        key = (told.receiver, told.group)
        fired = self._firing[told.receiver]
        self._firing[told.receiver] = (fired | told.firing) - told.resolved
        last = self._last.get(key)
        before = () if last is None else (last.told, *last.crossed)
        logged = self._world.receivers[told.receiver].logged
        crossed = tuple(word for word in before if word.number not in logged)
        if last is None or any(self._is_news(word, told, fired) for word in before):
            self.reasons += 1
            self._last[key] = _Last(told, told.time_us, self._world.starts, crossed=crossed)
            return
        self.copies += 1
        doubtful = self._is_doubtful(told)
        last.doubtful += doubtful
        last.copies += not doubtful
        copies, allowed = (
            (last.doubtful, self._allowed_in_doubt(last, told))
            if doubtful
            else (last.copies, self._allowed(last, told))
        )
        self.worst = max(self.worst, copies)
        last.told, last.crossed = told, crossed
        if copies > allowed:
            what = f"node{told.node} tells {told.receiver} of {told.group} for {told.reason!r}"
            self._violations.add(told.time_us, f"{what}: copy {copies}, allowed are {allowed}")

    def _is_news(self, last: Told, told: Told, fired: frozenset[str]) -> bool:
        repeat_us = round(self._world.promises.repeat_interval_s * MILLION) - self._skew_us
        return (
            not told.firing <= last.firing
            or (not told.firing and not last.firing.isdisjoint(told.resolved))
            or not (told.resolved if told.firing else told.resolved & fired) <= last.resolved
            or told.time_us - last.time_us >= repeat_us
        )

    def _allowed(self, last: _Last, told: Told) -> int:
        world, promises = self._world, self._world.promises
        calm_us = world.troubles.calm_since_us()
        # A word whose teller died before it was logged, or whose log is lost, may be said again at any later time.
        is_recent = told.time_us - last.told.time_us <= promises.at_once_s * MILLION
        is_logged = is_recent or last.told.number in world.receivers[told.receiver].logged
        is_logged = is_logged and last.told.time_us > self._nobody_us
        if is_logged and calm_us is not None and told.time_us - calm_us > promises.quiet_s * MILLION:
            if not is_recent:
                return 0
            self._met += 1
            meetings = 1 + self.reasons // _REASONS_A_MEETING
            return promises.copies_meeting if self._met <= meetings * promises.copies_meeting else 0
        return promises.copies_handover + world.starts - last.starts

    def _is_doubtful(self, told: Told) -> bool:
        """Whether a flush may still be under way to which the receiver did not confirm what it took."""
        unconfirmed_us = self._unconfirmed_us.get(told.receiver)
        window_us = 2 * self._world.promises.flush_s * MILLION
        return unconfirmed_us is not None and told.time_us - unconfirmed_us < window_us

    def _allowed_in_doubt(self, last: _Last, told: Told) -> int:
        promises = self._world.promises
        flushes = 2 + int((told.time_us - last.since_us) / MILLION / promises.group_interval_s)
        return promises.nodes * promises.attempts * flushes
