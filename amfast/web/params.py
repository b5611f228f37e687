"""Query parameters, read as the reference reads them (reference api, section 3)."""

from __future__ import annotations

from urllib.parse import unquote_plus

_TRUE = frozenset(("true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"))
_HEX = frozenset("0123456789abcdefABCDEF")


class Params:
    """The parameters of one query, in the order they came.

    Pairs with a broken escape or a semicolon are dropped, as Go drops them.
    """

    __slots__ = ("_values",)

    def __init__(self, query: str) -> None:
        self._values: dict[str, list[str]] = {}
        for pair in query.split("&"):
            if not pair or ";" in pair or not _escapes_are_right(pair):
                continue
            name, _, value = pair.partition("=")
            self._values.setdefault(_unescape(name), []).append(_unescape(value))

    def many(self, name: str) -> list[str]:
        """Every value of a repeated parameter."""
        return self._values.get(name, [])

    def last(self, name: str) -> str:
        """The last value of a single parameter, empty without one."""
        values = self._values.get(name)
        return values[-1] if values else ""

    def flag(self, name: str) -> bool:
        """A boolean whose default is true; any word that does not say yes says no."""
        text = self.last(name)
        return not text or text.lower() in _TRUE


def _unescape(text: str) -> str:
    return unquote_plus(text, errors="replace")


def _escapes_are_right(text: str) -> bool:
    return all(len(part) >= 2 and part[0] in _HEX and part[1] in _HEX for part in text.split("%")[1:])  # noqa: PLR2004
