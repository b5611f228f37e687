"""Regular expressions of templates: RE2, with what Go's package regexp makes of texts, replacements and errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import re2

from amfast.model.regex import PatternError, compiled

from .printing import OUTPUT_MAX
from .quoting import bytes_of, can_backquote, quote, text_of, valid, whole
from .values import FunctionError

PATTERN_MAX: Final = 4096
"""Characters; RE2 takes quadratic time to compile a pattern, minutes for one of a mebibyte."""
PATTERNS_REMEMBERED: Final = 32
"""Compiled ones; a pattern may be made by the template itself, from whatever it finds."""
WORK_MAX: Final = 2_000_000_000
"""Searches times bytes of text times instructions of the pattern, which is what they cost at worst."""
_WORK_PER_STEP: Final = 200
_COMPILING_STEPS: Final = 1_000
_MEMORY_MAX: Final = 4 << 20

_OPTIONS = re2.Options()
_OPTIONS.max_mem = _MEMORY_MAX
_OPTIONS.log_errors = False

_GROUP_NAME: Final = re.compile(r"[A-Za-z0-9_]+")
_INDEX_DIGITS_MAX: Final = 9


class _Effort:
    """What the last call has cost."""

    def __init__(self) -> None:
        self._steps = 0

    def add(self, steps: int) -> None:
        self._steps += steps

    def take(self) -> int:
        """The steps since the last time."""
        steps, self._steps = self._steps, 0
        return steps


_effort: Final = _Effort()
work: Final = _effort.take
"""Steps that the last call took besides what its arguments' lengths tell."""


