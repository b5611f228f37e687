"""Nodes whose gossip ports are fed with rubbish. Only ever nodes of our own kind."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import socket
import time
from typing import TYPE_CHECKING

from .api import alert, matcher, silence
from .hostile import packets, streams
from .settings import RSS_GROWTH_MAX_KIB, config_text

if TYPE_CHECKING:
    from .cluster import Cluster, StartCluster
    from .node import Node
    from .sink import Sink

_PACKETS_PER_NODE = 650
_STREAMS_PER_NODE = 60
_PAUSE_S = 0.002  # leaves the nodes' socket buffers room for their own packets


def _pelt(node: Node, chance: random.Random) -> None:
    with contextlib.ExitStack() as half_open:
        for first_bytes in streams(chance, _STREAMS_PER_NODE):
            stream = half_open.enter_context(socket.create_connection(("127.0.0.1", node.gossip_port), 5))
            with contextlib.suppress(OSError):  # refused half way: its good right
                stream.sendall(first_bytes)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            for packet in packets(chance, _PACKETS_PER_NODE):
                datagrams.sendto(packet, ("127.0.0.1", node.gossip_port))
                time.sleep(_PAUSE_S)


def _silence_spreads(cluster: Cluster, case: str) -> None:
    silence_id = cluster[0].api.add_silence(silence(matcher("case", case)))
    for node in cluster:
        node.wait_silence(silence_id, "active")


def test_rubbish_at_the_gossip_ports_neither_stops_nor_swells_nor_splits_a_cluster(
    start_cluster: StartCluster, sink: Sink
) -> None:
    seed = int(os.environ.get("AMFAST_E2E_SEED") or random.SystemRandom().randrange(2**32))
    logging.getLogger(__name__).warning("repeat with AMFAST_E2E_SEED=%d", seed)
    cluster = start_cluster(("amfast",) * 3, config_text(sink.url()))
    members = cluster[0].api.members()
    _silence_spreads(cluster, "before")
    before_kib = [node.resident_kib() for node in cluster]

    for node in cluster:
        _pelt(node, random.Random(seed))

    for node in cluster:
        assert node.program.is_running, f"{node.name} ended"
        assert node.api.members() == members, f"{node.name} sees other members"
    _silence_spreads(cluster, "after")
    growth_kib = [node.resident_kib() - old for node, old in zip(cluster, before_kib, strict=True)]
    assert max(growth_kib) < RSS_GROWTH_MAX_KIB, f"resident memory grew by {growth_kib} KiB"
    cluster.post_alert(alert("still awake"))
    sink.wait_for("still awake")
