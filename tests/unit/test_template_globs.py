"""Patterns of file names, as Go's filepath.Glob takes them."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amfast.template.globs import GlobError, _matcher, expand

FILES = (
    "b.tmpl",
    "a.tmpl",
    ".hidden.tmpl",
    "notes.md",
    "[x].tmpl",
    "two/c.tmpl",
    "one/d.tmpl",
    ".dot/e.tmpl",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("*.tmpl", [".hidden.tmpl", "[x].tmpl", "a.tmpl", "b.tmpl"]),
        ("?.tmpl", ["a.tmpl", "b.tmpl"]),
        ("[a-c].tmpl", ["a.tmpl", "b.tmpl"]),
        ("[^a].tmpl", ["b.tmpl"]),
        ("[c-a]*", []),
        (r"\[x\].tmpl", ["[x].tmpl"]),
        (r"[\[]x[\]].tmpl", ["[x].tmpl"]),
        ("*/*.tmpl", [".dot/e.tmpl", "one/d.tmpl", "two/c.tmpl"]),
        ("**/d.tmpl", ["one/d.tmpl"]),
        ("a.tmpl", ["a.tmpl"]),
        ("one", ["one"]),
        ("missing.tmpl", []),
        ("missing/*.tmpl", []),
        ("a.tmpl/*", []),
        ("", []),
    ],
)
def test_a_pattern_stands_for_names_in_order(pattern, files):
    assert expand(pattern) == files


def test_an_absolute_pattern_gives_absolute_names(folder):
    assert expand(f"{folder}/*/c.tmpl") == [f"{folder}/two/c.tmpl"]


@pytest.mark.parametrize("pattern", ["[", "[]", "[a", "a\\", "[a-]", "[-a]", "*/[", "[^", "[]a]"])
def test_a_pattern_that_is_none_is_an_error(pattern):
    with pytest.raises(GlobError, match="syntax error in pattern"):
        expand(pattern)


def test_a_pattern_with_many_stars_takes_no_longer_for_it():
    assert _matcher("*a" * 100 + "b").fullmatch("a" * 250) is None


@given(st.text("ab*?[]^-\\.", max_size=12), st.text("ab^-].[", max_size=8))
def test_any_pattern_is_matched_as_by_trying_everything(pattern, name):
    with contextlib.suppress(GlobError):
        matcher = _matcher(pattern)
        plain = re.compile(matcher.pattern.replace("(?>", "(?:"), re.DOTALL)
        assert (matcher.fullmatch(name) is None) == (plain.fullmatch(name) is None)
