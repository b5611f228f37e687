"""Text, tags and comments of HTML: how reading them moves from context to context.

A transition takes a context and the span of text that is to be read in it. It gives the context after a first part of
the span, and where that part ends (Go's html/template, transition.go).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from amfast.template.quoting import quote

from .attributes import attr_of
from .context import COMMENTS, SCRIPT_LITERALS, VALUE_STATES, Context, Delim, Element, State, failed

Transition: TypeAlias = Callable[[Context, str, int, int], tuple[Context, int]]

SPACE: Final = " \t\n\f\r"
QUOTED_MAX: Final = 32
"""Characters of the template that some errors show."""

_MARKUP: Final = re.compile("<(?:(!--)|(/?)([a-zA-Z][a-zA-Z0-9]*(?:[:-][a-zA-Z0-9]+)*))")
_SPACE_END: Final = re.compile(f"[^{SPACE}]")
_NAME_END: Final = re.compile(f"""[{SPACE}=>'"<]""")
_NAME_QUOTES: Final = "'\"<"

_ELEMENTS: Final = {
    "script": Element.SCRIPT,
    "style": Element.STYLE,
    "textarea": Element.TEXTAREA,
    "title": Element.TITLE,
    "meta": Element.META,
}
_BODY_STATES: Final = {
    Element.SCRIPT: State.JS,
    Element.STYLE: State.CSS,
    Element.TEXTAREA: State.RCDATA,
    Element.TITLE: State.RCDATA,
}
_END_TAGS: Final = {
    element: re.compile(
        f"</{name if element is not Element.META else ''}(?=[> \t\n\f/])", re.ASCII | re.IGNORECASE
    )
    for name, element in _ELEMENTS.items()
}
_QUOTES: Final = {'"': Delim.DOUBLE, "'": Delim.SINGLE}


def text(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """Text between tags, up to a tag's name or the start of a comment."""
    found = _MARKUP.search(source, start, end)
    if found is None:
        return context, end
    comment, slash, name = found.groups()
    if comment:
        return Context(State.HTML_COMMENT), found.end()
    element = Element.NONE if slash else _ELEMENTS.get(name.lower(), Element.NONE)
    return Context(State.TAG, element=element), found.end()


def comment(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """A comment of HTML."""
    found = source.find("-->", start, end)
    return (context, end) if found < 0 else (Context(), found + 3)


def special_body(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """The body of a ``textarea``, ``title``, ``script`` or ``style``, up to its end tag."""
    found = find_end_tag(context.element, source, start, end)
    return (context, end) if found == end else (Context(), found)


def ends_at_tag(context: Context) -> bool:
    """Whether an end tag ends what is being read: not in a script's literals and comments, which are rewritten."""
    if context.element is Element.SCRIPT:
        return context.state not in SCRIPT_LITERALS and context.state not in COMMENTS
    return context.element is not Element.NONE


def find_end_tag(element: Element, source: str, start: int, end: int) -> int:
    """Where the end tag of this special element begins, or else ``end``."""
    found = _END_TAGS[element].search(source, start, end)
    return end if found is None else found.start()


def skip_space(source: str, start: int, end: int) -> int:
    """Where the first character stands that is not HTML's space."""
    found = _SPACE_END.search(source, start, end)
    return end if found is None else found.start()


def tag(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """What stands in a tag before the name of an attribute, and that name."""
    at = skip_space(source, start, end)
    if at == end:
        return context, end
    if source[at] == ">":
        if context.element is Element.META:  # it has no body
            return Context(), at + 1
        return Context(_BODY_STATES.get(context.element, State.TEXT), element=context.element), at + 1
    name_end, problem = _end_of_name(source, at, end, start)
    if problem is not None:
        return problem, end
    if name_end == at:
        return failed(f"expected space, attr name, or end of tag, but got {quote(source[at:end])}"), end
    attr = attr_of(context.element, source[at:name_end])
    state = State.ATTR_NAME if name_end == end else State.AFTER_NAME
    return Context(state, attr=attr, element=context.element), name_end


def attr_name(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """The rest of an attribute's name."""
    name_end, problem = _end_of_name(source, start, end, start)
    if problem is not None:
        return problem, end
    return (context if name_end == end else replace(context, state=State.AFTER_NAME)), name_end


def _end_of_name(source: str, at: int, end: int, start: int) -> tuple[int, Context | None]:
    found = _NAME_END.search(source, at, end)
    if found is None:
        return end, None
    if found[0] in _NAME_QUOTES:
        shown = quote(source[start : min(end, start + QUOTED_MAX)])
        return end, failed(f"{quote(found[0])} in attribute name: {shown}")
    return found.start(), None


def after_name(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """What stands between the name of an attribute and its equals sign, if it has any."""
    at = skip_space(source, start, end)
    if at == end:
        return context, end
    if source[at] != "=":
        return replace(context, state=State.TAG), at
    return replace(context, state=State.BEFORE_VALUE), at + 1


def before_value(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """What stands between the equals sign and the value, with its quote."""
    at = skip_space(source, start, end)
    if at == end:
        return context, end
    delim = _QUOTES.get(source[at], Delim.SPACE)
    after = at if delim is Delim.SPACE else at + 1
    return replace(context, state=VALUE_STATES[context.attr], delim=delim), after


def rest(context: Context, _source: str, _start: int, end: int) -> tuple[Context, int]:
    """A value of which nothing has to be known."""
    return context, end
