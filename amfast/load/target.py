"""Addresses of Alertmanagers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from amfast import __version__
from amfast.model.errors import AmfastError

_ADDRESS: Final = re.compile(
    r"(?:http://)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})(/[\w./~%-]*)?", re.ASCII
)
_PORT_MAX: Final = 65_535
_AGENT: Final = f"Prometheus/2.42.0 (amfast-load/{__version__})"


@dataclass(frozen=True, slots=True)
class Target:
    """Where one Alertmanager listens; ``prefix`` is its route prefix without the last slash."""

    host: str
    port: int
    prefix: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}{self.prefix}"

    def post_head(self) -> bytes:
        """The beginning of a POST of alerts, up to the value of Content-Length; headers in Prometheus' order."""
        return self._head("POST", "/api/v2/alerts") + b"Content-Length: "

    def get(self, path: str) -> bytes:
        """A whole GET request."""
        return self._head("GET", path) + b"Accept: application/json\r\n\r\n"

    def _head(self, method: str, path: str) -> bytes:
        host = str(self).removesuffix(self.prefix)
        return (f"{method} {self.prefix}{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {_AGENT}\r\n").encode()


POST_TAIL: Final = b"\r\nContent-Type: application/json\r\n\r\n"
"""What follows the value of Content-Length."""


def parse_target(text: str, flag: str = "--target") -> Target:
    """Read ``host:port`` or ``http://host:port/prefix``. Raises AmfastError, which names the flag."""
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found[2]) <= _PORT_MAX:
        raise AmfastError(
            f"{flag} {text!r} is no address: write host:port, or http://host:port/prefix behind a route prefix"
        )
    return Target(found[1].strip("[]"), int(found[2]), (found[3] or "").rstrip("/"))
