"""Nodes, senders, receivers and operators on one virtual clock, and the truth about them that no node knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from amfast.model.flush import GroupName
from amfast.model.silence import MatcherSpec, Silence
from amfast.sim.clock import MILLION
from amfast.sim.contract.config import RECEIVERS, config_text
from amfast.sim.contract.disk import Loss
from amfast.sim.contract.loop import VirtualLoop
from amfast.sim.contract.node import Node, Surroundings
from amfast.sim.contract.port import Port
from amfast.sim.contract.prometheus import Prometheus, Rule
from amfast.sim.contract.promises import Promises
from amfast.sim.contract.receiver import Mode, Receiver, Told
from amfast.sim.contract.troubles import Troubles
from amfast.sim.digest import Digest
from amfast.sim.network import Link, Network
from amfast.sim.node import ip_of
from amfast.sim.seeds import stream

_POST_WAY_S = 0.05


class World:
    """A cluster that has not started yet. Times are microseconds of the world's clock unless named otherwise."""

    def __init__(self, promises: Promises, seed: int, link: Link = Link()) -> None:  # noqa: B008 - frozen
        self.promises = promises
        self.loop = VirtualLoop()
        self.digest = Digest()
        self.network = Network(self.loop, seed, link)
        self.random = stream(seed, "world")
        self.told: list[Told] = []
        self.told_watchers: list[Callable[[Told], None]] = []
        self.serving_watchers: list[Callable[[Node], None]] = []
        self.end_watchers: list[Callable[[Node], None]] = []
        """Called before a process ends, or begins to stop."""
        self.stopped_watchers: list[Callable[[Node, dict[GroupName, int]], None]] = []
        """Called after a process has stopped in order, with the timers that its groups had before."""
        self.loss_watchers: list[Callable[[Node, Loss], None]] = []
        self.failures: list[str] = []
        self.starts = 0
        """Processes that began after the first ones."""
        self.senders: list[Prometheus] = []
        self.muted: dict[str, list[tuple[int, int]]] = defaultdict(list)
        """When operators have each alert silenced, by its fingerprint."""
        self.troubles = Troubles(lambda: self.loop.now_us)
        self._reloads = 0
        self._deaf: set[tuple[int, int]] = set()
        self.receivers = {name: self._receiver(name, seed) for name in RECEIVERS}
        around = Surroundings(
            self.loop, promises, self.receivers, self._config, seed, self._on_serving, self._on_failure
        )
        self.nodes = [
            Node(index, around, Port(index, ip_of(index), self.network, self.digest))
            for index in range(promises.nodes)
        ]
        for node in self.nodes:
            self.troubles.begin("node", node.index)

    @property
    def now_us(self) -> int:
        """The world's time."""
        return self.loop.now_us

    @property
    def now_s(self) -> float:
        """The same in seconds."""
        return self.loop.now_us / MILLION

    def later(self, wait_s: float, call: Callable[..., object], *args: object) -> None:
        """Call when so much more time has passed."""
        self.loop.after(round(wait_s * MILLION), call, *args)

    def at(self, time_s: float, call: Callable[..., object], *args: object) -> None:
        """Call at a time since the start."""
        self.loop.at(round(time_s * MILLION), call, *args)

    # Processes.

    def start(self, index: int) -> None:
        """Begin a process unless there is one."""
        if not self.nodes[index].running:
            self.note(f"start {index}")
            self.starts += self.nodes[index].lives > 0
            self.nodes[index].start()

    def crash(self, index: int, loss: Loss) -> None:
        """End a process without a word, and have its disk lose something."""
        node = self.nodes[index]
        if node.running:
            self.note(f"crash {index}")
            for watch in self.end_watchers:
                watch(node)
            if node.serving:
                self.troubles.begin("node", index)
            node.crash()
        node.machine.lose(loss)
        for watch_loss in self.loss_watchers:
            watch_loss(node, loss)

    def crash_writing(
        self, index: int, calls: int, loss: Loss, then: Callable[[], None]
    ) -> Callable[[], None]:
        """Have a process end in place of one of the next calls to its disk; returns what keeps it from that."""
        node = self.nodes[index]
        if not node.running:
            return lambda: None
        disk = node.disk

        def cut() -> None:
            disk.cut = None
            self.crash(index, loss)
            then()

        def disarm() -> None:
            disk.cut = None

        disk.cut, disk.calls_left = cut, calls
        return disarm

    def restart(self, index: int, pause_s: float) -> None:
        """Stop in an orderly way, as for an upgrade, and begin again."""
        node = self.nodes[index]
        if not node.serving:
            return
        self.note(f"stop {index}")
        for watch in self.end_watchers:
            watch(node)
        timers = dict(node.app.timers())
        self.troubles.begin("node", index)

        def stopped() -> None:
            for watch in self.stopped_watchers:
                watch(node, timers)
            self.later(pause_s, self.start, index)

        node.stop(stopped)

    def reload(self, indexes: Iterable[int]) -> None:
        """Change the configuration in what does not matter, and have it read."""
        self._reloads += 1
        self.note(f"reload {self._reloads}")
        for index in indexes:
            self.nodes[index].reload()

    def _on_serving(self, node: Node) -> None:
        self.troubles.end("node", node.index)
        for watch in self.serving_watchers:
            watch(node)

    def _on_failure(self, node: Node, text: str) -> None:
        self.failures.append(f"node{node.index} did not start: {text}")

    # Network.

    def cut(self, sources: Sequence[int], targets: Sequence[int]) -> Callable[[], None]:
        """Stop gossip from the first to the second; returns what ends that."""
        self.note(f"cut {list(sources)} to {list(targets)}")
        mend = self.network.cut(sources, targets)
        pairs = [("gossip", *sorted((one, other))) for one in sources for other in targets]
        for pair in pairs:
            self.troubles.begin(*pair)

        def end() -> None:
            self.note(f"mend {list(sources)} to {list(targets)}")
            mend()
            for pair in pairs:
                self.troubles.end(*pair)

        return end

    def weather(self, link: Link) -> Callable[[], None]:
        """Change what all links between nodes are like; returns what ends that."""
        self.note(f"{link}")
        before, self.network.link = self.network.link, link
        self.troubles.begin("weather")

        def end() -> None:
            self.note(f"no more {link}")
            self.network.link = before
            self.troubles.end("weather")

        return end

    def deafen(self, sender: int, index: int) -> Callable[[], None]:
        """Have a node not hear a Prometheus; returns what ends that."""
        self.note(f"deaf {sender} {index}")
        self._deaf.add((sender, index))
        self.troubles.begin("heard", sender, index)

        def end() -> None:
            self.note(f"hears {sender} {index}")
            self._deaf.discard((sender, index))
            self.troubles.end("heard", sender, index)

        return end

    # Clocks.

    def set_clock(self, index: int, wrong_s: float) -> None:
        """Step a node's wall clock to so much before or behind the world's."""
        self.note(f"clock {index} {wrong_s}")
        wall = self.nodes[index].wall
        for trouble in _clock_troubles(wall.wrong_ns):
            self.troubles.end(trouble, index)
        wall.wrong_ns = round(wrong_s * 10**9)
        for trouble in _clock_troubles(wall.wrong_ns):
            self.troubles.begin(trouble, index)

    # Receivers.

    def _receiver(self, name: str, seed: int) -> Receiver:
        receiver = Receiver(name, lambda: self.now_us, stream(seed, f"receiver {name}"))
        receiver.on_told = self._on_told
        return receiver

    def trouble_receiver(self, name: str, mode: Mode, late_s: float = 0.0) -> Callable[[], None]:
        """Change what a receiver does; returns what ends that."""
        self.note(f"{name} {mode} {late_s}")
        receiver = self.receivers[name]
        receiver.mode, receiver.late_s = mode, late_s
        self.troubles.begin("receiver", name)

        def end() -> None:
            self.note(f"{name} well")
            receiver.mode = "well"
            self.troubles.end("receiver", name)

        return end

    def cut_off(self, name: str, index: int) -> Callable[[], None]:
        """Keep a node from reaching a receiver; returns what ends that."""
        self.note(f"{index} cannot reach {name}")
        receiver = self.receivers[name]
        receiver.cut_off.add(index)
        self.troubles.begin("out", index, name)

        def end() -> None:
            self.note(f"{index} reaches {name}")
            receiver.cut_off.discard(index)
            self.troubles.end("out", index, name)

        return end

    def _on_told(self, told: Told) -> None:
        said = " ".join([*sorted(told.firing), "/", *sorted(told.resolved)])
        self.note(f"{told.node} tells {told.receiver} {told.group} {told.reason}: {said}")
        self.told.append(told)
        for watch in self.told_watchers:
            watch(told)

    # Senders.

    def add_sender(self, rules: Iterable[Rule], phase_s: float, wrong_s: float) -> None:
        """A Prometheus that begins to evaluate after ``phase_s``."""
        sender = Prometheus(
            len(self.senders),
            tuple(rules),
            evaluation_s=self.promises.evaluation_s,
            resend_s=self.promises.resend_s,
            wrong_s=wrong_s,
            send=self._post,
        )
        self.senders.append(sender)
        self.later(phase_s, self._evaluate, sender)

    def _evaluate(self, sender: Prometheus) -> None:
        sender.evaluate(self.now_s)
        self.later(sender.evaluation_s, self._evaluate, sender)

    def _post(self, sender: int, body: bytes) -> None:
        for node in self.nodes:
            self.later(self.random.random() * _POST_WAY_S, self._arrive, sender, node, body)

    def _arrive(self, sender: int, node: Node, body: bytes) -> None:
        if (sender, node.index) not in self._deaf:
            node.post(body)

    def rules(self) -> list[Rule]:
        """Everything that may fire."""
        return [rule for sender in self.senders for rule in sender.rules]

    # Operators.

    def silence(self, index: int, name: str, value: str, duration_s: float) -> None:
        """Have somebody silence all alerts with a label, at one node."""
        node = self.nodes[index]
        if node.process is None or not node.serving:
            return
        now_ns = node.now_ns()
        silence = Silence(
            id="",
            matcher_sets=((MatcherSpec(0, name, value),),),
            starts_at_ns=now_ns,
            ends_at_ns=now_ns + round(duration_s * 10**9),
            updated_at_ns=0,
            created_by="operator",
            comment="",
            annotations={},
        )
        self.note(f"silence {name}={value} at {index} for {duration_s}")
        node.process.run(node.app.silences.set, silence)
        span = self.now_us, self.now_us + round(duration_s * MILLION)
        for rule in self.rules():
            if rule.labels.get(name) == value:
                self.muted[rule.fingerprint].append(span)

    # The rest.

    def note(self, text: str) -> None:
        """Have the digest know of it."""
        self.digest.fault(self.now_us, text)

    def _config(self) -> str:
        return config_text(self.promises, self._reloads)

    def run_until(self, time_s: float) -> None:
        """Let time pass."""
        self.loop.call_at(time_s, self.loop.stop)
        self.loop.run_forever()

    def close(self) -> None:
        """End all processes and let the loop go."""
        for node in self.nodes:
            node.crash()
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()
        self.loop.close()


def _clock_troubles(wrong_ns: int) -> tuple[str, ...]:
    if not wrong_ns:
        return ()
    return ("clock", "behind") if wrong_ns < 0 else ("clock",)
