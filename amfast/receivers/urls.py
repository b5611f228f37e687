"""URLs as they are sent."""

from __future__ import annotations

import re

import yarl

_ENCODED = re.compile(r"[!#-;=?-\[\]_a-z~]*")
"""URLs that hold only what may stand in one: they are sent as they are."""


def exact(url: str) -> yarl.URL:
    """The URL, not spelt anew if it need not be. Raises ValueError."""
    return yarl.URL(url, encoded=_ENCODED.fullmatch(url) is not None)
