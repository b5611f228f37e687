"""What is known of a server's process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time

from amfast.load.measure import measured
from amfast.load.plan import Plan
from amfast.load.process import cpu_ns, on_core, pid_of, rss_bytes
from amfast.load.run import Outcome
from amfast.load.tally import Tally
from amfast.load.target import Target


def test_the_process_behind_an_address_of_this_machine_is_found():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert pid_of(Target("127.0.0.1", port)) == os.getpid()
        assert pid_of(Target("am.example", port)) is None
    assert pid_of(Target("127.0.0.1", port)) is None


def test_work_shows_as_processor_time_and_memory():
    before_ns = cpu_ns(os.getpid())
    until_ns = time.process_time_ns() + 20_000_000
    while time.process_time_ns() < until_ns:
        pass
    assert cpu_ns(os.getpid()) - before_ns >= 15_000_000
    assert rss_bytes(os.getpid()) > 1 << 20


def test_a_process_that_is_gone_has_cost_nothing():
    assert (cpu_ns(1 << 30), rss_bytes(1 << 30)) == (0, 0)


def test_what_a_server_cost_that_ended_under_way_is_not_known():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as server:

        async def end_it() -> Outcome:
            server.kill()
            server.wait()
            return Outcome(Plan((), alerts=1), 0, 1.0, Tally(), False)

        assert asyncio.run(measured(end_it, server.pid, 0.0)).cost is None


def test_on_a_core_for_a_moment_only():
    own = os.sched_getaffinity(0)
    with contextlib.suppress(RuntimeError), on_core(min(own)):
        inside = os.sched_getaffinity(0)
        raise RuntimeError("left in a hurry")
    assert inside == {min(own)}
    assert os.sched_getaffinity(0) == own
