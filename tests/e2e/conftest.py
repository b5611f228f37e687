"""What every scenario starts with, and what is shown when one fails."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .amtool import Amtool
from .cluster import Cluster, StartCluster
from .programs import Programs, alertmanager_command
from .prometheus import Target, start_prometheus
from .sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

_PROGRAMS = pytest.StashKey[Programs]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "e2e: starts real processes; takes seconds to a minute each")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.failed and _PROGRAMS in item.stash:
        report.sections.extend(item.stash[_PROGRAMS].logs().items())
    return report


@pytest.fixture
def programs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Programs]:
    started = Programs(tmp_path)
    request.node.stash[_PROGRAMS] = started
    yield started
    started.stop()


@pytest.fixture
def sink() -> Iterator[Sink]:
    receiver = Sink()
    yield receiver
    receiver.close()


@pytest.fixture
def watch_with_prometheus(programs: Programs) -> Iterator[Callable[[Cluster], Target]]:
    """Start a Prometheus that sends to a cluster, and return the target it alerts on."""
    target = Target()

    def watch(cluster: Cluster) -> Target:
        start_prometheus(programs, target, cluster)
        return target

    yield watch
    target.close()


@pytest.fixture
def amtool(tmp_path: Path) -> Amtool:
    return Amtool(tmp_path)


@pytest.fixture
def start_cluster(programs: Programs) -> StartCluster:
    """Start nodes of the given kinds with one configuration, and wait until they are one cluster."""

    def start(kinds: Sequence[str], config: str) -> Cluster:
        for kind in kinds:
            alertmanager_command(kind)  # skips here, before anything runs
        cluster = Cluster(programs, kinds, config)
        cluster.start()
        return cluster

    return start
