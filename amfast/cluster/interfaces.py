"""The addresses of this machine's interfaces, from the Linux kernel's own tables."""

from __future__ import annotations

import fcntl
import socket
import struct
from contextlib import suppress
from pathlib import Path

from amfast.cluster.advertise import InterfaceAddress

_SIOCGIFFLAGS = 0x8913
_SIOCGIFADDR = 0x8915
_SIOCGIFNETMASK = 0x891B
_IFF_UP = 1
_IPV6_ADDRESSES = Path("/proc/net/if_inet6")
_IPV4_ROUTES = Path("/proc/net/route")
_IPV6_ROUTES = Path("/proc/net/ipv6_route")


def interface_addresses() -> list[InterfaceAddress]:
    """The main IPv4 address and all IPv6 addresses of every interface that is up; empty when unknown."""
    default_names = _default_route_names()
    addresses: list[InterfaceAddress] = []
    up: set[str] = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # an interface may have no IPv4 address, or vanish meanwhile
                (flags,) = struct.unpack_from("H", _ask(sock, _SIOCGIFFLAGS, name), 16)
                if not flags & _IFF_UP:
                    continue
                up.add(name)
                ip = _ask(sock, _SIOCGIFADDR, name)[20:24]
                mask = int.from_bytes(_ask(sock, _SIOCGIFNETMASK, name)[20:24], "big")
                addresses.append(InterfaceAddress(ip, mask.bit_count(), name in default_names))
    for fields in _rows(_IPV6_ADDRESSES):
        if fields[5] in up:
            bits = int(fields[2], 16)
            addresses.append(InterfaceAddress(bytes.fromhex(fields[0]), bits, fields[5] in default_names))
    return addresses


def _ask(sock: socket.socket, request: int, name: str) -> bytes:
    return fcntl.ioctl(sock, request, struct.pack("16s24x", name.encode()))


def _default_route_names() -> set[str]:
    names = {fields[0] for fields in _rows(_IPV4_ROUTES) if fields[1] == "00000000"}
    for fields in _rows(_IPV6_ROUTES):
        if fields[0] == "0" * 32 and fields[1] == "00" and fields[9] != "lo":
            names.add(fields[9])
    return names


def _rows(path: Path) -> list[list[str]]:
    try:
        return [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return []
