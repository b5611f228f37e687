"""Attributes: what their values are, by their names (Go's html/template, attr.go)."""

from __future__ import annotations

import re
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from .context import Attr, Context, Element, State


class Kind(Enum):
    """What the value of an attribute is."""

    PLAIN = auto()
    URL = auto()
    SRCSET = auto()
    CSS = auto()
    JS = auto()
    HTML = auto()
    UNSAFE = auto()
    """It changes how something else is read, fetched or sent; its name cannot come from a value."""


_URLS: Final = frozenset(
    [
        *(
            "action",
            "archive",
            "background",
            "cite",
            "classid",
            "codebase",
            "data",
            "formaction",
            "href",
            "icon",
        ),
        *("longdesc", "manifest", "poster", "profile", "src", "usemap", "xmlns"),
    ]
)
_UNSAFE: Final = frozenset(
    [
        *(
            "accept-charset",
            "async",
            "challenge",
            "charset",
            "content",
            "crossorigin",
            "defer",
            "enctype",
            "form",
        ),
        *("formenctype", "formmethod", "formnovalidate", "http-equiv", "keytype", "language", "method"),
        *("novalidate", "pattern", "rel", "sandbox", "type", "value"),
    ]
)
_OTHERS: Final = {"srcset": Kind.SRCSET, "style": Kind.CSS, "srcdoc": Kind.HTML, "srclang": Kind.PLAIN}
_SMELLS_OF_URL: Final = re.compile("src|ur[il]")
_ATTRS: Final = {Kind.URL: Attr.URL, Kind.SRCSET: Attr.SRCSET, Kind.CSS: Attr.STYLE, Kind.JS: Attr.SCRIPT}

_LOWER: Final = {ord("\u0130"): "i", ord("\u212a"): "k"} | {
    code: chr(code).lower() for code in range(ord("A"), ord("Z") + 1)
}
"""All characters whose lower case is a letter of ASCII."""

_META_URL: Final = re.compile("url[ \t\n\f\r]*=", re.ASCII | re.IGNORECASE)


def lowered(name: str) -> str:
    """``name`` in lower case as far as that is ASCII."""
    return name.translate(_LOWER)


def kind_of(name: str) -> Kind:
    """What an attribute of this name (in lower case) holds; in doubt, what gives it more power."""
    if name.startswith("data-"):
        name = name[5:]
    else:
        namespace, colon, local = name.partition(":")
        if colon:
            if namespace == "xmlns":
                return Kind.URL
            name = local
    if name in _URLS:
        return Kind.URL
    if name in _UNSAFE:
        return Kind.UNSAFE
    if name in _OTHERS:
        return _OTHERS[name]
    if name.startswith("on"):
        return Kind.JS
    return Kind.URL if _SMELLS_OF_URL.search(name) else Kind.PLAIN


def attr_of(element: Element, name: str) -> Attr:
    """How the value of an attribute of this name has to be read."""
    name = lowered(name)
    if element is Element.SCRIPT and name == "type":
        return Attr.SCRIPT_TYPE
    if element is Element.META and name == "content":
        return Attr.META_CONTENT
    return _ATTRS.get(kind_of(name), Attr.NONE)


def meta_content(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """The content of a ``meta`` element, which may hold the URL of a redirection."""
    found = _META_URL.search(source, start, end)
    return (context, end) if found is None else (replace(context, state=State.META_CONTENT_URL), found.end())


def meta_content_url(context: Context, source: str, start: int, end: int) -> tuple[Context, int]:
    """That URL."""
    found = source.find(";", start, end)
    return (context, end) if found < 0 else (replace(context, state=State.META_CONTENT), found + 1)
