"""Style sheets: strings, URLs and comments in them, and what is printed there (Go's html/template, css.go)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from amfast.template.content import CSS
from amfast.template.quoting import quote
from amfast.template.values import Value

from . import urls
from .context import Context, State, failed
from .printed import FAILSAFE, printed
from .tags import SPACE, skip_space

_TOKEN: Final = re.compile(r"""["']|/[/*]|\(""")
_NAME_CHARS: Final = "a-zA-Z0-9_\\-\x80-\ufffd\U00010000-\U0010ffff"
_URL_WORD: Final = re.compile(f"(?<![{_NAME_CHARS}])[uU][rR][lL]\\Z")
_URL_WORD_LENGTH: Final = 3
_QUOTED_URL_STATES: Final = {'"': State.CSS_DOUBLE_URL, "'": State.CSS_SINGLE_URL}
_TOKEN_STATES: Final = {
    '"': State.CSS_DOUBLE,
    "'": State.CSS_SINGLE,
    "//": State.CSS_LINE_COMMENT,
    "/*": State.CSS_BLOCK_COMMENT,
}
_STRING_ENDS: Final = {
    State.CSS_DOUBLE: re.compile(r'[\\"]'),
    State.CSS_DOUBLE_URL: re.compile(r'[\\"]'),
    State.CSS_SINGLE: re.compile(r"[\\']"),
    State.CSS_SINGLE_URL: re.compile(r"[\\']"),
    State.CSS_URL: re.compile(r"[\\\t\n\f\r )]"),
}
_LINE_END: Final = re.compile("[\n\f\r]")

_ESCAPE: Final = re.compile(
    r"\\(?:(0[0-9a-fA-F]{5}|10[0-9a-fA-F]{4}|[0-9a-fA-F]{1,5})(?:\r\n|[\t\n\f\r ])?|(.)|\Z)", re.DOTALL
)
_SURROGATES: Final = range(0xD800, 0xE000)

_SPECIAL: Final = re.compile("([\0\t\n\f\r\"&'()+/:;<>\\\\{}])(?=([0-9a-fA-F\t\n\f\r ]|\\Z)?)")
_UNSAFE_VALUE: Final = re.compile("""[\0"'()/;@\\[\\\\\\]`{}<>]|--""")
_NAME_CHAR: Final = re.compile("[a-zA-Z0-9_]+")
_PROGRAMS: Final = ("expression", "mozbinding")


def sheet(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """Anything but a string, a URL or a comment, and the beginning of one of these."""
    for found in _TOKEN.finditer(source, start, end):
        mark = found[0]
        if mark != "(":
            return replace(context, state=_TOKEN_STATES[mark]), found.end()
        if _is_after_url(source, start, found.start()):
            at = skip_space(source, found.end(), end)
            quoted = _QUOTED_URL_STATES.get(source[at : min(at + 1, end)])
            return replace(context, state=quoted or State.CSS_URL), at + (quoted is not None)
    return context, end


def _is_after_url(source: str, start: int, end: int) -> bool:
    """Whether the last word of the span is ``url``."""
    while end > start and source[end - 1] in SPACE:
        end -= 1
    word = source[max(start, end - _URL_WORD_LENGTH - 1) : end]
    return _URL_WORD.search(word) is not None


def literal(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """A string or URL. Every string may be a URL, so we follow how far in a URL it is."""
    seen = at = start
    while found := _STRING_ENDS[context.state].search(source, at, end):
        if found[0] != "\\":
            return replace(context, state=State.CSS), found.end()
        at = found.end() + 1
        if at > end:
            return failed(f"unfinished escape sequence in CSS string: {quote(source[start:end])}"), end
        # Go decodes up to the character after the backslash, even in the middle of an escape, and so do we.
        context = _after_url(context, source[seen:at])
        seen = found.start()
    return urls.after(context, source, at, end), end


def _after_url(context: Context, text: str) -> Context:
    text = decoded(text)
    return urls.after(context, text, 0, len(text))


def block_comment(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """``/* … */``."""
    found = source.find("*/", start, end)
    return (context, end) if found < 0 else (replace(context, state=State.CSS), found + 2)


def line_comment(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """``// …``, which no standard knows but browsers do."""
    found = _LINE_END.search(source, start, end)
    return (context, end) if found is None else (replace(context, state=State.CSS), found.start())


def decoded(text: str) -> str:
    """``text`` with its escapes replaced by what they mean."""
    return _ESCAPE.sub(_meaning, text) if "\\" in text else text


def _meaning(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[2] or ""
    code = int(found[1], 16)
    return "\ufffd" if code in _SURROGATES else chr(code)


def escaped(*values: Value) -> str:
    """A part of a string."""
    return _SPECIAL.sub(_escape, printed(values)[0])


def _escape(found: re.Match[str]) -> str:
    if found[1] == "\\":
        return "\\\\"
    return f"\\{ord(found[1]):x}" + ("" if found[2] is None else " ")


def filtered(*values: Value) -> str:
    """A value of a property, such as a number, a colour or a name, if it is nothing more than that."""
    text, content = printed(values)
    if content is CSS:
        return text
    text = decoded(text)
    names = "".join(_NAME_CHAR.findall(text)).lower()
    if _UNSAFE_VALUE.search(text) or any(program in names for program in _PROGRAMS):
        return FAILSAFE
    return text
