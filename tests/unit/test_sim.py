"""Simulated clusters live through every scenario without a violation, and every run repeats from its seed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from amfast.sim.faults import Crash, Cut, Pause, Slow, Weather
from amfast.sim.network import Link
from amfast.sim.node import SimNode
from amfast.sim.run import run
from amfast.sim.scenarios import SCENARIOS, Scenario, scenario
from amfast.sim.timing import Timing
from amfast.sim.world import World, seconds

ROOT = Path(__file__).parents[2]
NODES = 30
SECONDS = 120
SEEDS = range(1, 11)
ONCE_FAILED = [
    ("restart-wave", 30, 1, 120),  # the checkers were not told of orderly ends
    ("swarm", 60, 2057, 200),  # a forgotten node came back at an old incarnation that a paused one remembered
    ("swarm", 60, 2062, 200),  # who was suspected while it was down died of that when a paused node woke up
    (
        "swarm",
        60,
        2081,
        200,
    ),  # most of those who should have heard of a refutation were paused, cut off or dead
]
"""Scenario, nodes, seed and seconds of every run that ever had a violation."""


def check(name, nodes, seed, duration_s=SECONDS):
    result = run(scenario(name, nodes, duration_s, seed), seed)
    again = f"python -m amfast.sim {name} --nodes {nodes} --seed {seed} --seconds {duration_s}"
    assert result.violation_texts == (), f"repeat with: {again}"
    return result


@pytest.mark.parametrize("seed", SEEDS)
def test_a_swarm_of_faults_does_no_lasting_harm(seed):
    check("swarm", NODES, seed)


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"swarm"}))
def test_every_named_scenario_passes(name):
    check(name, NODES, seed=1)


@pytest.mark.parametrize("nodes", [2, 3, 5, 12])
def test_small_clusters_live_through_swarms(nodes):
    for seed in SEEDS:
        check("swarm", nodes, seed)


@pytest.mark.parametrize(("name", "nodes", "seed", "duration_s"), ONCE_FAILED)
def test_what_once_failed_passes(name, nodes, seed, duration_s):
    check(name, nodes, seed, duration_s)


# Runs repeat.


def test_equal_seeds_give_equal_digests_and_other_seeds_others():
    first, second, other = (run(scenario("swarm", 12, 30, 5), seed) for seed in (5, 5, 6))
    assert first == second
    assert first.digest != other.digest


@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_the_digest_does_not_depend_on_the_hash_seed_of_the_process(hash_seed):
    here = run(scenario("swarm", 12, 30, 5), 5).digest
    command = [sys.executable, "-m", "amfast.sim", "swarm", "--nodes", "12", "--seed", "5", "--seconds", "30"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split("digest")[1].split()[0] == here


def test_watching_a_run_does_not_change_it():
    plan = scenario("heal-and-check", 9, 30, 2)
    assert run(plan, 2, lambda world: world.disagreements()).digest == run(plan, 2).digest


# What the parts do.


def test_a_crash_is_noticed_by_all_and_measured():
    result = run(Scenario("one crash", 20, 60, (Crash((7,), 10),)), 3)
    (death,) = result.detections
    shortest_us, longest_us = Timing().suspicion_us(20)
    assert death.node == 7
    assert shortest_us / 1e6 <= death.first_s <= death.half_s <= death.all_s <= longest_us / 1e6 + 10
    assert result.false_deaths == result.suspicions == 0


def test_updates_reach_everybody_soon_and_large_ones_too():
    result = run(Scenario("updates", 20, 60, update_every_s=2), 4)
    assert len(result.spreads) == 29
    by_gossip = [spread for spread in result.spreads if spread.all_s < 3.2]
    assert len(by_gossip) > 25
    assert result.stream_bytes > 2 * 19 * 1000


def test_a_node_that_stands_still_is_declared_dead_and_comes_back():
    result = run(Scenario("pause", 10, 60, (Pause((4,), 5, 50),)), 1)
    assert result.false_deaths == 9
    assert result.false_deaths_of_well == 0
    assert result.agreed_s is not None
    assert result.violations == 0


def test_a_short_pause_kills_nobody_whether_input_is_kept_or_lost():
    for keep in (True, False):
        result = run(Scenario("pause", 10, 30, (Pause((4,), 5, 8, keep=keep),)), 1)
        assert result.suspicions > 0
        assert result.false_deaths == 0


def test_everything_is_lost_in_a_cut_and_nothing_after_it():
    result = run(Scenario("cut", 8, 60, (Cut((0, 1), (2, 3, 4, 5, 6, 7), 5, 55),)), 1)
    assert result.false_deaths == 2 * 6 + 6 * 2
    assert result.violations == 0


def test_slow_nodes_are_suspected_but_their_neighbours_are_not_killed():
    result = run(Scenario("slow", 20, 60, (Slow((3, 4), 0, 60),)), 1)
    assert result.suspicions > 0
    assert result.false_deaths_of_well == 0


def test_overlapping_weather_ends_in_a_calm():
    world = World(2, 1, Timing(), Link())
    Weather(1, 3, Link(loss=0.1)).inject(world)
    Weather(2, 4, Link(loss=0.5)).inject(world)
    seen = []
    for at_s in (0.5, 1.5, 2.5, 3.5, 4.5):
        world.timeline.run_until(seconds(at_s))
        seen.append(world.network.link.loss)
    assert seen == [0.0, 0.1, 0.5, 0.5, 0.0]


def test_a_duplicated_and_reordered_packet_arrives_twice():
    world = World(2, 1, Timing(), Link(duplicate=1.0, reorder=1.0))
    got = []

    class Sink:
        index, listening = 1, True

        def packet(self, source, data):
            got.append((world.now_us, source, data))

    world.network.targets = {b"ip": Sink()}
    world.network.send(0, b"x", b"ip")
    world.run_for(seconds(1))
    assert [(source, data) for _, source, data in got] == [(0, b"x")] * 2
    assert got[0][0] != got[1][0]


def test_a_restarted_node_begins_with_nothing_and_gets_everything_back():
    world = World(5, 1, Timing(push_pull_interval_us=5_000_000), Link())
    world.start_warm()
    world.update(0, 10)
    world.run_for(seconds(5))
    world.crash(3)
    node: SimNode = world.nodes[3]
    world.start(3)
    assert node.state.values == {}
    assert node.core.alive_count() == 1
    world.run_for(seconds(5))
    assert list(node.state.values) == ["update1"]
    assert world.agreed()


def test_a_warm_start_is_a_settled_cluster_with_nothing_to_say():
    world = World(50, 1, Timing(), Link())
    world.start_warm()
    assert world.agreed()
    world.run_for(seconds(0.9))
    assert world.network.packets <= 2 * 50  # a ping and an ack each, no gossip


def test_skewed_clocks_count_the_same_seconds_differently():
    drift = run(Scenario("drift", 5, 100, drift_ppm=200_000, update_every_s=1e9), 1)
    steady = run(Scenario("steady", 5, 100, update_every_s=1e9), 1)
    assert abs(steady.packets - 5 * 2 * 100) <= 10
    assert abs(drift.packets - steady.packets) > 10
    assert drift.false_deaths == 0


@pytest.mark.parametrize("nodes", [10, 30, 100, 1000])
def test_the_bounds_follow_from_the_flags(nodes):
    slow, fast = Timing(), Timing(push_pull_interval_us=1_000_000)
    assert fast.false_death_us(nodes) < slow.false_death_us(nodes)
    assert slow.agreed_us(nodes) > slow.detection_us(nodes) > slow.suspicion_us(nodes)[1]
    assert slow.push_pull_us(nodes) == {10: 1, 30: 1, 100: 3, 1000: 6}[nodes] * 60_000_000
