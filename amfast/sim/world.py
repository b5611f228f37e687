"""The world: nodes, time, network, and the truth about them that no node knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from amfast._ext.swim import ALIVE, Event, Member, StreamMessage
from amfast._ext.wire import encode_body
from amfast.sim.clock import MILLION, NodeClock, Timeline
from amfast.sim.digest import Digest
from amfast.sim.network import Link, Network
from amfast.sim.node import PORT, SimNode, Surroundings, ip_of, name_of
from amfast.sim.seeds import stream
from amfast.sim.timing import Timing

_OFFSET_US_MAX = 10**12
_SEED_PEERS = 3
_PING = b"\x00" + encode_body(0, {"SeqNo": 1})
_KNOWN_AT_ONCE = 1000
"""A queue of this many broadcasts is still emptied quickly."""
_BARE_ACK_BYTES_MAX = 32
_VERSIONS = b"\x01\x05\x02\x00\x00\x00"


class World:
    """``nodes`` nodes that have not started yet. Times are microseconds of the world's clock."""

    def __init__(self, nodes: int, seed: int, timing: Timing, link: Link, drift_ppm: int = 0) -> None:
        self.timing = timing
        self.timeline = Timeline()
        self.network = Network(self.timeline, seed, link)
        self.digest = Digest()
        self.random = stream(seed, "world")
        self.watchers: dict[str, list[Callable[[SimNode, Event], None]]] = {}
        self.news_watchers: list[Callable[[SimNode, str], None]] = []
        self.update_watchers: list[Callable[[SimNode, str], None]] = []
        self.end_watchers: list[Callable[[SimNode], None]] = []
        self._updates = 0
        self._values = stream(seed, "values")
        self._links = [link]
        self._troubles = [0] * nodes
        self._well_since_us = [0] * nodes
        self._reachable = [True] * nodes
        around = Surroundings(
            timeline=self.timeline,
            network=self.network,
            digest=self.digest,
            timing=timing,
            seed_peers=tuple(ip_of(index) for index in range(min(_SEED_PEERS, nodes))),
            watchers=self.watchers,
            on_news=self._news,
            on_end=self._ended,
        )
        clocks = stream(seed, "clocks")
        self.nodes = [
            SimNode(
                index,
                around,
                NodeClock(clocks.randrange(MILLION, _OFFSET_US_MAX), clocks.randint(-drift_ppm, drift_ppm)),
                stream(seed, f"core {index}"),
            )
            for index in range(nodes)
        ]
        self.network.targets = {node.ip: node for node in self.nodes}

    @property
    def now_us(self) -> int:
        """The world's time."""
        return self.timeline.now_us

    def running(self) -> list[SimNode]:
        """The nodes whose process exists."""
        return [node for node in self.nodes if node.listening]

    # What can be done to nodes.

    def start_warm(self) -> None:
        """Start all at once, with everybody knowing everybody, tickers out of step, and nothing left to be told.

        Each merges the list of all; what it then has to gossip leaves piggybacked on answers to pings of nobody.
        """
        everybody = [Member(name_of(i), ip_of(i), PORT, ALIVE, 1) for i in range(len(self.nodes))]
        phases = stream(self.random.getrandbits(64), "phases")
        for node in self.nodes:
            node.start(phases.randrange(self.timing.probe_interval_us))
            for first in range(0, len(everybody), _KNOWN_AT_ONCE):
                self._make_known(node, tuple(everybody[first : first + _KNOWN_AT_ONCE]))
            node.pump()
            node.begin_rejoining()

    def _make_known(self, node: SimNode, members: tuple[Member, ...]) -> None:
        now_us = node.clock.local_us(self.now_us)
        versions = (_VERSIONS,) * len(members)
        node.core.merge(now_us, StreamMessage("push_pull", nodes=members, versions=versions))
        for _ in range(100 * len(members)):
            node.core.receive(now_us, _PING, node.ip, PORT)
            if len(node.core.packets()[-1][0]) <= _BARE_ACK_BYTES_MAX:
                break

    def start(self, index: int) -> None:
        """Start a node and let it join; one that runs already is left alone."""
        node = self.nodes[index]
        if not node.listening:
            self._note(f"start {index}")
            self._well_since_us[index] = self.now_us
            node.start()
            node.join()

    def crash(self, index: int) -> None:
        """End a node's process."""
        node = self.nodes[index]
        if node.listening:
            self._note(f"crash {index}")
            node.crash()

    def leave(self, index: int) -> None:
        """Stop a node in an orderly way."""
        node = self.nodes[index]
        if node.listening:
            self._note(f"leave {index}")
            node.leave()

    def pause(self, index: int, *, keep: bool) -> Callable[[], None]:
        """Stop a node for a while; returns what ends that."""
        node = self.nodes[index]
        if not node.listening:
            return lambda: None
        self._note(f"pause {index}")
        life = node.pause(keep=keep)

        def resume() -> None:
            self._note(f"resume {index}")
            node.resume(life)

        return resume

    def update(self, index: int, size: int) -> str:
        """Have a node write a new key with so many bytes; returns the key."""
        self._updates += 1
        key = f"update{self._updates}"
        node = self.nodes[index]
        self._note(f"{index} writes {key}")
        for watch in self.update_watchers:
            watch(node, key)
        node.update(key, self._updates, self._values.randbytes(size))
        return key

    # What can be done to the network.

    def cut(self, sources: Iterable[int], targets: Iterable[int]) -> Callable[[], None]:
        """Stop what goes from the first to the second; returns what ends that."""
        sources, targets = frozenset(sources), frozenset(targets)
        self._note(f"cut {sorted(sources)} to {sorted(targets)}")
        mend = self.network.cut(sources, targets)
        self._look_who_is_reachable(sources | targets)

        def end() -> None:
            self._note(f"mend {sorted(sources)} to {sorted(targets)}")
            mend()
            self._look_who_is_reachable(sources | targets)

        return end

    def change_links(self, link: Link) -> Callable[[], None]:
        """Change what all links are like, for the latest change to hold; returns what takes this one back."""
        self._note(f"{link}")
        self._links.append(link)
        self.network.link = link

        def end() -> None:
            self._note(f"no more {link}")
            self._links.remove(link)
            self.network.link = self._links[-1]

        return end

    def _look_who_is_reachable(self, indexes: frozenset[int]) -> None:
        for index in indexes:
            reachable = 2 * self.network.barred(index) < len(self.nodes)
            if reachable != self._reachable[index]:
                self._reachable[index] = reachable
                (self.relieve if reachable else self.trouble)(index)

    # The truth.

    def trouble(self, index: int) -> None:
        """From now on nobody may expect of this node that it is taken for alive."""
        self._troubles[index] += 1

    def relieve(self, index: int) -> None:
        """One reason for that is gone."""
        self._troubles[index] -= 1
        self._well_since_us[index] = self.now_us

    def well_since_us(self, index: int) -> int | None:
        """Since when a node has been running, reachable by a majority and untroubled; None if it is not."""
        if not self.nodes[index].listening or self._troubles[index]:
            return None
        return max(self._well_since_us[index], self.nodes[index].up_since_us)

    def agreed(self) -> bool:
        """Whether all running nodes hold each other alive, and nobody else."""
        running = self.running()
        names = {node.name for node in running}
        if any(node.core.alive_count() != len(running) for node in running):
            return False
        return all({m.name for m in node.core.members() if m.state == ALIVE} == names for node in running)

    def disagreements(self) -> list[str]:
        """What running nodes believe that is wrong."""
        running = {node.name for node in self.running()}
        found = []
        for node in self.running():
            alive = {member.name for member in node.core.members() if member.state == ALIVE}
            found += [f"{node.name} misses {name}" for name in sorted(running - alive)]
            found += [f"{node.name} believes in {name}" for name in sorted(alive - running)]
        return found

    def missing_updates(self) -> list[str]:
        """Updates that some running nodes have and others do not, with one that lacks it.

        What only nodes knew that have crashed is lost, and nobody's fault.
        """
        running = self.running()
        known = {key for node in running for key in node.state.values}
        return [
            f"{key} at {node.name}" for node in running for key in sorted(known - node.state.values.keys())
        ]

    def run_for(self, duration_us: int) -> None:
        """Let time pass."""
        self.timeline.run_until(self.now_us + duration_us)

    def _note(self, text: str) -> None:
        self.digest.fault(self.now_us, text)

    def _news(self, node: SimNode, key: str) -> None:
        for watch in self.news_watchers:
            watch(node, key)

    def _ended(self, node: SimNode) -> None:
        for watch in self.end_watchers:
            watch(node)


def seconds(value: float) -> int:
    """Microseconds of a number of seconds."""
    return round(value * MILLION)
