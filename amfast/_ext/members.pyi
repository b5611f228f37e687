"""The member table of the core: C structs by interned id, found by name, with the suspicion timers."""

from typing import final

@final
class Members:
    """Used from Cython only; see members.pxd."""

    count: int
    """Entries of all states."""
    def __init__(self, seed: int) -> None: ...
