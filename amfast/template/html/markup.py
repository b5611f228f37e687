"""What is printed into HTML itself (Go's html/template, html.go)."""

from __future__ import annotations

import re
from typing import Final

from amfast.template.content import HTML, HTML_ATTR
from amfast.template.values import Value

from . import tags
from .attributes import Kind, kind_of, lowered
from .context import TAG_PARTS, Context, Delim, Element, State
from .printed import FAILSAFE, printed
from .transitions import DELIM_ENDS, TRANSITIONS

_QUOTING: Final = {ord(char): f"&#{ord(char)};" for char in "\"'+"} | {
    0: "\ufffd",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
}
_TEXT: Final = [("&", "&amp;"), *((chr(code), escape) for code, escape in _QUOTING.items())]
"""What is replaced in turn: nearly every text has nothing of it, and that is seen quickest so."""

_KEPT_UNQUOTED: Final = (
    _QUOTING
    | {ord(char): f"&#{ord(char)};" for char in "\t\n\v\f\r =`"}
    | {code: f"&#x{code:x};" for code in (*range(0xFDD0, 0xFDF0), *range(0xFFF0, 0x10000))}
    | dict.fromkeys((0, *range(0xDC80, 0xDD00)), "&#xfffd;")
)
"""Noncharacters are written as references, and so is U+FFFD, which stands for bytes that are no UTF-8."""
_UNQUOTED: Final = _KEPT_UNQUOTED | {ord("&"): "&amp;"}

_SAFE_NAME: Final = re.compile("[0-9a-z]+")


def _as_text(found: str) -> str:
    for char, escape in _TEXT:
        found = found.replace(char, escape)
    return found


def text(*values: Value) -> str:
    """Text between tags."""
    found, content = printed(values)
    return found if content is HTML else _as_text(found)


def rcdata(*values: Value) -> str:
    """Text of a ``textarea`` or ``title``, where references count but tags do not."""
    found, content = printed(values)
    return found.translate(_QUOTING) if content is HTML else _as_text(found)


def quoted(*values: Value) -> str:
    """A part of a quoted attribute value; of HTML, its text."""
    found, content = printed(values)
    return stripped(found).translate(_QUOTING) if content is HTML else _as_text(found)


def unquoted(*values: Value) -> str:
    """A part of an attribute value without quotes, which must not be empty."""
    found, content = printed(values)
    if not found:
        return FAILSAFE
    return stripped(found).translate(_KEPT_UNQUOTED) if content is HTML else found.translate(_UNQUOTED)


def name(*values: Value) -> str:
    """A part of a tag's or an attribute's name, if the value of such an attribute is harmless."""
    found, content = printed(values)
    if content is HTML_ATTR:
        return found
    found = lowered(found)
    if not _SAFE_NAME.fullmatch(found) or kind_of(found) is not Kind.PLAIN:
        return FAILSAFE
    return found


def nothing(*_values: Value) -> str:
    """What is printed into a comment."""
    return ""


def stripped(html: str) -> str:
    """The text of HTML, without tags and comments."""
    kept = []
    context, at = Context(), 0
    all_text = True
    while at < len(html):
        if context.delim is not Delim.NONE:
            end = DELIM_ENDS[context.delim].search(html, at)
            if end is None:
                break
            at = end.start() if context.delim is Delim.SPACE else end.end()
            context = Context(State.TAG, element=context.element)
            continue
        # The body of a script or style sheet is passed over like one of a title, and not kept.
        in_body = context.element is not Element.NONE and context.state not in TAG_PARTS
        read: tags.Transition = tags.special_body if in_body else TRANSITIONS[context.state]
        after, end_at = read(context, html, at, len(html))
        if context.state in (State.TEXT, State.RCDATA):
            markup = -1 if after.state is context.state else html.rfind("<", at, end_at)
            kept.append(html[at : end_at if markup < 0 else markup])
        else:
            all_text = False
        context, at = after, end_at
    return html if all_text else "".join(kept)
