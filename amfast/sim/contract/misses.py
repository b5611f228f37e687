"""Whoever is to be told is told: the last word about each alert becomes the truth within the promised time."""

from __future__ import annotations

from amfast.sim.checkers import Violations
from amfast.sim.clock import MILLION
from amfast.sim.contract.node import Node
from amfast.sim.contract.prometheus import RESOLVED_KEPT_S, Prometheus, Rule
from amfast.sim.contract.receiver import Told
from amfast.sim.contract.world import World


class Misses:
    """The last word the receiver heard of an alert is not wrong for longer than ``Promises.corrected_s``.

    That is promised as long as there is a *witness*: one node that has run all the time, has heard the Prometheus and
    reached the receiver, and has heard every node that may take the alert for over because it hears nothing of it.
    The time counts from when the last of all this, and of what the alert and its mutes do, has begun.
    """

    def __init__(self, world: World, violations: Violations) -> None:
        self.longest_us = 0
        """The longest that a last word was wrong while there was a witness."""
        self._world = world
        self._violations = violations
        self._bound_us = round(world.promises.notified_s * MILLION)
        self._last: dict[tuple[str, str], tuple[bool, Told]] = {}
        """Per receiver and alert: whether it was said to fire, and in what."""
        self._unknown_us: dict[str, int] = {}
        """When a process last served that had never known of an alert, not even by its disk."""
        self._unheard: dict[int, set[str]] = {}
        """Per node, what its process has never known."""
        self._wrong_since_us: dict[str, int] = {}
        self._deaf_us = -1
        """When there last was a node that did not hear some Prometheus."""
        self._nobody_us = 0
        """When there last was no process at all: what was told is forgotten then."""
        world.told_watchers.append(self.on_told)
        world.serving_watchers.append(self.on_serving)

    def on_serving(self, node: Node) -> None:
        """See what a new process does not know."""
        self._unheard[node.index] = {rule.fingerprint for rule in self._world.rules()}
        self._listen(node)

    def _listen(self, node: Node) -> None:
        unheard = self._unheard[node.index]
        if unheard:
            unheard -= {f"{stored.fingerprint:016x}" for stored in node.app.store}
            self._unknown_us.update(dict.fromkeys(unheard, self._world.now_us))

    def on_told(self, told: Told) -> None:
        """Keep the last word."""
        for fires, fingerprints in ((True, told.firing), (False, told.resolved)):
            for fingerprint in fingerprints:
                self._last[told.receiver, fingerprint] = (fires, told)

    def poll(self) -> None:
        """Compare the last words with the truth."""
        world = self._world
        serving = [node for node in world.nodes if node.serving]
        for node in serving:
            self._listen(node)
        if not serving:
            self._nobody_us = world.now_us
        pairs = ((sender.index, node.index) for sender in world.senders for node in world.nodes)
        if any(world.troubles.well_since_us("heard", *pair) is None for pair in pairs):
            self._deaf_us = world.now_us
        for sender in world.senders:
            for rule in sender.rules:
                self._look(sender, rule)

    def _look(self, sender: Prometheus, rule: Rule) -> None:
        now_us = self._world.now_us
        receiver = "log" if rule.labels["severity"] == "info" else "page"
        clear_us = self._clear_since_us(rule)
        if clear_us is None or not self._is_wrong(receiver, rule):
            self._wrong_since_us.pop(rule.fingerprint, None)
            return
        wrong_us = max(self._wrong_since_us.setdefault(rule.fingerprint, now_us), clear_us)
        if now_us - wrong_us <= self.longest_us:
            return  # whoever could be a witness, nothing would come of it
        witness_us = self._witness_since_us(sender.index, receiver, is_end=not rule.fires)
        if witness_us is None:
            return
        if not rule.fires and witness_us > self._known_until_us(receiver, rule):
            return
        waited_us = now_us - max(wrong_us, witness_us)
        self.longest_us = max(self.longest_us, waited_us)
        if waited_us > self._bound_us:
            state = "fires" if rule.fires else "is over"
            text = f"{receiver} was not told that {rule.labels['alertname']} ({rule.fingerprint}) {state}"
            since = f"since {rule.changed_s:.3f}s; right was expected {self._bound_us / MILLION:.0f} s after"
            self._violations.add(now_us, f"{text} {since} {(now_us - waited_us) / MILLION:.3f}s")
            self._wrong_since_us[rule.fingerprint] = now_us

    def _known_until_us(self, receiver: str, rule: Rule) -> int:
        """Until when there has to be a witness who is to tell that an alert is over.

        Later its Prometheus does not say so any more, or the log has forgotten that it was told to fire. If somebody
        may have said that all is resolved, of the part that it knew, it has to be one who knew that the alert fires.
        """
        promises = self._world.promises
        told_us = self._last[receiver, rule.fingerprint][1].time_us
        sent_us = round((rule.changed_s + RESOLVED_KEPT_S - promises.heard_s) * MILLION)
        logged_us = told_us + round(promises.logged_s * MILLION)
        known_us = min(sent_us, logged_us - self._bound_us)
        if (
            promises.start_delay_s < promises.learned_s
            and self._unknown_us.get(rule.fingerprint, -1) > told_us
        ):
            heard_us = round((rule.changed_s - promises.heard_s) * MILLION)
            known_us = min(known_us, max(round(rule.fired_s * MILLION), heard_us))
        return known_us

    def _is_wrong(self, receiver: str, rule: Rule) -> bool:
        last = self._last.get((receiver, rule.fingerprint))
        if last is not None and last[1].number not in self._world.receivers[receiver].logged:
            return False  # who told it died before it knew: the log believes what was told before
        if rule.fires:
            return last is None or not last[0]
        if last is None or not last[0]:
            return False
        # What ended while nobody ran, or while it was muted, ends in silence; what nodes that hear different things say
        # of it may cancel out.
        unsure_us = max(self._nobody_us, self._deaf_us)
        return last[1].time_us > unsure_us and not self._was_muted(rule)

    def _clear_since_us(self, rule: Rule) -> int | None:
        """Since when nothing has changed about the alert; None while it is muted."""
        now_us = self._world.now_us
        since_us = round(rule.changed_s * MILLION)
        for start_us, end_us in self._world.muted[rule.fingerprint]:
            if start_us <= now_us < end_us:
                return None
            since_us = max(since_us, end_us)
        for source in self._sources(rule):
            if source.fires:
                return None
            since_us = max(since_us, round(source.changed_s * MILLION))
        return since_us

    def _was_muted(self, rule: Rule) -> bool:
        """Whether a mute may have hidden how the alert ended."""
        margin_s = self._world.promises.corrected_s
        spans = list(self._world.muted[rule.fingerprint])
        for source in self._sources(rule):
            spans += [(round(source.fired_s * MILLION), round(source.changed_s * MILLION))] * source.known
        from_us = round((rule.changed_s - margin_s) * MILLION)
        return any(end_us >= from_us for _, end_us in spans)

    def _sources(self, rule: Rule) -> list[Rule]:
        """What inhibits it when it fires."""
        if rule.labels["severity"] != "warning":
            return []
        service = rule.labels["service"]
        return [
            other
            for other in self._world.rules()
            if other.labels["severity"] == "critical" and other.labels["service"] == service
        ]

    def _witness_since_us(self, sender: int, receiver: str, *, is_end: bool) -> int | None:
        world = self._world
        # Until the end has come by each node's clock too, it may not have heard of it, and tell that the alert fires.
        clocks = [("behind", node.index) for node in world.nodes] if is_end else []
        well_us = [world.troubles.well_since_us(*one) for one in (("receiver", receiver), *clocks)]
        if None in well_us:
            return None
        found = [self._since_us(node.index, sender, receiver) for node in world.nodes if node.serving]
        times_us = [time_us for time_us in found if time_us is not None]
        return max(min(times_us), *(us for us in well_us if us is not None)) if times_us else None

    def _since_us(self, index: int, sender: int, receiver: str) -> int | None:
        """Since when a node can be a witness."""
        world = self._world
        reasons: list[tuple[object, ...]] = [
            ("heard", sender, index),
            ("out", index, receiver),
        ]
        for other in range(world.promises.nodes):
            # Whoever does not hear of the alert may say that it is over; then this node must hear of that.
            heard_us = world.troubles.well_since_us("heard", sender, other)
            recent_us = world.now_us - 2 * self._bound_us
            if other != index and (heard_us is None or heard_us > recent_us):
                reasons += [("gossip", *sorted((index, other))), ("weather",)]
        times_us = [world.troubles.well_since_us(*reason) for reason in reasons]
        node_us = world.troubles.well_since_us("node", index)
        if node_us is None or None in times_us:
            return None
        promises = world.promises
        settled_us = node_us + round(max(promises.settle_timeout_s, promises.start_delay_s) * MILLION)
        return max(settled_us, *(us for us in times_us if us is not None))
