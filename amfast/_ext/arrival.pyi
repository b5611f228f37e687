"""Where the bytes of HTTP connections land, and the short way of requests whose heads are known."""

from typing import Any, final

from typing_extensions import disjoint_base

from amfast._ext.heads import Head, Heads

@final
class Pads:
    """The buffer into which the connections of a server read, one after the other, and the heads they know."""

    def __init__(self, heads: Heads, pad_bytes: int, lent_max: int) -> None: ...
    @property
    def heads(self) -> Heads: ...
    @property
    def pad(self) -> bytearray:
        """Where the next bytes land, on whichever connection; all is looked at before anything else is read."""

    @property
    def lent(self) -> int:
        """How many pads are lent."""

    def lend(self) -> bytearray | None:
        """The pad with all that is on it, for a while; None when too many are lent."""

    def take_back(self, pad: bytearray) -> None: ...

@disjoint_base
class Arrival:
    """The lowest part of a connection, called by the event loop as ``asyncio.BufferedProtocol`` says.

    A request that landed whole and whose head is known is handed over as it lies there. For all else the part above
    is asked, which has the full parser.
    """

    _landing: Any
    """The body that is on its way to a place of its own."""
    _last_head: Head | None
    _deaf: bool
    """Nothing that comes counts any more."""
    _in_message: bool
    """The next byte continues a request."""

    def __init__(self, pads: Pads) -> None: ...
    @property
    def pads(self) -> Pads: ...
    def get_buffer(self, sizehint: int) -> bytearray | memoryview: ...
    def buffer_updated(self, nbytes: int) -> None: ...
    def _unknown(self, pad: bytearray, start: int, end: int) -> int:
        """Take in bytes that do not begin with a known head; up to where this was done."""

    def _known(self, meaning: Any, body: memoryview) -> bool:  # noqa: ANN401 - the caller's own type
        """Take in a request; the body is released afterwards. Whether nothing changed that reading depends on."""

    def _begun(self, meaning: Any, start: int, end: int, whole: int) -> None:  # noqa: ANN401
        """Begin to take in a request of whose body only a part is on the pad: where it is, and where it will end."""

    def _landed(self, size: int) -> None:
        """Take in bytes that went to the landing's place."""

    def _tune_reading(self) -> None:
        """Read on or not."""
