"""URLs as they are sent."""

from __future__ import annotations

import re

import yarl

from amfast.config.url import URL_CHARS_MAX

_ENCODED = re.compile(r"[!#-;=?-\[\]_a-z~]*")
"""URLs that hold only what may stand in one: they are sent as they are."""


def exact(url: str) -> yarl.URL:
    """The URL, not spelt anew if it need not be; its host and port can be read. Raises ValueError."""
    if len(url) > URL_CHARS_MAX:
        raise ValueError
    try:
        found = yarl.URL(url, encoded=_ENCODED.fullmatch(url) is not None)
        found.raw_host  # noqa: B018 - which is when it is looked at
    except IndexError:  # of a host that is nothing but a port, for one
        raise ValueError from None
    return found
