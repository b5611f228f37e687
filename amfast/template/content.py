"""The types of strings that html/template takes for safe, each where its kind is due (html/template, content.go)."""

from __future__ import annotations

from typing import Final

from .values import Kind, Type

CSS: Final = Type("template.CSS", Kind.STRING)
HTML: Final = Type("template.HTML", Kind.STRING)
HTML_ATTR: Final = Type("template.HTMLAttr", Kind.STRING)
JS: Final = Type("template.JS", Kind.STRING)
JS_STR: Final = Type("template.JSStr", Kind.STRING)
URL: Final = Type("template.URL", Kind.STRING)
SRCSET: Final = Type("template.Srcset", Kind.STRING)
