from collections.abc import Callable
from typing import Self, final

from amfast._ext.table import Table

class BodyEmpty(ValueError):  # noqa: N818 - what it is, not what went wrong
    """A body without any value."""

class BodyError(ValueError):
    """A body that is not JSON or holds the wrong types; its text says what, in the words of the reference."""

class BodyInvalid(ValueError):  # noqa: N818
    """An alert that lacks its labels or whose URL is none: ``args`` are the alert's index and the URL, or None."""

@final
class Posted:
    """What became of a body."""

    firing: int
    """Alerts whose end is to come, valid or not."""
    resolved: int
    stored: int
    dropped: int
    """Alerts for which there was no room."""
    complaints: list[tuple[str, str | None]] | None
    """A text for each alert that is invalid, and the name, still to be quoted, that ends it; None without any."""
    has_sequel: bool
    """Some were dropped, have no place yet, are news, or were kept because the table keeps what it is told."""

@final
class Intake:
    """Reads the bodies of ``POST /api/v2/alerts`` into a table (reference api, sections 3 and 6)."""

    def __new__(cls, table: Table, *, classic_names: bool, is_uri: Callable[[str], bool]) -> Self:
        """``is_uri`` is asked about the URLs that are not plainly right."""

    def post(self, body: bytes | memoryview, now_ns: int, offset_s: int, resolve_timeout_ns: int) -> Posted:
        """Store the valid alerts of a body that came at ``now_ns``, in the zone ``offset_s`` east of UTC.

        Raises BodyEmpty, BodyError and BodyInvalid, with nothing stored; MemoryError.
        """
