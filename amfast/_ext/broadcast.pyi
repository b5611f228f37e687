"""The queue of messages to spread, each a limited number of times (reference gossip, section 11)."""

from typing import final

def retransmits(multiplier: int, members: int) -> int:
    """How often a message is sent in a cluster of this size."""

@final
class Broadcasts:
    """Messages ordered by how seldom they were sent, then longest first, then newest first."""

    dropped: int
    """Messages lost because the queue was full."""
    def __init__(self, count_max: int) -> None: ...
    def push(self, message: bytes, owner: int = -1) -> None:
        """Queue a message. One with an ``owner`` replaces the queued one of that owner."""
    def take(self, overhead: int, limit: int, retransmits: int) -> list[bytes]:
        """Up to 255 messages that fit in ``limit`` bytes, each charged ``overhead`` bytes more."""
    def prune(self, keep: int) -> int:
        """Drop from the far end until ``keep`` are left; returns how many were dropped."""
    def __len__(self) -> int: ...
