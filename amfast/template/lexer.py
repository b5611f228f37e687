"""The words of a template (Go's text/template, parse/lex.go)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final, NamedTuple

from .quoting import bytes_of, is_printable, quote, valid


class Word(Enum):
    """What kind of word it is."""

    ERROR = auto()
    BOOL = auto()
    CHAR = auto()
    CHARACTER = auto()
    COMPLEX = auto()
    ASSIGN = auto()
    DECLARE = auto()
    EOF = auto()
    FIELD = auto()
    IDENTIFIER = auto()
    LEFT = auto()
    LEFT_PAREN = auto()
    NUMBER = auto()
    PIPE = auto()
    RAW_STRING = auto()
    RIGHT = auto()
    RIGHT_PAREN = auto()
    SPACE = auto()
    STRING = auto()
    TEXT = auto()
    VARIABLE = auto()
    BLOCK = "block"
    BREAK = "break"
    CONTINUE = "continue"
    DOT = "."
    DEFINE = "define"
    ELSE = "else"
    END = "end"
    IF = "if"
    NIL = "nil"
    RANGE = "range"
    TEMPLATE = "template"
    WITH = "with"


_KEYWORDS: Final = {word.value: word for word in Word if isinstance(word.value, str) and word is not Word.DOT}
_SHOWN_MAX: Final = 10


class Token(NamedTuple):
    """A word, the offset in characters at which it starts, and its line."""

    word: Word
    position: int
    text: str
    line: int

    def __str__(self) -> str:
        """The token as errors name it."""
        if self.word is Word.EOF:
            return "EOF"
        if self.word is Word.ERROR:
            return self.text
        if isinstance(self.word.value, str):
            return f"<{self.text}>"
        if len(bytes_of(self.text)) > _SHOWN_MAX:
            return f"{quote(self.text[:_SHOWN_MAX])}..."
        return quote(self.text)


LEFT: Final = "{{"
RIGHT: Final = "}}"
_SPACES: Final = " \t\r\n"
_TRIM_LEFT: Final = re.compile(r"-[ \t\r\n]")
_RIGHT: Final = re.compile(r"(?P<trim>[ \t\r\n]-)?\}\}")
_SPACE_RUN: Final = re.compile(r"[ \t\r\n]+")
_NAME: Final = re.compile(r"\w*")
_QUOTED: Final = {
    '"': (Word.STRING, re.compile(r'"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"'), "unterminated quoted string"),
    "`": (Word.RAW_STRING, re.compile(r"`[^`]*`"), "unterminated raw quoted string"),
    "'": (Word.CHARACTER, re.compile(r"'[^'\\\n]*(?:\\[^\n][^'\\\n]*)*'"), "unterminated character constant"),
}
_NUMBER: Final = re.compile(
    r"""[+-]?(?:
        0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)? |
        0[oO][0-7_]*(?:\.[0-7_]*)? | 0[bB][01_]*(?:\.[01_]*)? |
        [0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?
    )i?""",
    re.VERBOSE,
)
_SINGLE: Final = {"=": Word.ASSIGN, "|": Word.PIPE, "(": Word.LEFT_PAREN, ")": Word.RIGHT_PAREN}


class _LexError(Exception):
    """The text of an error token; it starts where the word started."""


def tokens(source: str) -> Iterator[Token]:
    """The words of ``source``; the last one is EOF or an ERROR, whose text says what is wrong."""
    return _Lexer(source).run()


class _Lexer:
    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        """Of what has not been read."""
        self._start = 0
        """Of the word that is being read."""
        self._line = 1
        self._line_known_to = 0

    def run(self) -> Iterator[Token]:
        try:
            yield from self._texts()
        except _LexError as error:
            yield self._token(Word.ERROR, self._start, str(error))

    def _token(self, word: Word, start: int, text: str) -> Token:
        self._line += self._source.count("\n", self._line_known_to, start)
        self._line_known_to = start
        return Token(word, start, text, self._line)

    def _texts(self) -> Iterator[Token]:
        source = self._source
        while True:
            self._start = start = self._position
            end = source.find(LEFT, start)
            if end < 0:
                break
            self._position = end + len(LEFT)
            trims = _TRIM_LEFT.match(source, self._position) is not None
            text = source[start:end]
            if trims:
                text = text.rstrip(_SPACES)
            if text:
                yield self._token(Word.TEXT, start, text)
            after = self._position + 2 * trims
            if source.startswith("/*", after):
                self._start = after
                self._comment(after)
                continue
            yield self._token(Word.LEFT, end, LEFT)
            self._position = after
            yield from self._action()
        if start < len(source):
            yield self._token(Word.TEXT, start, source[start:])
        yield self._token(Word.EOF, len(source), "")

    def _comment(self, start: int) -> None:
        end = self._source.find("*/", start + 2)
        if end < 0:
            raise _LexError("unclosed comment")
        right = _RIGHT.match(self._source, end + 2)
        if right is None:
            raise _LexError("comment ends before closing delimiter")
        self._leave(right)

    def _leave(self, right: re.Match[str]) -> None:
        """Go on behind the end of an action, and behind the spaces that it trims."""
        self._position = right.end()
        if right["trim"] and (spaces := _SPACE_RUN.match(self._source, self._position)):
            self._position = spaces.end()

    def _action(self) -> Iterator[Token]:
        """The words up to and with the right delimiter."""
        depth = 0
        while True:
            self._start = self._position
            right = _RIGHT.match(self._source, self._position)
            if right is not None:
                if depth:
                    raise _LexError("unclosed left paren")
                yield self._token(Word.RIGHT, right.end() - len(RIGHT), RIGHT)
                self._leave(right)
                return
            token = self._next()
            depth += (token.word is Word.LEFT_PAREN) - (token.word is Word.RIGHT_PAREN)
            if depth < 0:
                raise _LexError("unexpected right paren")
            yield token

    def _next(self) -> Token:  # noqa: C901, PLR0911 - a case for each kind of word
        source, start = self._source, self._position
        char = source[start : start + 1]
        if not char:
            raise _LexError("unclosed action")
        spaces = _SPACE_RUN.match(source, start)
        if spaces is not None:
            # The last space may belong to the delimiter.
            return self._taken(
                Word.SPACE, spaces.end() - (_RIGHT.match(source, spaces.end() - 1) is not None)
            )
        if char in _QUOTED:
            word, pattern, error = _QUOTED[char]
            quoted = pattern.match(source, start)
            if quoted is None:
                raise _LexError(error)
            return self._taken(word, quoted.end())
        if char in _SINGLE:
            return self._taken(_SINGLE[char], start + 1)
        if char == ":":
            if not source.startswith(":=", start):
                raise _LexError("expected :=")
            return self._taken(Word.DECLARE, start + 2)
        if char == "$":
            return self._name(Word.VARIABLE, start + 1)
        following = source[start + 1 : start + 2]
        if char == "." and following and following not in "0123456789":
            return self._name(Word.FIELD, start + 1)
        if char in ".+-0123456789":
            return self._number()
        if _is_alphanumeric(char):
            return self._name(Word.IDENTIFIER, start)
        if char.isascii() and char.isprintable():
            return self._taken(Word.CHAR, start + 1)
        raise _LexError(f"unrecognized character in action: {_named(char)}")

    def _taken(self, word: Word, end: int) -> Token:
        start, self._position = self._position, end
        return self._token(word, start, self._source[start:end])

    def _name(self, word: Word, start: int) -> Token:
        """A name that goes on at ``start``, or what looks like one."""
        end = start
        match = _NAME.match(self._source, start)
        if match is not None:
            end = match.end()
            if not match[0].isascii():
                end = next((at for at in range(start, end) if not _is_alphanumeric(self._source[at])), end)
        if not self._ends(end):
            raise _LexError(f"bad character {_named(self._source[end])}")
        token = self._taken(word, end)
        if word is Word.FIELD and token.text == ".":
            return token._replace(word=Word.DOT)
        if word is Word.IDENTIFIER:
            if token.text in ("true", "false"):
                return token._replace(word=Word.BOOL)
            return token._replace(word=_KEYWORDS.get(token.text, word))
        return token

    def _ends(self, position: int) -> bool:
        """Whether what stands here can follow a name."""
        char = self._source[position : position + 1]
        return char in " \t\r\n.,|:()" or self._source.startswith(RIGHT, position)

    def _number(self) -> Token:
        end = self._number_end(self._position)
        if self._source[end : end + 1] in ("+", "-"):
            end = self._number_end(end)
            if self._source[end - 1] != "i":
                raise self._bad_number(end)
            return self._taken(Word.COMPLEX, end)
        return self._taken(Word.NUMBER, end)

    def _number_end(self, start: int) -> int:
        found = _NUMBER.match(self._source, start)
        end = found.end() if found is not None else start
        following = self._source[end : end + 1]
        if following and _is_alphanumeric(following):
            raise self._bad_number(end + 1)
        return end

    def _bad_number(self, end: int) -> _LexError:
        return _LexError(f"bad number syntax: {quote(self._source[self._start : end])}")


def _is_alphanumeric(char: str) -> bool:
    return char == "_" or char.isalpha() or char.isdecimal()


def _named(char: str) -> str:
    char = valid(char)
    return f"U+{ord(char):04X} '{char}'" if is_printable(char) else f"U+{ord(char):04X}"
