"""One run: build the world, let the faults happen, watch, and let it settle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from amfast.sim.checkers import FalseDeaths, Memories, Refutations, Settling, Violations
from amfast.sim.clock import MILLION
from amfast.sim.measure import Deaths, Detection, Spread, Updates
from amfast.sim.network import Filter
from amfast.sim.scenarios import Scenario
from amfast.sim.world import World, seconds

_POLL_US = 1_000_000
_UPDATE_BYTES = 40
_OVERSIZE_BYTES = 1_000
_OVERSIZE_EVERY = 10
_LOOKS_A_SECOND = 50_000
"""Member entries compared per virtual second: the tables of large clusters are looked at less often."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of a run. The wire is counted in payload, over the whole run."""

    scenario: str
    nodes: int
    seed: int
    digest: str
    virtual_s: float
    agreed_s: float | None
    """Time after the last fault until all agreed on who lives; None: they never did."""
    complete_s: float | None
    """Time after the last fault until all knew every update."""
    calls: int
    packets: int
    packet_bytes: int
    streams: int
    stream_bytes: int
    detections: tuple[Detection, ...]
    spreads: tuple[Spread, ...]
    suspicions: int
    """Suspicions of nodes whose process ran; false deaths came of some."""
    false_deaths: int
    false_deaths_of_well: int
    false_names: int
    violations: int
    violation_texts: tuple[str, ...]


Progress = Callable[[World], None]


def run(
    scenario: Scenario, seed: int, progress: Progress | None = None, packet_filter: Filter | None = None
) -> Result:
    """Run a scenario. ``progress`` is called once a virtual second; ``packet_filter`` breaks the network."""
    world = World(scenario.nodes, seed, scenario.timing, scenario.link, scenario.drift_ppm)
    world.network.filter = packet_filter
    violations = Violations()
    false_deaths = FalseDeaths(world, violations)
    refutations = Refutations(world, violations)
    memories = Memories(world, violations)
    settling = Settling(world, violations, seconds(scenario.duration_s))
    deaths, updates = Deaths(world), Updates(world)
    _begin(world, scenario)
    look_every = max(1, scenario.nodes**2 // _LOOKS_A_SECOND)
    while not settling.over:
        world.run_for(_POLL_US)
        false_deaths.poll()
        refutations.poll()
        settling.poll()
        if settling.over or world.now_us // _POLL_US % look_every == 0:
            memories.poll()
        if progress is not None:
            progress(world)
    return _result(scenario, seed, world, violations, deaths, updates, settling)


def _begin(world: World, scenario: Scenario) -> None:
    if scenario.join_s is None:
        world.start_warm()
    else:
        for index in range(scenario.nodes):
            world.timeline.at(int(world.random.random() * seconds(scenario.join_s)), world.start, index)
    for fault in scenario.faults:
        fault.inject(world)
    for i in range(1, int(scenario.duration_s / scenario.update_every_s)):
        world.timeline.at(seconds(i * scenario.update_every_s), _write, world, i)


def _write(world: World, count: int) -> None:
    writers = [node for node in world.running() if not node.paused]
    if writers:
        size = _UPDATE_BYTES if count % _OVERSIZE_EVERY else _OVERSIZE_BYTES
        world.update(world.random.choice(writers).index, size)


def _result(
    scenario: Scenario,
    seed: int,
    world: World,
    violations: Violations,
    deaths: Deaths,
    updates: Updates,
    settling: Settling,
) -> Result:
    network = world.network
    return Result(
        scenario=scenario.name,
        nodes=scenario.nodes,
        seed=seed,
        digest=world.digest.hex(),
        virtual_s=world.now_us / MILLION,
        agreed_s=None if settling.agreed_us is None else settling.agreed_us / MILLION,
        complete_s=None if settling.complete_us is None else settling.complete_us / MILLION,
        calls=world.timeline.done,
        packets=network.packets,
        packet_bytes=network.packet_bytes,
        streams=network.streams,
        stream_bytes=network.stream_bytes,
        detections=tuple(deaths.detections()),
        spreads=tuple(updates.spreads()),
        suspicions=deaths.suspicions,
        false_deaths=deaths.false_deaths,
        false_deaths_of_well=deaths.false_deaths_of_well,
        false_names=len(deaths.false_names),
        violations=violations.count,
        violation_texts=tuple(violations.texts),
    )
