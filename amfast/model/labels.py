"""Label sets: names to values, held in name order, and the texts and orders the protocol fixes for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeAlias

from amfast.model.goquote import quote

Labels: TypeAlias = Mapping[str, str]
"""A label set whose iteration order is the byte order of the names (which is the order of code points)."""


def make_labels(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    """Bring labels into name order; a repeated name keeps its last value."""
    return dict(sorted(dict(pairs).items()))


def format_labels(labels: Labels) -> str:
    """``{a="b", c="d"}`` with Go string quoting: the form inside a group key (reference notify, section 4)."""
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels.items()) + "}"


def compare_labels(a: Labels, b: Labels) -> int:
    """Order of label sets: fewer labels first, then by the sorted union of names.

    At the first difference the set that lacks the name is the smaller, else the smaller value decides
    (reference api, section 6).
    """
    if len(a) != len(b):
        return -1 if len(a) < len(b) else 1
    for (a_name, a_value), (b_name, b_value) in zip(a.items(), b.items(), strict=True):
        if a_name != b_name:  # the set holding the earlier name has what the other lacks
            return 1 if a_name < b_name else -1
        if a_value != b_value:
            return -1 if a_value < b_value else 1
    return 0


def labels_order(labels: Labels) -> tuple[object, ...]:
    """Sort key for label sets: sorts as :func:`compare_labels`, with comparisons that are made in C."""
    return len(labels), *((_backwards(name), value) for name, value in labels.items())


@lru_cache(1024)
def _backwards(name: str) -> tuple[int, ...]:
    """Sorts names from the last to the first: the set that has the earlier name has what the other lacks."""
    return *(-ord(char) for char in name), 1
