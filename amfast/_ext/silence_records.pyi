"""Records of silences that are looked at without being decoded: when they hold, and what their matchers need."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, final

from amfast._ext.pb import SilenceLike

_Pairs: TypeAlias = tuple[tuple[str, str], ...]

@final
class SilenceRecord:
    """A silence as the delimited record that says it, and what has to be known of it without decoding."""

    data: bytes
    id: str
    starts_at_ns: int
    ends_at_ns: int
    updated_at_ns: int
    expires_at_ns: int
    silence: Any
    """For whoever decodes it, to be remembered; None before."""
    arrival: int
    """The place among those of one scan; whoever stores it may set it."""

    def __init__(self, silence: SilenceLike, data: bytes, expires_at_ns: int) -> None:
        """Of a silence that is known, and the record of it."""
    def needs(self, literals: Callable[[str], Iterable[str] | None]) -> list[tuple[_Pairs, ...]]:
        """What each set of matchers needs, as :func:`scan_with_needs` says it."""

def scan_silences(data: bytes) -> list[SilenceRecord]:
    """All MeshSilence records, refused where :func:`amfast._ext.pb.decode_silences` refuses them, but not decoded.

    Records of old forms are written anew.
    """

def scan_with_needs(
    data: bytes, literals: Callable[[str], Iterable[str] | None]
) -> tuple[list[SilenceRecord], list[str], list[tuple[_Pairs, ...]]]:
    """As :func:`scan_silences`, for all of what is kept: the records keep the data as long as there is one of them.

    Also, for each set of matchers that is not empty, the id of its silence, and what it needs: the pairs of which
    labels must have one, for each matcher that needs any. ``literals`` gives the only values that a regular expression
    matches, None or nothing if there are more.
    """

def join_records(records: Iterable[SilenceRecord]) -> bytes:
    """The data of all of them. They become parts of it, and let go of what they were parts of."""
