"""HTTP headers in a configuration: their names and where their values come from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from amfast.config.emit import Tree
from amfast.config.holders import TEXTS, ListOf, MapOf, ValueBlockOf
from amfast.config.kinds import FILE, SECRET, Secret
from amfast.config.schema import Block, Place, key

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
RESERVED: Final = frozenset(
    {
        "Authorization", "Host", "Content-Encoding", "Content-Length", "Content-Type", "User-Agent", "Connection",
        "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Www-Authenticate", "Accept-Encoding",
        "X-Prometheus-Remote-Write-Version", "X-Prometheus-Remote-Read-Version",
        "X-Prometheus-Scrape-Timeout-Seconds", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256",
    }
)  # fmt: skip
"""Headers that are not for the configuration to set, in canonical form."""


def canonical(name: str) -> str:
    """``Message-Id`` for ``message-ID``; what is no header name stays as it is."""
    if not _TOKEN.fullmatch(name):
        return name
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


@dataclass(frozen=True, slots=True)
class Header(Block):
    """The values of one header, sent in the order of the keys."""

    values: tuple[str, ...] = key(TEXTS, (), "Values as they are.")
    secrets: tuple[Secret | None, ...] = key(ListOf(SECRET), (), "Values that are never shown.")
    files: tuple[str, ...] = key(ListOf(FILE), (), "Files with one value each.")


Headers = tuple[tuple[str, Header], ...]


class _Headers(MapOf[Header]):
    """Header names to their values. An empty map is not the same as none."""

    def read(self, place: Place) -> Headers:
        found = super().read(place)
        for name, _ in found:
            if canonical(name) in RESERVED:
                place.refuse(f"the header {canonical(name)} cannot be set here")
        return found

    def show(self, value: Headers | None) -> Tree:
        return super().show(value or ())

    def empty(self, value: Headers | None) -> bool:
        return value is None


HEADERS: Final = _Headers(ValueBlockOf(lambda: Header))
