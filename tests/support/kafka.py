"""A Kafka broker on loopback, of one topic with one partition, which keeps the records that are produced to it.

It speaks the oldest forms that clients still take, in plain text or TLS; ``_VERSIONS`` says which.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from typing import Any

from aiokafka.record.memory_records import MemoryRecords

_PRODUCE, _METADATA, _API_VERSIONS, _INIT_PRODUCER_ID = 0, 3, 18, 22
_VERSIONS = {_PRODUCE: 3, _METADATA: 1, _API_VERSIONS: 0, _INIT_PRODUCER_ID: 0}


class Broker:
    """``records`` are the key and the value of each, in order; ``error`` is what producers are told from now on."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes | None]] = []
        self.topics: set[str] = set()
        self.acks: set[int] = set()
        self.clients: set[str] = set()
        self.codecs: set[int] = set()
        self.error = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                answer = self._answer(_Reader(await reader.readexactly(size)))
                if answer is not None:
                    writer.write(struct.pack(">i", len(answer)) + answer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, request: _Reader) -> bytes | None:
        key, version, correlation = request.take(">hhi")
        self.clients.add(request.text() or "")
        head: bytes = struct.pack(">i", correlation)
        if key == _API_VERSIONS:
            return head + struct.pack(">h", 35 if version else 0) + self._versions()
        assert version == _VERSIONS[key], (key, version)
        if key == _INIT_PRODUCER_ID:
            return head + struct.pack(">ihqh", 0, 0, 1, 0)
        if key == _METADATA:
            return head + self._metadata(request)
        answer = self._produce(request)
        return None if answer is None else head + answer

    def _versions(self) -> bytes:
        entries = b"".join(struct.pack(">hhh", key, 0, last) for key, last in _VERSIONS.items())
        return struct.pack(">i", len(_VERSIONS)) + entries

    def _metadata(self, request: _Reader) -> bytes:
        (count,) = request.take(">i")
        names = [request.text() or "" for _ in range(max(count, 0))]
        broker = struct.pack(">i", 1) + _text("127.0.0.1") + struct.pack(">i", self.port) + _text(None)
        partition = struct.pack(">hii", 0, 0, 1) + struct.pack(">iiii", 1, 1, 1, 1)
        topics = b"".join(
            struct.pack(">h", 0) + _text(name) + b"\0" + struct.pack(">i", 1) + partition for name in names
        )
        return struct.pack(">i", 1) + broker + struct.pack(">i", 1) + struct.pack(">i", len(names)) + topics

    def _produce(self, request: _Reader) -> bytes | None:
        request.text()  # the transaction
        acks, _timeout, _topics = request.take(">hii")
        self.acks.add(acks)
        topic = request.text() or ""
        self.topics.add(topic)
        _partitions, partition, size = request.take(">iii")
        found = MemoryRecords(request.bytes(size))
        while (batch := found.next_batch()) is not None:
            self.codecs.add(batch.compression_type)
            if not self.error:
                self.records += [(record.key, record.value) for record in batch]
        if acks == 0:
            return None
        answer = struct.pack(">i", 1) + _text(topic) + struct.pack(">i", 1)
        return answer + struct.pack(">ihqqi", partition, self.error, len(self.records), -1, 0)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return values

    def bytes(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]

    def text(self) -> str | None:
        (size,) = self.take(">h")
        return None if size < 0 else self.bytes(size).decode()


def _text(text: str | None) -> bytes:
    if text is None:
        return struct.pack(">h", -1)
    return struct.pack(">h", len(text)) + text.encode()
