"""What goes wrong in a run, drawn from its seed: one class of faults at a time, or all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from amfast.sim.contract.config import RECEIVERS
from amfast.sim.contract.disk import Loss
from amfast.sim.contract.receiver import UNCONFIRMED, Mode, Told
from amfast.sim.contract.world import World
from amfast.sim.network import Link

_KEEPS_DISK, _KEEPS_ALL = 0.6, 0.3
_CALLS_MAX = 40
_BOTH_WAYS = 0.7
_DOUBTLESS: tuple[Mode, ...] = ("refuses", "fails", "hangs", "late")

Fault = Callable[[World, Random, float], None]
"""Begins something at once that is over, and mended, after so many seconds at the latest."""


def _crash(world: World, random: Random, lasts_s: float) -> None:
    """Lose a process, at times with its disk or what was not synced, and start it again."""
    index = random.randrange(world.promises.nodes)
    world.crash(index, _loss(random))
    world.later(random.random() * lasts_s, world.start, index)


def _loss(random: Random) -> Loss:
    drawn = random.random()
    return "nothing" if drawn < _KEEPS_ALL else "unsynced" if drawn < _KEEPS_DISK else "everything"


def _crash_writing(world: World, random: Random, lasts_s: float) -> None:
    """Lose a process in the middle of what it does to its disk, at times with what was not synced."""
    index, calls, loss = random.randrange(world.promises.nodes), random.randrange(_CALLS_MAX), _loss(random)
    end_s = world.now_s + lasts_s

    def start_again() -> None:
        world.later(random.random() * (end_s - world.now_s), world.start, index)

    world.later(lasts_s, world.crash_writing(index, calls, loss, start_again))


def _crash_sending(world: World, random: Random, lasts_s: float) -> None:
    """Lose the process that sends next, when the receiver has just taken what it was sent."""
    armed = [True]

    def on_told(told: Told) -> None:
        if armed[0]:
            armed[0] = False
            world.crash(told.node, "unsynced")
            world.later(random.random() * (end_s - world.now_s), world.start, told.node)

    def disarm() -> None:
        armed[0] = False
        world.told_watchers.remove(on_told)

    end_s = world.now_s + lasts_s
    world.told_watchers.append(on_told)
    world.later(lasts_s, disarm)


def _blackout(world: World, random: Random, lasts_s: float) -> None:
    """Lose all processes at once."""
    for index in range(world.promises.nodes):
        world.crash(index, _loss(random))
        world.later(random.random() * lasts_s, world.start, index)


def _upgrade(world: World, random: Random, lasts_s: float) -> None:
    """Restart one node after the other."""
    each_s = lasts_s / world.promises.nodes
    for turn, index in enumerate(random.sample(range(world.promises.nodes), world.promises.nodes)):
        world.later(turn * each_s, world.restart, index, random.random() * each_s / 4)


def _reload(world: World, random: Random, _lasts_s: float) -> None:
    """Have some nodes read the configuration again."""
    world.reload(random.sample(range(world.promises.nodes), random.randint(1, world.promises.nodes)))


def _partition(world: World, random: Random, lasts_s: float) -> None:
    """Cut the cluster in two, at times in one direction only."""
    nodes = world.promises.nodes
    left = random.sample(range(nodes), random.randint(1, nodes - 1))
    right = [index for index in range(nodes) if index not in left]
    world.later(lasts_s, world.cut(left, right))
    if random.random() < _BOTH_WAYS:
        world.later(lasts_s, world.cut(right, left))


def _weather(world: World, random: Random, lasts_s: float) -> None:
    """Lose, double and hold up packets between nodes."""
    if world.troubles.well_since_us("weather") is None:
        return
    link = Link(
        loss=random.random() * 0.5,
        duplicate=random.random() * 0.3,
        reorder=random.random(),
        reorder_us=random.randrange(2_000_000),
    )
    world.later(lasts_s, world.weather(link))


def _clock(world: World, random: Random, lasts_s: float) -> None:
    """Step a wall clock, by less than what alerts bear, and later back."""
    index = random.randrange(world.promises.nodes)
    skew_s = world.promises.skew_s
    world.set_clock(index, random.uniform(-skew_s, skew_s))
    world.later(lasts_s, world.set_clock, index, 0.0)


def _receiver(world: World, random: Random, lasts_s: float) -> None:
    """Have a receiver refuse, fail, hang, or answer late, without a doubt about what it took."""
    _trouble(world, random, random.choice(_DOUBTLESS), lasts_s)


def _unconfirming(world: World, random: Random, lasts_s: float) -> None:
    """Have a receiver take what it is sent without saying so."""
    _trouble(world, random, random.choice(sorted(UNCONFIRMED)), lasts_s)


def _trouble(world: World, random: Random, mode: Mode, lasts_s: float) -> None:
    name = random.choice(RECEIVERS)
    if world.troubles.well_since_us("receiver", name) is None:
        return
    late_s = random.random() * world.promises.answer_s * 0.95
    world.later(lasts_s, world.trouble_receiver(name, mode, late_s))


def _unreachable(world: World, random: Random, lasts_s: float) -> None:
    """Keep some nodes from reaching a receiver."""
    name, nodes = random.choice(RECEIVERS), world.promises.nodes
    for index in random.sample(range(nodes), random.randint(1, nodes - 1)):
        if world.troubles.well_since_us("out", index, name) is not None:
            world.later(lasts_s, world.cut_off(name, index))


def _deaf(world: World, random: Random, lasts_s: float) -> None:
    """Keep a Prometheus from reaching some nodes."""
    sender, nodes = random.randrange(len(world.senders)), world.promises.nodes
    for index in random.sample(range(nodes), random.randint(1, nodes - 1)):
        if world.troubles.well_since_us("heard", sender, index) is not None:
            world.later(lasts_s, world.deafen(sender, index))


FAULTS: Final[Mapping[str, tuple[Fault, ...]]] = {
    "calm": (),
    "reloads": (_reload,),
    "crashes": (_crash, _crash_sending),
    "disks": (_crash_writing,),
    "blackouts": (_blackout,),
    "upgrades": (_upgrade,),
    "partitions": (_partition,),
    "losses": (_weather,),
    "clocks": (_clock,),
    "receivers": (_receiver, _unreachable),
    "unconfirmed": (_unconfirming,),
    "deaf": (_deaf,),
}
CHAOS: Final = tuple(fault for faults in FAULTS.values() for fault in faults)
NAMES: Final = (*FAULTS, "chaos")

_FIRST_S = 120.0
_PAUSE_S_MAX = 120.0
_LASTS_S_MAX = 240.0


def plan(world: World, name: str, end_s: float, random: Random) -> None:
    """Draw faults of a class until ``end_s``, when all are over."""
    faults = CHAOS if name == "chaos" else FAULTS[name]
    at_s = _FIRST_S
    while faults and at_s < end_s - 1:
        lasts_s = min(5 + random.random() * _LASTS_S_MAX, end_s - at_s)
        fault = random.choice(faults)
        world.at(at_s, fault, world, Random(random.getrandbits(64)), lasts_s)  # noqa: S311 - repeatable
        at_s += 5 + random.random() * _PAUSE_S_MAX
