"""What the cluster part tells about itself (reference gossip, section 15.9; reference metrics, section 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from amfast.cluster.node import Node
from amfast.model.metric import Family, single

_PREFIX = "alertmanager_cluster_"


@dataclass(slots=True)
class JoinCounters:
    """Attempts to join after the start, by cause and outcome."""

    reconnected: int = 0
    reconnect_failed: int = 0
    refreshed: int = 0
    refresh_failed: int = 0


def families(node: Node, joins: JoinCounters) -> Iterator[Family]:
    """All families of the cluster part."""
    yield from _gauges(node)
    yield from _counters(node, joins)
    yield from _traffic(node)
    yield Family(
        _PREFIX + "alive_messages_total",
        "counter",
        "Alive messages received, by the peer they are about.",
        [((peer,), count) for peer, count in node.alive_messages.items()],
        ("peer",),
    )
    yield Family(
        _PREFIX + "pings_seconds",
        "histogram",
        "Round trips of pings, by peer.",
        [((peer,), histogram) for peer, histogram in node.pings.items()],
        ("peer",),
    )
    yield from _oversize(node)


def _gauges(node: Node) -> Iterator[Family]:
    yield Family(
        _PREFIX + "peer_info",
        "gauge",
        "Always 1; the label is this node's name.",
        [((node.name,), 1)],
        ("peer",),
    )
    yield single(_PREFIX + "failed_peers", "gauge", "Peers that are missing.", len(node.peers.failed))
    yield single(
        _PREFIX + "members", "gauge", "Members of the cluster, this one included.", len(node.members())
    )
    yield single(
        "alertmanager_peer_position", "gauge", "This node's place among the members by name.", node.position()
    )
    yield single(
        _PREFIX + "health_score",
        "gauge",
        "How badly this node hears the others; 0 is healthy.",
        node.core.health_score(),
    )
    yield single(
        _PREFIX + "messages_queued",
        "gauge",
        "Updates waiting to be gossiped.",
        node.core.queued_user_messages(),
    )


def _counters(node: Node, joins: JoinCounters) -> Iterator[Family]:
    for name, help_text, value in (
        ("reconnections_total", "Successful attempts to join a failed peer.", joins.reconnected),
        ("reconnections_failed_total", "Failed attempts to join a failed peer.", joins.reconnect_failed),
        ("refresh_join_total", "Successful joins of a configured address not yet a member.", joins.refreshed),
        ("refresh_join_failed_total", "Failed joins of a configured address.", joins.refresh_failed),
        ("peers_joined_total", "Members that came.", node.peers.joined_total),
        ("peers_left_total", "Members that left or died.", node.peers.left_total),
        ("peers_update_total", "Members that changed what they tell.", node.peers.updated_total),
        ("peer_name_conflicts_total", "Times that two nodes claimed one name.", node.conflicts),
        ("messages_pruned_total", "Updates dropped because too many were queued.", node.pruned),
    ):
        yield single(_PREFIX + name, "counter", help_text, value)


def _traffic(node: Node) -> Iterator[Family]:
    full, update = node.channels.full_state, node.channels.update
    counters = node.core.counters()
    for name, help_text, full_value, update_value in (
        ("received_total", "Messages received.", full.received, update.received),
        ("received_size_total", "Bytes of messages received.", full.received_bytes, update.received_bytes),
        ("sent_total", "Messages sent.", full.sent, counters["user_messages_sent"]),
        ("sent_size_total", "Bytes of messages sent.", full.sent_bytes, counters["user_bytes_sent"]),
    ):
        samples = [(("full_state",), full_value), (("update",), update_value)]
        yield Family(_PREFIX + "messages_" + name, "counter", help_text, samples, ("msg_type",))


def _oversize(node: Node) -> Iterator[Family]:
    channels = tuple(node.channels.by_key.values())
    for name, attribute, help_text in (
        ("sent", "oversize_sent", "Updates too large for gossip, one per member they were sent to."),
        ("failure", "oversize_failed", "Updates too large for gossip that could not be sent to a member."),
        ("dropped", "oversize_dropped", "Updates too large for gossip dropped because the queue was full."),
    ):
        samples = [((channel.key,), getattr(channel, attribute)) for channel in channels]
        yield Family(
            f"alertmanager_oversized_gossip_message_{name}_total", "counter", help_text, samples, ("key",)
        )
    yield Family(
        "alertmanager_oversize_gossip_message_duration_seconds",
        "histogram",
        "How long sending an update too large for gossip took.",
        [((channel.key,), channel.oversize_seconds) for channel in channels],
        ("key",),
    )
