"""Processor time for one ping answered, end to end, beside the bare system calls and beside a Go node.

A generator on one core keeps up to 256 pings under way to one process on the other core. The three are measured in
turns, so that what else the machine does falls on all of them. Needs Linux and a C compiler.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
from pathlib import Path

from processes import Machine, Node, cpu_ns, free_port, kinds, status, wait_for

from amfast._ext.wire import encode_body

PINGS = 100_000
PLACE_OF_SEQ_NO = 0x7FABCDEF
ACK_BYTES = len(b"\x02" + encode_body(2, {"SeqNo": PLACE_OF_SEQ_NO, "Payload": b""}))
NODE_CORE, LOAD_CORE = 0, 1


def ping_to(name: str, own_port: int) -> bytes:
    """A ping as a member sends it, to be answered to ``own_port``."""
    fields = {
        "Node": name.encode(),
        "SeqNo": PLACE_OF_SEQ_NO,
        "SourceAddr": b"\x7f\x00\x00\x01",
        "SourceNode": b"01JZ0000000000000000000000",
        "SourcePort": own_port,
    }
    return b"\x00" + encode_body(0, fields)


class Bench:
    """The generator and those under test."""

    def __init__(self, machine: Machine, pings: int) -> None:
        self.pings = pings
        self.program = str(machine.folder / "load")
        source = Path(__file__).with_name("gossip_load.c")
        compiler = shutil.which("cc") or "gcc"
        subprocess.run([compiler, "-O2", "-o", self.program, str(source)], check=True)
        echo_port = free_port()
        self.under_test: dict[str, tuple[int, int, str]] = {
            "system calls": (
                machine.start([self.program, "echo", str(echo_port), str(ACK_BYTES)], NODE_CORE),
                echo_port,
                "01JZ0000000000000000000001",
            )
        }
        for kind in kinds():
            node = machine.node(kind, core=NODE_CORE, environment={"GOMAXPROCS": "1"})
            self.under_test[kind] = (node.pid, node.gossip_port, _name(node))

    def ns_per_ping(self, who: str) -> float:
        """One run. Raises RuntimeError when too many pings were lost to say anything."""
        pid, port, name = self.under_test[who]
        own_port = free_port()
        ping = ping_to(name, own_port)
        seq_at = ping.index(PLACE_OF_SEQ_NO.to_bytes(4, "big"))
        command = [
            *("taskset", "-c", str(LOAD_CORE), self.program),
            *("load", str(port), str(own_port), str(self.pings), ping.hex(), str(seq_at)),
        ]
        before_ns = cpu_ns(pid)
        ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        spent_ns = cpu_ns(pid) - before_ns
        answered, lost = map(int, ran.stdout.split())
        if lost > self.pings // 20:
            raise RuntimeError(f"{who}: {lost} of {self.pings} pings were not answered")
        return spent_ns / answered


def _name(node: Node) -> str:
    wait_for(lambda: bool(status(node)["peers"]), 30)
    return str(status(node)["name"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pings", type=int, default=PINGS, help="in each run")
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    if os.cpu_count() == 1:
        raise SystemExit("two cores are needed: one for the pings, one for the node")
    with Machine() as machine:
        bench = Bench(machine, chosen.pings)
        runs: dict[str, list[float]] = {who: [] for who in bench.under_test}
        for who in bench.under_test:
            bench.ns_per_ping(who)  # warms up
        for _ in range(chosen.rounds):
            for who, taken in runs.items():
                taken.append(bench.ns_per_ping(who))
    floor = statistics.median(runs["system calls"])
    print(f"{chosen.rounds} rounds of {chosen.pings} pings each; processor time, user and system")
    for who, taken in runs.items():
        median = statistics.median(taken)
        print(
            f"{who:13} {median:7.0f} ns a ping (from {min(taken):.0f} to {max(taken):.0f}), "
            f"{1e9 / median:9,.0f} pings a core-second, {median / floor:.2f} of the system calls"
        )


if __name__ == "__main__":
    main()
