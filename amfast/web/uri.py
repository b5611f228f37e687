"""Which texts count as a URI or a UUID: the two formats that the API checks.

A generator URL is taken when Go's ``url.ParseRequestURI`` takes it, which is not what RFC 3986 says.
"""

from __future__ import annotations

import ipaddress
import re

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:", re.ASCII)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_USER = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*", re.ASCII)
_HOST = re.compile(r"(?:[A-Za-z0-9\-_.~!$&'()*+,;=:<>\]\"]|[^\x00-\x7f]|%25|%[89A-Fa-f][0-9A-Fa-f])*")
_ZONE = re.compile(r"(?:[^\x00-\x20%\x7f]|%[0-9A-Fa-f]{2})+")
_PORT = re.compile(r"(?::[0-9]*)?", re.ASCII)

_UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}", re.ASCII)
_BARE_UUID = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)
_BRACED_LENGTH, _URN = 38, "urn:uuid:"


def is_uuid(text: str) -> bool:
    """A UUID with or without hyphens, in any two characters such as braces, or as a URN."""
    if len(text) == _BRACED_LENGTH:
        return _UUID.fullmatch(text[1:-1]) is not None
    if text[: len(_URN)].lower() == _URN:
        return _UUID.fullmatch(text[len(_URN) :]) is not None
    return (_UUID.fullmatch(text) or _BARE_UUID.fullmatch(text)) is not None


def is_request_uri(text: str) -> bool:
    """An absolute URI, or a path that starts with a slash."""
    text = text.partition("#")[0]
    if text == "*":
        return True
    if not text or _CONTROL.search(text):
        return False
    scheme = _SCHEME.match(text)
    rest = text[scheme.end() :] if scheme else text
    rest = rest.partition("?")[0]
    if not rest.startswith("/"):
        return scheme is not None  # mailto:somebody
    if scheme and rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        return _is_authority(authority) and _BROKEN_ESCAPE.search(slash + path) is None
    return _BROKEN_ESCAPE.search(rest) is None


def _is_authority(text: str) -> bool:
    user, at, host = text.rpartition("@")
    if at and (_USER.fullmatch(user) is None or _BROKEN_ESCAPE.search(user)):
        return False
    if not host.startswith("["):
        name, colon, port = host.rpartition(":")
        if colon and _PORT.fullmatch(colon + port) is None:
            return False
        name = name if colon else host
        return _HOST.fullmatch(name) is not None
    address, bracket, port = host[1:].rpartition("]")
    if not bracket or _PORT.fullmatch(port) is None:
        return False
    address, percent, zone = address.partition("%25")
    return _is_ipv6(address) and (not percent or _ZONE.fullmatch(zone) is not None)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text
