"""What is left of a damaged file of delimited records (reference storage, section 1).

Such a file has neither checksums nor marks: a record is a length (base-128 varint) and so many bytes. Behind damage a
record counts only where it is one beyond doubt, and another one, or the end of the file, follows at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

RECORD_BYTES_MAX: Final = 4 << 20
LENGTH_BYTES_MAX: Final = 4
"""Of the length before a record that is no larger."""
TRIES_MAX: Final = 1_000_000
"""Places at which a record is looked for; beyond it the rest counts as lost, so that no file takes forever."""
FIRST_TAG: Final = b"\x0a"
"""What every record begins with: the tag of its field 1, a message."""
_MORE: Final = 0x80


@dataclass(slots=True)
class Salvage:
    """What became of a file."""

    records: int = 0
    """How many were kept."""
    first_at: int = -1
    """Where the first damage begins; -1 without any."""
    lost_bytes: int = 0


def salvage(data: bytes, take: Callable[[bytes], None], is_certain: Callable[[bytes], bool]) -> Salvage:
    """Give every record that can be read, delimited, to ``take``, which raises ValueError for one it cannot read.

    ``is_certain`` says whether bytes are such a record beyond doubt.
    """
    found = Salvage()
    search = _Search(data, is_certain)
    at = 0
    while at < len(data):
        end = record_end(data, at)
        if end is not None and _taken(data[at:end], take):
            found.records += 1
            at = end
            continue
        if found.first_at < 0:
            found.first_at = at
        # If only the record itself is damaged, its length still leads to the next one.
        onward = (
            end if end is not None and (end == len(data) or search.is_record(end)) else search.next(at + 1)
        )
        found.lost_bytes += onward - at
        at = onward
    return found


def _taken(record: bytes, take: Callable[[bytes], None]) -> bool:
    try:
        take(record)
    except ValueError:
        return False
    return True


def record_end(data: bytes, at: int) -> int | None:
    """Where the record that begins there ends; None where none can begin."""
    length = shift = 0
    for place in range(at, min(at + LENGTH_BYTES_MAX, len(data))):
        length |= (data[place] & ~_MORE) << shift
        shift += 7
        if data[place] < _MORE:
            end = place + 1 + length
            return end if length <= RECORD_BYTES_MAX and end <= len(data) else None
    return None


class _Search:
    """Where records begin, in bytes of which that is not known."""

    def __init__(self, data: bytes, is_certain: Callable[[bytes], bool]) -> None:
        self._data = data
        self._is_certain = is_certain
        self._tries = TRIES_MAX

    def next(self, start: int) -> int:
        """The first place from ``start`` on where a record begins that another or the end follows; else the end."""
        data = self._data
        tag_at = data.find(FIRST_TAG, start + 1)
        while tag_at >= 0 and self._tries > 0:
            self._tries -= 1
            # The length before the tag has one byte, or more that say that they go on.
            for at in range(tag_at - 1, max(start, tag_at - LENGTH_BYTES_MAX) - 1, -1):
                if at < tag_at - 1 and data[at] < _MORE:
                    break
                if self.is_record(at):
                    return at
            tag_at = data.find(FIRST_TAG, tag_at + 1)
        return len(data)

    def is_record(self, at: int) -> bool:
        end = self._certain_end(at)
        return end is not None and (end == len(self._data) or self._certain_end(end) is not None)

    def _certain_end(self, at: int) -> int | None:
        data = self._data
        end = record_end(data, at)
        if end is None:
            return None
        tag_at = at + 1
        while data[tag_at - 1] >= _MORE:
            tag_at += 1
        # Whatever field 1 holds must fit into the record; that is quickly seen, and true of few other bytes.
        inner_end = record_end(data, tag_at + 1) if data[tag_at : tag_at + 1] == FIRST_TAG else None
        if inner_end is None or inner_end > end:
            return None
        return end if self._is_certain(data[at:end]) else None
