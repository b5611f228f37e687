"""Scripts: strings, regular expressions, template literals and comments in them (Go's html/template, js.go)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from amfast.template.quoting import quote

from .context import Context, Slash, State, failed
from .tags import QUOTED_MAX

_SPACE: Final = (
    "\f\n\r\t\v \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_TOKEN: Final = re.compile("//|/\\*|#!|<!--|-->|[\"`'/{}<#-]")
_STATES: Final = {
    '"': State.JS_DOUBLE,
    "'": State.JS_SINGLE,
    "`": State.JS_LITERAL,
    "//": State.JS_LINE_COMMENT,
    "#!": State.JS_LINE_COMMENT,
    "/*": State.JS_BLOCK_COMMENT,
    "<!--": State.JS_HTML_OPEN_COMMENT,
    "-->": State.JS_HTML_CLOSE_COMMENT,
}
_QUOTES: Final = "\"'`"

_BEFORE_REGEXP: Final = frozenset(",<>=*%&|^?!~([:;{}")
"""The characters at the end of punctuators that an expression follows."""
_KEYWORDS_BEFORE_REGEXP: Final = frozenset(
    [
        *(
            "break",
            "case",
            "continue",
            "delete",
            "do",
            "else",
            "finally",
            "in",
            "instanceof",
            "return",
            "throw",
        ),
        *("try", "typeof", "void"),
    ]
)
_KEYWORD_LENGTH_MAX: Final = 10
_WORD: Final = re.compile("[$0-9A-Z_a-z]*$")

_STRING_TOKENS: Final = {
    State.JS_DOUBLE: re.compile(r'[\\"]'),
    State.JS_SINGLE: re.compile(r"[\\']"),
    State.JS_REGEXP: re.compile(r"[\\/\[\]]"),
}
_LITERAL_TOKEN: Final = re.compile(r"[\\`]|\$\{")
_END_TAG: Final = re.compile("</script", re.ASCII | re.IGNORECASE)
_LINE_END: Final = re.compile("[\n\r\u2028\u2029]")


def script(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """Anything but a string, a regular expression or a comment, and the beginning of one of these."""
    found = _TOKEN.search(source, start, end)
    if found is None:
        return replace(context, slash=slash_after(source[start:end], context.slash)), end
    mark, at = found[0], found.end()
    slash = slash_after(source[start : found.start()], context.slash)
    if mark in _STATES:
        return replace(context, state=_STATES[mark], slash=Slash.REGEXP if mark in _QUOTES else slash), at
    if mark == "/":
        return _slash(context, slash, source[found.start() : min(end, found.start() + QUOTED_MAX)]), at
    if mark in "{}":
        return _brace(context, mark, slash), at
    return replace(context, slash=slash), at


def _slash(context: Context, slash: Slash, shown: str) -> Context:
    if slash is Slash.UNKNOWN:
        return failed(f"'/' could start a division or regexp: {quote(shown)}")
    if slash is Slash.REGEXP:
        return replace(context, state=State.JS_REGEXP, slash=slash)
    return replace(context, slash=Slash.REGEXP)


def _brace(context: Context, brace: str, slash: Slash) -> Context:
    """Behind a brace; one may end the ``${`` that we are in."""
    if not context.braces:
        return replace(context, slash=Slash.REGEXP)
    *outer, depth = context.braces
    if brace == "}" and depth == 0:
        return replace(context, state=State.JS_LITERAL, braces=tuple(outer), slash=slash)
    return replace(context, braces=(*outer, depth + (1 if brace == "{" else -1)), slash=Slash.REGEXP)


def slash_after(tokens: str, before: Slash) -> Slash:
    """What a slash means behind these tokens, none of which is one of _TOKEN."""
    tokens = tokens.rstrip(_SPACE)
    if not tokens:
        return before
    last = tokens[-1]
    if last == "+":  # behind ++ an operator follows, behind + a value
        operand = (len(tokens) - len(tokens.rstrip("+"))) % 2 == 0
    elif last == ".":  # a number may end in it
        operand = tokens[-2:-1] in set("0123456789")
    elif last in _BEFORE_REGEXP:
        operand = False
    else:
        operand = _last_word(tokens) not in _KEYWORDS_BEFORE_REGEXP
    return Slash.DIVISION if operand else Slash.REGEXP


def _last_word(tokens: str) -> str:
    found = _WORD.search(tokens[-_KEYWORD_LENGTH_MAX - 1 :])
    return found[0] if found else ""


def literal(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """A string or a regular expression."""
    in_class = False
    at = start
    while found := _STRING_TOKENS[context.state].search(source, at, end):
        mark, at = found[0], found.end()
        if mark == "\\":
            if at == end:
                return _unfinished(source, start, end)
            at += 1
        elif mark in "[]":
            in_class = mark == "["
        elif not in_class and not (mark == "/" and _is_end_tag(source, start, at - 1, end)):
            return replace(context, state=State.JS, slash=Slash.DIVISION), at
    if in_class:
        return failed(f"unfinished JS regexp charset: {quote(source[start:end])}"), end
    return context, end


def _is_end_tag(source: str, start: int, slash: int, end: int) -> bool:
    """Whether the slash is one of ``</script``, which ends no regular expression as it will be rewritten."""
    return slash > start and _END_TAG.match(source, slash - 1, end) is not None


def template_literal(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """What stands between backquotes, outside ``${ … }``."""
    at = start
    while found := _LITERAL_TOKEN.search(source, at, end):
        mark, at = found[0], found.end()
        if mark == "`":
            return replace(context, state=State.JS), at
        if mark == "${":
            return replace(context, state=State.JS, braces=(*context.braces, 0), saw_literal=True), at
        if at == end:
            return _unfinished(source, start, end)
        at += 1
    return context, end


def _unfinished(source: str, start: int, end: int) -> tuple[Context, int]:
    return failed(f"unfinished escape sequence in JS string: {quote(source[start:end])}"), end


def block_comment(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """``/* … */``."""
    found = source.find("*/", start, end)
    return (context, end) if found < 0 else (replace(context, state=State.JS), found + 2)


def line_comment(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """``// …``, and what counts as such: ``<!--``, ``-->`` and ``#!``."""
    found = _LINE_END.search(source, start, end)
    return (context, end) if found is None else (replace(context, state=State.JS), found.start())
