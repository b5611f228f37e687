"""Several nodes that know each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .node import Node
from .polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .programs import Programs
    from .sink import Notification


class Cluster:
    """Nodes of the given kinds; every node has the same configuration and all others as peers."""

    def __init__(self, programs: Programs, kinds: Sequence[str], config: str) -> None:
        self.nodes = [Node(programs, f"node-{i}", kind, config) for i, kind in enumerate(kinds)]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, index: int) -> Node:
        return self.nodes[index]

    def start(self) -> None:
        """Start all at once and wait until each sees all."""
        for node in self.nodes:
            node.start([other.gossip_address for other in self.nodes if other is not node])
        for node in self.nodes:
            node.wait_ready(len(self.nodes))
        eventually(
            lambda: sorted(node.position() for node in self.nodes) == list(range(len(self.nodes))),
            "every node has its own position",
        )

    def others(self, than: Node) -> list[Node]:
        return [node for node in self.nodes if node is not than]

    def by_position(self) -> list[Node]:
        """The nodes in the order in which they would notify."""
        return sorted(self.nodes, key=Node.position)

    def sender_of(self, notification: Notification) -> Node:
        return next(node for node in self.nodes if node.http_port == notification.port_of_sender)

    def post_alert(self, alert: dict[str, Any]) -> None:
        """What Prometheus does: the same alert to every node that runs."""
        for node in self.nodes:
            if node.program.is_running:
                node.api.post_alerts(alert)


StartCluster = Callable[[Sequence[str], str], Cluster]
