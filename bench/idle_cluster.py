"""What a node costs that has nothing to do, in a cluster of ten: half of them ours, half Go where there is one.

All run at the same time on the same machine and hear the same gossip, so that their costs compare.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence

from processes import Machine, Node, cpu_ns, kinds, memory_kib, wait_for_members

NODES = 10
SETTLE_S = 15.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    chosen = parser.parse_args()
    with Machine() as machine:
        nodes = start_cluster(machine)
        wait_for_members(nodes, NODES)
        time.sleep(SETTLE_S)
        before_ns = {node.pid: cpu_ns(node.pid) for node in nodes}
        started_s = time.monotonic()
        time.sleep(chosen.seconds)
        seconds = time.monotonic() - started_s
        busy = {node.pid: (cpu_ns(node.pid) - before_ns[node.pid]) / seconds for node in nodes}
        memory = {node.pid: memory_kib(node.pid) for node in nodes}
        wait_for_members(nodes, NODES)
    print(f"a cluster of {NODES} with nothing to do, {chosen.seconds} seconds; medians over the nodes")
    of_go = 0.0
    for kind in reversed(list(kinds())):
        pids = [node.pid for node in nodes if node.kind == kind]
        median_us = statistics.median(busy[pid] for pid in pids) / 1000
        of_go = of_go or median_us
        rss, pss = (statistics.median(memory[pid][i] for pid in pids) / 1024 for i in (0, 1))
        print(
            f"{kind:7} {median_us:7.0f} us of processor time a second, {median_us / of_go:.2f} of {next_to(kind)}; "
            f"RSS {rss:.1f} MiB, PSS {pss:.1f} MiB"
        )


def next_to(kind: str) -> str:
    return "itself" if len(list(kinds())) == 1 or kind == "go" else "go"


def start_cluster(machine: Machine) -> Sequence[Node]:
    """Ours and Go's alternate; every one joins the first."""
    available = list(kinds())
    nodes: list[Node] = []
    for number in range(NODES):
        peers = [nodes[0].gossip_address] if nodes else []
        nodes.append(machine.node(available[number % len(available)], peers))
        time.sleep(0.3)
    return nodes


if __name__ == "__main__":
    main()
