"""Named scenarios: how many nodes, for how long, and what goes wrong meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from amfast.model.errors import AmfastError
from amfast.sim.faults import Crash, Cut, Fault, Pause, Slow, Weather
from amfast.sim.network import Link
from amfast.sim.seeds import stream
from amfast.sim.timing import Timing


@dataclass(frozen=True, slots=True)
class Scenario:
    """A run but for its seed. After ``duration_s`` all faults are over, and the cluster has to settle."""

    name: str
    nodes: int
    duration_s: float
    faults: tuple[Fault, ...] = ()
    link: Link = Link()  # noqa: RUF009 - frozen
    drift_ppm: int = 0
    """Clocks run fast or slow by up to this."""
    join_s: float | None = None
    """Nodes start and join within this time; None: they begin as a settled cluster."""
    update_every_s: float = 5.0
    """How often some node writes to the user state."""
    timing: Timing = field(default_factory=Timing)


Maker = Callable[[int, float, Random], Scenario]


def _some(nodes: int, share: float, random: Random) -> tuple[int, ...]:
    """So many, at least one and never all."""
    return tuple(sorted(random.sample(range(nodes), max(1, min(nodes - 1, round(nodes * share))))))


def _rest(nodes: int, others: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(range(nodes)) - set(others)))


def _steady(nodes: int, duration_s: float, _: Random) -> Scenario:
    """Nothing goes wrong."""
    return Scenario("steady", nodes, duration_s)


def _join_storm(nodes: int, duration_s: float, _: Random) -> Scenario:
    """All nodes start within five seconds and join the first three."""
    return Scenario("join-storm", nodes, duration_s, join_s=min(5.0, duration_s / 2))


def _kill(nodes: int, duration_s: float, random: Random) -> Scenario:
    """One node crashes."""
    return Scenario("kill", nodes, duration_s, (Crash((random.randrange(nodes),), duration_s / 4),))


def _kill_many(nodes: int, duration_s: float, random: Random) -> Scenario:
    """A third of the nodes crash in the same moment."""
    return Scenario("kill-many", nodes, duration_s, (Crash(_some(nodes, 1 / 3, random), duration_s / 4),))


def _loss(percent: int) -> Maker:
    def make(nodes: int, duration_s: float, _: Random) -> Scenario:
        weather = Weather(0.0, duration_s, Link(loss=percent / 100))
        return Scenario(f"loss-{percent}", nodes, duration_s, (weather,))

    make.__doc__ = f"""{percent} % of all packets are lost."""
    return make


def _slow_nodes(nodes: int, duration_s: float, random: Random) -> Scenario:
    """A tenth of the nodes stall for up to two seconds again and again."""
    fault = Slow(_some(nodes, 0.1, random), duration_s / 8, duration_s * 7 / 8)
    return Scenario("slow-nodes", nodes, duration_s, (fault,))


def _partition(nodes: int, duration_s: float, random: Random) -> Scenario:
    """A third of the nodes is cut off from the rest, for half the time."""
    minority = _some(nodes, 1 / 3, random)
    fault = Cut(minority, _rest(nodes, minority), duration_s / 4, duration_s * 3 / 4)
    return Scenario("partition", nodes, duration_s, (fault,))


def _one_way_partition(nodes: int, duration_s: float, random: Random) -> Scenario:
    """One node hears everybody and is heard by nobody, for half the time."""
    mute = _some(nodes, 0.0, random)
    fault = Cut(mute, _rest(nodes, mute), duration_s / 4, duration_s * 3 / 4, one_way=True)
    return Scenario("one-way-partition", nodes, duration_s, (fault,))


def _flapping_link(nodes: int, duration_s: float, random: Random) -> Scenario:
    """The link between two nodes fails every other three seconds."""
    left, right = random.sample(range(nodes), 2)
    period_s = 3.0
    times = range(1, int(duration_s / period_s) - 1, 2)
    faults = tuple(Cut((left,), (right,), period_s * i, period_s * (i + 1)) for i in times)
    return Scenario("flapping-link", nodes, duration_s, faults)


def _pause(nodes: int, duration_s: float, random: Random) -> Scenario:
    """A tenth of the nodes stands still, half of them keeping their input: first briefly, then until declared dead."""
    keeps, loses = _some(nodes, 0.05, random), _some(nodes, 0.05, random)
    spans = ((duration_s / 8, duration_s / 8 + 3), (duration_s / 4, duration_s * 3 / 4))
    faults = [Pause(keeps, start, end) for start, end in spans]
    faults += [Pause(loses, start, end, keep=False) for start, end in spans]
    return Scenario("pause", nodes, duration_s, tuple(faults))


def _restart_wave(nodes: int, duration_s: float, random: Random) -> Scenario:
    """One node after the other is stopped and started again, every second one crashing."""
    gap_s = duration_s * 0.9 / nodes
    order = random.sample(range(nodes), nodes)
    faults = tuple(
        Crash((index,), gap_s * i, gap_s * i + min(5.0, duration_s * 0.05), orderly=i % 2 == 0)
        for i, index in enumerate(order)
    )
    return Scenario("restart-wave", nodes, duration_s, faults)


def _clock_skew(nodes: int, duration_s: float, _: Random) -> Scenario:
    """Clocks run fast or slow by up to 5 %."""
    return Scenario("clock-skew", nodes, duration_s, drift_ppm=50_000)


def _heal_and_check(nodes: int, duration_s: float, random: Random) -> Scenario:
    """Two halves, each losing a node and both written to, come together again."""
    left = _some(nodes, 0.5, random)
    right = _rest(nodes, left)
    cut = Cut(left, right, duration_s / 8, duration_s)
    killed = Crash((left[0], right[0]), duration_s / 2)
    return Scenario("heal-and-check", nodes, duration_s, (cut, killed), update_every_s=2.0)


def _swarm(nodes: int, duration_s: float, random: Random) -> Scenario:
    """Every fault and its probability is drawn from the seed."""
    faults: list[Fault] = [Weather(0.0, duration_s, _weather(random))]
    for _ in range(random.randrange(6)):
        start_s = random.uniform(0, duration_s * 0.8)
        end_s = random.uniform(start_s, duration_s)
        faults.append(_drawn_fault(nodes, start_s, end_s, random))
    return Scenario(
        "swarm",
        nodes,
        duration_s,
        tuple(faults),
        drift_ppm=random.choice((0, 0, 100, 20_000)),
        join_s=random.choice((None, duration_s / 8)),
        update_every_s=random.uniform(0.5, 10),
    )


def _weather(random: Random) -> Link:
    return Link(
        floor_us=random.randrange(50, 5_000),
        jitter_us=random.randrange(10, 20_000),
        loss=random.choice((0.0, random.uniform(0, 0.05), random.uniform(0, 0.3))),
        duplicate=random.choice((0.0, random.uniform(0, 0.2))),
        reorder=random.choice((0.0, random.uniform(0, 0.2))),
        reorder_us=random.randrange(1_000, 400_000),
    )


def _drawn_fault(nodes: int, start_s: float, end_s: float, random: Random) -> Fault:
    some = _some(nodes, random.choice((0.0, 0.1, 0.3)), random)
    match random.randrange(6):
        case 0:
            return Crash(some, start_s, random.choice((None, end_s)), orderly=random.random() < 0.5)  # noqa: PLR2004
        case 1:
            return Crash(some, start_s, end_s)
        case 2:
            return Pause(some, start_s, end_s, keep=random.random() < 0.5)  # noqa: PLR2004
        case 3:
            return Slow(some, start_s, end_s, random.uniform(0.1, 3), random.uniform(0.1, 5))
        case 4:
            return Cut(some, _rest(nodes, some), start_s, end_s, one_way=random.random() < 0.5)  # noqa: PLR2004
        case _:
            other = _some(nodes, random.uniform(0, 0.5), random)
            return Cut(some, tuple(set(other) - set(some)), start_s, end_s, one_way=random.random() < 0.5)  # noqa: PLR2004


SCENARIOS: dict[str, Maker] = {
    "steady": _steady,
    "join-storm": _join_storm,
    "kill": _kill,
    "kill-many": _kill_many,
    "loss-10": _loss(10),
    "loss-30": _loss(30),
    "slow-nodes": _slow_nodes,
    "partition": _partition,
    "one-way-partition": _one_way_partition,
    "flapping-link": _flapping_link,
    "pause": _pause,
    "restart-wave": _restart_wave,
    "clock-skew": _clock_skew,
    "swarm": _swarm,
    "heal-and-check": _heal_and_check,
}
"""By name; what a maker does not fix it draws from the seed. Any ``loss-N`` is possible."""


def scenario(name: str, nodes: int, duration_s: float, seed: int) -> Scenario:
    """The scenario of that name. Raises AmfastError when there is none."""
    maker = SCENARIOS.get(name)
    loss = re.fullmatch(r"loss-([0-9]{1,2})", name)
    if maker is None and loss is not None:
        maker = _loss(int(loss[1]))
    if maker is None:
        raise AmfastError(f"unknown scenario {name!r}; there are {', '.join(SCENARIOS)} and loss-N")
    return maker(nodes, duration_s, stream(seed, "scenario"))
