"""Frames with a checksum, one behind the other: the form of our own files.

Such a file begins with a line that names it and its version. A frame is the length of its content (4 bytes, little
endian), the CRC-32 of length and content, and the content.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

FRAME_BYTES_MAX: Final = 64 << 20
"""Of content; a length beyond it is damage."""

_LENGTH = struct.Struct("<I")
_HEAD_BYTES: Final = 8


def frame(content: bytes) -> bytes:
    """The content as a frame."""
    length = _LENGTH.pack(len(content))
    return b"".join((length, _LENGTH.pack(zlib.crc32(content, zlib.crc32(length))), content))


class FrameReader:
    """The contents of the frames of ``data`` from ``start``, those behind a damaged one too if its length holds.

    Once all were read, ``end`` is where the last good frame ends, and ``damages`` tells where bytes between good
    frames did not count. What comes behind the last good frame was never finished, or is lost as well.
    """

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self.end = start
        self.damages: list[int] = []

    def __iter__(self) -> Iterator[bytes]:
        at = self.end
        while (found := self._next(at)) is not None:
            content, end = found
            if content is not None:
                if at != self.end:
                    self.damages.append(self.end)
                self.end = end
                yield content
            at = end

    def _next(self, at: int) -> tuple[bytes | None, int] | None:
        """The content of the frame there, None if it is damaged, and where it ends; None if there is no frame."""
        data = self._data
        if at + _HEAD_BYTES > len(data):
            return None
        (length,) = _LENGTH.unpack_from(data, at)
        begin = at + _HEAD_BYTES
        if not 0 < length <= min(FRAME_BYTES_MAX, len(data) - begin):
            return None
        content = data[begin : begin + length]
        (checksum,) = _LENGTH.unpack_from(data, at + 4)
        is_good = zlib.crc32(content, zlib.crc32(data[at : at + 4])) == checksum
        return content if is_good else None, begin + length
