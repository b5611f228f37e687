"""Which URLs a configuration may hold, and how they are printed: Go's ``net/url`` decides.

See reference config, section 1, "URL".
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_USER = re.compile(r"(?:[A-Za-z0-9\-._:~!$&'()*+,;=@]|%[0-9a-fA-F]{2})*")
_HOST_CHAR = r"[A-Za-z0-9\-._~!$&'()*+,;=<>\"]|[^\x00-\x7f]|%[89a-fA-F][0-9a-fA-F]"
_HOST = re.compile(rf"(?:(?:{_HOST_CHAR}|:)*:[0-9]*|(?:{_HOST_CHAR})*)")
_BRACKETED = re.compile(r"\[[^\]%]*(?:%25[^\]]*)?\](?::[0-9]*)?")
_USUAL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~/-]*)?", re.ASCII)
"""URLs without anything to look at twice."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+\-.]*:")

URL_CHARS_MAX: Final = 16 << 10
_PLAIN: Final = "-_.~"
_PATH: Final = _PLAIN + "$&+,/:;=@"
_PATH_AS_GIVEN = re.compile(r"(?:[A-Za-z0-9\-_.~!$&'()*+,;=:@\[\]/]|%[0-9a-fA-F]{2})*")
_FRAGMENT_AS_GIVEN = re.compile(r"(?:[A-Za-z0-9\-_.~!$&'()*+,;=:@\[\]/?]|%[0-9a-fA-F]{2})*")
_HOST_SAFE: Final = _PLAIN + "!$&'()*+,;=:[]<>\"%"
_MASK: Final = "xxxxx"


@dataclass(frozen=True, slots=True, repr=False)
class Url:
    """A URL in the form in which it is printed; its password, if any, is shown by :meth:`reveal` only."""

    _text: str

    def reveal(self) -> str:
        """The URL with its password."""
        return self._text

    def shown(self) -> str:
        """The URL with its password masked."""
        scheme, slashes, rest = self._text.partition("://")
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        user, at, _ = authority.rpartition("@")
        name, colon, _ = user.partition(":")
        if not (at and colon):
            return self._text
        return f"{scheme}{slashes}{name}:{_MASK}{rest[len(user) :]}"

    def __repr__(self) -> str:
        return f"Url({self.shown()!r})"

    def with_slash(self) -> Url:
        """The same with a path that ends in a slash."""
        end = re.search(r"[?#]|$", self._text)
        at = end.start() if end else len(self._text)
        return self if self._text[:at].endswith("/") else Url(f"{self._text[:at]}/{self._text[at:]}")


def url_problem(text: str) -> str | None:
    """Why the text is no absolute http or https URL, without showing it; None when it is one."""
    if len(text) > URL_CHARS_MAX:
        return f"the URL has more than {URL_CHARS_MAX} characters"
    if _USUAL.fullmatch(text):
        return None
    if any(char < " " or char == "\x7f" for char in text):
        return "the URL holds a control character"
    scheme, colon, rest = text.partition(":")
    if not colon or scheme.lower() not in ("http", "https"):
        return "the URL must start with http:// or https://"
    if not re.split(r"[?#]", rest, maxsplit=1)[0].startswith("//"):
        return "the URL has no host"
    return _authority_problem(rest) or _escape_problem(rest)


def proxy_problem(text: str) -> str | None:
    """Why the text cannot be the URL of a proxy; any scheme will do."""
    if any(char < " " or char == "\x7f" for char in text):
        return "the URL holds a control character"
    found = _SCHEME.match(text)
    if found is None and ":" in text.partition("/")[0]:
        return "the URL needs a scheme, such as http:// or socks5://"
    rest = text[found.end() :] if found else text
    if rest.startswith("//") and re.split(r"[/?#]", rest[2:], maxsplit=1)[0]:
        return _authority_problem(rest) or _escape_problem(rest)
    return _escape_problem(rest)


def _authority_problem(rest: str) -> str | None:
    user, _, host = re.split(r"[/?#]", rest[2:], maxsplit=1)[0].rpartition("@")
    if not host:
        return "the URL has no host"
    if not _USER.fullmatch(user) or not (_HOST.fullmatch(host) or _is_bracketed(host)):
        return "the URL's host, port or user is malformed"
    return None


def _is_bracketed(host: str) -> bool:
    """Whether it is an IPv6 address in brackets, which may name a zone, and perhaps a port."""
    if not _BRACKETED.fullmatch(host):
        return False
    try:
        ipaddress.IPv6Address(host[1:].partition("]")[0].partition("%25")[0])
    except ValueError:
        return False
    return True


def _escape_problem(rest: str) -> str | None:
    path, _, fragment = rest.partition("#")
    path = path.partition("?")[0]
    if path.startswith("//"):
        path = path[2:].partition("/")[2]
    if _BAD_ESCAPE.search(path) or _BAD_ESCAPE.search(fragment):
        return "the URL holds a % that is no escape"
    return None


def normal_url(text: str) -> Url:
    """A URL that has no problem, in the form in which Go prints it."""
    scheme, colon, rest = text.partition(":") if _SCHEME.match(text) else ("", "", text)
    rest, hash_sign, fragment = rest.partition("#")
    rest, question, query = rest.partition("?")
    authority = ""
    if rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        user, at, host = authority.rpartition("@")
        authority = f"//{_user(user)}{at}{quote(host, safe=_HOST_SAFE)}"
    path = rest if _PATH_AS_GIVEN.fullmatch(rest) else quote(unquote_to_bytes(rest), safe=_PATH)
    if not _FRAGMENT_AS_GIVEN.fullmatch(fragment):
        fragment = quote(unquote_to_bytes(fragment), safe=_PATH + "?!()*")
    hash_sign = hash_sign if fragment else ""
    return Url(f"{scheme.lower()}{colon}{authority}{path}{question}{query}{hash_sign}{fragment}")


def _user(text: str) -> str:
    name, colon, password = text.partition(":")
    return (
        colon.join(quote(unquote_to_bytes(part), safe=_PLAIN + "$&+,;=") for part in (name, password))
        if (colon)
        else quote(unquote_to_bytes(name), safe=_PLAIN + "$&+,;=")
    )
