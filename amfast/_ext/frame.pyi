"""The layers around messages in a packet: compound, compress, checksum, label (reference gossip, sections 5 and 6)."""

from collections.abc import Sequence
from typing import final

@final
class Packer:
    """Collects the messages of one packet. Used from Cython only; see frame.pxd."""

    def __init__(self, label: bytes) -> None: ...

def checksum(data: bytes) -> int:
    """CRC-32 with the IEEE polynomial, as in zlib."""

def pack(messages: Sequence[bytes], label: bytes, with_checksum: bool) -> bytes:
    """One packet of 1 to 255 messages: compound if several, compressed if shorter.

    Raises ValueError for no or too many messages, or more than 4096 bytes in all.
    """
