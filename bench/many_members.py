"""What an idle node costs among 10, 100 and 1000 members; the others are one process (crowd.py) that speaks for all."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from processes import Machine, Node, cpu_ns, free_port, kinds, memory_kib, status, wait_for

SIZES = (10, 100, 1000)
PASSED_ON_TIMEOUT_S = 240.0


def measured(machine: Machine, kind: str, size: int, seconds: int) -> tuple[float, float, float]:
    """Microseconds of processor time a second, and MiB of RSS and PSS."""
    node = machine.node(kind)
    wait_for(lambda: bool(status(node)["peers"]), 30)
    crowd = _crowd(node, size - 1)
    try:
        wait_for(lambda: len(status(node)["peers"]) == size, 60)
        assert crowd.stdout is not None
        if crowd.stdout.readline() != b"idle\n":
            raise RuntimeError("the crowd ended by itself")
        before_ns, started_s = cpu_ns(node.pid), time.monotonic()
        time.sleep(seconds)
        busy_us = (cpu_ns(node.pid) - before_ns) / 1000 / (time.monotonic() - started_s)
        rss, pss = memory_kib(node.pid)
        if len(status(node)["peers"]) != size:
            raise RuntimeError(f"only {len(status(node)['peers'])} members of {size} were left at the end")
    finally:
        crowd.communicate()  # the end of its input ends it
    return busy_us, rss / 1024, pss / 1024


def _crowd(node: Node, size: int) -> subprocess.Popen[bytes]:
    program = str(Path(__file__).with_name("crowd.py"))
    name = str(status(node)["name"])
    return subprocess.Popen(
        [sys.executable, program, str(size), str(free_port()), name, str(node.gossip_port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20)
    chosen = parser.parse_args()
    print(f"{chosen.seconds} seconds each, after all news of the members was passed on")
    for size in SIZES:
        for kind in kinds():
            with Machine() as machine:
                busy_us, rss, pss = measured(machine, kind, size, chosen.seconds)
            print(
                f"{kind:7} among {size:4} members: {busy_us:6.0f} us of processor time a second, "
                f"RSS {rss:.1f} MiB, PSS {pss:.1f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main()
