"""Free loopback ports."""

from __future__ import annotations

import random
import socket

# Below the kernel's range for outgoing connections, so that no client socket takes a node's port while that
# node is down between two lives.
_LOWEST, _HIGHEST = 15000, 32000
_given: set[int] = set()


def free_port() -> int:
    """A port free for both TCP and UDP on 127.0.0.1, never given twice in one run."""
    chance = random.SystemRandom()
    for _ in range(1000):
        port = chance.randint(_LOWEST, _HIGHEST)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise RuntimeError("no free loopback port found in 1000 tries")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
