"""Which proxy a request goes through, as ``http_config`` or the environment says.

Go's ``golang.org/x/net/http/httpproxy`` decides: where hosts may be named that need no proxy, this machine is never
reached through one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from amfast.config.http import HttpConfig
from amfast.config.url import proxy_problem
from amfast.receivers.errors import HttpError

_PORTS: Final = {"http": "80", "https": "443"}
_WITH_HOST = re.compile(r"([A-Za-z][A-Za-z0-9+\-.]*)://[^/?#]")
_CIDR = re.compile(r"[0-9a-f.:]+/[0-9]{1,3}", re.ASCII)
_HOST_PORT = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:\[\]]*)")
SOCKS: Final = ("socks5", "socks5h")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def proxy_for(config: HttpConfig, url: str, environment: Mapping[str, str]) -> str | None:
    """The URL of the proxy for a request, None for none: ``http``, ``https`` or one of :data:`SOCKS`.

    Raises HttpError: the proxy's URL is malformed, or the environment must not be trusted.
    """
    if config.proxy_from_environment:
        scheme = urlsplit(url).scheme.lower()
        proxy, no_proxy = _set(environment, f"{scheme}_proxy"), _set(environment, "no_proxy")
        if proxy and scheme == "http" and environment.get("REQUEST_METHOD"):
            # A CGI program gets the header Proxy of whoever calls it as HTTP_PROXY.
            raise HttpError("HTTP_PROXY is not used where REQUEST_METHOD is set, as in CGI", retry=False)
        return None if not proxy or is_direct(url, no_proxy) else _usable(proxy)
    proxy = "" if config.proxy_url is None else config.proxy_url.reveal()
    if not proxy or (config.no_proxy and is_direct(url, config.no_proxy)):
        return None
    return _usable(proxy)


def _set(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name.upper()) or environment.get(name, "")


def _usable(proxy: str) -> str:
    """A URL with a host: what has none is taken for a host. Raises HttpError."""
    found = _WITH_HOST.match(proxy)
    if found is None:
        proxy = f"http://{proxy}"
    elif found[1].lower() not in (*_PORTS, *SOCKS):  # as Go does: any other is spoken to in HTTP
        proxy = f"http{proxy[found.end(1) :]}"
    if proxy_problem(proxy) is not None or not _WITH_HOST.match(proxy):
        raise HttpError("the URL of the proxy is malformed", retry=False)
    return proxy


def is_direct(url: str, no_proxy: str) -> bool:
    """Whether a URL is reached without a proxy: it is on this machine, or ``no_proxy`` names it."""
    target = urlsplit(url)
    host = _ascii((target.hostname or "").strip().lower())
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    port = _PORTS.get(target.scheme.lower(), "") if target.port is None else str(target.port)
    return any(_names(part.strip().lower(), host, address, port) for part in no_proxy.split(","))


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped) or found


def _names(part: str, host: str, address: Address | None, port: str) -> bool:
    """Whether one part of ``no_proxy`` means a host: ``*``, a network, an address or a domain, maybe with a port."""
    if part in ("", "*"):
        return part == "*"
    if _CIDR.fullmatch(part) and (network := _network(part)) is not None:
        return address is not None and address in network
    its_port = ""
    if found := _HOST_PORT.fullmatch(part):
        part, its_port = found[1] or found[2] or "", found[3]
    if not part or (its_port and its_port != port):
        return False
    meant = _address(part)
    if meant is not None or address is not None:
        return meant == address
    domain = _ascii(part.removeprefix("*") if part.startswith("*.") else part)
    return host.endswith(domain) if domain.startswith(".") else f".{host}".endswith(f".{domain}")


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _ascii(host: str) -> str:
    """An internationalised name as it goes over the wire."""
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return host
