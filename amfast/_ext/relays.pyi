"""Pings made for others, until they are answered or their time is over (reference gossip, section 10.3)."""

from typing import final

@final
class Relays:
    """Used from Cython only; see relays.pxd."""
