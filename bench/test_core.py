"""Packets through the membership core, codec included: 1000 a round. The target is 400,000 a core-second."""

from __future__ import annotations

import pytest
from messages import IP, NAME, OTHER, message
from pytest_benchmark.fixture import BenchmarkFixture

from amfast._ext.frame import pack
from amfast._ext.swim import Core

PACKETS = 1000
USER = b"\x08" + b"".join(b"sil: matchers job=%d instance=host-%d " % (i, i) for i in range(16))[:500]

CASES = {
    "ping, answered": message("ping"),
    "ack that nobody waits for": message("ack"),
    "alive, known": message("alive", Node=OTHER, Incarnation=1),
    "user message of 500 bytes": USER,
    "user message of 500 bytes, compressed": pack([USER], b"", False),
    "compound of a ping, an alive and two accusations": pack(
        [
            message("ping"),
            message("alive", Node=OTHER, Incarnation=1),
            message("suspect", Node=OTHER, Incarnation=0),
            message("dead", Node=OTHER, Incarnation=0),
        ],
        b"",
        False,
    ),
    "compound with a checksum": pack([message("ping"), message("ack")], b"", True),
}


def new_core() -> Core:
    core = Core(name=NAME.decode(), ip=IP, port=9094, seed=1)
    core.start(0)
    core.receive(0, message("alive", Node=OTHER, Incarnation=1), IP, 9094)
    for tick in range(100):  # until all news is out
        core.run(200_000 * tick)
    core.packets()
    return core


@pytest.mark.parametrize("name", CASES)
def test_packets(benchmark: BenchmarkFixture, name: str) -> None:
    core, packet = new_core(), CASES[name]

    def carry() -> None:
        for _ in range(PACKETS):
            core.receive(0, packet, IP, 9094)
        core.packets()
        core.events()

    benchmark(carry)
    assert core.counters()["packets_dropped"] == 0
    if benchmark.stats is not None:
        rate = round(PACKETS / benchmark.stats.stats.median)
        benchmark.extra_info["packets_a_second"] = rate
        print(f"\n{name}: {rate:,} packets a second")
