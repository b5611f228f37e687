"""From the peers' names to their addresses (reference gossip, section 15.8)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable

from amfast.cluster.address import format_address, is_loopback, parse_ip, shortest, split_host_port

Lookup = Callable[[str], Awaitable[list[bytes]]]
"""All addresses of a host name; raises OSError when there are none."""


async def system_lookup(host: str) -> list[bytes]:
    """Ask the system's resolver. Raises OSError (and for odd names UnicodeError, told as OSError)."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host!r} is not a host name") from error
    ips = [socket.inet_pton(family, str(address[0]).partition("%")[0]) for family, _, _, _, address in found]
    return list(dict.fromkeys(shortest(ip) for ip in ips))


async def resolve(text: str, lookup: Lookup, timeout_s: float) -> list[tuple[bytes, int]]:
    """Every address that ``host:port`` stands for.

    Raises AmfastError when it is malformed, OSError when the host is unknown.
    """
    host, port = split_host_port(text, "--cluster.peer")
    ip = parse_ip(host)
    ips = [ip] if ip else await asyncio.wait_for(lookup(host), timeout_s)
    return [(ip, port) for ip in ips]


async def resolve_peers(peers: Iterable[str], lookup: Lookup, timeout_s: float) -> list[str]:
    """Each peer as the ``ip:port`` texts it resolves to; one that does not resolve stays as it is.

    A lookup without addresses is an error in the system's resolver, never an empty list, so there is nothing
    to wait for. Raises AmfastError for a value that is not ``host:port``.
    """
    peers = tuple(peers)
    found = await asyncio.gather(
        *(resolve(peer, lookup, timeout_s) for peer in peers), return_exceptions=True
    )
    addresses: list[str] = []
    for peer, result in zip(peers, found, strict=True):
        if isinstance(result, OSError):
            addresses.append(peer)
        elif isinstance(result, BaseException):
            raise result
        else:
            addresses.extend(format_address(ip, port) for ip, port in result)
    return addresses


def has_nonlocal(peers: Iterable[str]) -> bool:
    """True when some resolved peer is neither on the loopback nor called localhost."""
    for peer in peers:
        host, _ = split_host_port(peer, "--cluster.peer")
        ip = parse_ip(host)
        if host.lower() != "localhost" if ip is None else not is_loopback(ip):
            return True
    return False
