"""Heads of HTTP requests that were parsed before, found again by their bytes without the digits of a length.

A client sends the same head with every request, but for the digits of ``Content-Length``, if it has that. What a full
parser made of it once is kept here. Nothing is parsed: a head is found only if all its other bytes are the same, and
the number is written in the one shortest way; everything else is the full parser's to judge.
"""

from typing import Self, final

@final
class Head:
    """A head that is known; what it means is the caller's."""

    @property
    def before(self) -> bytes:
        """Its bytes up to the digits; all of them if it has no length."""

    @property
    def after(self) -> bytes:
        """Its bytes behind the digits, the empty line included."""

    @property
    def meaning(self) -> object: ...

@final
class Heads:
    """A bounded number of heads, each of at most 4 KiB; those that were not seen for longest are forgotten first."""

    def __new__(cls, heads_max: int) -> Self: ...
    def __init__(self, heads_max: int) -> None: ...
    def __len__(self) -> int: ...
    @property
    def body_at(self) -> int:
        """Where the body begins of the request whose head was found last."""

    @property
    def body_bytes(self) -> int:
        """How long it is: at most eight digits."""

    def find(self, data: bytearray, start: int, end: int, last: Head | None) -> Head | None:
        """The known head that begins at ``start``, or None; ``last`` is looked at first.

        Raises ValueError unless start and end lie in the data.
        """

    def cut(self, data: bytearray, start: int, end: int) -> tuple[bytes, bytes, bytes] | None:
        """The head at ``start`` in three pieces: before the digits of its length, these, and what follows them.

        The last two are empty if it has no length. None if it is not whole, longer than 4 KiB, has several lengths,
        or is written in an unusual way.
        Raises ValueError unless start and end lie in the data.
        """

    def learn(self, before: bytes, after: bytes, meaning: object) -> Head:
        """Keep what the head means whose pieces :meth:`cut` gave and which the full parser took."""
