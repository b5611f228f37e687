"""One POST body that is built once and then only gets new times."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from amfast.load.shape import NS, STAMP_BYTES

_ENDS_AT: Final = b'"endsAt":"'
_MS: Final = 1_000_000


def stamp(ns: int) -> str:
    """A time in nanoseconds since 1970 as Prometheus writes it, whole milliseconds in UTC."""
    seconds, rest = divmod(ns, NS)
    return f"{_second(seconds)}.{rest // _MS:03d}Z"


@lru_cache(16)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


class Batch:
    """Alerts of one request, cut where their ``endsAt`` stands: one join makes a body, and copies it only once."""

    __slots__ = ("_pieces", "alerts")

    def __init__(self, alerts: Iterable[bytes]) -> None:
        self._pieces: list[bytes] = []
        self.alerts = 0
        """How many there are."""
        last = b"["
        for alert in alerts:
            at = alert.index(_ENDS_AT) + len(_ENDS_AT)
            self._pieces.append(last + alert[:at])
            last = alert[at + STAMP_BYTES :] + b","
            self.alerts += 1
        self._pieces.append((last[:-1] if self.alerts else last) + b"]")

    def body(self, ends_at: str) -> bytes:
        """The JSON in which all alerts end at this time; ``ends_at`` is what ``stamp`` made of it."""
        return ends_at.encode().join(self._pieces)
