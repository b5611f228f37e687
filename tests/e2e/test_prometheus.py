"""Three nodes behind a real Prometheus, asked with the real amtool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .compositions import EVERY, MIXED
from .polling import stays_quiet
from .settings import GROUP_INTERVAL_WITH_RESOLVE_S, config_text, quiet_s

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .amtool import Amtool
    from .cluster import Cluster, StartCluster
    from .prometheus import Target
    from .sink import Sink

_RUNS = 5


@pytest.mark.parametrize("kinds", EVERY)
def test_an_alert_that_fires_and_resolves_is_notified_once_each_in_five_runs(
    kinds: Sequence[str],
    start_cluster: StartCluster,
    watch_with_prometheus: Callable[[Cluster], Target],
    sink: Sink,
    amtool: Amtool,
) -> None:
    cluster = start_cluster(kinds, config_text(sink.url(), group_interval_s=GROUP_INTERVAL_WITH_RESOLVE_S))
    target = watch_with_prometheus(cluster)
    cases = [f"run-{i}" for i in range(_RUNS)]
    for case in cases:
        target.break_down(case)
        sink.wait_for(case)
        for node in cluster:
            assert case in amtool.alert_cases(node), f"amtool does not list {case} on {node.name}"
        target.repair(case)
    for case in cases:
        sink.wait_for(case, count=2)
    stays_quiet(quiet_s(len(cluster), GROUP_INTERVAL_WITH_RESOLVE_S))
    assert [sink.statuses(case) for case in cases] == [["firing", "resolved"]] * _RUNS


@pytest.mark.parametrize("kinds", MIXED)
def test_a_silence_added_by_amtool_spreads_and_keeps_its_alert_from_being_notified(
    kinds: Sequence[str],
    start_cluster: StartCluster,
    watch_with_prometheus: Callable[[Cluster], Target],
    sink: Sink,
    amtool: Amtool,
) -> None:
    cluster = start_cluster(kinds, config_text(sink.url()))
    target = watch_with_prometheus(cluster)
    silenced = [f"silenced on {node.name}" for node in cluster]
    for node, case in zip(cluster, silenced, strict=True):
        silence_id = amtool.add_silence(node, f"case={case}")
        for other in cluster:
            other.wait_silence(silence_id, "active")
            assert silence_id in amtool.silence_ids(other)
    for case in [*silenced, "loud"]:
        target.break_down(case)
    for node in cluster:
        assert {node.wait_alert(case)["status"]["state"] for case in silenced} == {"suppressed"}
    sink.wait_for("loud")
    stays_quiet(quiet_s(len(cluster)))
    assert [sink.statuses(case) for case in [*silenced, "loud"]] == [[], [], [], ["firing"]]
