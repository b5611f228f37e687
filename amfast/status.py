"""What the status API may see of the node."""

from __future__ import annotations

from collections.abc import Sequence

from amfast.cluster.peer import Peer
from amfast.model.labels import Labels
from amfast.model.timestamp import Time
from amfast.running import Running
from amfast.web.ports import ClusterStatus


class StatusViews:
    """What the status API shows of the node."""

    def __init__(self, running: Running, peer: Peer | None, uptime: Time) -> None:
        self._running = running
        self._peer = peer
        self._uptime = uptime

    @property
    def uptime(self) -> Time:
        return self._uptime

    def config_text(self) -> str:
        return self._running.config.original

    def resolve_timeout_ns(self) -> int:
        return self._running.resolve_timeout_ns

    def receivers(self) -> Sequence[tuple[str, Labels]]:
        return [(receiver.name, dict(receiver.labels)) for receiver in self._running.config.receivers]

    def cluster(self) -> ClusterStatus:
        if self._peer is None:
            return ClusterStatus(None, "disabled", ())
        return ClusterStatus(self._peer.name, self._peer.status, self._peer.members())
