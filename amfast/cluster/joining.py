"""Joining: the initial peers, those that failed, and configured addresses that are not members yet.

See reference gossip, sections 12.5 and 15.8. One attempt at a time, as each may take the whole TCP timeout.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from amfast._ext.swim import RemoteError
from amfast.cluster.address import format_address
from amfast.cluster.errors import describe
from amfast.cluster.metrics import JoinCounters
from amfast.cluster.node import Node
from amfast.cluster.options import Options
from amfast.cluster.resolve import Lookup, resolve, resolve_peers
from amfast.model.clock import Clock

Exchange = Callable[[bytes, int], Awaitable[None]]
"""One push/pull with join intent with an IP address and port. Raises OSError, RemoteError."""


class JoinError(Exception):
    """No address of a peer could be joined; the text says why."""


class Joining:
    """Finds and joins peers through ``exchange``."""

    def __init__(
        self,
        *,
        options: Options,
        node: Node,
        exchange: Exchange,
        lookup: Lookup,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self.counters = JoinCounters()
        self._options = options
        self._node = node
        self._exchange = exchange
        self._lookup = lookup
        self._clock = clock
        self._log = log

    async def initial(self, addresses: list[str]) -> int:
        """Join the resolved peers; how many exchanges worked. None at all is only worth a warning."""
        joined = 0
        errors: list[str] = []
        for address in addresses:
            try:
                joined += await self._join(address)
            except JoinError as error:
                errors.append(str(error))
        if errors and not joined:
            retry = f"every {self._options.reconnect_interval_s:g}s"
            self._log.warning(
                "failed to join cluster", extra={"attrs": {"retry": retry, "err": "; ".join(errors)}}
            )
        else:
            self._log.debug("joined cluster", extra={"attrs": {"peers": joined}})
        return joined

    async def reconnect(self) -> None:
        """Try every failed peer once; one that is back leaves the failed ones by its join event."""
        for address, failed in tuple(self._node.peers.failed.items()):
            attrs = {"peer": failed.name, "addr": address}
            try:
                await self._join(address)
            except JoinError as error:
                self.counters.reconnect_failed += 1
                attrs["err"] = str(error)
                self._log.debug("reconnect failure", extra={"attrs": attrs})
            else:
                self.counters.reconnected += 1
                self._log.debug("reconnect success", extra={"attrs": attrs})

    async def refresh(self) -> None:
        """Resolve the configured peers again and join every address that is not a member's."""
        options = self._options
        addresses = await resolve_peers(options.peers, self._lookup, options.peers_resolve_timeout_s)
        members = {format_address(member.ip, member.port) for member in self._node.members()}
        for address in addresses:
            if address in members:
                continue
            try:
                await self._join(address)
            except JoinError as error:
                self.counters.refresh_failed += 1
                attrs = {"addr": address, "err": str(error)}
                self._log.warning("refresh failure", extra={"attrs": attrs})
            else:
                self.counters.refreshed += 1
                self._log.debug("refresh success", extra={"attrs": {"addr": address}})

    async def expire(self) -> None:
        """Give up the peers that have been missing for the reconnect timeout."""
        now_us = self._clock.monotonic_us()
        for address, failed in self._node.peers.expire(now_us, self._options.reconnect_timeout_s):
            attrs = {"peer": failed.name, "addr": address}
            self._log.debug("failed peer has timed out", extra={"attrs": attrs})

    async def _join(self, address: str) -> int:
        """Push/pull with every IP address behind ``address``; how many worked. Raises JoinError when none."""
        try:
            found = await resolve(address, self._lookup, self._options.peers_resolve_timeout_s)
        except OSError as error:
            raise JoinError(f"{address}: {describe(error)}") from error
        errors: list[str] = []
        for ip, port in found:
            try:
                await self._exchange(ip, port)
            except (OSError, RemoteError) as error:
                errors.append(f"{format_address(ip, port)}: {describe(error)}")
        if len(errors) == len(found):
            raise JoinError("; ".join(errors))
        return len(found) - len(errors)
