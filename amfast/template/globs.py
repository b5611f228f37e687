"""Names of files that a pattern stands for, as Go's ``path/filepath.Glob`` finds them.

``*`` and ``?`` stand for anything but a slash, a leading dot included; ``[a-z]`` and ``[^a-z]`` for one character;
a backslash takes the meaning from what follows it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

FILES_MAX: Final = 10_000
"""Names looked at in all for one pattern."""
_META = re.compile(r"[*?\[\\]")


class GlobError(ValueError):
    """A pattern that is none, or one that stands for too much."""


def expand(pattern: str) -> list[str]:
    """The files and folders of a pattern, folder by folder in byte order. What cannot be read holds nothing.

    Raises GlobError.
    """
    for part in pattern.split("/"):
        _matcher(part)
    found: list[str] = []
    for path in _expand(pattern):
        found.append(path)
        if len(found) > FILES_MAX:
            raise GlobError(f"more than {FILES_MAX} files")
    return found


def _expand(pattern: str) -> Iterator[str]:
    if not _META.search(pattern):
        if os.path.lexists(pattern):
            yield pattern
        return
    folder, slash, name = pattern.rpartition("/")
    folder = folder or slash
    match = _matcher(name)
    for one in _expand(folder) if _META.search(folder) else (folder,):
        yield from (os.path.join(one, entry) for entry in _entries(one or ".") if match.fullmatch(entry))  # noqa: PTH118 - text is what comes out


def _entries(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder), key=os.fsencode)  # noqa: PTH208 - text is what comes out
    except (OSError, ValueError):
        return []


@lru_cache
def _matcher(part: str) -> re.Pattern[str]:
    """What one part of a path is matched by. Raises GlobError."""
    chunks, rest = [""], part
    while rest:
        char, rest = rest[0], rest[1:]
        if char == "*":
            rest = rest.lstrip("*")
            chunks.append("")
        elif char == "?":
            chunks[-1] += "."
        elif char == "[":
            text, rest = _class(rest)
            chunks[-1] += text
        else:
            if char == "\\":
                char, rest = _char(char + rest)
            chunks[-1] += re.escape(char)
    first, *middle = chunks
    last = f".*{middle.pop()}" if middle else ""
    # What stands between two stars may as well be found where it comes first, so that no text takes long.
    return re.compile(first + "".join(f"(?>.*?{chunk})" for chunk in middle) + last, re.DOTALL)


def _class(rest: str) -> tuple[str, str]:
    """The regular expression of a class whose bracket was read, and what follows the class."""
    negated = rest.startswith("^")
    rest = rest.removeprefix("^")
    ranges: list[str] = []
    while not (rest.startswith("]") and ranges):
        low, rest = _char(rest, special="-]")
        high = low
        if rest.startswith("-"):
            high, rest = _char(rest[1:], special="-]")
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
        elif not ranges:
            ranges.append("")  # nothing lies between them
    inner = "".join(ranges)
    if not inner:
        return ("." if negated else "(?!)"), rest[1:]
    return f"[{'^' if negated else ''}{inner}]", rest[1:]


def _char(rest: str, special: str = "") -> tuple[str, str]:
    """One character of a pattern, a backslash before it taken away, and what follows."""
    if rest.startswith("\\"):
        rest = rest[1:]
        special = ""
    if not rest or rest[0] in special:
        raise GlobError("syntax error in pattern")
    return rest[0], rest[1:]
