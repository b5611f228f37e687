"""Datagrams on their way out, side by side in one block of memory that is used again."""

from typing import final

@final
class Outbox:
    """Written by the membership core, emptied by its ``packets`` or by a socket. Used from Cython only."""
