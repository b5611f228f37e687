"""A ULID: the name of a node that was given none (reference gossip, section 15.1)."""

from __future__ import annotations

import random as randoms

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 26
_RANDOM_BITS = 80


def new_ulid(now_ms: int, random: randoms.Random) -> str:
    """26 characters of Crockford's base 32: 48 bits of milliseconds since 1970, then 80 random bits."""
    value = now_ms << _RANDOM_BITS | random.getrandbits(_RANDOM_BITS)
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))
