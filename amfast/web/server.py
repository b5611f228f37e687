"""The HTTP server: listen, watch over the connections, and drain at the end."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import ssl
from typing import Final

from amfast.model.clock import Clock, Timer
from amfast.model.errors import AmfastError
from amfast.web.connection import Connection
from amfast.web.message import Handler
from amfast.web.shared import Shared

CHECK_INTERVAL_S: Final = 5.0
_PORT_MAX: Final = 65_535
_BACKLOG: Final = 1024


def split_address(text: str) -> tuple[str | None, int]:
    """``host:port`` taken apart; without a host (``:9093``) None, which stands for every address of the machine.

    An IPv6 address stands in brackets. Raises AmfastError.
    """
    host, colon, port_text = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise AmfastError(f"listen address {text!r}: write an IPv6 address in brackets, such as [::1]:9093")
    if not colon or not port_text.isascii() or not port_text.isdigit() or int(port_text[:6]) > _PORT_MAX:
        raise AmfastError(f"listen address {text!r}: expected host:port, such as 127.0.0.1:9093 or :9093")
    return host or None, int(port_text)


class Server:
    """Serves one handler on any number of addresses."""

    def __init__(self, handler: Handler, *, clock: Clock, log: logging.Logger) -> None:
        self._shared = Shared(handler, clock, log)
        self._clock = clock
        self._listeners: list[asyncio.Server] = []
        self._check_timer: Timer | None = None
        self._all_closed: asyncio.Event | None = None

    async def listen(self, address: str, *, tls: ssl.SSLContext | None = None) -> int:
        """Listen on ``host:port`` and return the port bound (another than asked for when that is 0).

        Raises AmfastError for an address that is wrong, taken or not ours.
        """
        host, port = split_address(address)
        loop = asyncio.get_running_loop()
        try:
            listener = await loop.create_server(
                lambda: Connection(self._shared), host, port, backlog=_BACKLOG, ssl=tls, start_serving=False
            )
        except OSError as error:
            raise AmfastError(f"cannot listen on --web.listen-address={address}: {_why(error)}") from None
        self._listeners.append(listener)
        return int(listener.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Begin to accept connections on every address; until then they are refused.

        Raises AmfastError when another program took a port since it was bound.
        """
        for listener in self._listeners:
            try:
                await listener.start_serving()
            except OSError as error:
                raise AmfastError(f"cannot serve: {_why(error)}") from None
        self._check()

    async def stop(self, deadline_s: float) -> None:
        """Accept nothing more, let the requests under way finish, and cut what is left after ``deadline_s``."""
        self._shared.draining = True
        for listener in self._listeners:
            listener.close()
        if self._check_timer is not None:
            self._check_timer.cancel()
        self._all_closed = asyncio.Event()
        self._drain()
        deadline = self._clock.call_later(deadline_s, self._abort)
        await self._all_closed.wait()
        deadline.cancel()

    def _check(self) -> None:
        now_us = self._clock.monotonic_us()
        for connection in tuple(self._shared.connections):
            connection.check(now_us)
        self._check_timer = self._clock.call_later(CHECK_INTERVAL_S, self._check)

    def _drain(self) -> None:
        """Close what became idle and look again shortly, until no connection is left."""
        now_us = self._clock.monotonic_us()
        for connection in tuple(self._shared.connections):
            connection.drain()
            connection.check(now_us)
        if self._shared.connections:
            self._check_timer = self._clock.call_later(0.02, self._drain)
        elif self._all_closed is not None:
            self._all_closed.set()

    def _abort(self) -> None:
        for connection in tuple(self._shared.connections):
            connection.abort()


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is in use by another program; stop it or choose another port"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine does not have that address"
    if error.errno == errno.EACCES:
        return "no permission; ports below 1024 need privileges"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or "the name does not resolve"
