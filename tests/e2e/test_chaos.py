"""Nodes of both kinds are killed, paused and restarted at random while alerts come and go: nobody misses anything.

``AMFAST_E2E_CHAOS_S`` makes it longer than a minute, ``AMFAST_E2E_CHAOS_SEED`` draws other faults.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from amfast.sim.contract.promises import Promises

from .api import call, in_seconds
from .polling import eventually
from .settings import CLUSTER_FLAGS, GROUP_WAIT_S, PEER_TIMEOUT_S, config_text
from .sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .cluster import Cluster, StartCluster
    from .node import Node

KINDS = ("amfast", "go", "amfast", "go")
CHAOS_S = float(os.environ.get("AMFAST_E2E_CHAOS_S", "60"))
SEED = int(os.environ.get("AMFAST_E2E_CHAOS_SEED", "1"))
GROUP_INTERVAL_S = 10
RESEND_S = 1.0
VALID_S = 40
PROMISES = Promises(
    nodes=len(KINDS),
    group_wait_s=GROUP_WAIT_S,
    group_interval_s=GROUP_INTERVAL_S,
    peer_timeout_s=PEER_TIMEOUT_S,
    answer_s=2.0,
    evaluation_s=RESEND_S,
    resend_s=RESEND_S,
)
assert f"--cluster.peer-timeout={PEER_TIMEOUT_S}s" in CLUSTER_FLAGS


@dataclass
class Told:
    """One notification of a case, which is a group of one alert."""

    at_s: float
    fires: bool
    reason: str


class Listener(Sink):
    """A sink that keeps the time of everything."""

    def __init__(self) -> None:
        self.told: dict[str, list[Told]] = {}
        super().__init__()

    def take(self, path: str, body: bytes) -> int | None:
        status = super().take(path, body)
        said = self._all[-1].body
        for one in said["alerts"]:
            told = Told(time.monotonic(), one["status"] == "firing", said.get("notification_reason", ""))
            self.told.setdefault(one["labels"]["case"], []).append(told)
        return status


@dataclass
class Rule:
    """An alert, and when it began and ended in turn."""

    case: str
    changes_s: list[float] = field(default_factory=list)
    starts_at: str = ""
    ends_at: str = ""

    @property
    def fires(self) -> bool:
        return len(self.changes_s) % 2 == 1

    def toggle(self) -> None:
        self.changes_s.append(time.monotonic())
        if self.fires:
            self.starts_at = in_seconds(0)
        else:
            self.ends_at = in_seconds(0)

    def posted(self) -> dict[str, Any]:
        return {
            "labels": {"alertname": "DemoDown", "case": self.case},
            "startsAt": self.starts_at,
            "endsAt": in_seconds(VALID_S) if self.fires else self.ends_at,
        }


class Prometheus:
    """Sends all alerts to each node again and again, from a thread for each, as the real one does."""

    def __init__(self, rules: list[Rule], cluster: Cluster) -> None:
        self._rules = rules
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(node,)) for node in cluster]
        for thread in self._threads:
            thread.start()

    def _send(self, node: Node) -> None:
        while not self._stopping.wait(RESEND_S):
            alerts = [rule.posted() for rule in self._rules if rule.changes_s]
            try:
                call("POST", f"{node.api.base_url}/api/v2/alerts", alerts)
            except OSError:
                continue  # it is down, or stands still

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()


class Chaos:
    """Does something to one node at a time; those in trouble are left to it. One node is spared."""

    def __init__(self, cluster: Cluster, draw: random.Random) -> None:
        self._draw = draw
        self._spared = draw.randrange(len(cluster))
        self._well = {node.name: node for i, node in enumerate(cluster) if i != self._spared}
        self._ends: list[tuple[float, Node, bool]] = []
        self.starts: list[float] = []
        self.deeds: dict[str, int] = {"kill": 0, "stop": 0, "pause": 0}

    def act(self) -> None:
        """Bring some trouble, unless all that may have it do."""
        if not self._well:
            return
        node = self._well.pop(self._draw.choice(sorted(self._well)))
        deed = self._draw.choice(sorted(self.deeds))
        self.deeds[deed] += 1
        if deed == "kill":
            node.kill()
        elif deed == "stop":
            node.program.terminate()  # whatever it ends with: it may just have begun
        else:
            node.program.signal(signal.SIGSTOP)
        end_s = time.monotonic() + self._draw.uniform(1, 8)
        self._ends.append((end_s, node, deed == "pause"))

    def mend(self, *, everything: bool = False) -> None:
        """Bring back those whose time has come."""
        now_s = time.monotonic()
        for end in list(self._ends):
            end_s, node, paused = end
            if end_s <= now_s or everything:
                self._ends.remove(end)
                if paused:
                    node.program.signal(signal.SIGCONT)
                else:
                    node.start()
                    self.starts.append(now_s)
                self._well[node.name] = node


@pytest.fixture
def listener() -> Iterator[Listener]:
    receiver = Listener()
    yield receiver
    receiver.close()


def test_nothing_is_missed_and_little_said_twice_while_nodes_die(
    start_cluster: StartCluster, listener: Listener
) -> None:
    draw = random.Random(SEED)
    cluster = start_cluster(KINDS, config_text(listener.url(), group_interval_s=GROUP_INTERVAL_S))
    rules = [Rule(f"case{i}") for i in range(6)]
    prometheus, chaos = Prometheus(rules, cluster), Chaos(cluster, draw)
    try:
        _live(rules, chaos, draw)
        for rule in rules:
            eventually(
                partial(_is_right, listener, rule),
                f"{rule.case} is told to {'fire' if rule.fires else 'be over'}",
                within_s=PROMISES.corrected_s,
            )
    finally:
        chaos.mend(everything=True)
        prometheus.stop()
    assert [text for rule in rules for text in _missed(rule, listener)] == []
    copies = {rule.case: _copies(listener.told.get(rule.case, []), chaos.starts) for rule in rules}
    print(f"{chaos.deeds}, notifications {sum(map(len, listener.told.values()))}, copies {copies}")  # noqa: T201


def _live(rules: list[Rule], chaos: Chaos, draw: random.Random) -> None:
    """Let alerts come and go, and nodes."""
    end_s = time.monotonic() + CHAOS_S
    next_deed_s = next_change_s = 0.0
    while (now_s := time.monotonic()) < end_s:
        if now_s >= next_deed_s:
            chaos.act()
            next_deed_s = now_s + draw.uniform(1, 6)
        if now_s >= next_change_s:
            draw.choice(rules).toggle()
            next_change_s = now_s + draw.uniform(1, 5)
        chaos.mend()
        time.sleep(0.1)
    chaos.mend(everything=True)


def _is_right(listener: Listener, rule: Rule) -> bool:
    """Whether the last word about an alert is the truth."""
    told = listener.told.get(rule.case)
    return (told[-1].fires if told else False) == rule.fires


def _missed(rule: Rule, listener: Listener) -> list[str]:
    """Times for which it fired longer than promised without that the last word, or one meanwhile, said so."""
    told = listener.told.get(rule.case, [])
    missed = []
    for i in range(0, len(rule.changes_s), 2):
        start_s = rule.changes_s[i]
        end_s = rule.changes_s[i + 1] if i + 1 < len(rule.changes_s) else time.monotonic()
        due_s = start_s + PROMISES.notified_s
        before = [one for one in told if one.at_s <= start_s]
        known = any(
            one.fires for one in [*before[-1:], *(one for one in told if start_s < one.at_s <= due_s)]
        )
        if end_s > due_s and not known:
            missed.append(f"{rule.case} fired for {end_s - start_s:.1f} s and nobody was told")
    return missed


def _copies(told: list[Told], starts: list[float]) -> int:
    """How often something was told again; AssertionError when one thing was told more often than promised."""
    copies = of_one = 0
    since_s = 0.0
    before: bool | None = None
    for one in told:
        if one.fires != before:
            before, since_s, of_one = one.fires, one.at_s, 0
            continue
        copies, of_one = copies + 1, of_one + 1
        allowed = PROMISES.copies_handover + sum(since_s <= start_s <= one.at_s for start_s in starts)
        assert of_one <= allowed, f"told {of_one} times too often: {told}"
    return copies
