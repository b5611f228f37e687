"""Plain twin of the remembered heads: where a head is cut, and which known head the data begin with."""

import re

HEAD_BYTES_MAX = 4096
LENGTH = re.compile(rb"content-length: (0|[1-9][0-9]{0,7})\r", re.IGNORECASE)


def cut(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """The pieces around the digits of the length, if the head is whole and written as everybody writes it."""
    lines = data[:HEAD_BYTES_MAX].split(b"\n")
    at, found = 0, None
    for number, line in enumerate(lines[:-1]):
        if not line.endswith(b"\r") or line.startswith((b" ", b"\t")):
            return None
        if line == b"\r":
            if number == 0:
                return None
            start, end = found or (at + 2, at + 2)
            return data[:start], data[start:end], data[end : at + 2]
        if number > 0 and line[:16].lower() == b"content-length: ":
            match = LENGTH.fullmatch(line)
            if match is None or found is not None:
                return None
            found = at + match.start(1), at + match.end(1)
        at += len(line) + 1
    return None


class Heads:
    """Known heads by their bytes without the digits; any number of them."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes], object] = {}

    def learn(self, before: bytes, after: bytes, meaning: object) -> None:
        self._known[before, after] = meaning

    def find(self, data: bytes) -> tuple[object, int, int] | None:
        """What the head means, where the body begins, and how long it is."""
        pieces = cut(data)
        if pieces is None or (pieces[0], pieces[2]) not in self._known:
            return None
        return self._known[pieces[0], pieces[2]], sum(map(len, pieces)), int(pieces[1] or b"0")
