"""Who was seen and who is missing, by address (reference gossip, section 15.8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from amfast.cluster.address import parse_ip, split_host_port

FAILED_MAX = 1024
"""Anybody who reaches the port can invent peers; beyond this many the one missing longest is given up."""

_US = 1_000_000


@dataclass(frozen=True, slots=True)
class FailedPeer:
    """A peer to be tried again; the name is empty as long as it never joined."""

    name: str
    since_us: int


class PeerTable:
    """Failed peers by ``ip:port``, oldest first. Times are monotonic microseconds."""

    def __init__(self) -> None:
        self.failed: dict[str, FailedPeer] = {}
        self.joined_total = self.left_total = self.updated_total = 0
        self._alive: dict[str, str] = {}

    def expect(self, addresses: Iterable[str], own_address: str, now_us: int) -> None:
        """Count the initial peers as failed until they join; names and the own address are left out."""
        for address in addresses:
            host, _ = split_host_port(address, "--cluster.peer")
            if address != own_address and parse_ip(host) is not None:
                self._fail(address, "", now_us)

    def joined(self, name: str, address: str) -> bool:
        """A member came; True when it had been missing."""
        self.joined_total += 1
        self._alive[address] = name
        return self.failed.pop(address, None) is not None

    def left(self, name: str, address: str, now_us: int) -> None:
        """A member left or died; either way it will be tried again.

        Except when it was restarted under a new name and that one already lives at the address.
        """
        successor = self._alive.get(address)
        if successor is None:
            return
        self.left_total += 1
        if successor == name:
            del self._alive[address]
            self._fail(address, name, now_us)

    def updated(self, address: str) -> None:
        """A member changed what it tells about itself."""
        if address in self._alive:
            self.updated_total += 1

    def expire(self, now_us: int, timeout_s: float) -> list[tuple[str, FailedPeer]]:
        """Give up those failed for ``timeout_s`` and return them."""
        old = [item for item in self.failed.items() if item[1].since_us + timeout_s * _US <= now_us]
        for address, _ in old:
            del self.failed[address]
        return old

    def _fail(self, address: str, name: str, now_us: int) -> None:
        self.failed[address] = FailedPeer(name, now_us)
        if len(self.failed) > FAILED_MAX:
            del self.failed[next(iter(self.failed))]
