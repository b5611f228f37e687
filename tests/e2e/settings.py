"""The times all scenarios share, short but wide apart, and the configuration made of them.

Two distances keep "exactly one" true on a busy machine. A later position must outwait an earlier one's whole
send (peer timeout), and its wait must be over before the next flush can send a resolve (group interval above
two peer timeouts); otherwise the protocol itself, in any implementation, allows a second notification.
"""

from __future__ import annotations

PEER_TIMEOUT_S = 2
GROUP_WAIT_S = 1
GROUP_INTERVAL_S = 1  # where nothing is resolved
GROUP_INTERVAL_WITH_RESOLVE_S = 3 * PEER_TIMEOUT_S
SPREAD_S = 2.0  # in which a silence must have reached every node
RSS_GROWTH_MAX_KIB = 30 * 1024

CLUSTER_FLAGS = (
    f"--cluster.peer-timeout={PEER_TIMEOUT_S}s",
    "--cluster.gossip-interval=25ms",
    "--cluster.pushpull-interval=5s",
    "--cluster.probe-interval=1s",
    "--cluster.probe-timeout=500ms",
    "--cluster.settle-timeout=5s",
    "--cluster.reconnect-interval=1s",
)


def quiet_s(nodes: int, group_interval_s: int = GROUP_INTERVAL_S) -> float:
    """Seconds after a notification in which a second one would have come.

    Every position's wait, one more flush and some scheduling.
    """
    return PEER_TIMEOUT_S * (nodes - 1) + group_interval_s + 1.5


def config_text(
    webhook_url: str, *, group_wait_s: int = GROUP_WAIT_S, group_interval_s: int = GROUP_INTERVAL_S
) -> str:
    return f"""\
route:
  receiver: people
  group_by: [alertname, case]
  group_wait: {group_wait_s}s
  group_interval: {group_interval_s}s
  repeat_interval: 1h
receivers:
- name: people
  webhook_configs:
  - url: {webhook_url}
    send_resolved: true
"""
