"""The cluster part as the rest of amfast sees it: it owns the network, the timer and the background tasks."""

from __future__ import annotations

import asyncio
import logging
import random as randoms
from collections.abc import Callable, Iterator
from typing import Literal

from amfast._ext.swim import Core
from amfast.cluster.address import (
    format_address,
    format_ip,
    is_loopback,
    is_unspecified,
    parse_ip,
    split_host_port,
)
from amfast.cluster.advertise import Interfaces, advertise_ip
from amfast.cluster.channels import Channel, Channels, State
from amfast.cluster.errors import describe
from amfast.cluster.exchanges import Exchanges
from amfast.cluster.interfaces import interface_addresses
from amfast.cluster.joining import Joining
from amfast.cluster.metrics import families
from amfast.cluster.network import Network
from amfast.cluster.node import Node
from amfast.cluster.options import Options
from amfast.cluster.peers import PeerTable
from amfast.cluster.ration import Ration
from amfast.cluster.resolve import Lookup, has_nonlocal, resolve_peers, system_lookup
from amfast.cluster.settle import settle
from amfast.cluster.streams import Acceptor, Streams
from amfast.cluster.tasks import Tasks
from amfast.cluster.tls.network import TlsNetwork
from amfast.cluster.transport import Sockets
from amfast.cluster.ulid import new_ulid
from amfast.model.clock import Clock, Timer
from amfast.model.errors import AmfastError
from amfast.model.metric import Family

_US = 1_000_000
_NAME_BYTES_MAX = 255
_REFRESH_INTERVAL_S = 15.0
_EXPIRE_INTERVAL_S = 300.0
_PRUNE_INTERVAL_S = 900.0
_SETTLE_GOSSIP_INTERVALS = 10
_GOSSIP_NODES_MIN = 3
USER_COPIES = 4
"""Times the gossip nodes, and the digits of the number of members: how often a node sends an update on.

With once that, as the reference has it, one of six updates misses a node of nine although no packet is lost, and a node
that misses a log entry notifies again. Copies beyond the first leave after whatever is newer.
"""
_TIMER_US_MAX = 3600 * _US


