"""Which URLs a configuration may hold: Go's ``net/url`` decides (reference config, section 1, "URL")."""

from __future__ import annotations

import re

_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_USER = re.compile(r"(?:[A-Za-z0-9\-._:~!$&'()*+,;=@]|%[0-9a-fA-F]{2})*")
_HOST_CHAR = r"[A-Za-z0-9\-._~!$&'()*+,;=<>\"]|[^\x00-\x7f]|%[89a-fA-F][0-9a-fA-F]"
_HOST = re.compile(rf"(?:(?:{_HOST_CHAR}|:)*:[0-9]*|(?:{_HOST_CHAR})*)")
_BRACKETED = re.compile(r"\[[^\]%]*(?:%25[^\]]*)?\](?::[0-9]*)?")


def url_problem(text: str) -> str | None:  # noqa: PLR0911 - one return for each problem
    """Why the text is no absolute http or https URL, without showing it; None when it is one."""
    if any(char < " " or char == "\x7f" for char in text):
        return "the URL holds a control character"
    scheme, colon, rest = text.partition(":")
    if not colon or scheme.lower() not in ("http", "https"):
        return "the URL must start with http:// or https://"
    rest, _, fragment = rest.partition("#")
    rest = rest.partition("?")[0]
    if not rest.startswith("//"):
        return "the URL has no host"
    authority, slash, path = rest[2:].partition("/")
    user, _, host = authority.rpartition("@")
    if not host:
        return "the URL has no host"
    if not _USER.fullmatch(user) or not (_HOST.fullmatch(host) or _BRACKETED.fullmatch(host)):
        return "the URL's host, port or user is malformed"
    if _BAD_ESCAPE.search(slash + path) or _BAD_ESCAPE.search(fragment):
        return "the URL holds a % that is no escape"
    return None
