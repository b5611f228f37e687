"""The smallest user state there is: keys whose last writer wins."""

from __future__ import annotations

from collections.abc import Callable

import msgpack  # type: ignore[import-untyped]


class LastWriterWins:
    """Values with a stamp; the higher stamp wins. ``on_news`` hears each key that changed by a merge."""

    def __init__(self, on_news: Callable[[str], None]) -> None:
        self.values: dict[str, tuple[int, bytes]] = {}
        self._on_news = on_news

    def put(self, key: str, stamp: int, value: bytes) -> bytes:
        """Write, and return the record to be sent to the others."""
        self.values[key] = (stamp, value)
        return _encode({key: (stamp, value)})

    def marshal(self) -> bytes:
        """Everything, in the order of the keys."""
        return _encode(dict(sorted(self.values.items())))

    def merge(self, data: bytes) -> int:
        """Take what is newer; how many records that were. Raises ValueError."""
        changed = 0
        for key, (stamp, value) in msgpack.unpackb(data).items():
            if key not in self.values or stamp > self.values[key][0]:
                self.values[key] = (stamp, value)
                self._on_news(key)
                changed += 1
        return changed


def _encode(values: dict[str, tuple[int, bytes]]) -> bytes:
    packed: bytes = msgpack.packb(values)
    return packed