class Peer:
    """One node's membership.

    Call ``start``, ``add_state`` for each state, ``join``; in the end ``leave`` and, whatever happened,
    ``close``. ``network``, ``lookup`` and ``interfaces`` are the machine's own unless given.
    """

    def __init__(
        self,
        options: Options,
        *,
        clock: Clock,
        log: logging.Logger,
        random: randoms.Random,
        network: Network | None = None,
        lookup: Lookup = system_lookup,
        interfaces: Interfaces = interface_addresses,
    ) -> None:
        self.name = options.peer_name or new_ulid(clock.now_ns() // 1_000_000, random)
        self.address = ""
        """``ip:port`` that the others are told; empty before ``start``."""
        self._options = options
        self._clock = clock
        self._log = log
        self._random = random
        self._tls = (
            None if options.tls is None else TlsNetwork(options.tls, clock, log, options.tcp_timeout_s)
        )
        self._network: Network = network or self._tls or Sockets(clock, options.tcp_timeout_s)
        self._lookup = lookup
        self._interfaces = interfaces
        self._resolved: list[str] = []
        self._tasks = Tasks(clock, log)
        self._sending_oversize: set[str] = set()
        self._timer: Timer | None = None
        self._armed_us = 0
        self._settled = asyncio.Event()
        self._left = asyncio.Event()
        self._leaving = False
        self._closed = False
        self._core: Core
        self._node: Node
        self._streams: Streams
        self._exchanges: Exchanges
        self._joining: Joining

    # The node's life.

    async def start(self) -> None:
        """Resolve the peers, take the addresses and begin to listen. Raises AmfastError."""
        options = self._options
        label = _checked(options.label, "--cluster.label")
        _checked(self.name, "--cluster.peer-name")
        listen_ip, listen_port = await self._listen_address()
        advertise_host, advertise_port = "", 0
        if options.advertise_address:
            advertise_host, advertise_port = split_host_port(
                options.advertise_address, "--cluster.advertise-address"
            )
        self._resolved = await resolve_peers(options.peers, self._lookup, options.peers_resolve_timeout_s)
        ip = advertise_ip(
            listen_ip,
            advertise_host,
            self._interfaces,
            allow_public=options.allow_insecure_public_advertise,
        )
        port = self._network.bind(listen_ip, listen_port)
        self._build(ip, advertise_port or port, port, label)
        if not advertise_host and is_unspecified(listen_ip):
            attrs = {"addr": format_ip(ip), "port": port}
            self._log.info("setting advertise address explicitly", extra={"attrs": attrs})
        self._warn_unroutable(ip)
        self._core.start(self._clock.monotonic_us())
        await self._network.listen(self)
        self.pump()

    def add_state(self, key: str, state: State) -> Callable[[bytes], None]:
        """Replicate ``state`` under ``key``; returns what sends one delimited record to every member.

        After ``start``, before ``join``.
        """
        return self._node.channels.add(key, state).broadcast

    async def join(self) -> int:
        """Join the initial peers and begin everything that runs in the background.

        Returns how many exchanges worked; that none did is only a warning.
        """
        joined = await self._joining.initial(self._resolved)
        self._tasks.every(self._options.reconnect_interval_s, self._joining.reconnect)
        self._tasks.every(_REFRESH_INTERVAL_S, self._joining.refresh)
        self._tasks.every(_EXPIRE_INTERVAL_S, self._joining.expire)
        self._tasks.every(_PRUNE_INTERVAL_S, self._prune)
        self._tasks.spawn(self._settle())
        return joined

    @property
    def is_settled(self) -> bool:
        return self._settled.is_set()

    async def wait_settled(self) -> None:
        """Return once the cluster has settled or the settle timeout has passed."""
        await self._settled.wait()

    async def leave(self, timeout_s: float = 10.0) -> None:
        """Tell the others that this node goes, for at most ``timeout_s``.

        Doing so again, or without having started, returns at once.
        """
        if self._leaving or self._closed or not self.address:
            return
        self._leaving = True
        await self._tasks.cancel()
        self._log.debug("leaving cluster")
        self._core.leave(self._clock.monotonic_us())
        self.pump()
        timer = self._clock.call_later(timeout_s, self._left.set)
        await self._left.wait()
        timer.cancel()

    async def close(self) -> None:
        """Stop everything and give up the addresses, without a word to the others."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self._tasks.cancel()
        await self._network.close()

    # Views.

    @property
    def status(self) -> Literal["ready", "settling"]:
        """``ready`` or ``settling``."""
        return "ready" if self.is_settled else "settling"

    def members(self) -> list[tuple[str, str]]:
        """Name and ``ip:port`` of every member, this node included, by name."""
        return [(member.name, format_address(member.ip, member.port)) for member in self._node.members()]

    def position(self) -> int:
        """The place of this node among the members by name, from 0."""
        return self._node.position()

    def propagated(self, key: str) -> int:
        """How many records of a state were news to this node and gossiped on."""
        return self._node.channels.by_key[key].propagated

    def metrics(self) -> Iterator[Family]:
        """The families of reference metrics, section 6; those of the TLS transport only if there is one."""
        yield from families(self._node, self._joining.counters)
        if self._tls is not None:
            yield from self._tls.metrics()

    # What the network calls.

    @property
    def core(self) -> Core:
        """The membership core, for a network that brings it datagrams itself."""
        return self._core

    def datagram(self, packet: bytes, ip: bytes, port: int) -> None:
        """Take one datagram."""
        self._core.receive(self._clock.monotonic_us(), packet, ip, port)

    def accept(self) -> Acceptor | None:
        """Take one dialled stream, or None when there are too many."""
        return self._streams.accept()

    def pump(self) -> None:
        """Carry out what the core decided since the last time, and arm its timer."""
        if self._closed:
            return
        self._node.take_events()
        self._network.send(self._core)
        for dial in self._core.dials():
            self._tasks.spawn(self._exchanges.dial(dial))
        self._arm()
        if self._leaving and self._core.leaving_done():
            self._left.set()

    # Building.

    async def _listen_address(self) -> tuple[bytes, int]:
        host, port = split_host_port(self._options.listen_address, "--cluster.listen-address")
        ip = parse_ip(host or "0.0.0.0")  # noqa: S104 - an empty host means every address
        if ip is None:
            try:
                ip = (await self._lookup(host))[0]
            except OSError as error:
                raise AmfastError(
                    f"--cluster.listen-address: cannot resolve {host!r}: {describe(error)}"
                ) from error
        return ip, port

    def _build(self, ip: bytes, port: int, bind_port: int, label: bytes) -> None:
        options = self._options
        gossip_nodes = max(len(options.peers) // 2, _GOSSIP_NODES_MIN)
        self.address = format_address(ip, port)
        self._core = Core(
            name=self.name,
            ip=ip,
            port=port,
            seed=self._random.getrandbits(64),
            bind_port=bind_port,
            label=label,
            probe_interval_us=round(options.probe_interval_s * _US),
            probe_timeout_us=round(options.probe_timeout_s * _US),
            gossip_interval_us=round(options.gossip_interval_s * _US),
            gossip_nodes=gossip_nodes,
            push_pull_interval_us=round(options.push_pull_interval_s * _US),
            user_retransmit=gossip_nodes * USER_COPIES,
            tcp_timeout_us=round(options.tcp_timeout_s * _US),
        )
        self._node = Node(
            name=self.name,
            core=self._core,
            channels=Channels(
                self._gossip, self._start_sending_oversize, self._log, Ration(self._clock).allows
            ),
            peers=PeerTable(),
            clock=self._clock,
            log=self._log,
        )
        self._node.peers.expect(self._resolved, self.address, self._clock.monotonic_us())
        self._streams = Streams(label, self._node.answer, self._core.error_reply, self._log)
        self._exchanges = Exchanges(
            node=self._node,
            network=self._network,
            tcp_timeout_s=options.tcp_timeout_s,
            pump=self.pump,
            clock=self._clock,
            log=self._log,
        )
        self._joining = Joining(
            options=options,
            node=self._node,
            exchange=self._exchanges.join,
            lookup=self._lookup,
            clock=self._clock,
            log=self._log,
        )

    def _warn_unroutable(self, ip: bytes) -> None:
        if has_nonlocal(self._resolved) and (is_loopback(ip) or is_unspecified(ip)):
            attrs = {"addr": format_ip(ip)}
            self._log.warning("this node advertises itself on an unroutable address", extra={"attrs": attrs})
            self._log.warning("this node will be unreachable in the cluster")
            self._log.warning("provide --cluster.advertise-address as a routable IP address or hostname")

    # Time and tasks.

    def _arm(self) -> None:
        """Keep one timer, for the core's next deadline."""
        if self._closed:
            return
        deadline_us = self._core.next_deadline_us()
        if self._timer is not None:
            if deadline_us == self._armed_us:
                return
            self._timer.cancel()
        self._armed_us = deadline_us
        wait_us = min(max(deadline_us - self._clock.monotonic_us(), 0), _TIMER_US_MAX)
        wait_ms = -(-wait_us // 1000)  # rounded up: a loop that counts milliseconds would spin on the rest
        self._timer = self._clock.call_later(wait_ms / 1000, self._on_timer)

    def _on_timer(self) -> None:
        """Run the core, but only after what waits in the socket: after a stall an answer may be among it."""
        self._timer = None
        self._network.poll()
        self._core.run(self._clock.monotonic_us())
        self.pump()

    async def _settle(self) -> None:
        interval_s = self._options.gossip_interval_s * _SETTLE_GOSSIP_INTERVALS
        await settle(
            lambda: len(self._node.members()),
            interval_s,
            self._options.settle_timeout_s,
            self._clock,
            self._log,
        )
        self._settled.set()

    async def _prune(self) -> None:
        self._node.prune()

    # Updates on their way out.

    def _gossip(self, part: bytes) -> None:
        self._core.broadcast(part)
        self._arm()

    def _start_sending_oversize(self, channel: Channel) -> None:
        if channel.key not in self._sending_oversize and not (self._leaving or self._closed):
            self._sending_oversize.add(channel.key)
            self._tasks.spawn(self._send_oversize(channel))

    async def _send_oversize(self, channel: Channel) -> None:
        try:
            await self._exchanges.send_oversize(channel)
        finally:
            self._sending_oversize.discard(channel.key)


def _checked(text: str, flag: str) -> bytes:
    """A name as UTF-8 bytes. Raises AmfastError when it cannot travel."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise AmfastError(f"{flag} is not valid UTF-8") from None
    if len(encoded) > _NAME_BYTES_MAX:
        raise AmfastError(f"{flag} is {len(encoded)} bytes long, at most {_NAME_BYTES_MAX} are possible")
    return encoded
