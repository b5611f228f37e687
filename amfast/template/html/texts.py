"""The text of a template, rewritten: comments go, and nothing in it can be taken for other markup than was read.

After Go's html/template, escape.go (escapeText).
"""

from __future__ import annotations

import re
from typing import Final

from .context import COMMENTS, SCRIPT_LITERALS, Context, Delim, State
from .transitions import Reader

_STRAY: Final = re.compile("<(?!!doctype)", re.ASCII | re.IGNORECASE)
_STRAY_LENGTH: Final = len("<!doctype")
_SCRIPT_TAG: Final = re.compile("<([sS\u017f]cript|/[sS\u017f]cript|!--)", re.ASCII | re.IGNORECASE)
_LINE_END: Final = re.compile("[\n\r\u2028\u2029]")
_START_LENGTHS: Final = {State.HTML_COMMENT: 4, State.JS_HTML_OPEN_COMMENT: 4, State.JS_HTML_CLOSE_COMMENT: 3}
"""Of what a comment starts with, where it is not 2."""


def rewritten(context: Context, source: str) -> tuple[Context, str]:
    """The context behind a text that starts in ``context``, and what to print of it."""
    reader, pieces = Reader(source), _Pieces(source)
    at = 0
    while at < len(source):
        after, end = reader.step(context, at)
        if context.state in (State.TEXT, State.RCDATA):
            pieces.escape_stray(
                at, _end_of_text(source, at, end) if after.state is not context.state else end
            )
        elif _is_dropped(context):
            pieces.replace_to(end, _trace(context, source[pieces.done : end]))
        if context.state is not after.state and _is_dropped(after):
            pieces.keep_to(end - _START_LENGTHS.get(after.state, 2))
            pieces.replace_to(end, "")
        if context.state in SCRIPT_LITERALS and _SCRIPT_TAG.search(source, at, end):
            pieces.keep_to(at)
            pieces.replace_to(end, _SCRIPT_TAG.sub(r"\\x3C\1", source[at:end]))
        context, at = after, end
    if not pieces.done or context.state is State.ERROR:
        return context, source
    if not _is_dropped(context):
        pieces.keep_to(len(source))
    return context, "".join(pieces.parts)


def _is_dropped(context: Context) -> bool:
    return context.state in COMMENTS and context.delim is Delim.NONE


def _end_of_text(source: str, at: int, end: int) -> int:
    found = source.rfind("<", at, end)
    return end if found < 0 else found


def _trace(context: Context, comment: str) -> str:
    """What a comment leaves: in a script it may count as a line's end."""
    if context.state is State.JS_BLOCK_COMMENT:
        return "\n" if _LINE_END.search(comment) else " "
    return " " if context.state is State.CSS_BLOCK_COMMENT else ""


class _Pieces:
    """The rewritten text so far."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.parts: list[str] = []
        self.done = 0
        """Up to here the source is in ``parts`` or left out."""

    def keep_to(self, end: int) -> None:
        self.parts.append(self.source[self.done : end])
        self.done = end

    def replace_to(self, end: int, text: str) -> None:
        self.parts.append(text)
        self.done = end

    def escape_stray(self, start: int, end: int) -> None:
        """Make each ``<`` of the span a reference, as it begins no tag."""
        for found in _STRAY.finditer(self.source, start, end + _STRAY_LENGTH):
            if found.start() >= end:
                break
            self.keep_to(found.start())
            self.replace_to(found.end(), "&lt;")
