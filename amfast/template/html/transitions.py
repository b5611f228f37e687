"""Which transition reads on in which state, and how far it may read (Go's html/template, transition.go)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from amfast.template.quoting import quote

from . import attributes, css, js, tags, urls
from .attributes import lowered
from .context import Attr, Context, Delim, Element, State, failed
from .entities import unescaped

TRANSITIONS: Final[dict[State, tags.Transition]] = {
    State.TEXT: tags.text,
    State.TAG: tags.tag,
    State.ATTR_NAME: tags.attr_name,
    State.AFTER_NAME: tags.after_name,
    State.BEFORE_VALUE: tags.before_value,
    State.HTML_COMMENT: tags.comment,
    State.RCDATA: tags.special_body,
    State.ATTR: tags.rest,
    State.URL: urls.part_of_url,
    State.SRCSET: urls.part_of_url,
    State.META_CONTENT: attributes.meta_content,
    State.META_CONTENT_URL: attributes.meta_content_url,
    State.JS: js.script,
    State.JS_DOUBLE: js.literal,
    State.JS_SINGLE: js.literal,
    State.JS_REGEXP: js.literal,
    State.JS_LITERAL: js.template_literal,
    State.JS_BLOCK_COMMENT: js.block_comment,
    State.JS_LINE_COMMENT: js.line_comment,
    State.JS_HTML_OPEN_COMMENT: js.line_comment,
    State.JS_HTML_CLOSE_COMMENT: js.line_comment,
    State.CSS: css.sheet,
    State.CSS_DOUBLE: css.literal,
    State.CSS_SINGLE: css.literal,
    State.CSS_DOUBLE_URL: css.literal,
    State.CSS_SINGLE_URL: css.literal,
    State.CSS_URL: css.literal,
    State.CSS_BLOCK_COMMENT: css.block_comment,
    State.CSS_LINE_COMMENT: css.line_comment,
    State.ERROR: tags.rest,
}

DELIM_ENDS: Final = {
    Delim.DOUBLE: re.compile('"'),
    Delim.SINGLE: re.compile("'"),
    Delim.SPACE: re.compile("[ \t\n\f\r>]"),
}
_DOUBTFUL: Final = re.compile("[\"'<=`]")
"""Browsers differ in whether these end an attribute value without quotes."""

_TRIMMED: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_SCRIPT_TYPES: Final = frozenset(
    ["", "module", "text/jscript", "text/livescript"]
    + [
        f"{main}/{x}{name}script"
        for main in ("application", "text")
        for x in ("", "x-")
        for name in ("ecma", "java")
    ]
    + ["application/json", "application/ld+json"]
    + [f"text/javascript1.{minor}" for minor in range(6)]
)


@dataclass(slots=True)
class Reader:
    """Reads one text from context to context."""

    source: str
    _end_tag: tuple[Element, int] = (Element.NONE, -1)
    """The next end tag found last, so that a body is searched for its end only once."""

    def step(self, context: Context, at: int) -> tuple[Context, int]:
        """The context after some more of the text, and where that begins to hold."""
        if context.delim is not Delim.NONE:
            return self._value(context, at)
        end = self._end_of_body(context, at)
        if end == at:
            return Context(), at
        return TRANSITIONS[context.state](context, self.source, at, end)

    def _end_of_body(self, context: Context, at: int) -> int:
        size = len(self.source)
        if not tags.ends_at_tag(context):
            return size
        element, known = self._end_tag
        if element is not context.element or known < at:
            known = tags.find_end_tag(context.element, self.source, at, size)
            self._end_tag = context.element, known
        return known

    def _value(self, context: Context, at: int) -> tuple[Context, int]:
        """Part of an attribute value, up to its end."""
        source, size = self.source, len(self.source)
        found = DELIM_ENDS[context.delim].search(source, at)
        end = size if found is None else found.start()
        if context.delim is Delim.SPACE and (doubtful := _DOUBTFUL.search(source, at, end)):
            return failed(f"{quote(doubtful[0])} in unquoted attr: {quote(source[at:end])}"), size
        if found is None:
            return _read_through(context, unescaped(source[at:])), size
        element = context.element
        if (
            context.state is State.ATTR
            and element is Element.SCRIPT
            and context.attr is Attr.SCRIPT_TYPE
            and not _is_script_type(source[at:end])
        ):
            element = Element.NONE
        return Context(State.TAG, element=element), end if context.delim is Delim.SPACE else found.end()


def _read_through(context: Context, value: str) -> Context:
    at = 0
    while at < len(value):
        context, at = TRANSITIONS[context.state](context, value, at, len(value))
    return context


def _is_script_type(mime_type: str) -> bool:
    """Whether a script of this type is JavaScript or JSON."""
    return lowered(mime_type.partition(";")[0]).strip(_TRIMMED) in _SCRIPT_TYPES
