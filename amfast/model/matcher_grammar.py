"""The two grammars of label matchers (reference config, section 12), from text to (operator, name, value).

The UTF-8 grammar is the newer: names may be anything, quoted text has Go's escapes. The classic one knows
only classic names and three escapes, and lets values stand unquoted with nearly everything in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

Parsed = tuple[str, str, str]
"""Operator, name, value."""


class MatcherError(ValueError):
    """A matcher that cannot be understood or whose regular expression does not compile."""


GO_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)
"""White space as Go's ``unicode.IsSpace`` has it."""
RESERVED: Final = frozenset(GO_SPACE + "{}!=~,\\\"'`")
"""Characters that need quotes in the UTF-8 grammar."""

_UNQUOTED = f"[^{re.escape(''.join(sorted(RESERVED)))}]+"
_TOKEN = re.compile(
    rf"""[{GO_SPACE}]*(?:
      (?P<brace>[{{}}]) | (?P<comma>,) | (?P<operator>=~|!=|!~|=)
    | (?P<quoted>"(?:[^"\\]|\\.)*") | (?P<unquoted>{_UNQUOTED}) | (?P<end>\Z) )""",
    re.VERBOSE | re.DOTALL,
)
_TEXT: Final = ("quoted", "unquoted")

_ESCAPE = re.compile(
    r"""\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|(\\|\n)"""
)
_SINGLE: Final = dict(zip('abfnrtv\\"', '\a\b\f\n\r\t\v\\"', strict=True))

_RE_SPACE: Final = "\t\n\f\r "
"""White space of the classic grammar around the parts of one matcher."""
_CLASSIC = re.compile(rf"[{_RE_SPACE}]*([a-zA-Z_:][a-zA-Z0-9_:]*)[{_RE_SPACE}]*(=~|=|!=|!~)")
_CLASSIC_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


SIMPLE = re.compile(
    r' *([a-zA-Z_][a-zA-Z0-9_]*) *(=~|!~|!=|=) *(?:"([^"\\\x00-\x1f]*)"|([a-zA-Z0-9_./:+-]+)) *', re.ASCII
)
"""One matcher that both grammars read alike: nearly all of them."""


def parse_utf8(text: str) -> list[Parsed]:
    """Read a list of matchers in the UTF-8 grammar. Raises MatcherError."""
    tokens = _tokens(text)
    token = next(tokens)
    braced = token.text == "{"
    if braced:
        token = next(tokens)
    found: list[Parsed] = []
    while token.kind in _TEXT:
        operator, value = next(tokens), next(tokens)
        if operator.kind != "operator":
            raise _expected(operator, "an operator such as '=', '!=', '=~' or '!~'")
        if value.kind not in _TEXT:
            raise _expected(value, "a label value")
        found.append((operator.text, _unquote(token), _unquote(value)))
        token = next(tokens)
        if token.kind != "comma":
            break
        token = next(tokens)
    else:
        if token.kind != "end" and token.text != "}":
            raise _expected(token, "a label name")
    if braced != (token.text == "}"):
        raise _expected(token, "a closing brace" if braced else "a comma or the end (no opening brace)")
    if braced:
        token = next(tokens)
    if token.kind != "end":
        raise _expected(token, "the end")
    return found


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            start = position + len(text[position:]) - len(text[position:].lstrip(GO_SPACE))
            raise MatcherError(f"{start}: invalid input: {text[start : start + 20]}")
        kind = str(match.lastgroup)
        position = match.end()
        yield _Token(kind, match[kind], match.start(kind))


def _expected(token: _Token, what: str) -> MatcherError:
    found = "end of input" if token.kind == "end" else token.text[:40]
    return MatcherError(f"{token.column}: unexpected {found}: expected {what}")


def _unquote(token: _Token) -> str:
    """Undo Go's quoting (the Go specification, "String literals"); escapes of bytes must add up to UTF-8."""
    if token.kind == "unquoted":
        return token.text
    text = token.text[1:-1]
    try:
        if "\\" not in text and "\n" not in text:
            return text
        parts, position = [], 0
        for escape in _ESCAPE.finditer(text):
            parts.append(text[position : escape.start()].encode())
            parts.append(_unescape(escape))
            position = escape.end()
        return (b"".join(parts) + text[position:].encode()).decode()
    except ValueError:
        raise MatcherError(f"{token.column}: {token.text[:40]}: invalid input") from None


def _unescape(escape: re.Match[str]) -> bytes:
    single, hexadecimal, octal, short, long, bad = escape.groups()
    if bad:
        raise ValueError(bad)
    if single:
        return _SINGLE[single].encode()
    if hexadecimal or octal:
        return bytes([int(hexadecimal, 16) if hexadecimal else int(octal, 8)])
    return chr(int(short or long, 16)).encode()


def parse_classic(text: str) -> list[Parsed]:
    """Read a list of matchers in the classic grammar. Raises MatcherError."""
    items = _split_classic(text.removeprefix("{").removesuffix("}"))
    last = items.pop().strip(GO_SPACE)
    return [parse_classic_one(item) for item in (*items, *([last] if last else ()))]


def _split_classic(text: str) -> list[str]:
    """Split at the commas outside quotes; a comma leaves the meaning of a backslash before it pending."""
    items, start = [], 0
    quoted = escaped = False
    for position, char in enumerate(text):
        if char == ",":
            if not quoted:
                items.append(text[start:position])
                start = position + 1
            continue
        if char == '"' and not escaped:
            quoted = not quoted
        escaped = char == "\\" and not escaped
    return [*items, text[start:]]


def parse_classic_one(text: str) -> Parsed:
    """Read one matcher in the classic grammar. Raises MatcherError."""
    head = _CLASSIC.match(text)
    if head is None:
        raise MatcherError(f"bad matcher format: {text}")
    raw = text[head.end() :].strip(_RE_SPACE)
    value = raw.removeprefix('"')
    without_escapes = _CLASSIC_ESCAPE.sub("..", value)
    closed = without_escapes.endswith('"')
    if without_escapes.count('"') != int(closed) or closed != raw.startswith('"'):
        raise MatcherError(f"matcher value contains unescaped double quote: {raw}")
    if closed:
        value = value[:-1]
    return head[2], head[1], _CLASSIC_ESCAPE.sub(_classic_unescape, value)


def _classic_unescape(escape: re.Match[str]) -> str:
    return {"n": "\n", '"': '"', "\\": "\\"}.get(escape[1], escape[0])
