"""What the accepting side of a TCP stream answers (reference gossip, section 8)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from amfast._ext.swim import RemoteError, StreamMessage, StreamReader
from amfast._ext.wire import LabelError

STREAMS_MAX = 256
PUSH_PULLS_MAX = 127
BUFFERED_BYTES_MAX = 256 << 20
"""What all open streams together may have sent: each alone is allowed tens of megabytes."""


class Streams:
    """The streams that peers have open to this node.

    ``answer`` turns a whole message into the reply (empty: none), ``error_reply`` encodes an error's text.
    """

    def __init__(
        self,
        label: bytes,
        answer: Callable[[StreamMessage], bytes],
        error_reply: Callable[[str], bytes],
        log: logging.Logger,
    ) -> None:
        self.label = label
        self.answer = answer
        self.error_reply = error_reply
        self.log = log
        self.open = 0
        self.push_pulls = 0
        self.buffered_bytes = 0

    def accept(self) -> Acceptor | None:
        """A new stream, or None when too many are open."""
        return Acceptor(self) if self.open < STREAMS_MAX else None


class Acceptor:
    """One of them: it takes one message, gives at most one answer."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._reader = StreamReader(streams.label)
        self._push_pull = False
        self._bytes = 0
        streams.open += 1

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes; None asks for more, else the answer (perhaps empty) to be written before closing."""
        self._bytes += len(data)
        self._streams.buffered_bytes += len(data)
        if self._streams.buffered_bytes > BUFFERED_BYTES_MAX:
            return b""
        try:
            message = self._reader.feed(data)
        except RemoteError as error:
            # Garbage is not worth a line, but a node that cannot get in for its label is a mistake somebody made.
            level = logging.WARNING if isinstance(error, LabelError) else logging.DEBUG
            self._streams.log.log(level, "unusable stream", extra={"attrs": {"err": str(error)}})
            return self._streams.error_reply(str(error)) if error.answer else b""
        if message is None:
            return None
        if message.kind == "push_pull":
            if self._streams.push_pulls >= PUSH_PULLS_MAX:
                return b""
            self._push_pull = True
            self._streams.push_pulls += 1
        return self._streams.answer(message)

    def close(self) -> None:
        """The stream is gone."""
        self._streams.open -= 1
        self._streams.buffered_bytes -= self._bytes
        self._streams.push_pulls -= self._push_pull
