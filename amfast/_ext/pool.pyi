from typing import Self, final

@final
class Pool:
    """Pairs of names and values that many alerts have in common, each stored once with counted references."""

    recycled: int
    """Grows when the number of a pair nobody holds is given to another."""

    def __new__(cls, seed: int = 0) -> Self:
        """``seed`` (64 bit) makes the places of the hash table unknown to senders."""

    def __len__(self) -> int:
        """How many pairs are held."""
