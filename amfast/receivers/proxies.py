"""Which requests go through the proxy of ``http_config``: those that ``no_proxy`` does not name.

Go's ``golang.org/x/net/http/httpproxy`` decides: with ``no_proxy``, this machine is never reached through a proxy.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from amfast.config.http import HttpConfig

_PORTS = {"http": 80, "https": 443}


def proxy_for(config: HttpConfig, url: str) -> str | None:
    """The URL of the proxy for a request, None for none."""
    proxy = "" if config.proxy_url is None else config.proxy_url.reveal()
    if not proxy or (config.no_proxy and _is_direct(url, config.no_proxy)):
        return None
    return proxy


def _is_direct(url: str, no_proxy: str) -> bool:
    target = urlsplit(url)
    host = (target.hostname or "").rstrip(".").lower()
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    port = target.port or _PORTS.get(target.scheme.lower(), 0)
    return any(_names(part.strip().lower(), host, address, port) for part in no_proxy.split(","))


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def _names(part: str, host: str, address: Address | None, port: int) -> bool:
    """Whether one part of ``no_proxy`` means a host: ``*``, a network, an address or a domain, maybe with a port."""
    if part in ("", "*"):
        return part == "*"
    if "/" in part:
        try:
            return address is not None and address in ipaddress.ip_network(part, strict=False)
        except ValueError:
            return False
    name, colon, its_port = part.rpartition(":")
    if colon and its_port.isdecimal() and _address(part) is None:
        if int(its_port) != port:
            return False
        part = name
    meant = _address(part)
    if meant is not None:
        return meant == address
    part = part.removeprefix("*")
    return host.endswith(part) if part.startswith(".") else host == part or host.endswith(f".{part}")
