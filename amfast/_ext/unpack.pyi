"""The messages in a received packet, within one budget for all its layers (reference gossip, sections 5, 7, 17.3)."""

from typing import final

@final
class Unpacker:
    """Takes packets apart. A broken part is dropped and counted; what stands before it is kept."""

    dropped: int
    """Packets and parts of packets that were broken or over a limit."""
    def __init__(self, label: bytes) -> None: ...
    def messages(self, packet: bytes) -> list[bytes]:
        """At most 1024 messages, each with its type byte, from at most 64 KiB decompressed."""
