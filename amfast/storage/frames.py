"""Frames with a checksum, one behind the other: the form of our own files.

Such a file begins with a line that names it and its version. A frame is the length of its content (4 bytes, little
endian), the CRC-32 of length and content, and the content.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

FRAME_BYTES_MAX: Final = 64 << 20
"""Of content; a length beyond it is damage."""

_LENGTH = struct.Struct("<I")
_HEAD_BYTES: Final = 8


def frame(content: bytes) -> bytes:
    """The content as a frame."""
    length = _LENGTH.pack(len(content))
    return b"".join((length, _LENGTH.pack(zlib.crc32(content, zlib.crc32(length))), content))


class FrameReader:
    """The contents of the frames of a file from where it stands, those behind a damaged one too if its length holds.

    Once all were read, ``end`` is where the last good frame ends, and ``damages`` tells where bytes before a good
    frame did not count. What comes behind the last good frame was never finished, or is lost as well. Reading raises
    OSError.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.end = file.tell()
        self.size = file.seek(0, os.SEEK_END)
        file.seek(self.end)
        self.damages: list[int] = []

    def __iter__(self) -> Iterator[bytes]:
        at = self.end
        while (found := self._next(at)) is not None:
            content, is_good = found
            begin, at = at, at + _HEAD_BYTES + len(content)
            if is_good:
                if begin != self.end:
                    self.damages.append(self.end)
                self.end = at
                yield content

    def _next(self, at: int) -> tuple[bytes, bool] | None:
        """The content of the frame there and whether it is good; None if there is no frame."""
        head = self._file.read(_HEAD_BYTES)
        if len(head) < _HEAD_BYTES:
            return None
        (length,) = _LENGTH.unpack_from(head)
        if not 0 < length <= min(FRAME_BYTES_MAX, self.size - at - _HEAD_BYTES):
            return None
        content = self._file.read(length)
        if len(content) < length:
            return None
        (checksum,) = _LENGTH.unpack_from(head, 4)
        return content, zlib.crc32(content, zlib.crc32(head[:4])) == checksum
