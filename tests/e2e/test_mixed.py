"""Nodes of both kinds as one cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .api import alert, matcher, silence
from .compositions import MIXED
from .polling import stays_quiet
from .settings import config_text, quiet_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cluster import Cluster, StartCluster
    from .sink import Sink


def _everywhere(cluster: Cluster, silence_id: str, state: str) -> None:
    for node in cluster:
        node.wait_silence(silence_id, state)


@pytest.mark.parametrize("kinds", MIXED)
def test_nodes_of_both_kinds_notify_once_and_share_silences_and_members(
    kinds: Sequence[str], start_cluster: StartCluster, sink: Sink
) -> None:
    cluster = start_cluster(kinds, config_text(sink.url()))
    cluster.post_alert(alert("shared"))
    sink.wait_for("shared")

    own_names = [node.api.status()["cluster"]["name"] for node in cluster]
    addresses = [node.gossip_address for node in cluster]
    for node in cluster:
        assert node.api.members() == dict(zip(own_names, addresses, strict=True))

    for node in cluster:
        silence_id = node.api.add_silence(silence(matcher("case", f"from {node.name}")))
        _everywhere(cluster, silence_id, "active")
        assert len({str(other.api.silences()[silence_id]["matchers"]) for other in cluster}) == 1
        expirer = cluster.others(node)[-1]
        expirer.api.expire_silence(silence_id)
        _everywhere(cluster, silence_id, "expired")

    large = silence(*(matcher("case", f"{i}-{'x' * 60}", is_equal=False) for i in range(50)))
    for node in cluster:
        _everywhere(cluster, node.api.add_silence(large), "active")

    stays_quiet(quiet_s(len(cluster)))
    assert sink.statuses("shared") == ["firing"]
