"""The bodies of gossip messages: the MessagePack profile of reference gossip, sections 3 and 4.

A body is named by the type byte of its message; 14 is one node entry of a push/pull. Text and byte fields are
``bytes``, or None for nil.
"""

from collections.abc import Mapping

class RemoteError(Exception):
    """A peer sent bytes that break the protocol or a limit; nothing of them was applied."""

    answer: bool
    """Whether an acceptor tells the peer, with an error reply, before it closes (reference gossip, section 8)."""
    def __init__(self, text: str, answer: bool = False) -> None: ...

class LabelError(RemoteError):
    """The peer's cluster label is missing, or another one than this node's."""

def encode_body(shape: int, fields: Mapping[str, bytes | int | None]) -> bytes:
    """The body with these fields; fields left out are nil, zero or false."""

def decode_body(shape: int, data: bytes) -> tuple[dict[str, bytes | int | None], int]:
    """Every field of the body that ``data`` begins with, and how many bytes it took.

    Raises RemoteError if the bytes are cut off or are not such a body.
    """
