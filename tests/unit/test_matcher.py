"""Matchers: what they match, how they print, and which texts they are read from."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import tracemalloc
from pathlib import Path

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from amfast.model.matcher import (
    Matcher,
    MatcherError,
    MatcherMode,
    MatchType,
    format_matchers,
    matcher_order,
    parse_matcher,
    parse_matchers,
    valid_label_name,
)
from amfast.model.matcher_grammar import SIMPLE, parse_classic, parse_utf8
from amfast.model.regex import PATTERN_BYTES_MAX, Pattern, PatternError

CLASSIC, UTF8, FALLBACK = MatcherMode.CLASSIC, MatcherMode.UTF8, MatcherMode.FALLBACK

BOTH_GRAMMARS = {
    "": "{}",
    "{}": "{}",
    "a=b": '{a="b"}',
    "{a=b,}": '{a="b"}',
    "a = b , c!=d": '{a="b",c!="d"}',
    'a=~"b|c",d!~"e.*"': '{a=~"b|c",d!~"e.*"}',
    'a="x, y",b="}"': '{a="x, y",b="}"}',
    r'a="q\"\\\n"': r'{a="q\"\\\n"}',
    'a=""': '{a=""}',
    'a=~"(?i)x"': '{a=~"(?i)x"}',
}
CLASSIC_ONLY = {
    "a=": '{a=""}',
    "{a=b": '{a="b"}',
    "a=b}": '{a="b"}',
    "a=b c": '{a="b c"}',
    r"a=\d": r'{a="\\d"}',
    "a={": '{a="{"}',
    "{": "{}",
    "a==b": '{a="=b"}',
    "a=b c=d,": '{a="b c=d"}',
    'a="x\ny"': r'{a="x\ny"}',
}
UTF8_ONLY = {
    '"a b"="c"': '{"a b"="c"}',
    "é=ü": '{é="ü"}',
    '"a"="b"': '{a="b"}',
    r'"a\u00e9 "="\x41\101"': '{"aé "="AA"}',
    "1=2": '{1="2"}',
}
NEITHER = [
    ",", "a", "=", "a=b,,c=d", ",a=b", "{{a=b}}", 'a="', 'a="b"c', 'a=b"c', "a=~(", r'a=~"\C"', r'a=~"(?!x)"',
    'a=~"b{1001}"', r'"a"="\ud800"', r'"a"="\xff"', '"a b"', "=b", "a!b", "a=\ud800",
]  # fmt: skip


@pytest.mark.parametrize(("text", "printed"), [*BOTH_GRAMMARS.items()])
def test_most_texts_mean_the_same_in_every_mode(text: str, printed: str) -> None:
    warnings: list[str] = []
    for mode in MatcherMode:
        if mode is CLASSIC or text:
            assert format_matchers(parse_matchers(text, mode, warnings.append)) == printed
    assert not warnings


@pytest.mark.parametrize(("text", "printed"), CLASSIC_ONLY.items())
def test_text_that_only_the_classic_grammar_knows_falls_back_with_a_warning(text: str, printed: str) -> None:
    warnings: list[str] = []
    assert format_matchers(parse_matchers(text, CLASSIC)) == printed
    assert format_matchers(parse_matchers(text, FALLBACK, warnings.append)) == printed
    assert len(warnings) == 1
    assert printed[1:-1] in warnings[0].replace("\\\\", "\\")
    with pytest.raises(MatcherError):
        parse_matchers(text, UTF8)


@pytest.mark.parametrize(("text", "printed"), UTF8_ONLY.items())
def test_text_that_only_the_utf8_grammar_knows_is_refused_in_classic_mode(text: str, printed: str) -> None:
    for mode in (UTF8, FALLBACK):
        assert format_matchers(parse_matchers(text, mode)) == printed
    with pytest.raises(MatcherError):
        parse_matchers(text, CLASSIC)


@pytest.mark.parametrize("text", NEITHER)
def test_text_that_no_grammar_knows_is_refused(text: str) -> None:
    for mode in (FALLBACK, UTF8):
        with pytest.raises(MatcherError):
            parse_matchers(text, mode)


def test_when_the_grammars_disagree_the_classic_one_wins_with_a_warning() -> None:
    warnings: list[str] = []
    text = r'a="\t"'
    assert parse_matcher(text, FALLBACK, warnings.append).value == r"\t"
    assert parse_matcher(text, UTF8).value == "\t"
    assert len(warnings) == 1


def test_a_single_matcher_takes_braces_only_as_part_of_a_classic_value() -> None:
    for mode in (FALLBACK, UTF8):
        with pytest.raises(MatcherError, match="unexpected open or close brace"):
            parse_matcher("a=b}", mode)
        with pytest.raises(MatcherError):
            parse_matcher("a=b,c=d", UTF8)
    assert parse_matcher("a=b}", CLASSIC).value == "b}"
    assert parse_matcher("a=b,c=d", FALLBACK).value == "b,c=d"


def test_classic_errors_have_the_words_that_api_clients_see() -> None:
    with pytest.raises(MatcherError, match=r"^bad matcher format: x$"):
        parse_matcher("x", FALLBACK)
    with pytest.raises(MatcherError, match=r'^matcher value contains unescaped double quote: b"$'):
        parse_matcher('a=b"', FALLBACK)
    with pytest.raises(MatcherError, match=r"^error parsing regexp: missing closing \): `\^\(\?:\(\)\$`$"):
        parse_matcher('a=~"("', FALLBACK)


def test_matchers_sort_by_name_then_value_then_operator() -> None:
    mixed = [Matcher(kind, name, value) for kind in MatchType for name in "ba" for value in "21"]
    texts = [str(matcher) for matcher in sorted(mixed, key=matcher_order)]
    assert texts[:5] == ['a="1"', 'a!="1"', 'a=~"1"', 'a!~"1"', 'a="2"']
    assert texts[-1] == 'b!~"2"'


@pytest.mark.parametrize(
    ("pattern", "hits", "misses"),
    [
        ("a|b", ["a", "b"], ["", "ab", "a|b"]),
        ("a|", ["a", ""], ["b"]),
        ("", [""], ["a"]),
        (r"1\.2|x\-y", ["1.2", "x-y"], ["1x2"]),
        ("a.c", ["abc", "a☃c"], ["ac", "xabc", "a\nc"]),
        ("(?i)stra(ß|SS)e", ["Strasse", "STRASSE"], ["strase"]),
        ("x)|(?:y", ["x", "xz", "y", "zy"], ["zx", "yz"]),
        ("(?m:^b$)", ["b"], ["a\nb"]),
        (r"\d+", ["123"], ["١٢"]),
        (r"\Qa.b\E", ["a.b"], ["axb"]),
        (r"\pL+", ["éß"], ["1"]),
    ],
)
def test_patterns_match_the_whole_value(pattern: str, hits: list[str], misses: list[str]) -> None:
    compiled = Pattern(pattern)
    assert [value for value in hits if not compiled.matches(value)] == []
    assert [value for value in misses if compiled.matches(value)] == []


def test_alternatives_of_plain_text_are_known_as_such() -> None:
    assert Pattern(r"a|b\.c|").literals == {"a", "b.c", ""}
    for text in ("a.b", "(a|b)", "a+", "^a", "a$", r"\d", r"\n", "[a]", "a{2}"):
        assert Pattern(text).literals is None


@settings(deadline=None)
@given(st.text("ab.|\\-", max_size=8), st.text("ab.|\\-", max_size=4))
def test_plain_alternatives_match_what_re2_says(pattern: str, value: str) -> None:
    try:
        plain, searched = Pattern(pattern), Pattern(f"(?:{pattern})")
    except PatternError:
        return
    assert plain.matches(value) == searched.matches(value)


def test_a_pattern_that_explodes_elsewhere_takes_no_time() -> None:
    assert not Pattern("(a|a)*(a|aa)+b").matches("a" * 50_000)


@pytest.mark.parametrize(
    "pattern",
    [
        "(x+x+)+y",
        "(a|aa)+b",
        ".*.*.*=.*",
        "(?:a?){100}a{100}b",
        ".*[a-q][^u-z]{13}x.*",
        "(.*a.{100}){5}",
        ".*a.{400}b",
    ],
)
def test_a_value_of_a_million_characters_is_searched_in_one_go_and_not_kept(pattern: str) -> None:
    """Each takes a fraction of a second; with backtracking none would end."""
    tracemalloc.start()
    try:
        compiled = Pattern(pattern)
        for number in range(2):
            value = f"{number}{'abcdefghijklmnopqrstuvwxyz' * 38_462}"
            assert not compiled.matches(value)
        del value
        assert tracemalloc.get_traced_memory()[0] < 500_000
    finally:
        tracemalloc.stop()


def test_a_value_that_could_hold_up_the_node_is_not_searched() -> None:
    """A million letters would take this pattern seven seconds."""
    pattern = Pattern("[ab]*a[ab]{1000}")
    text = "".join(random.Random(1).choices("ab", k=1_000_000)) + "a" + "b" * 1000
    assert pattern.matches(text[-9_000:])
    assert not pattern.matches(text)


def test_a_pattern_too_large_is_an_error_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PatternError):
        Pattern("((((a{100}){100}){100}){100})")
    assert capfd.readouterr() == ("", "")


def test_a_pattern_has_a_greatest_length_unless_it_is_plain_text() -> None:
    """RE2 takes quadratic time to compile one: tens of seconds for a megabyte."""
    at_most = PATTERN_BYTES_MAX - 2
    assert Pattern("a" * at_most + ".*").matches("a" * at_most)
    for text in (".*" + "a" * (at_most + 1), ".*" + "é" * (at_most // 2 + 1)):
        with pytest.raises(PatternError, match=f"too large: 327[67]. bytes .at most {PATTERN_BYTES_MAX}"):
            Pattern(text)
    assert Pattern("a|" * PATTERN_BYTES_MAX + "b").matches("b")


def test_patterns_that_are_no_longer_used_hold_little_memory() -> None:
    """Every request to the API may bring others."""
    tracemalloc.start()
    try:
        for number in range(20):
            assert Pattern(f"{number}|" + "|".join(map(str, range(10_000)))).matches("1")
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()


def test_re2_itself_remembers_one_pattern_at_most() -> None:
    for number in range(5):
        assert Pattern(f"remembered{number}.*").matches(f"remembered{number}")
    assert re2._Regexp._make.cache_info().currsize == 1


def test_a_missing_label_has_the_empty_value() -> None:
    labels = {"a": "x"}
    cases = {'b=""': True, 'b!=""': False, 'b=~".*"': True, 'b=~".+"': False, 'b!~"x"': True, 'a!="x"': False}
    assert {text: parse_matcher(text, UTF8).matches_labels(labels) for text in cases} == cases


def test_filters_with_an_empty_value_ask_for_presence() -> None:
    labels = {"a": "x", "e": ""}
    cases = {
        'b=""': True, 'b=~""': True, 'b!=""': False, 'a!=""': True, 'a!~""': True, 'e!=""': True, 'a=""': False,
        'a="x"': True, 'b!="x"': True, 'b=~"x|"': True,
    }  # fmt: skip
    assert {text: parse_matcher(text, UTF8).matches_filter(labels) for text in cases} == cases


def test_label_names_are_anything_unless_the_mode_is_classic() -> None:
    assert valid_label_name("a b.é", UTF8)
    assert not valid_label_name("", UTF8)
    assert not valid_label_name("\ud800", FALLBACK)
    assert valid_label_name("_a1", CLASSIC)
    assert not any(valid_label_name(name, CLASSIC) for name in ("1a", "a:b", "a-b", "", "a\n"))


PIECES = [
    "a",
    "=",
    "!=",
    "=~",
    "!~",
    '"',
    "\\",
    '\\"',
    ",",
    " ",
    "{",
    "}",
    "b c",
    "é",
    "'",
    "\n",
    "(",
    ")",
    "|",
    ".*",
]


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
EQUALS = st.sampled_from([MatchType.EQUAL, MatchType.NOT_EQUAL])


@settings(deadline=None)
@given(st.lists(st.builds(Matcher, EQUALS, NAMES, VALUES), max_size=4))
def test_any_matchers_print_as_text_that_reads_the_same(matchers: list[Matcher]) -> None:
    assert parse_matchers(format_matchers(matchers), UTF8) == tuple(matchers)


@settings(deadline=None)
@given(st.builds(Matcher, EQUALS, st.from_regex("[a-zA-Z_][a-zA-Z0-9_]*", fullmatch=True), VALUES))
def test_a_matcher_with_a_classic_name_prints_as_text_that_reads_the_same_in_every_mode(
    matcher: Matcher,
) -> None:
    for mode in MatcherMode:
        assert parse_matchers(str(matcher), mode) == (matcher,)
        assert parse_matcher(str(matcher), mode) == matcher


@settings(deadline=None)
@given(st.from_regex(SIMPLE, fullmatch=True))
def test_what_is_read_without_a_grammar_is_read_alike_by_both(text: str) -> None:
    assert parse_classic(text) == parse_utf8(text)
    try:
        found = parse_matchers(text, FALLBACK)
    except MatcherError:  # it is a regular expression that is none
        return
    assert parse_matchers(f"{text},", FALLBACK) == found


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_whatever_is_read_prints_as_text_that_reads_the_same(text: str) -> None:
    try:
        found = parse_matchers(text, FALLBACK)
    except MatcherError:
        return
    if not all(matcher.name for matcher in found):
        return  # the reference, too, reads `""=a` and prints `{="a"}`, which nobody can read
    assert parse_matchers(format_matchers(found), UTF8) == found


@settings(deadline=None)
@given(st.text(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=200).map("".join))
def test_any_text_gives_matchers_or_one_error(text: str) -> None:
    for mode in MatcherMode:
        for parse in (parse_matcher, parse_matchers):
            try:
                parse(text, mode)
            except MatcherError:
                continue


def test_amtool_takes_the_same_classic_matchers(tmp_path: Path) -> None:
    amtool = shutil.which("amtool")
    if amtool is None:
        pytest.skip("needs amtool (Debian package prometheus-alertmanager)")
    texts = [text for text in (*BOTH_GRAMMARS, *CLASSIC_ONLY, *UTF8_ONLY, *NEITHER) if text.isprintable()]
    for index, text in enumerate(texts):
        route = {"receiver": "r", "routes": [{"matchers": [text]}]}
        (tmp_path / f"{index}.yml").write_text(json.dumps({"route": route, "receivers": [{"name": "r"}]}))
    files = [str(tmp_path / f"{index}.yml") for index in range(len(texts))]
    done = subprocess.run(
        [amtool, "check-config", *files], capture_output=True, text=True, timeout=60, check=False
    )
    refused = {line.split("'")[1] for line in done.stdout.splitlines() if "FAILED" in line}
    assert 0 < len(refused) < len(files)
    ours = set()
    for file, text in zip(files, texts, strict=True):
        try:
            parse_matchers(text, CLASSIC)
        except MatcherError:
            ours.add(file)
    assert [texts[files.index(file)] for file in ours ^ refused] == []
