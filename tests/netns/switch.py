"""The network between hosts: an Ethernet switch in a thread, which loses, delays and cuts as it is told.

It stands in for tc and nftables, whose kernel parts many machines lack; the hosts' own stacks are the real ones.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import random
import select
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .hosts import Host

_FRAME_BYTES_MAX = 65_536
_MAC_BYTES = 6
_WAIT_MAX_S = 0.05


@dataclass(frozen=True)
class Link:
    """What happens to frames from one host to another."""

    loss: float = 0.0
    delay_s: float = 0.0


class Switch:
    """Forwards frames between hosts until it is closed."""

    def __init__(self, hosts: Sequence[Host], seed: int) -> None:
        self._hosts = {host.number: host for host in hosts}
        self._random = random.Random(seed)
        self._links: dict[tuple[int, int], Link] = {}
        self._waiting: list[tuple[float, int, Host, bytes]] = []
        self._order = itertools.count()
        self.lost = 0
        """Frames that a link has swallowed so far."""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._forward)
        self._thread.start()

    def set_links(self, group: Iterable[Host], link: Link) -> None:
        """Give every link between two hosts of the group, both ways, this quality."""
        for a, b in itertools.permutations(group, 2):
            self._links[a.number, b.number] = link

    def cut(self, one: Iterable[Host], other: Iterable[Host]) -> None:
        """Let nothing pass between two groups."""
        for a, b in itertools.product(list(one), list(other)):
            self._links[a.number, b.number] = self._links[b.number, a.number] = Link(loss=1.0)

    def heal(self) -> None:
        """Make every link perfect."""
        self._links.clear()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _forward(self) -> None:
        by_tap = {host.tap: host for host in self._hosts.values()}
        poll = select.poll()
        for tap in by_tap:
            poll.register(tap, select.POLLIN)
        while not self._closing.is_set():
            now_s = time.monotonic()
            wait_s = min(_WAIT_MAX_S, self._waiting[0][0] - now_s) if self._waiting else _WAIT_MAX_S
            for tap, _ in poll.poll(max(wait_s, 0) * 1000):
                self._take(by_tap[tap])
            self._deliver_due()

    def _take(self, source: Host) -> None:
        """Everything a host has to send; an interface that is down has nothing."""
        with contextlib.suppress(BlockingIOError, OSError):
            while True:
                frame = os.read(source.tap, _FRAME_BYTES_MAX)
                for target in self._targets(source, frame[:_MAC_BYTES]):
                    self._send(source, target, frame)

    def _targets(self, source: Host, mac: bytes) -> list[Host]:
        if mac[0] & 1:  # to a group of hosts: whoever it is for will know
            return [host for host in self._hosts.values() if host is not source]
        target = self._hosts.get(mac[-1])
        return [target] if target is not None and target.mac == mac else []

    def _send(self, source: Host, target: Host, frame: bytes) -> None:
        link = self._links.get((source.number, target.number), Link())
        if self._random.random() < link.loss:
            self.lost += 1
            return
        due_s = time.monotonic() + link.delay_s
        heapq.heappush(self._waiting, (due_s, next(self._order), target, frame))

    def _deliver_due(self) -> None:
        now_s = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now_s:
            *_, target, frame = heapq.heappop(self._waiting)
            with contextlib.suppress(
                OSError
            ):  # the interface is down, or its queue is full: frames are lost then
                os.write(target.tap, frame)
