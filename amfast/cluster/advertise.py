"""Which address the others are told (reference gossip, section 15.10)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from amfast.cluster.address import is_unspecified, parse_ip
from amfast.model.errors import AmfastError

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """One address of an interface that is up."""

    ip: bytes
    prefix_bits: int
    on_default_route: bool


Interfaces = Callable[[], list[InterfaceAddress]]


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


_NOT_FORWARDABLE = _networks(
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24",
    "203.0.113.0/24", "240.0.0.0/4", "::1/128", "::/128", "::ffff:0:0/96", "2001:db8::/32", "2001:10::/28",
    "fe80::/10",
)  # fmt: skip
_PRIVATE = _networks(
    "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "192.88.99.0/24",
    "fc00::/7", "2001::/16", "2002::/16", "64:ff9b::/96", "100::/64",
)  # fmt: skip


def advertise_ip(
    listen_ip: bytes, advertise_host: str, interfaces: Interfaces, *, allow_public: bool
) -> bytes:
    """The address to advertise, in its shortest form.

    ``advertise_host`` is the flag's host or empty. Raises AmfastError when it is no IP address, or when there
    is no flag and no interface has a fitting address.
    """
    if advertise_host:
        ip = parse_ip(advertise_host)
        if ip is None:
            raise AmfastError(f"--cluster.advertise-address: {advertise_host!r} is not an IP address")
        return ip
    if not is_unspecified(listen_ip):
        return listen_ip
    return _discover(interfaces(), allow_public=allow_public)


def _discover(found: list[InterfaceAddress], *, allow_public: bool) -> bytes:
    usable = [address for address in found if not _inside(address.ip, _NOT_FORWARDABLE)]
    usable.sort(key=lambda address: (not address.on_default_route, len(address.ip), address.prefix_bits))
    for address in usable:
        if _inside(address.ip, _PRIVATE):
            return address.ip
    if allow_public and usable:
        return usable[0].ip
    kind = "private or public" if allow_public else "private"
    raise AmfastError(
        f"no interface has a {kind} IP address to advertise: set --cluster.advertise-address, "
        "or --cluster.listen-address= (nothing behind the =) for a node without a cluster"
    )


def _inside(ip: bytes, blocks: Iterable[Network]) -> bool:
    address = ipaddress.ip_address(ip)
    return any(address in block for block in blocks)
