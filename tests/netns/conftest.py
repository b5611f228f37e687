"""A network of hosts for each test, and the test itself as one more host on it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import programs, pytest_runtest_makereport
from tests.e2e.node import Node, Place
from tests.e2e.programs import alertmanager_command
from tests.e2e.sink import Sink

from .hosts import Host, why_not
from .switch import Switch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.e2e.programs import Programs

__all__ = ["programs", "pytest_runtest_makereport"]

_WEB_PORT, _GOSSIP_PORT = 9093, 9094
_OBSERVER = 254


@dataclass(frozen=True)
class Network:
    """Hosts behind a switch; ``sink`` is on the observer, whose links are always whole."""

    hosts: Sequence[Host]
    switch: Switch
    sink: Sink


@pytest.fixture
def network(request: pytest.FixtureRequest) -> Iterator[Network]:
    """Five hosts. AMFAST_E2E_SEED repeats a run's losses."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    seed = int(os.environ.get("AMFAST_E2E_SEED", "20261122"))
    request.node.add_report_section("call", "network", f"repeat with AMFAST_E2E_SEED={seed}")
    with contextlib.ExitStack() as stack:
        hosts = []
        for number in (*range(1, 6), _OBSERVER):
            hosts.append(Host(number))
            stack.callback(hosts[-1].remove)
        switch = Switch(hosts, seed)
        stack.callback(switch.close)
        stack.enter_context(hosts[-1].entered())
        sink = Sink(hosts[-1].ip)
        stack.callback(sink.close)
        yield Network(hosts[:-1], switch, sink)


@pytest.fixture
def start_nodes(programs: Programs):
    """Start one node a host, of the given kinds, each with all others as peers, and wait until they are one."""

    def start(network: Network, kinds: Sequence[str], config: str) -> list[Node]:
        nodes = []
        for host, kind in zip(network.hosts, kinds, strict=True):
            alertmanager_command(kind)  # skips here, before anything runs
            place = Place(host.ip, _WEB_PORT, _GOSSIP_PORT, tuple(host.prefix))
            nodes.append(Node(programs, f"host-{host.number}", kind, config, place=place))
        for node in nodes:
            node.start([other.gossip_address for other in nodes if other is not node])
        for node in nodes:
            node.wait_ready(len(nodes))
        return nodes

    return start
