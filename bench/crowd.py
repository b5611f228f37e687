"""A crowd of members in one process: it speaks for all of them, from 127.0.x.y, and answers the pings to them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time

from amfast._ext.frame import pack
from amfast._ext.swim import Core, StreamReader
from amfast._ext.unpack import Unpacker
from amfast._ext.wire import RemoteError, decode_body, encode_body

PING, INDIRECT_PING, ACK, ALIVE = 0, 1, 2, 4
VSN = b"\x01\x05\x02\x00\x00\x00"
READ_BYTES = 65536


class Crowd:
    """Members of a cluster as one node sees them: alive, quiet, and each pinging once in a while."""

    def __init__(self, size: int, port: int, node_name: str, node_port: int) -> None:
        self.members = [
            (f"member-{i:05d}".encode(), bytes((127, 0, 1 + i // 250, 1 + i % 250))) for i in range(size)
        ]
        self.port = port
        self.node_name = node_name.encode()
        self.node = ("127.0.0.1", node_port)
        self.news_at_s = time.monotonic()
        """When the node last gossiped something: it is idle when that is long ago."""
        self._unpacker = Unpacker(b"")
        self._seq_no = 0
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        self._udp.setblocking(False)
        self._udp.bind(("0.0.0.0", port))
        self._core = Core(name="crowd", ip=b"\x7f\x00\x00\x02", port=port, seed=1)

    async def listen(self) -> None:
        asyncio.get_running_loop().add_reader(self._udp, self._read)
        await asyncio.start_server(self._stream, "0.0.0.0", self.port)

    async def come(self) -> None:
        """Tell the node of every member, slowly enough that nothing is lost."""
        for first in range(0, len(self.members), 10):
            alive = [
                bytes((ALIVE,))
                + encode_body(
                    ALIVE,
                    {"Node": name, "Addr": ip, "Port": self.port, "Incarnation": 1, "Meta": b"", "Vsn": VSN},
                )
                for name, ip in self.members[first : first + 10]
            ]
            self._send(pack(alive, b"", False), self.node)
            await asyncio.sleep(0.005)

    async def ping(self) -> None:
        """Each member probes one of all others a second: for the node that is one ping a second."""
        number = 0
        while True:
            name, ip = self.members[number % len(self.members)]
            number += 1
            self._seq_no += 1
            fields = {"Node": self.node_name, "SeqNo": self._seq_no, "SourceAddr": ip,
                      "SourceNode": name, "SourcePort": self.port}  # fmt: skip
            self._send(b"\x00" + encode_body(PING, fields), self.node)
            await asyncio.sleep(1.0)

    def _send(self, packet: bytes, address: tuple[str, int]) -> None:
        with contextlib.suppress(BlockingIOError):
            self._udp.sendto(packet, address)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, address = self._udp.recvfrom(READ_BYTES)
                for message in self._unpacker.messages(packet):
                    if message[0] in (PING, INDIRECT_PING):
                        fields, _ = decode_body(message[0], message[1:])
                        answer = encode_body(ACK, {"SeqNo": fields["SeqNo"], "Payload": b""})
                        self._send(bytes((ACK,)) + answer, address)
                    elif message[0] != ACK:
                        self.news_at_s = time.monotonic()

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A push/pull gets an answer without news."""
        message_reader = StreamReader(None)
        with contextlib.suppress(RemoteError, OSError):
            while data := await reader.read(READ_BYTES):
                message = message_reader.feed(data)
                if message is not None and message.kind == "push_pull":
                    writer.write(self._core.push_pull_reply(False, b""))
                    await writer.drain()
                if message is not None:
                    break
        writer.close()


async def run(crowd: Crowd) -> None:
    """Go on until standard input ends; say ``idle`` once the node has passed on all it heard."""
    await crowd.listen()
    await crowd.come()
    pinging = asyncio.create_task(crowd.ping())
    said = False
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, lambda: os.read(0, 1) or ended.set())
    while not ended.is_set():
        await asyncio.sleep(0.2)
        if not said and time.monotonic() - crowd.news_at_s > 2.0:
            print("idle", flush=True)
            said = True
    pinging.cancel()


if __name__ == "__main__":
    size, port, name, node_port = sys.argv[1:]
    asyncio.run(run(Crowd(int(size), int(port), name, int(node_port))))
