"""Texts over data: when nothing is parsed, route labels that need each other, the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amfast.template import gotime
from amfast.template.data import Data, kv
from amfast.template.errors import TemplateError
from amfast.template.rendering import NESTED_MAX, Renderer, problem
from tests.support.templates import renderer


def labels(rendered: bool = False, **texts: str) -> Data:
    return Data(receiver="r", route_labels=kv(texts), route_labels_rendered=rendered)


def test_a_text_without_braces_is_itself_and_an_empty_one_empty() -> None:
    for text in ("", "}} %v \\n <b>", "{ {"):
        assert renderer().text(text, Data()) == text
    assert renderer().html("", Data()) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ .X | toUpper }}{{ routeLabels .Y }}{{ now }}", None),
        ("{{ .X", "unclosed action"),
        ("{{ }}", "missing value for command"),
        ("{{ SECRET .X }}", "function … not defined"),
        ('{{ "SECRET" "SECRET" | 1 }}', "non executable command in pipeline stage 2"),
        ("{{ $SECRET }}", "undefined variable …"),
        ("{{ SECRET( }}", "function … not defined"),
        ("{{ 1SECRET }}", "bad number syntax: …"),
        ("{{ .X ß☺ }}", "bad character …"),
        ("{{ if `SECRET` }}", "unexpected EOF"),
        ("{{ .X }} SECRET {{ end }}", "unexpected {{end}}"),
        ("a\n{{ .X\n}}\n{{ end }}", "unexpected {{end}} (line 4 of the text)"),
    ],
)
def test_what_is_wrong_with_a_text_is_told_without_quoting_it(text: str, reason: str | None) -> None:
    assert problem(text) == (reason and f"the template cannot be parsed: {reason}")


WORDS = [
    *(
        "{{",
        "}}",
        "if",
        "end",
        "range",
        "define",
        "template",
        "block",
        "else",
        "break",
        "with",
        "nil",
        "-",
        "|",
        "(",
        ")",
    ),
    *(
        "SECRET",
        "$SECRET",
        ".SECRET",
        '"SECRET"',
        "`SECRET`",
        "'SECRET'",
        "1SECRET",
        "SECRET\u2028",
        '"SECRET',
        "SECRET'",
    ),
    *("<SECRET>", ":=", ",", "$x", " ", "\n", "/*", "*/", "'S'"),
]


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(lambda words: "{{" + " ".join(words)))
def test_whatever_is_wrong_nothing_is_quoted(text: str) -> None:
    assert "SECRET" not in (problem(text) or "")


def test_a_definition_in_one_text_is_not_there_in_the_next() -> None:
    templates = renderer()
    assert templates.text('{{ define "__subject" }}own{{ end }}{{ template "__subject" . }}', Data()) == "own"
    assert templates.text('{{ template "__subject" . }}', Data(status="x")) == "[X]  "


def test_route_labels_render_one_another_whatever_their_order() -> None:
    data = labels(
        a='{{ routeLabels "b" }}!', b="{{ .Receiver }}", c='{{ routeLabels "a" }}{{ routeLabels "a" }}'
    )
    assert renderer().route_labels(data) == ({"a": "r!", "b": "r", "c": "r!r!"}, {})


def test_labels_that_are_texts_already_are_not_rendered_again() -> None:
    data = labels(rendered=True, a="{{ .Receiver }}")
    assert (
        renderer().text('{{ routeLabels "a" }}{{ .RouteLabels.a }}', data) == "{{ .Receiver }}{{ .Receiver }}"
    )


def test_a_circle_of_labels_is_an_error_that_names_it_and_the_others_stay() -> None:
    data = labels(a='{{ routeLabels "b" }}', b='{{ routeLabels "a" }}', c="fine")
    rendered, failed = renderer().route_labels(data)
    assert rendered == {"c": "fine"}
    assert "route label cycle detected: a -> b -> a" in str(failed["a"])
    assert "route label cycle detected: b -> a -> b" in str(failed["b"])


def test_a_long_chain_of_labels_is_an_error() -> None:
    def chain(length: int) -> dict[str, str]:
        return {f"l{n:02}": f'{{{{ routeLabels "l{n + 1:02}" }}}}' for n in range(length)}

    rendered, failed = renderer().route_labels(labels(**chain(NESTED_MAX)))
    assert (len(rendered), failed) == (NESTED_MAX, {})
    _, failed = renderer().route_labels(labels(**chain(NESTED_MAX + 1)))
    assert f"more than {NESTED_MAX} route labels that need one another" in str(failed["l00"])


def test_an_error_in_one_text_leaves_nothing_behind_for_the_next() -> None:
    templates = renderer()
    with pytest.raises(TemplateError):
        templates.text('{{ routeLabels "a" }}', labels(a="{{ .Nothing }}"))
    assert templates.text('{{ routeLabels "a" }}', labels(b="x")) == ""


@pytest.mark.parametrize(
    "ask",
    [
        lambda templates: templates.text("{{ now.Unix }}", Data()),
        lambda templates: templates.html("{{ now.Unix }}", Data()),
        lambda templates: templates.route_labels(labels(a="{{ now.Unix }}"))[0]["a"],
    ],
)
def test_the_time_is_what_was_handed_in(ask: Callable[[Renderer], Any]) -> None:
    assert ask(Renderer((), lambda: gotime.Time(1_500_000_000_000_000_000))) == "1500000000"