def matches(pattern: str, text: str) -> bool:
    """Whether ``pattern`` is found anywhere. Raises FunctionError if it is none."""
    try:
        search = _compile(pattern)
    except PatternError as error:
        raise FunctionError(f"error parsing regexp: {error}") from None
    subject = valid(text).encode()
    if len(subject) * search.programsize > WORK_MAX:
        raise FunctionError(f"match: the pattern is too much work for {len(subject)} bytes")
    _effort.add(len(subject) * search.programsize // _WORK_PER_STEP)
    return search.search(subject) is not None


def replace_all(pattern: str, replacement: str, text: str) -> str:
    """``text`` with every match replaced; ``$1`` and ``${name}`` in the replacement are what a group matched.

    Raises FunctionError if ``pattern`` is none, or when the work or the result gets too large.
    """
    try:
        search = _compile(pattern)
    except PatternError as error:
        name = f"`{pattern}`" if can_backquote(pattern) else quote(pattern)
        raise FunctionError(f"regexp: Compile({name}): error parsing regexp: {error}") from None
    return _Replacing(search, replacement, text).run()


def _compile(pattern: str) -> re2._Regexp:
    """Raises PatternError."""
    found = _compiled(pattern)
    if isinstance(found, str):
        raise PatternError(found)
    return found


@lru_cache(PATTERNS_REMEMBERED)
def _compiled(pattern: str) -> re2._Regexp | str:
    """The pattern, or what is wrong with it: to find that out may take as long as to compile it."""
    if len(pattern) > PATTERN_MAX:
        return f"expression too large: {len(pattern)} characters (at most {PATTERN_MAX})"
    try:
        found = compiled(pattern, _OPTIONS)
        _effort.add(_COMPILING_STEPS + 4 * found.programsize)
    except PatternError as error:
        return _lookbehind(pattern, str(error))
    for name in _names(found):
        if _GROUP_NAME.fullmatch(name) is None:
            mark = "(?P<" if f"(?P<{name}>" in pattern else "(?<"
            return f"invalid named capture: `{mark}{name}>`"
    return found


def _names(search: re2._Regexp) -> dict[str, int]:
    return {name.decode(): index for name, index in search.groupindex.items()}


def _lookbehind(pattern: str, error: str) -> str:
    """Go takes ``(?<=`` and ``(?<!`` for the beginning of a name."""
    words, _, where = error.partition(": ")
    where = where.strip("`")
    if not where.startswith("(?<") or words != "invalid or unsupported Perl syntax":
        return error
    rest = pattern[pattern.index(where) :]
    end = rest.find(">")
    return f"invalid named capture: `{rest if end < 0 else rest[: end + 1]}`"


class _Replacing:
    """One text whose matches are replaced.

    Bytes that are no UTF-8 count as U+FFFD when the pattern is looked for, and stay as they are otherwise.
    """

    def __init__(self, search: re2._Regexp, replacement: str, text: str) -> None:
        self._search = search.search
        self._instructions: int = search.programsize
        self._names = _names(search)
        self._groups: int = search.groups
        self._replacement = list(self._parts(replacement))
        text = whole(text)
        self._subject = valid(text).encode()
        self._source = bytes_of(text)
        self._offsets = None if self._subject == self._source else _offsets(text)
        self._out: list[bytes] = []
        self._room = OUTPUT_MAX

    def run(self) -> str:
        subject = self._subject
        position = last_end = count = work = 0
        while position <= len(subject):
            work += (len(subject) - position) * self._instructions
            if work > WORK_MAX:
                raise FunctionError(
                    f"reReplaceAll: {count} matches in {len(subject)} bytes are too much work"
                )
            found = self._search(subject, position)
            if found is None:
                break
            count += 1
            start, end = found.span()
            self._copy(last_end, start)
            if end > last_end or start == 0:
                self._expand(found)
            last_end = end
            position = end if end > position else position + _width(subject, position)
        _effort.add(work // _WORK_PER_STEP)
        self._copy(last_end, len(subject))
        return text_of(b"".join(self._out))

    def _copy(self, start: int, end: int) -> None:
        if self._offsets is not None:
            start, end = self._offsets[start], self._offsets[end]
        self._write(self._source[start:end])

    def _write(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            raise FunctionError(f"reReplaceAll: the text is too long (at most {OUTPUT_MAX} bytes)")
        self._out.append(data)

    def _expand(self, found: re2._Match) -> None:
        for part in self._replacement:
            if isinstance(part, bytes):
                self._write(part)
            else:
                start, end = found.span(part)
                if start >= 0:
                    self._copy(start, end)

    def _parts(self, replacement: str) -> Iterator[bytes | int]:
        """Plain text and numbers of groups; a dollar that starts neither name nor number is plain."""
        position = 0
        while (dollar := replacement.find("$", position)) >= 0:
            yield bytes_of(replacement[position:dollar])
            position = dollar + 1
            if replacement.startswith("$", position):
                yield b"$"
                position += 1
                continue
            braced = replacement.startswith("{", position)
            start = position + braced
            end = _name_end(replacement, start)
            if end == start or (braced and not replacement.startswith("}", end)):
                yield b"$"
                continue
            group = self._group(replacement[start:end])
            if group is not None:
                yield group
            position = end + braced
        yield bytes_of(replacement[position:])

    def _group(self, name: str) -> int | None:
        is_number = name.isascii() and name.isdigit() and len(name) <= _INDEX_DIGITS_MAX
        if is_number and (name == "0" or name[0] != "0"):
            return int(name) if int(name) <= self._groups else None
        return self._names.get(name)


def _name_end(text: str, position: int) -> int:
    while position < len(text) and (
        text[position] == "_" or text[position].isalpha() or text[position].isdecimal()
    ):
        position += 1
    return position


def _width(data: bytes, position: int) -> int:
    """Bytes of the character there, one at the end."""
    first = data[position] if position < len(data) else 0
    return 1 + (first >= 0xC0) + (first >= 0xE0) + (first >= 0xF0)  # noqa: PLR2004 - as UTF-8 has it


def _offsets(text: str) -> list[int]:
    """For each byte of ``text`` with U+FFFD for stray bytes, where it is in the text itself."""
    offsets: list[int] = []
    position = 0
    for char in text:
        size = len(bytes_of(char))
        offsets.extend([position] * len(valid(char).encode()))
        position += size
    return [*offsets, position]
