"""What is printed into scripts (Go's html/template, js.go)."""

from __future__ import annotations

import re
from typing import Final

from amfast.template.content import JS, JS_STR
from amfast.template.gojson import encode
from amfast.template.printf import sprint, text
from amfast.template.values import FunctionError, Value, type_of

from .printed import printed

_WORD_CHAR: Final = re.compile("[$0-9A-Z_a-z]")
_TAG: Final = re.compile("<(/?)[sS\u017f]cript", re.ASCII | re.IGNORECASE)

_CONTROLS: Final = {code: f"\\u{code:04x}" for code in range(0x20)} | {
    ord("\t"): "\\t",
    ord("\n"): "\\n",
    ord("\f"): "\\f",
    ord("\r"): "\\r",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
_KEPT_ESCAPES: Final = (
    _CONTROLS | {ord(char): f"\\u{ord(char):04x}" for char in "\"&'`+<>"} | {ord("/"): "\\/"}
)
_STRING: Final = _KEPT_ESCAPES | {ord("\\"): "\\\\"}
_LITERAL: Final = _STRING | {ord(char): f"\\u{ord(char):04x}" for char in "${}"}
_REGEXP: Final = _CONTROLS | {
    ord(char): f"\\u{ord(char):04x}" if char in "\"&'+<>" else f"\\{char}"
    for char in "\"$&'()*+-./<>?[\\]^{|}"
}


def value(*values: Value) -> str:
    """A value as an expression; ``null``, with the reason in a comment, if JSON has no word for it."""
    found = values[0] if len(values) == 1 else sprint(values)
    go_type = type_of(found)
    if go_type is JS:
        return str(found)
    if go_type is JS_STR:
        return f'"{found}"'
    if "String" in go_type.methods and "MarshalJSON" not in go_type.methods:
        found = text(found)
    try:
        json = encode(found)
    except FunctionError as error:
        why = _TAG.sub(r"\\x3C\1script", str(error)).replace("*/", "* /").replace("<!--", "\\x3C!--")
        return f" /* {why} */null "
    json = json.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    if not json:
        return " null "
    # A word must not run into one that stands next to it.
    apart = _WORD_CHAR.match(json[0]) or _WORD_CHAR.match(json[-1])
    return f" {json} " if apart else json


def string(*values: Value) -> str:
    """A part of a string."""
    found, content = printed(values)
    return found.translate(_KEPT_ESCAPES if content is JS_STR else _STRING)


def template_literal(*values: Value) -> str:
    """A part of a template literal."""
    return printed(values)[0].translate(_LITERAL)


def regexp(*values: Value) -> str:
    """A part of a regular expression that matches the text itself; never nothing, for ``//`` would be a comment."""
    return printed(values)[0].translate(_REGEXP) or "(?:)"
