"""Regular expressions of matchers: RE2 only, so that no pattern takes more than linear time.

Patterns are anchored by wrapping, ``^(?:…)$``, and searched for, exactly as Alertmanager does it: a pattern
such as ``a)|(b`` is legal there and means what the wrapped text means (reference config, section 12).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import re2

_MEMORY_MAX: Final = 8 << 20
"""Bytes that one pattern may use for its program and its automaton; RE2 takes them only when needed."""

PATTERN_BYTES_MAX: Final = 32 << 10
"""Of a pattern that is more than plain alternatives: RE2 takes quadratic time to compile it, a second at worst."""
EFFORT_MAX: Final = 1_000_000
"""Microseconds, about, that all patterns of one request may take to compile."""
SEARCH_STEPS_MAX: Final = 10_000_000
"""Instructions of the program times bytes of the value: RE2 takes that many steps at worst, a tenth of a second."""
SEARCHED_BYTES_MIN: Final = 1024
"""Of a value that is searched whatever the program."""
_QUADRATIC_BYTES: Final = 1000
"""Of which one takes as long as an instruction of the program; both are measured at about a microsecond."""
_SMALLEST_EFFORT: Final = 50
"""Microseconds that any pattern takes, however little it says."""

VALUES_REMEMBERED: Final = 256
"""By one pattern."""
REMEMBERED_CHARS_MAX: Final = 1024
"""Of a value that is remembered; longer ones would hold much memory, and are rare."""
PATTERNS_REMEMBERED: Final = 64
"""Compiled, so that what is checked first and stored later is compiled once; each may hold what RE2 may use."""
LITERALS_REMEMBERED: Final = 1024
_LITERALS_CHARS_MAX: Final = 1024
"""Of a pattern whose alternatives are remembered."""

_OPTIONS = re2.Options()
_OPTIONS.max_mem = _MEMORY_MAX
_OPTIONS.log_errors = False
_OPTIONS.never_capture = True

_ESCAPES = re.compile(r"\\Q.*?(?:\\E|\Z)|\\(.)", re.DOTALL)
_LITERAL = re.compile(r"(?:[^\\.+*?()|\[\]{}^$]|\\[\\.+*?()|\[\]{}^$\-])*")
_PLAIN = re.compile(r"[^\\.+*?()|\[\]{}^$]*")
_UNESCAPE = re.compile(r"\\(.)")
_WRAPPED: Final = ("^(?:", ")$")

_GO_WORDS: Final = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "trailing \\": "trailing backslash at end of expression",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid named capture group": "invalid named capture",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "pattern too large - compile failed": "expression too large",
}


class PatternError(ValueError):
    """A pattern that RE2 as Go knows it does not accept."""


class Pattern:
    """An anchored pattern.

    ``literals`` holds the only values that match when the pattern is nothing but alternatives of plain text
    (``a|b|c``, also wrapped as in ``match_re``); such a pattern never reaches RE2, and an index may file it by
    these values.
    """

    __slots__ = ("effort", "literals", "matches")

    effort: int
    """Microseconds, about, that it took to compile."""
    matches: Callable[[str], bool]
    """Whether all of a value matches."""

    def __init__(self, text: str) -> None:
        """Compile ``text``. Raises PatternError."""
        self.literals = literals_of(text)
        if self.literals is not None:
            self.matches, self.effort = self.literals.__contains__, 0
        else:
            search, self.effort = _search(text)
            self.matches = _remembering(search)


class Effort:
    """What the patterns of one request may still take to compile."""

    def __init__(self) -> None:
        self._left = EFFORT_MAX

    def take(self, pattern: Pattern | None) -> None:
        """Raises PatternError when they take too long in all."""
        self._left -= 0 if pattern is None else pattern.effort
        if self._left < 0:
            raise PatternError("the regular expressions are too large in all")


def _remembering(search: Callable[[str], bool]) -> Callable[[str], bool]:
    """The same values come again and again; one look-up costs a fiftieth of a search."""
    remembered = lru_cache(VALUES_REMEMBERED)(search)
    return lambda value: remembered(value) if len(value) <= REMEMBERED_CHARS_MAX else search(value)


def literals_of(text: str) -> frozenset[str] | None:
    """The only values that match, None where they are not few plain texts; it need not compile then."""
    return (_literals if len(text) <= _LITERALS_CHARS_MAX else _literals.__wrapped__)(text)


@lru_cache(LITERALS_REMEMBERED)
def _literals(text: str) -> frozenset[str] | None:
    if _PLAIN.fullmatch(text):
        return frozenset((text,))
    if text.startswith(_WRAPPED[0]) and text.endswith(_WRAPPED[1]):
        text = text[len(_WRAPPED[0]) : -len(_WRAPPED[1])]  # parentheses left in it are no plain text
    alternatives: list[str] = []
    position = -1
    while position < len(text):
        found = _LITERAL.match(text, position + 1)
        if found is None or (found.end() < len(text) and text[found.end()] != "|"):
            return None
        alternatives.append(_UNESCAPE.sub(r"\1", found[0]))
        position = found.end()
    return frozenset(alternatives)


@lru_cache(PATTERNS_REMEMBERED)
def _search(text: str) -> tuple[Callable[[str], bool], int]:
    """Compile ``text``; the function says whether a value matches. Also gives the effort.

    A value that is so long that it could hold up the node is not searched and does not match.
    """
    size = len(text.encode("utf-8", "replace"))
    if size > PATTERN_BYTES_MAX:
        raise PatternError(f"expression too large: {size} bytes (at most {PATTERN_BYTES_MAX})")
    program = compiled(f"^(?:{text})$", _OPTIONS)
    search = program.search
    effort = _SMALLEST_EFFORT + program.programsize + size * size // _QUADRATIC_BYTES
    bytes_max = max(SEARCH_STEPS_MAX // program.programsize, SEARCHED_BYTES_MIN)

    def matches(value: str) -> bool:
        data = value.encode("utf-8", "replace")
        return len(data) <= bytes_max and search(data) is not None

    return matches, effort


def compiled(text: str, options: re2.Options) -> re2._Regexp:
    """What RE2 makes of a pattern, to be searched for in bytes. Raises PatternError, in Go's words."""
    if any(escape[1] == "C" for escape in _ESCAPES.finditer(text)):
        raise PatternError(_without_byte_escape(text, options))
    try:
        re2.purge()  # it remembers patterns too, with all they hold
        return re2.compile(text.encode(), options)
    except UnicodeEncodeError:
        raise PatternError("invalid UTF-8") from None
    except re2.error as error:
        raise PatternError(_in_go_words(error.args[0])) from None


def _without_byte_escape(text: str, options: re2.Options) -> str:
    r"""What is wrong first in a pattern with ``\C``, which RE2 takes and Go does not; RE2 refuses ``\G`` as Go does."""
    try:
        compiled(_ESCAPES.sub(lambda escape: r"\G" if escape[1] == "C" else escape[0], text), options)
    except PatternError as error:
        return str(error).replace(r"\G", r"\C")
    return r"invalid escape sequence: `\C`"


def _in_go_words(text: bytes) -> str:
    """RE2's words in the form of Go's: ``missing closing ): `^(?:a()$` ``."""
    what, _, where = text.decode("utf-8", "replace").partition(": ")
    return f"{_GO_WORDS.get(what, what)}: `{where}`"
