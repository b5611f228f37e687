"""The settings of a run and what its alerts do, drawn from the seed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from random import Random

from amfast.sim.contract.prometheus import Rule
from amfast.sim.contract.promises import Promises
from amfast.sim.contract.world import World

_SEVERITIES = ("page", "critical", "warning", "warning", "info")
_SERVICES = ("api", "db")
_MAINTENANCE_S = 300.0
_STATE_S_MEAN = 400.0
_SILENCE_S_MAX = 500.0
_SILENCES_EVERY_S = 400.0
_PROMETHEUS_WRONG_S_MAX = 3.0


def draw_promises(random: Random, nodes: int | None = None) -> Promises:
    """Flags and configuration, about half of them with a start delay that makes sure of resolutions."""
    drawn = Promises(
        nodes=nodes or random.choice((2, 3, 3, 3, 4, 5, 6, 7, 9)),
        group_wait_s=random.choice((0.0, 5.0, 30.0)),
        group_interval_s=random.choice((30.0, 60.0, 120.0, 300.0)),
        repeat_interval_s=random.choice((300.0, 900.0, 3600.0)),
        peer_timeout_s=random.choice((3.0, 5.0, 15.0)),
        settle_timeout_s=random.choice((10.0, 60.0)),
        maintenance_s=_MAINTENANCE_S,
        answer_s=random.choice((2.0, 10.0)),
        evaluation_s=random.choice((15.0, 30.0, 60.0)),
    )
    return replace(drawn, start_delay_s=random.choice((0.0, drawn.learned_s)))


def add_senders(world: World, random: Random, end_s: float) -> None:
    """Two Prometheus servers, out of step, whose alerts share their groups."""
    for server in range(2):
        rules = [
            Rule(
                {
                    "alertname": f"Rule{server}{number}",
                    "service": random.choice(_SERVICES),
                    "severity": random.choice(_SEVERITIES),
                },
                _changes(random, end_s),
            )
            for number in range(random.randint(2, 4))
        ]
        wrong_s = random.uniform(-_PROMETHEUS_WRONG_S_MAX, _PROMETHEUS_WRONG_S_MAX)
        world.add_sender(rules, 60 + random.random() * world.promises.evaluation_s, wrong_s)


def _changes(random: Random, end_s: float) -> Callable[[float], bool]:
    """Off and on in turn."""
    times_s = [60 + random.random() * 200]
    while times_s[-1] < end_s:
        times_s.append(times_s[-1] + 10 + random.expovariate(1 / _STATE_S_MEAN))
    return lambda now_s: bisect_right(times_s, now_s) % 2 == 1


def add_operators(world: World, random: Random, end_s: float) -> None:
    """People who silence services and single alerts now and then, at any node."""
    at_s = 100 + random.random() * _SILENCES_EVERY_S
    while at_s < end_s:
        name, value = random.choice(
            [
                ("service", random.choice(_SERVICES)),
                *(("alertname", rule.labels["alertname"]) for rule in world.rules()),
            ]
        )
        index = random.randrange(world.promises.nodes)
        world.at(at_s, world.silence, index, name, value, 20 + random.random() * _SILENCE_S_MAX)
        at_s += random.expovariate(1 / _SILENCES_EVERY_S)
