"""Simulated TCP: one request, one reply, and retransmissions instead of loss."""

from __future__ import annotations

from collections.abc import Callable

from amfast.sim.network import Network, Target

_CONNECT_RETRY_US = 1_000_000
_DATA_RETRY_US = 200_000


class Exchange:
    """A stream from node ``source`` to whoever is at ``ip``.

    ``on_end`` is called once: with the reply, or with None when the stream was refused, closed without a word,
    or not over at ``deadline_us``. A segment that does not pass is tried again after 1 s (connecting) or 0.2 s
    (data), then after twice that, and so on. Each direction counts as one segment, whatever its length.
    """

    def __init__(
        self,
        network: Network,
        source: int,
        ip: bytes,
        request: bytes,
        deadline_us: int,
        on_end: Callable[[bytes | None], None],
    ) -> None:
        self._network = network
        self._source = source
        self._target: Target = network.targets[ip]
        self._request = request
        self._on_end = on_end
        self._open = True
        network.streams += 1
        network.timeline.at(max(deadline_us, network.timeline.now_us), self._end, None)
        self._connect(_CONNECT_RETRY_US)

    def _connect(self, retry_us: int) -> None:
        if not self._open:
            return
        network, here, there = self._network, self._source, self._target.index
        if network.passes(here, there, b"") and network.passes(there, here, b""):
            network.timeline.after(network.delay_us() + network.delay_us(), self._connected)
        else:
            network.timeline.after(retry_us, self._connect, 2 * retry_us)

    def _connected(self) -> None:
        if self._target.listening:
            self._network.stream_bytes += len(self._request)
            self._carry(self._source, self._target.index, self._request, self._arrived, _DATA_RETRY_US)
        else:
            self._end(None)

    def _carry(
        self, source: int, target: int, data: bytes, arrived: Callable[[bytes], None], retry_us: int
    ) -> None:
        if not self._open:
            return
        network = self._network
        if network.passes(source, target, data):
            network.timeline.after(network.delay_us(), arrived, data)
        else:
            network.timeline.after(retry_us, self._carry, source, target, data, arrived, 2 * retry_us)

    def _arrived(self, request: bytes) -> None:
        self._target.stream(request, self._answered)

    def _answered(self, reply: bytes) -> None:
        if reply:
            self._network.stream_bytes += len(reply)
            self._carry(self._target.index, self._source, reply, self._end, _DATA_RETRY_US)
        else:
            self._end(None)

    def _end(self, reply: bytes | None) -> None:
        if self._open:
            self._open = False
            self._on_end(reply)
