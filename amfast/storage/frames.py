"""Frames with a checksum, one behind the other: the form of our own files.

Such a file begins with a line that names it and its version. A frame is a mark, the length of its content (4 bytes,
little endian), the CRC-32 of length and content, and the content. The mark is no text in UTF-8, so names and comments
cannot hold it; behind damage of any kind it is where reading goes on.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

FRAME_BYTES_MAX: Final = 64 << 20
"""Of content; a length beyond it is damage."""
MARK: Final = b"\xffamfast\xfe"

_LENGTH = struct.Struct("<I")
_HEAD_BYTES: Final = len(MARK) + 2 * _LENGTH.size
_PORTION_BYTES: Final = 1 << 20
"""Read at once when a mark is looked for."""
_READS_MAX: Final = 4
"""How many times its size may be read of a file; who made one that takes more meant no good."""


def frame(content: bytes) -> bytes:
    """The content as a frame."""
    length = _LENGTH.pack(len(content))
    return b"".join((MARK, length, _LENGTH.pack(zlib.crc32(content, zlib.crc32(length))), content))


def frames_of(file: BinaryIO, header: bytes) -> FrameReader:
    """The frames behind the line that a file begins with. Raises ValueError if that names another version, OSError."""
    found = file.read(len(header))
    if found != header:
        if found.startswith(header[: header.rindex(b" ") + 1]):
            raise ValueError("it is of another version")
        file.seek(0)  # the line is damaged
    return FrameReader(file)


class FrameReader:
    """The contents of the good frames of a file from where it stands.

    Once all were read, ``end`` is where the last good frame ends, and ``damages`` tells where bytes did not count that
    once did, by all appearances. Behind the last good frame there may be one that was never finished: cut off, or with
    zeros instead of its end, as a crash leaves it; that is no damage. Reading raises OSError.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.end = file.tell()
        self.size = file.seek(0, os.SEEK_END)
        self.damages: list[int] = []
        self.lost_bytes = 0
        """That are damaged."""
        self._bytes_left = _READS_MAX * (self.size + _PORTION_BYTES)

    def __iter__(self) -> Iterator[bytes]:
        at: int | None = self.end
        while at is not None and self._bytes_left > 0:
            content = self._content(at)
            if content is None:
                at = self._next_mark(at + 1)
                continue
            if at != self.end:
                self._note_damage(at)
            self.end = at = at + _HEAD_BYTES + len(content)
            yield content
        if not self._is_unfinished(
            self._read(self.end, min(self.size - self.end, _HEAD_BYTES + FRAME_BYTES_MAX))
        ):
            self._note_damage(self.size)

    def _note_damage(self, end: int) -> None:
        self.damages.append(self.end)
        self.lost_bytes += end - self.end

    def _read(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        self._bytes_left -= size
        return self._file.read(size)

    def _content(self, at: int) -> bytes | None:
        """What the frame there holds; None if there is no good one."""
        head = self._read(at, _HEAD_BYTES)
        if len(head) < _HEAD_BYTES or not head.startswith(MARK):
            return None
        length, checksum = struct.unpack_from("<II", head, len(MARK))
        if length > min(FRAME_BYTES_MAX, self.size - at - _HEAD_BYTES):
            return None
        content = self._read(at + _HEAD_BYTES, length)
        return content if zlib.crc32(content, zlib.crc32(_LENGTH.pack(length))) == checksum else None

    def _next_mark(self, start: int) -> int | None:
        while start < self.size and self._bytes_left > 0:
            portion = self._read(start, _PORTION_BYTES)
            if (found := portion.find(MARK)) >= 0:
                return start + found
            start += max(len(portion) - len(MARK) + 1, 1)
        return None

    def _is_unfinished(self, rest: bytes) -> bool:
        """Whether the bytes behind the last good frame are what a crash leaves of one, or nothing."""
        head, content = rest[:_HEAD_BYTES], rest[_HEAD_BYTES:]
        if rest.endswith(b"\0") or not rest:
            return True
        if not head.startswith(MARK[: len(head)]):
            return False
        if len(head) < _HEAD_BYTES:
            return True
        length, checksum = struct.unpack_from("<II", head, len(MARK))
        is_whole = (
            zlib.crc32(content, zlib.crc32(_LENGTH.pack(len(content)))) == checksum
        )  # but for its length
        return length > len(content) and not is_whole
