"""What must never happen, watched from outside the nodes."""

from __future__ import annotations

from sys import intern

from amfast._ext.swim import ALIVE, Event
from amfast.sim.clock import MILLION
from amfast.sim.node import SimNode, index_of, name_of
from amfast.sim.timing import GOSSIP_TO_DEAD_US
from amfast.sim.world import World

_KEPT_MAX = 50
_DRIFT_SLACK = 0.9
_REAPED_AFTER_US = int(GOSSIP_TO_DEAD_US * _DRIFT_SLACK)


class Violations:
    """What the checkers found: the first ones in words, and how many."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.count = 0

    def add(self, now_us: int, text: str) -> None:
        """Take one more."""
        self.count += 1
        if len(self.texts) < _KEPT_MAX:
            self.texts.append(f"{now_us / MILLION:.3f}s {text}")


class FalseDeaths:
    """No node that lives and is well is dead to a majority for longer than ``Timing.false_death_us``.

    The time counts from when the majority and the node's well-being (``World.well_since_us``) have both begun.
    """

    def __init__(self, world: World, violations: Violations) -> None:
        self._world = world
        self._violations = violations
        self._bound_us = world.timing.false_death_us(len(world.nodes))
        self._dead_to: dict[int, set[int]] = {}
        self._majority_since_us: dict[int, int] = {}
        for kind, watch in (("leave", self.on_leave), ("join", self.on_join)):
            world.watchers.setdefault(kind, []).append(watch)
        world.end_watchers.append(self.on_crash)

    def on_leave(self, observer: SimNode, event: Event) -> None:
        """A node holds another for dead, or gone."""
        self._dead_to.setdefault(index_of(event.name), set()).add(observer.index)

    def on_join(self, observer: SimNode, event: Event) -> None:
        """A node holds another for alive."""
        self._dead_to.get(index_of(event.name), set()).discard(observer.index)

    def on_crash(self, observer: SimNode) -> None:
        """A node forgets what it believed."""
        for observers in self._dead_to.values():
            observers.discard(observer.index)

    def poll(self) -> None:
        """Look at everybody, once a second or so."""
        now_us = self._world.now_us
        running = sum(node.listening for node in self._world.nodes)
        for target, observers in self._dead_to.items():
            well_since_us = self._world.well_since_us(target)
            if well_since_us is None or 2 * len(observers) <= running:
                self._majority_since_us.pop(target, None)
                continue
            since_us = max(self._majority_since_us.setdefault(target, now_us), well_since_us)
            if now_us - since_us > self._bound_us:
                text = f"node{target} is well and dead to {len(observers)} of {running}"
                self._violations.add(now_us, f"{text} since {since_us / MILLION:.3f}s")
                self._majority_since_us[target] = now_us


class Refutations:
    """A suspicion that was refuted in time never kills.

    Who takes an alive message for a suspect (and so holds it alive, at incarnation i) never holds it dead at an
    incarnation below i; and whoever is declared dead at an incarnation was suspected at that incarnation, by
    somebody, for at least the shortest suspicion of the smallest cluster (four probe intervals). And while nothing is
    lost and nine tenths of all nodes are well, half of them know after twice ``Timing.spread_us`` what one has refuted.

    Both ends have lawful exceptions. A node that is dead for 30 s is forgotten, and may come back at any incarnation
    that somebody (paused meanwhile, say) still remembers. And who was suspected while it was down may be declared
    dead for that at any later time, again by somebody who was paused.
    """

    def __init__(self, world: World, violations: Violations) -> None:
        self._world = world
        self._violations = violations
        timing = world.timing
        self._shortest_us = int(timing.suspicion_us(1)[0] * _DRIFT_SLACK)
        self._open: set[tuple[int, int]] = set()
        self._refuted: dict[tuple[int, int], int] = {}
        self._dead_since_us: dict[tuple[int, int], int] = {}
        self._suspected_us: dict[tuple[int, int], int] = {}
        self._suspected_while_down: set[int] = set()
        self._known_after_us = 2 * timing.spread_us(len(world.nodes))
        self._spreading: dict[int, tuple[int, int]] = {}
        for kind, watch in (
            ("suspect", self.on_suspect),
            ("alive", self.on_alive),
            ("dead", self.on_dead),
            ("join", self.on_join),
            ("refuted", self.on_refuted),
        ):
            world.watchers.setdefault(kind, []).append(watch)
        world.end_watchers.append(self.on_crash)

    def on_suspect(self, observer: SimNode, event: Event) -> None:
        """A node begins to suspect another."""
        target = index_of(event.name)
        self._open.add((observer.index, target))
        if not self._world.nodes[target].listening:
            self._suspected_while_down.add(target)
            return
        entry = observer.entry(event.name)
        if entry is not None:
            self._suspected_us.setdefault((target, entry.incarnation), self._world.now_us)

    def on_alive(self, observer: SimNode, event: Event) -> None:
        """A node heard that another is alive: if it was a suspect, perhaps it no longer is."""
        pair = (observer.index, index_of(event.name))
        if pair in self._open:
            entry = observer.entry(event.name)
            if entry is not None and entry.state == ALIVE:
                self._open.discard(pair)
                self._refuted[pair] = entry.incarnation

    def on_dead(self, observer: SimNode, event: Event) -> None:
        """A node declares another dead."""
        target, now_us = index_of(event.name), self._world.now_us
        pair = (observer.index, target)
        self._open.discard(pair)
        self._dead_since_us[pair] = now_us
        if not self._world.nodes[target].listening:
            return
        entry = observer.entry(event.name)
        if entry is None:
            return
        where = f"{observer.name} holds {event.name} dead at incarnation {entry.incarnation}"
        if entry.incarnation < self._refuted.get(pair, 0):
            self._violations.add(now_us, f"{where}, refuted at {self._refuted[pair]}")
        if target in self._suspected_while_down:
            return
        since_us = self._suspected_us.get((target, entry.incarnation))
        if since_us is None or now_us - since_us < self._shortest_us:
            suspected = "never" if since_us is None else f"at {since_us / MILLION:.3f}s"
            self._violations.add(now_us, f"{where}, suspected {suspected}")

    def on_join(self, observer: SimNode, event: Event) -> None:
        """A node holds another alive; if it could have forgotten it before, it has forgotten refutations too."""
        pair = (observer.index, index_of(event.name))
        since_us = self._dead_since_us.pop(pair, None)
        if since_us is not None and self._world.now_us - since_us >= _REAPED_AFTER_US:
            self._refuted.pop(pair, None)

    def on_refuted(self, node: SimNode, event: Event) -> None:
        """A node claims a new incarnation; one at a time is followed."""
        self._spreading.setdefault(node.index, (self._world.now_us, event.value))

    def poll(self) -> None:
        """Look at the claims whose time is over, once a second or so."""
        due_us = self._world.now_us - self._known_after_us
        for target, (since_us, incarnation) in list(self._spreading.items()):
            if since_us > due_us:
                continue
            del self._spreading[target]
            well = [node for node in self._world.nodes if self._well_since(node.index, since_us)]
            if self._world.network.link.loss or 10 * len(well) < 9 * len(self._world.nodes):
                continue
            if not self._well_since(target, since_us):
                continue
            entries = [node.entry(name_of(target)) for node in well]
            know = sum(entry is not None and entry.incarnation >= incarnation for entry in entries)
            if 2 * know < len(well):
                text = f"incarnation {incarnation} of node{target}, claimed at {since_us / MILLION:.3f}s"
                self._violations.add(
                    self._world.now_us, f"{text}, is known to {know} of {len(well)} well nodes"
                )

    def _well_since(self, index: int, time_us: int) -> bool:
        since_us = self._world.well_since_us(index)
        return since_us is not None and since_us <= time_us

    def on_crash(self, node: SimNode) -> None:
        """A node forgets, and its own incarnations begin anew."""
        self._spreading.pop(node.index, None)
        for pair in [pair for pair in self._refuted if node.index in pair]:
            del self._refuted[pair]
        self._open = {pair for pair in self._open if node.index not in pair}
        for pair in [pair for pair in self._dead_since_us if pair[0] == node.index]:
            del self._dead_since_us[pair]


class Memories:
    """Nobody is forgotten except 30 s or more after its death, and no incarnation goes back before that."""

    def __init__(self, world: World, violations: Violations) -> None:
        self._world = world
        self._violations = violations
        self._seen: dict[int, dict[str, int]] = {}
        self._dead_since_us: dict[int, dict[str, int]] = {}
        for kind, watch in (("leave", self.on_leave), ("join", self.on_join)):
            world.watchers.setdefault(kind, []).append(watch)
        world.end_watchers.append(self.on_crash)

    def on_leave(self, observer: SimNode, event: Event) -> None:
        """A node may forget another in a while."""
        self._dead_since_us.setdefault(observer.index, {})[event.name] = self._world.now_us

    def on_join(self, observer: SimNode, event: Event) -> None:
        """A node holds another alive; if it could have forgotten it before, any incarnation is news."""
        since_us = self._dead_since_us.get(observer.index, {}).pop(event.name, None)
        if since_us is not None and self._world.now_us - since_us >= _REAPED_AFTER_US:
            self._seen.get(observer.index, {}).pop(event.name, None)

    def on_crash(self, node: SimNode) -> None:
        """A node forgets everything."""
        self._seen.pop(node.index, None)
        self._dead_since_us.pop(node.index, None)

    def poll(self) -> None:
        """Compare what everybody knows with the last time."""
        for node in self._world.running():
            self.look(node, {intern(member.name): member.incarnation for member in node.core.members()})

    def look(self, observer: SimNode, now_known: dict[str, int]) -> None:
        """Compare what one node knows, incarnations by name, with the last time."""
        now_us = self._world.now_us
        dead = self._dead_since_us.get(observer.index, {})
        for name, before in self._seen.get(observer.index, {}).items():
            incarnation = now_known.get(name)
            if incarnation is None:
                if name not in dead or now_us - dead[name] < _REAPED_AFTER_US:
                    self._violations.add(now_us, f"{observer.name} forgot {name}")
            elif incarnation < before:
                text = f"{observer.name} saw {name} go back from incarnation {before} to {incarnation}"
                self._violations.add(now_us, text)
        self._seen[observer.index] = now_known


class Settling:
    """Liveness: after the last fault all agree on who lives, and know every update, within the bounds of ``Timing``."""

    def __init__(self, world: World, violations: Violations, end_us: int) -> None:
        self.over = False
        """Whether both came true, or the bounds have passed."""
        self.agreed_us: int | None = None
        self.complete_us: int | None = None
        """Time from the last fault until it came true."""
        self._world = world
        self._violations = violations
        self._end_us = end_us
        self._agreed_bound_us = world.timing.agreed_us(len(world.nodes))
        self._complete_bound_us = world.timing.complete_us(len(world.nodes))

    def poll(self) -> None:
        """Look at everybody, once a second or so."""
        world = self._world
        since_us = world.now_us - self._end_us
        if since_us < 0:
            return
        if self.agreed_us is None and world.agreed():
            self.agreed_us = since_us
        if self.complete_us is None and not world.missing_updates():
            self.complete_us = since_us
        late = since_us >= self._complete_bound_us
        self.over = late or (self.agreed_us is not None and self.complete_us is not None)
        if not self.over:
            return
        if self.agreed_us is None or self.agreed_us > self._agreed_bound_us:
            self._tell("disagreements about who lives", world.disagreements(), self._agreed_bound_us)
        if self.complete_us is None:
            self._tell("updates missing", world.missing_updates(), self._complete_bound_us)

    def _tell(self, what: str, found: list[str], bound_us: int) -> None:
        text = f"{what} for more than {bound_us / MILLION:.0f}s after the last fault"
        self._violations.add(self._world.now_us, f"{text}, now {len(found)}: {', '.join(found[:5])}")
