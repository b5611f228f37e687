"""Nodes that die, hang or cannot deliver: still one notification for one alert."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from .api import alert
from .compositions import EVERY, HOMOGENEOUS, MIXED
from .polling import stays_quiet
from .settings import PEER_TIMEOUT_S, config_text, quiet_s
from .sink import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cluster import StartCluster
    from .sink import Sink

_LONG_GROUP_WAIT_S = 3


@pytest.mark.parametrize("kinds", EVERY)
def test_when_the_first_to_notify_is_killed_before_its_turn_another_notifies_once(
    kinds: Sequence[str], start_cluster: StartCluster, sink: Sink
) -> None:
    cluster = start_cluster(kinds, config_text(sink.url(), group_wait_s=_LONG_GROUP_WAIT_S))
    first = cluster.by_position()[0]
    posted_s = time.monotonic()
    cluster.post_alert(alert("orphan"))
    for node in cluster:
        node.wait_alert("orphan")
    first.kill()
    assert time.monotonic() - posted_s < _LONG_GROUP_WAIT_S, "this machine was too slow for the scenario"
    second = cluster.sender_of(sink.wait_for("orphan"))
    stays_quiet(quiet_s(len(cluster)))
    assert sink.statuses("orphan") == ["firing"]
    assert second is not first


@pytest.mark.parametrize("kinds", HOMOGENEOUS)
def test_when_the_first_to_notify_is_killed_while_it_sends_another_notifies_once(
    kinds: Sequence[str], start_cluster: StartCluster, sink: Sink
) -> None:
    cluster = start_cluster(kinds, config_text(sink.url()))
    first = cluster.by_position()[0]
    sink.plan(Answer(status=None, after_s=60))
    cluster.post_alert(alert("cut off"))
    assert cluster.sender_of(sink.wait_for("cut off")) is first
    first.kill()
    assert cluster.sender_of(sink.wait_for("cut off", count=2)) is not first
    stays_quiet(quiet_s(len(cluster)))
    assert [one.status for one in sink.of("cut off")] == [None, 200]


@pytest.mark.parametrize("kinds", HOMOGENEOUS)
def test_a_receiver_that_fails_and_then_is_slow_gets_one_complete_notification(
    kinds: Sequence[str], start_cluster: StartCluster, sink: Sink
) -> None:
    cluster = start_cluster(kinds, config_text(sink.url()))
    sink.plan(Answer(status=503), Answer(status=200, after_s=PEER_TIMEOUT_S / 4))
    cluster.post_alert(alert("flaky"))
    sink.wait_for("flaky", count=2)
    stays_quiet(quiet_s(len(cluster)))
    assert [one.status for one in sink.of("flaky")] == [503, 200]


@pytest.mark.parametrize("victim", [0, 1, 2])
@pytest.mark.parametrize("kinds", MIXED)
def test_two_of_a_mixed_cluster_notify_a_new_alert_once_whichever_third_is_dead(
    kinds: Sequence[str], victim: int, start_cluster: StartCluster, sink: Sink
) -> None:
    cluster = start_cluster(kinds, config_text(sink.url()))
    cluster.post_alert(alert("while whole"))
    cluster.sender_of(sink.wait_for("while whole")).wait_next_flush()
    cluster[victim].kill()
    for node in cluster.others(cluster[victim]):
        node.wait_members(2)
    cluster.post_alert(alert("while one is dead"))
    sink.wait_for("while one is dead")
    stays_quiet(quiet_s(len(cluster)))
    assert sink.statuses("while whole") == ["firing"]
    assert sink.statuses("while one is dead") == ["firing"]


def test_a_node_that_stood_still_hears_what_was_told_meanwhile_before_it_speaks(
    start_cluster: StartCluster, sink: Sink
) -> None:
    cluster = start_cluster(
        ["amfast", "amfast"], config_text(sink.url(), group_wait_s=1, group_interval_s=30)
    )
    first, second = cluster.by_position()
    cluster.post_alert(alert("paused"))
    first.program.signal(signal.SIGSTOP)  # its turn comes while it stands still
    assert cluster.sender_of(sink.wait_for("paused")) is second
    time.sleep(0.3)  # by now it is in the first one's buffers that this was told
    first.program.signal(signal.SIGCONT)
    stays_quiet(quiet_s(2))
    assert sink.statuses("paused") == ["firing"]
