"""Messages on TCP streams: put together from pieces, and wrapped for sending (reference gossip, section 8)."""

from typing import NamedTuple, final

class Member(NamedTuple):
    """One entry of the member table as others may see it."""

    name: str
    ip: bytes
    """4 or 16 bytes, network order."""
    port: int
    state: int
    """ALIVE, SUSPECT, DEAD or LEFT."""
    incarnation: int

class StreamMessage(NamedTuple):
    """One message read from a stream. ``kind``: ``push_pull``, ``user``, ``ping``, ``ack`` or ``error``.

    Entries of a push/pull that no table could hold (no or too long a name, invalid UTF-8, an address of another size
    than 4 or 16) are left out of ``nodes``.
    """

    kind: str
    join: bool = False
    nodes: tuple[Member, ...] = ()
    versions: tuple[bytes, ...] = ()
    """The version bytes of each of ``nodes``."""
    user_state: bytes = b""
    """User state of a push/pull, or the payload of a user message."""
    seq_no: int = 0
    name: str = ""
    """For whom a ping is."""
    error: str = ""
    metas: tuple[bytes, ...] = ()
    """The meta of each of ``nodes``."""

@final
class StreamReader:
    """Puts one message together from the bytes of a stream, in whatever pieces they come.

    ``label`` is what the peer must send first; None on the dialling side, whose replies carry none. What follows
    the message is ignored.
    """

    def __init__(self, label: bytes | None) -> None: ...
    def feed(self, data: bytes) -> StreamMessage | None:
        """Add bytes; the message once it is whole, else None.

        Raises RemoteError as soon as the bytes cannot become a message within the limits.
        """

def wrap_stream(message: bytes, label: bytes) -> bytes:
    """The bytes of a stream that carries ``message``, compressed; an empty ``label`` adds no header.

    Raises ValueError for a message over 40 MiB, which no receiver takes.
    """
