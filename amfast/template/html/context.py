"""Where in a page, a style sheet or a script a piece of template stands (Go's html/template, context.go)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final


class State(Enum):
    """What kind of text is being read. The values are Go's names, which errors show."""

    TEXT = "stateText"
    TAG = "stateTag"
    ATTR_NAME = "stateAttrName"
    AFTER_NAME = "stateAfterName"
    BEFORE_VALUE = "stateBeforeValue"
    HTML_COMMENT = "stateHTMLCmt"
    RCDATA = "stateRCDATA"
    ATTR = "stateAttr"
    URL = "stateURL"
    SRCSET = "stateSrcset"
    META_CONTENT = "stateMetaContent"
    META_CONTENT_URL = "stateMetaContentURL"
    JS = "stateJS"
    JS_DOUBLE = "stateJSDqStr"
    JS_SINGLE = "stateJSSqStr"
    JS_LITERAL = "stateJSTmplLit"
    JS_REGEXP = "stateJSRegexp"
    JS_BLOCK_COMMENT = "stateJSBlockCmt"
    JS_LINE_COMMENT = "stateJSLineCmt"
    JS_HTML_OPEN_COMMENT = "stateJSHTMLOpenCmt"
    JS_HTML_CLOSE_COMMENT = "stateJSHTMLCloseCmt"
    CSS = "stateCSS"
    CSS_DOUBLE = "stateCSSDqStr"
    CSS_SINGLE = "stateCSSSqStr"
    CSS_DOUBLE_URL = "stateCSSDqURL"
    CSS_SINGLE_URL = "stateCSSSqURL"
    CSS_URL = "stateCSSURL"
    CSS_BLOCK_COMMENT = "stateCSSBlockCmt"
    CSS_LINE_COMMENT = "stateCSSLineCmt"
    ERROR = "stateError"
    """Something was wrong; nothing leads out of it."""
    DEAD = "stateDead"
    """Behind a ``break`` or ``continue``."""


class Delim(Enum):
    """What ends the value of the attribute."""

    NONE = "delimNone"
    DOUBLE = "delimDoubleQuote"
    SINGLE = "delimSingleQuote"
    SPACE = "delimSpaceOrTagEnd"


class UrlPart(Enum):
    """How far into a URL."""

    NONE = "urlPartNone"
    BEFORE_QUERY = "urlPartPreQuery"
    QUERY = "urlPartQueryOrFrag"
    UNKNOWN = "urlPartUnknown"
    """It depends on which branch was taken."""


class Slash(Enum):
    """What a slash means in a script."""

    REGEXP = "jsCtxRegexp"
    DIVISION = "jsCtxDivOp"
    UNKNOWN = "jsCtxUnknown"
    """It depends on which branch was taken."""


class Element(Enum):
    """Elements whose content or attributes are read in their own way."""

    NONE = "elementNone"
    SCRIPT = "elementScript"
    STYLE = "elementStyle"
    TEXTAREA = "elementTextarea"
    TITLE = "elementTitle"
    META = "elementMeta"


class Attr(Enum):
    """What the value of an attribute is."""

    NONE = "attrNone"
    SCRIPT = "attrScript"
    SCRIPT_TYPE = "attrScriptType"
    STYLE = "attrStyle"
    URL = "attrURL"
    SRCSET = "attrSrcset"
    META_CONTENT = "attrMetaContent"


COMMENTS: Final = frozenset(
    {
        State.HTML_COMMENT,
        State.JS_BLOCK_COMMENT,
        State.JS_LINE_COMMENT,
        State.JS_HTML_OPEN_COMMENT,
        State.JS_HTML_CLOSE_COMMENT,
        State.CSS_BLOCK_COMMENT,
        State.CSS_LINE_COMMENT,
    }
)
SCRIPT_LITERALS: Final = frozenset({State.JS_DOUBLE, State.JS_SINGLE, State.JS_LITERAL, State.JS_REGEXP})
TAG_PARTS: Final = frozenset({State.TAG, State.ATTR_NAME, State.AFTER_NAME, State.BEFORE_VALUE, State.ATTR})

