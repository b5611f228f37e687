"""Addresses as text and as bytes: ``host:port``, and IP addresses of 4 or 16 bytes in network order."""

from __future__ import annotations

import socket

from amfast.model.errors import AmfastError

_PORT_MAX = 0xFFFF
_IPV4_BYTES = 4
_MAPPED_PREFIX = bytes(10) + b"\xff\xff"


def split_host_port(text: str, what: str) -> tuple[str, int]:
    """``host:port`` or ``[v6]:port`` into its parts; ``what`` names the value in the error.

    Raises AmfastError.
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed:
        host = host[1:-1]
    if not colon or any(char in host for char in ("[]" if bracketed else "[]:")):
        raise AmfastError(f"{what} {text!r} is not host:port (an IPv6 address needs [brackets])")
    if not (port.isascii() and port.isdigit() and int(port) <= _PORT_MAX):
        raise AmfastError(f"{what} {text!r}: the port must be a number from 0 to {_PORT_MAX}")
    return host, int(port)


def parse_ip(host: str) -> bytes | None:
    """The bytes of a literal IP address in their shortest form; None for anything else."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return shortest(socket.inet_pton(family, host))
        except (OSError, ValueError):
            continue
    return None


def shortest(ip: bytes) -> bytes:
    """An IPv4 address inside IPv6 (``::ffff:…``) as its 4 bytes."""
    return ip[12:] if ip.startswith(_MAPPED_PREFIX) else ip


def format_ip(ip: bytes) -> str:
    """``ip`` of 4 or 16 bytes as text, an IPv4 address inside IPv6 as IPv4."""
    ip = shortest(ip)
    return socket.inet_ntop(socket.AF_INET if len(ip) == _IPV4_BYTES else socket.AF_INET6, ip)


def format_address(ip: bytes, port: int) -> str:
    """``ip:port``, an IPv6 address in brackets."""
    text = format_ip(ip)
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


def is_unspecified(ip: bytes) -> bool:
    """True for ``0.0.0.0`` and ``::``."""
    return not any(ip)


def is_loopback(ip: bytes) -> bool:
    """True for 127/8 and ``::1``."""
    return ip[0] == 127 if len(ip) == _IPV4_BYTES else ip == bytes(15) + b"\x01"  # noqa: PLR2004 - 127/8
