"""What the operator chose about clustering."""

from __future__ import annotations

from dataclasses import dataclass

from amfast.config.cluster_tls import ClusterTls


@dataclass(frozen=True, slots=True)
class Options:
    """The ``--cluster.*`` flags (reference flags; reference gossip, section 14). Durations are seconds."""

    listen_address: str
    """``host:port`` for UDP and TCP; an empty host listens on every address."""
    advertise_address: str = ""
    """``ip:port`` that the others are told, or empty to find one."""
    peers: tuple[str, ...] = ()
    """``host:port`` of members to join first."""
    peer_name: str = ""
    """Name in the cluster, or empty for a new ULID."""
    peer_timeout_s: float = 15.0
    """How long a notification waits for each position before this node's; used by the notification stages."""
    peers_resolve_timeout_s: float = 15.0
    gossip_interval_s: float = 0.2
    push_pull_interval_s: float = 60.0
    tcp_timeout_s: float = 10.0
    probe_timeout_s: float = 0.5
    probe_interval_s: float = 1.0
    settle_timeout_s: float = 60.0
    """The longest wait for a settled cluster; zero or less does not wait at all."""
    reconnect_interval_s: float = 10.0
    reconnect_timeout_s: float = 21_600.0
    label: str = ""
    """At most 255 bytes; nodes with another label stay out."""
    allow_insecure_public_advertise: bool = False
    tls: ClusterTls | None = None
    """How gossip is protected; None sends it in the clear."""
