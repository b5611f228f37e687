"""The outside on loopback: receiver, token server, HTTP proxy and SOCKS5 proxy in one, which notes what it saw."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

TOKEN_PATH = "/token"
HTTPS_PORT = 443

Reply = tuple[int, dict[str, str], str]
"""Status, headers and body of an answer."""
GRANTED: Reply = (200, {"Content-Type": "application/json"}, '{"access_token": "T", "expires_in": 3600}')
DONE: Reply = (200, {}, "")


@dataclass
class Outside:
    """One place that plays every part. ``seen`` is what came, in order; connections are told apart by what they say.

    ``token_replies`` and ``replies`` are what is answered to requests for tokens and to all others, the last one
    again and again.
    """

    token_replies: Sequence[Reply] = (GRANTED,)
    replies: Sequence[Reply] = (DONE,)
    tls: ssl.SSLContext | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0
    tls_port: int = 0
    _tokens: int = 0
    _others: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await reader.readexactly(1)
            if first == b"\x05":
                await self._socks(reader, writer)
                first = b""
            while True:
                first = await self._request(first, reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """RFC 1928 and RFC 1929, as a server that wants a password when one is offered."""
        methods = await reader.readexactly((await reader.readexactly(1))[0])
        wanted = 2 if 2 in methods else 0
        writer.write(bytes((5, wanted)))
        event: dict[str, Any] = {"socks": list(methods)}
        if wanted:
            await reader.readexactly(1)
            event["user"] = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
            event["password"] = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
            writer.write(b"\x01\x00")
        kind = (await reader.readexactly(4))[3]
        size = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
        host = await reader.readexactly(size)
        port = int.from_bytes(await reader.readexactly(2), "big")
        event |= {
            "host": host.decode() if kind == 3 else host.hex(),
            "kind": kind,
            "port": self.named(str(port)),
        }
        self.seen.append(event)
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        await self._tunnel(port, writer)

    async def _tunnel(self, port: int, writer: asyncio.StreamWriter) -> None:
        await writer.drain()
        if port == HTTPS_PORT:
            assert self.tls is not None
            await writer.start_tls(self.tls)

    async def _request(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bytes:
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
        line, *lines = head.strip().split("\r\n")
        method, target, _ = line.split(" ")
        headers = sorted((name.lower(), value) for name, _, value in (one.partition(": ") for one in lines))
        body = await reader.readexactly(int(dict(headers).get("content-length", 0)))
        event: dict[str, Any] = {"request": f"{method} {self.named(target)}"}
        event["headers"] = [[name, self.named(value)] for name, value in headers]
        self.seen.append(event)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await self._tunnel(int(target.rpartition(":")[2]), writer)
            return b""
        if TOKEN_PATH in target:
            event["body"] = self.named(body.decode())
            reply = self.token_replies[min(self._tokens, len(self.token_replies) - 1)]
            self._tokens += 1
        else:
            reply = self.replies[min(self._others, len(self.replies) - 1)]
            self._others += 1
        status, fields, text = reply
        answer = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in fields.items())]
        answer += [f"Content-Length: {len(text.encode())}", "", text]
        writer.write("\r\n".join(answer).encode())
        await writer.drain()
        return b""

    def named(self, text: str) -> str:
        """The text with our own ports, which differ from run to run, replaced by words."""
        text = text.replace(str(self.port), "PORT")
        return text.replace(str(self.tls_port), "TLS_PORT") if self.tls_port else text

    def address(self, text: str) -> str:
        """``text`` with ``{port}`` and ``{tls_port}`` filled in."""
        return text.replace("{port}", str(self.port)).replace("{tls_port}", str(self.tls_port))


class Neighbourhood:
    """Several places, served from a thread of their own until ``close``."""

    def __init__(self, places: Sequence[Outside]) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers = [self._loop.run_until_complete(self._start(place)) for place in places]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._places = places

    async def _start(self, place: Outside) -> list[asyncio.Server]:
        servers = [await asyncio.start_server(place.serve, "127.0.0.1", 0)]
        place.port = servers[0].sockets[0].getsockname()[1]
        if place.tls is not None:
            servers.append(await asyncio.start_server(place.serve, "127.0.0.1", 0, ssl=place.tls))
            place.tls_port = servers[1].sockets[0].getsockname()[1]
        return servers

    def wait(self, done: Callable[[], bool], within_s: float) -> None:
        """Return when ``done`` says so, at the latest after ``within_s``."""

        async def poll() -> None:
            for _ in range(int(within_s * 50)):
                if done():
                    return
                await asyncio.sleep(0.02)

        asyncio.run_coroutine_threadsafe(poll(), self._loop).result()

    def close(self) -> None:
        async def stop() -> None:
            for server in (one for servers in self._servers for one in servers):
                server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
