"""How long things took: deaths until they were noticed, updates until they were everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from amfast._ext.swim import Event
from amfast.sim.clock import MILLION
from amfast.sim.node import SimNode, index_of
from amfast.sim.world import World


@dataclass(frozen=True, slots=True)
class Detection:
    """Seconds from a crash until the first node, half of them and all of them had declared it dead."""

    node: int
    first_s: float
    half_s: float
    all_s: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds from a write until half of the nodes, 99 % and all of them had it."""

    key: str
    half_s: float
    most_s: float
    all_s: float


class Deaths:
    """Declarations of death, the right ones and the wrong ones."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._crashes: dict[int, tuple[int, int]] = {}
        self._declared: dict[int, dict[int, int]] = {}
        self.false_deaths = 0
        """A node declared one dead whose process ran."""
        self.false_deaths_of_well = 0
        """Of these, how many times neither of the two was slow, paused or cut off."""
        self.false_names: set[str] = set()
        self.suspicions = 0
        """A node began to suspect one whose process ran."""
        world.watchers.setdefault("dead", []).append(self._on_dead)
        world.watchers.setdefault("suspect", []).append(self._on_suspect)
        world.end_watchers.append(self._on_crash)

    def _on_crash(self, node: SimNode) -> None:
        self._crashes[node.index] = (self._world.now_us, node.life)
        self._declared[node.index] = {}

    def _on_suspect(self, _: SimNode, event: Event) -> None:
        self.suspicions += self._world.nodes[index_of(event.name)].listening

    def _on_dead(self, observer: SimNode, event: Event) -> None:
        target = index_of(event.name)
        now_us = self._world.now_us
        if not self._world.nodes[target].listening:
            self._declared.get(target, {}).setdefault(observer.index, now_us)
            return
        self.false_deaths += 1
        self.false_names.add(event.name)
        well = self._world.well_since_us
        self.false_deaths_of_well += well(target) is not None and well(observer.index) is not None

    def detections(self) -> list[Detection]:
        """The crashes that everybody who was running all the time has declared; restarted nodes are left out."""
        found = []
        for target, (crashed_us, life) in self._crashes.items():
            declared = self._declared[target]
            nodes = [node for node in self._world.running() if node.up_since_us <= crashed_us]
            if (
                not nodes
                or self._world.nodes[target].life != life
                or any(node.index not in declared for node in nodes)
            ):
                continue
            first, half, everybody = _marks(
                [declared[node.index] for node in nodes], crashed_us, (0.0, 0.5, 1.0)
            )
            found.append(Detection(target, first, half, everybody))
        return found


class Updates:
    """Which node had which update when."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._issued_us: dict[str, int] = {}
        self._had_us: dict[str, dict[int, int]] = {}
        world.update_watchers.append(self._on_update)
        world.news_watchers.append(self._on_news)

    def _on_update(self, node: SimNode, key: str) -> None:
        self._issued_us[key] = self._world.now_us
        self._had_us[key] = {node.index: self._world.now_us}

    def _on_news(self, node: SimNode, key: str) -> None:
        self._had_us[key].setdefault(node.index, self._world.now_us)

    def spreads(self) -> list[Spread]:
        """The updates that everybody has who was running when they were written."""
        found = []
        for key, issued_us in self._issued_us.items():
            had = self._had_us[key]
            nodes = [node for node in self._world.running() if node.up_since_us <= issued_us]
            if nodes and all(node.index in had for node in nodes):
                marks = _marks([had[node.index] for node in nodes], issued_us, (0.5, 0.99, 1.0))
                found.append(Spread(key, *marks))
        return found


def _marks(times_us: list[int], since_us: int, shares: Iterable[float]) -> list[float]:
    """When each share of the nodes was reached, in seconds."""
    times_us.sort()
    last = len(times_us) - 1
    return [
        (times_us[min(last, max(0, -int(-share * len(times_us) // 1) - 1))] - since_us) / MILLION
        for share in shares
    ]


def middle(values: Iterable[float]) -> float | None:
    """The median, or None for nothing."""
    values = list(values)
    return median(values) if values else None
