"""Values with templates in their texts, and what rendered texts mean."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amfast.receivers.rendered import VALUES_MAX, render_deeply


def rendered(text: str) -> object:
    return render_deeply("template", lambda _: text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain words", "plain words"),
        ("", None),
        ("~", None),
        ("# only a comment", None),
        ("3", 3),
        ("-0x10", -16),
        ("1.10", 1.1),
        ("yes", True),
        ("off", False),
        ('"yes"', '"yes"'),
        ("'3'", "'3'"),
        ("2026-01-02", "2026-01-02"),
        ("[1, two, ~]", [1, "two", None]),
        ('{"a": "x: y", "b": ["3"]}', {"a": "x: y", "b": ["3"]}),
        ("a: b", {"a": "b"}),
        ("a: b: c", "a: b: c"),
        ("{1: a, yes: b, ~: c, d: e}", {"d": "e"}),
        ("{a: 1, a: 2}", {"a": 2}),
        ("[{<<: {a: 1, b: 2}, b: 3}, {b: 3, <<: {b: 2}}]", [{"a": 1, "b": 3}, {"b": 2}]),
        ("{<<: [{a: 1}, {a: 2, b: 2}]}", {"a": 1, "b": 2}),
        ("{<<: 1}", "{<<: 1}"),
        ("{[a]: 1}", "{[a]: 1}"),
        ("&a [*a]", "&a [*a]"),
        ("[FIRING:1] HighLoad (h1)", ["FIRING:1"]),
        ("1e400", "1e400"),
        ("a\n---\nb: 1", "a\n---\nb: 1"),
        ("a: 1\n---\n[", {"a": 1}),
        ("tab\there\x00", "tab\there\x00"),
    ],
)
def test_a_rendered_text_is_what_it_says_as_yaml(text, value):
    assert rendered(text) == value


def test_texts_are_rendered_at_any_depth_and_in_names():
    value = MappingProxyType(
        {"k": ("a", 1, None, True, 1.5, MappingProxyType({"n": "3"})), 7: "dropped", True: "too"}
    )
    assert render_deeply(value, lambda text: f"{text}{text}") == {
        "kk": ["aa", 1, None, True, 1.5, {"nn": 33}]
    }


def test_a_name_stays_a_text_whatever_it_renders_to():
    assert render_deeply(MappingProxyType({"k": "v"}), lambda _: "1") == {"1": 1}


def test_a_few_aliases_do_not_become_a_world_of_values():
    bomb = "[&a [1,1,1,1,1,1,1,1,1,1], &b [" + ",".join(["*a"] * 100) + "], [" + ",".join(["*b"] * 500) + "]]"
    assert VALUES_MAX < 500 * 1000
    assert rendered(bomb) == bomb


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(1 << 63), (1 << 63) - 1)
        | st.text(st.characters(codec="ascii")),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text("abc{}:", max_size=4), inner, max_size=4)
        ),
    ).filter(lambda value: not isinstance(value, str))
)
def test_json_in_a_text_becomes_what_it_says(value):
    assert rendered(json.dumps(value)) == value


@given(st.text(max_size=60) | st.text("[]{}&*a:- \n'\"!<,?|>%@`#", max_size=60))
def test_any_text_means_something(text):
    json.dumps(rendered(text))
