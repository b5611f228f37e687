"""One connection to a server that is kept open and asked one thing at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final, NamedTuple, cast

import httptools

from amfast.load.target import Target

_TEXT_BYTES_MAX: Final = 200
_BAD_REQUEST: Final = 400
_HEAD_BYTES_MAX: Final = 4096
_CHECK_S: Final = 1.0
_PAD: Final = memoryview(bytearray(256 * 1024))
"""Where every connection reads to: what is read is looked at before anything else is, and small enough for a cache."""


class Answer(NamedTuple):
    """How a request ended: with a status, or with ``problem`` (and then the status is 0)."""

    status: int
    read_bytes: int
    """Of the whole answer, its head and framing included."""
    took_ns: int
    problem: str = ""
    """Also the beginning of the text with which a server refuses."""


class Connection(asyncio.BufferedProtocol):
    """Speaks to one target. After an error the next ``open`` dials again.

    Answers can be megabytes and what reads them has one core with what sends: so nothing of a body is copied.
    """

    def __init__(self, target: Target, timeout_s: float) -> None:
        self.target = target
        self.closed_until_s = 0.0
        """When to dial again, on the monotonic clock; for whoever dials."""
        self._timeout_s = timeout_s
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Answer] | None = None
        self._sent_ns = 0
        self._size = 0
        self._beginning = b""
        self._watch: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    async def open(self) -> None:
        """Dial unless connected. Raises OSError, also when nobody answers in time."""
        if self._transport is None:
            loop = asyncio.get_running_loop()
            dialling = loop.create_connection(lambda: self, self.target.host, self.target.port)
            await asyncio.wait_for(dialling, self._timeout_s)

    def ask(self, parts: Sequence[bytes]) -> asyncio.Future[Answer]:
        """Send a request; the answer never is an exception. Only when open and nothing is asked."""
        loop = asyncio.get_running_loop()
        self._answer = answer = loop.create_future()
        self._size = 0
        self._beginning = b""
        self._sent_ns = time.perf_counter_ns()
        if self._transport is None:
            self._end(Answer(0, 0, 0, "connection lost"))
        else:
            self._transport.writelines(parts)
        return answer

    def close(self) -> None:
        """Give up whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(1 << 24)
        self._parser = httptools.HttpResponseParser(self)
        self._check()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._watch is not None:
            self._watch.cancel()
        reason = type(exc).__name__ if exc is not None else "closed by the server"
        self._end(Answer(0, self._size, self._elapsed_ns(), f"connection lost: {reason}"))

    def get_buffer(self, _sizehint: int) -> memoryview:
        return _PAD

    def buffer_updated(self, nbytes: int) -> None:
        self._size += nbytes
        if len(self._beginning) < _HEAD_BYTES_MAX:
            self._beginning += _PAD[: min(nbytes, _HEAD_BYTES_MAX)]
        try:
            self._parser.feed_data(_PAD[:nbytes])
        except httptools.HttpParserError as error:
            self._end(Answer(0, self._size, self._elapsed_ns(), f"not HTTP: {error}"))
            self.close()

    # What the parser calls

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        problem = ""
        if status >= _BAD_REQUEST:
            _, _, text = self._beginning.partition(b"\r\n\r\n")
            problem = f"status {status}: {text[:_TEXT_BYTES_MAX].decode(errors='replace').strip()}"
        took_ns = self._elapsed_ns()
        transport = self._transport
        if transport is not None and (
            not self._parser.should_keep_alive() or transport.get_write_buffer_size() > 0
        ):
            # Answered before it was read to the end: the rest of the body must not become the next request.
            self._transport = None
            transport.abort()
        self._end(Answer(status, self._size, took_ns, problem))

    def _elapsed_ns(self) -> int:
        return time.perf_counter_ns() - self._sent_ns

    def _end(self, answer: Answer) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)
        self._answer = None

    def _check(self) -> None:
        """End a request that takes too long; one timer for a connection is cheaper than one for a request."""
        if self._answer is not None and self._elapsed_ns() > self._timeout_s * 1e9:
            self._end(Answer(0, self._size, self._elapsed_ns(), f"no answer in {self._timeout_s:g} s"))
            self.close()
        self._watch = asyncio.get_running_loop().call_later(_CHECK_S, self._check)
