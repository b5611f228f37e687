"""Where the simulator's random numbers come from: one seed, and a stream of its own for each use."""

from __future__ import annotations

import random


def stream(seed: int, use: str) -> random.Random:
    """The generator for one use.

    It depends on the seed and the name only (never on the process's hash seed), so that one more draw in one
    place does not shift another.
    """
    return random.Random(f"{seed}/{use}")  # noqa: S311 - repeatable on purpose
