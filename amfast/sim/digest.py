"""One number for all that happened in a run: equal seeds must give equal digests, on every build."""

from __future__ import annotations

import struct

import xxhash

from amfast._ext.swim import Event

_HEAD = struct.Struct("<qii").pack


class Digest:
    """xxHash (XXH3, 128 bits) of every delivered packet, event and fault, in order."""

    def __init__(self) -> None:
        self._hash = xxhash.xxh3_128()
        self._update = self._hash.update

    def packet(self, now_us: int, source: int, target: int, data: bytes) -> None:
        """A datagram, or one half of a stream, as it is handed to a node."""
        self._update(_HEAD(now_us, source, target))
        self._update(data)

    def event(self, now_us: int, observer: int, event: Event) -> None:
        """An event of a core."""
        self._update(_HEAD(now_us, observer, event.value & 0x7FFFFFFF))
        self._update(f"{event[0]} {event[1]}".encode())

    def fault(self, now_us: int, text: str) -> None:
        """Something that the world did to a node or a link."""
        self._update(_HEAD(now_us, -1, len(text)))
        self._update(text.encode())

    def hex(self) -> str:
        """The digest so far."""
        return self._hash.hexdigest()
