"""Requests that need no proxy: on connections of our own, which are kept while their servers keep them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import weakref
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Final, NamedTuple

import aiohappyeyeballs

from amfast.config.http import HttpConfig
from amfast.config.tls import TlsConfig
from amfast.receivers.answers import Answer
from amfast.receivers.errors import HttpError, why
from amfast.receivers.tls import Contexts
from amfast.receivers.urls import exact
from amfast.receivers.wire import Wire

_PORTS: Final = {"http": 80, "https": 443}
_IDLE_S: Final = 300.0
IDLE_MAX: Final = 256
"""Connections; the hosts may be as many as what alerts say, where a template makes the URL."""
_TARGETS_REMEMBERED: Final = 1000
_HEADS_REMEMBERED: Final = 100
_REMEMBERED_CHARS_MAX: Final = 1000
_NEXT_ADDRESS_S: Final = 0.25
"""How long one address of a host may take before the next is tried beside it (RFC 8305)."""


class Where(NamedTuple):
    """What connections have in common that can serve one another's requests."""

    scheme: str
    host: str
    port: int
    tls: TlsConfig | None
    """None without TLS."""


class Target(NamedTuple):
    """What a URL says."""

    scheme: str
    host: str
    port: int
    line: str
    """Path and query as they are sent."""
    host_header: str
    authorization: str
    """Of the name and the password in the URL, empty without."""


class Direct:
    """Makes requests over HTTP/1.1. There is no limit to the connections: one receiver that hangs delays no other."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._idle: dict[Where, list[Wire]] = {}
        """Those that were used last are used first."""
        self._since: dict[Wire, tuple[float, Where]] = {}
        """Since when each of them is idle, and where; in this order."""
        self._open: weakref.WeakSet[Wire] = weakref.WeakSet()
        self._target = lru_cache(_TARGETS_REMEMBERED)(_target)

    def close(self) -> None:
        """Cut all connections; the next request would open new ones."""
        self._idle.clear()
        self._since.clear()
        for wire in list(self._open):
            wire.close()

    async def request(
        self, method: str, url: str, headers: list[tuple[str, str]], body: bytes | None, config: HttpConfig
    ) -> Answer:
        """Raises HttpError."""
        target = self._target(url) if len(url) <= _REMEMBERED_CHARS_MAX else _target(url)
        head = _head(method, target, tuple(headers))
        if body is not None:
            head += b"Content-Length: %d\r\n" % len(body)
        where = Where(
            target.scheme,
            target.host,
            target.port,
            config.tls_config if target.scheme == "https" else None,
        )
        wire = self._take(where) or await self._dial(where)
        try:
            return await wire.ask(head + b"\r\n" + (body or b""))
        except asyncio.CancelledError:
            wire.close()
            raise

    def _take(self, where: Where) -> Wire | None:
        idle = self._idle.get(where, [])
        found = None
        while idle and found is None:
            wire = idle.pop()
            del self._since[wire]
            found = None if wire.is_closed else wire
        if not idle:
            self._idle.pop(where, None)
        return found

    def _give_back(self, where: Where, wire: Wire) -> None:
        now_s = asyncio.get_running_loop().time()
        self._idle.setdefault(where, []).append(wire)
        self._since[wire] = (now_s, where)
        while True:
            oldest = next(iter(self._since))
            is_old = oldest.is_closed or self._since[oldest][0] < now_s - _IDLE_S
            if not is_old and len(self._since) <= IDLE_MAX:
                return
            self._forget(oldest)
            oldest.close()

    def _forget(self, oldest: Wire) -> None:
        _, where = self._since.pop(oldest)
        idle = self._idle[where]
        idle.remove(oldest)  # which is the first of them
        if not idle:
            del self._idle[where]

    async def _dial(self, where: Where) -> Wire:
        loop = asyncio.get_running_loop()
        wire = Wire(partial(self._give_back, where))
        with _as_http_error():
            context = None if where.tls is None else self._contexts.get(where.tls)
            infos = await loop.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
            sock = await aiohappyeyeballs.start_connection(infos, happy_eyeballs_delay=_NEXT_ADDRESS_S)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                name = None if where.tls is None else where.tls.server_name or where.host
                await loop.create_connection(lambda: wire, sock=sock, ssl=context, server_hostname=name)
            except BaseException:
                wire.close()
                sock.close()
                raise
        self._open.add(wire)
        return wire


def _target(url: str) -> Target:
    """Raises HttpError."""
    try:
        target = exact(url)
    except ValueError:
        raise HttpError("the URL is malformed", retry=False) from None
    if target.scheme not in _PORTS or not target.raw_host:
        raise HttpError("the URL is malformed", retry=False)
    authorization = ""
    if target.raw_user is not None or target.raw_password is not None:
        pair = f"{target.user or ''}:{target.password or ''}"
        authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
    port = target.port or _PORTS[target.scheme]
    return Target(
        target.scheme,
        target.raw_host,
        port,
        target.raw_path_qs,
        target.host_port_subcomponent or "",
        authorization,
    )


@lru_cache(_HEADS_REMEMBERED)
def _head(method: str, target: Target, headers: tuple[tuple[str, str], ...]) -> bytes:
    """All lines that do not depend on the body. Raises HttpError for a header that would not stay in its line."""
    named = {name.lower() for name, _ in headers}
    lines = [f"{method} {target.line} HTTP/1.1"]
    if "host" not in named:
        lines.append(f"Host: {target.host_header}")
    lines += [f"{name}: {value}" for name, value in headers]
    if target.authorization and "authorization" not in named:
        lines.append(f"Authorization: {target.authorization}")
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1 or "\0" in text:
        raise HttpError("a header of the request has a line break in it", retry=False)
    try:
        return text.encode("utf-8", "surrogateescape") + b"\r\n"
    except UnicodeEncodeError:
        raise HttpError("a header of the request has characters that are no text", retry=False) from None


@contextlib.contextmanager
def _as_http_error() -> Iterator[None]:
    """What goes wrong with dialling becomes an HttpError."""
    try:
        yield
    except TimeoutError:
        raise HttpError("timed out") from None
    except OSError as error:
        raise HttpError(f"cannot connect: {why(error)}") from None
    except ValueError:  # a name that is none, of the host or for TLS
        raise HttpError("the host name is malformed", retry=False) from None
