"""How datagrams get from a socket to the membership core and its answers back: in bulk, or one at a time."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Protocol

from amfast._ext import udp
from amfast._ext.swim import Core
from amfast.cluster.address import format_ip, parse_ip

_DATAGRAMS_PER_WAKEUP = 64
_DATAGRAM_BYTES_MAX = 65_536


class Datagrams(Protocol):
    """A bound, non-blocking UDP socket as the core uses it. Nothing that goes wrong is raised."""

    def receive(self, core: Core, now_us: int) -> None:
        """Give the core what has arrived, within a bound, and send what it answers."""
        ...

    def send(self, core: Core) -> None:
        """Send what the core has to say."""
        ...


class OneByOne:
    """Implements ``Datagrams`` with what every system has."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def receive(self, core: Core, now_us: int) -> None:
        for _ in range(_DATAGRAMS_PER_WAKEUP):
            try:
                packet, address = self._sock.recvfrom(_DATAGRAM_BYTES_MAX)
            except BlockingIOError:
                break
            except OSError:  # an earlier datagram was refused; the socket goes on
                continue
            ip = parse_ip(address[0].partition("%")[0])
            if ip is not None:
                core.receive(now_us, packet, ip, address[1])
        self.send(core)

    def send(self, core: Core) -> None:
        for packet, ip, port in core.packets():
            host = format_ip(ip)
            if self._sock.family == socket.AF_INET6 and ":" not in host:
                host = "::ffff:" + host
            with suppress(OSError):  # lost, as datagrams are
                self._sock.sendto(packet, (host, port))


def datagrams_of(sock: socket.socket) -> Datagrams:
    """The fastest way that this system offers."""
    if udp.AVAILABLE:
        return udp.UdpSocket(sock.fileno(), sock.family == socket.AF_INET6)
    return OneByOne(sock)
