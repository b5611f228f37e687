"""A mail server on loopback that takes every mail and keeps it (RFC 5321, as much as one client needs)."""

from __future__ import annotations

import asyncio
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage


class PostOffice:
    """Has neither TLS nor accounts; ``close`` ends it."""

    def __init__(self) -> None:
        self._mails: list[tuple[str, bytes]] = []
        self._arrived = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def wait_for(self, count: int, within_s: float = 20.0) -> list[tuple[str, EmailMessage]]:
        """To whom each mail went and what it says, once there are ``count``."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self._mails) >= count, within_s), (
                f"only {len(self._mails)} came"
            )
            return [(to, message_from_bytes(mail, policy=policy.default)) for to, mail in self._mails]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        to = ""
        while line := (await reader.readline()).decode():
            verb = line[:4].upper().rstrip()
            if verb == "RCPT":
                to = line.partition("<")[2].partition(">")[0]
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                self._keep(to, await self._mail(reader))
            writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 yes\r\n")
            if verb == "QUIT":
                break
        writer.close()

    async def _mail(self, reader: asyncio.StreamReader) -> bytes:
        """Lines up to one with a dot alone; another dot at a line's start was doubled."""
        lines: list[bytes] = []
        while (line := await reader.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _keep(self, to: str, mail: bytes) -> None:
        with self._arrived:
            self._mails.append((to, mail))
            self._arrived.notify_all()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()
