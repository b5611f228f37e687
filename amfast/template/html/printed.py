"""What the escapers make of their arguments."""

from __future__ import annotations

from typing import Final

from amfast.template.content import CSS, HTML, HTML_ATTR, JS, JS_STR, SRCSET, URL
from amfast.template.printf import sprint, text
from amfast.template.values import STRING, Type, Value, Word

FAILSAFE: Final = "ZgotmplZ"
"""What is printed in place of an unsafe value: harmless everywhere, and easy to search for."""

_VOUCHED_FOR: Final = frozenset({CSS, HTML, HTML_ATTR, JS, JS_STR, SRCSET, URL})
"""The types of text that a template's author says is safe where it fits."""


def printed(values: tuple[Value, ...]) -> tuple[str, Type]:
    """The text of an escaper's arguments, and what kind of content it is; nil prints as nothing."""
    if len(values) == 1:
        value = values[0]
        if type(value) is str:
            return value, STRING
        if isinstance(value, Word) and value.go_type in _VOUCHED_FOR:
            return str(value), value.go_type
        return ("" if value is None else text(value)), STRING
    return sprint([value for value in values if value is not None]), STRING


def evaluated(*values: Value) -> str:
    """The text of the arguments of a predefined escaper."""
    return text(values[0]) if len(values) == 1 and values[0] is not None else sprint(values)
