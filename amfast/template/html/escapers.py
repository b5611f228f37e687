"""The functions that rewritten templates call, by the names they have in Go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from amfast.template.values import ANY, STRING, Function

from . import css, jsvalues, markup, urls
from .printed import evaluated

_BY_NAME: Final[dict[str, Callable[..., str]]] = {
    "_html_template_attrescaper": markup.quoted,
    "_html_template_commentescaper": markup.nothing,
    "_html_template_cssescaper": css.escaped,
    "_html_template_cssvaluefilter": css.filtered,
    "_html_template_htmlnamefilter": markup.name,
    "_html_template_htmlescaper": markup.text,
    "_html_template_jsregexpescaper": jsvalues.regexp,
    "_html_template_jsstrescaper": jsvalues.string,
    "_html_template_jstmpllitescaper": jsvalues.template_literal,
    "_html_template_jsvalescaper": jsvalues.value,
    "_html_template_nospaceescaper": markup.unquoted,
    "_html_template_rcdataescaper": markup.rcdata,
    "_html_template_srcsetescaper": urls.srcset,
    "_html_template_urlescaper": urls.escaped,
    "_html_template_urlfilter": urls.filtered,
    "_html_template_urlnormalizer": urls.normalized,
    "_eval_args_": evaluated,
}

ESCAPERS: Final[Mapping[str, Function]] = {
    name: Function(name, (ANY,), STRING, call, variadic=True) for name, call in _BY_NAME.items()
}
"""All of them take any values and give a string."""
