"""JSON text as the reference writes it: no blanks, nothing escaped that need not be."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final

RECEIVERS_REMEMBERED: Final = 256
"""Sets of receivers, of which a configuration seldom has as many."""

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


def encode(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """JSON text; the two line separators that Go escapes are escaped (no other place can hold them)."""
    text = _encoder.encode(value)
    if "\u2028" in text or "\u2029" in text:
        text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return text


def encode_for_html(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """JSON text that also escapes what HTML would read, as alerts, silences and the framework's errors do."""
    text = encode(value)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@lru_cache(RECEIVERS_REMEMBERED)
def receivers_json(names: tuple[str, ...]) -> bytes:
    """The receivers of an alert as the listings show them."""
    return encode_for_html([{"name": name} for name in names]).encode("utf-8", "replace")