VALUE_STATES: Final = {
    Attr.NONE: State.ATTR,
    Attr.SCRIPT: State.JS,
    Attr.SCRIPT_TYPE: State.ATTR,
    Attr.STYLE: State.CSS,
    Attr.URL: State.URL,
    Attr.SRCSET: State.SRCSET,
    Attr.META_CONTENT: State.META_CONTENT,
}
"""How the value of each kind of attribute starts."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a template cannot be escaped, and where: a place (``name:line:column``) or a line, if known."""

    text: str
    place: str = ""
    line: int = 0

    def message(self, name: str) -> str:
        """Go's text of it, as an error of the template ``name``."""
        place = self.place or (f"{name}:{self.line}" if self.line else name)
        return f"html/template:{place}: {self.text}" if place else f"html/template: {self.text}"


@dataclass(frozen=True, slots=True)
class Context:
    """All that has to be known to read on, and to print a value here."""

    state: State = State.TEXT
    delim: Delim = Delim.NONE
    url: UrlPart = UrlPart.NONE
    slash: Slash = Slash.REGEXP
    braces: tuple[int, ...] = ()
    """For each ``${`` of a JavaScript template literal we are in, the braces open inside it."""
    attr: Attr = Attr.NONE
    element: Element = Element.NONE
    problem: Problem | None = None
    """Of the state ERROR."""
    saw_literal: bool = field(default=False, compare=False)
    """Whether there was a ``${``; only names of derived templates tell."""

    def __str__(self) -> str:
        braces = " ".join(map(str, self.braces))
        parts = (self.state, self.delim, self.url, self.slash, self.attr, self.element)
        state, delim, url, slash, attr, element = (part.value for part in parts)
        return f"{{{state} {delim} {url} {slash} [{braces}] {attr} {element} <nil>}}"

    def derived(self, name: str) -> str:
        """The name of the template ``name`` when it starts here."""
        if self.state is State.TEXT:
            return name
        parts = [f"{name}$htmltemplate_{self.state.value}"]
        if self.delim is not Delim.NONE:
            parts.append(self.delim.value)
        if self.url is not UrlPart.NONE:
            parts.append(self.url.value)
        if self.slash is not Slash.REGEXP:
            parts.append(self.slash.value)
        if self.saw_literal:
            parts.append(f"jsBraceDepth([{' '.join(map(str, self.braces))}])")
        if self.attr is not Attr.NONE:
            parts.append(self.attr.value)
        if self.element is not Element.NONE:
            parts.append(self.element.value)
        return "_".join(parts)

    def nudged(self) -> Context:
        """Where the next character would stand, if it is neither space nor markup."""
        if self.state is State.TAG:
            return replace(self, state=State.ATTR_NAME)
        if self.state is State.BEFORE_VALUE:
            return replace(self, state=VALUE_STATES[self.attr], delim=Delim.SPACE, attr=Attr.NONE)
        if self.state is State.AFTER_NAME:
            return replace(self, state=State.ATTR_NAME, attr=Attr.NONE)
        return self


DEAD: Final = Context(State.DEAD)


def failed(text: str, place: str = "") -> Context:
    """The context of something that cannot be escaped."""
    return Context(State.ERROR, problem=Problem(text, place))


def joined(one: Context, other: Context, keyword: str) -> Context:
    """Where two branches meet; an error if they end in places that have to be escaped differently."""
    for found, missing in ((one, other), (other, one)):
        if found.state is State.ERROR or missing.state is State.DEAD:
            return found
    if one == other or replace(one, url=other.url) == other:
        return one if one == other else replace(one, url=UrlPart.UNKNOWN)
    if replace(one, slash=other.slash) == other:
        return replace(one, slash=Slash.UNKNOWN)
    nudged = one.nudged(), other.nudged()
    if nudged != (one, other):
        meeting = joined(*nudged, keyword)
        if meeting.state is not State.ERROR:
            return meeting
    return failed(f"{{{{{keyword}}}}} branches end in different contexts: {one}, {other}")
