"""Printing as Go's fmt does it. The vectors were made by ``tests/conformance/printf``, which is Go itself."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amfast.template import gojson, printf, printing, values
from amfast.template.values import Function, FunctionError, Integer, Kind, Mapping, Sequence, Type
from tests.support.go_values import PAIR, Pair, told, value

VECTORS = Path(__file__).parents[1] / "vectors" / "templates" / "printf.json"


def json_or_error(shown):
    try:
        return gojson.encode(shown)
    except FunctionError as error:
        return str(error)


def printed(form, arguments):
    if form == "json":
        return json_or_error(arguments[0])
    if form == "sprint":
        return printf.sprint(arguments)
    if form == "sprintln":
        return printf.sprintln(arguments)
    return printf.sprintf(told(form.removeprefix("f:")), arguments)


def test_every_format_gives_what_go_gives():
    cases = json.loads(VECTORS.read_text())
    assert len(cases) > 1000
    for case in cases:
        got = printed(case["format"], [value(argument) for argument in case["args"]])
        assert got == told(case["want"]), case


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (None, "<no value>"),
        ("plain", "plain"),
        (True, "true"),
        (-3, "-3"),
        (1e6, "1e+06"),
        ([1, "a", None, [2.5]], "[1 a <nil> [2.5]]"),
        ({"b": 1, "a": "x"}, "map[a:x b:1]"),
        (Pair("k", "v"), "{k v}"),
        (Sequence([72, 105], values.BYTES), "[72 105]"),
        (Mapping({2: 0.5, -1: 1.0}, value(["map[int]float64", {}]).go_type), "map[-1:1 2:0.5]"),
    ],
)
def test_a_value_in_a_template_prints_in_its_own_format(shown, text):
    assert printf.text(shown) == text


def test_a_pointer_in_a_template_prints_as_what_it_points_at():
    pointer = value(["*main.Box", ["1", ["nil", None], ["a", "b"], []]])
    assert printf.text(pointer) == "{1 <nil> {a b} [] <nil>}"
    assert printf.sprint([pointer]) == "&{1 <nil> {a b} [] <nil>}"


def test_a_method_that_fails_is_named_in_the_text():
    def fail(_):
        raise FunctionError("no luck")

    broken = Type("main.Broken", Kind.INT, methods={"String": Function("String", (), values.STRING, fail)})
    assert printf.sprint([Integer(1, broken)]) == "%!v(PANIC=String method: no luck)"


def test_a_text_that_grows_without_bound_is_refused():
    with pytest.raises(FunctionError, match="too long"):
        printf.sprintf("%999999d" * 10, [1] * 10)
    with pytest.raises(FunctionError, match="too long"):
        printf.sprintf("%999999v", [[1] * 100])
    grown = ["x" * 10_000]
    for _ in range(40):
        grown = [grown, grown]
    with pytest.raises(FunctionError, match="too long"):
        printf.text(grown)


def test_what_is_nested_too_deeply_is_refused():
    deep = []
    for _ in range(printing.DEPTH_MAX):
        deep = [deep]
    assert printf.text(deep) == "[" * 101 + "]" * 101
    with pytest.raises(FunctionError, match="nested too deeply"):
        printf.text([deep])


@pytest.mark.parametrize("format_", ["%[" * 200_000, "%[1]d" * 50_000, "%" * 400_001, "%9999999999d" * 9])
def test_a_long_format_takes_linear_time(format_):
    printf.sprintf(format_, [1])


@given(st.text(alphabet="%+-# 0123456789.*[]vTtbcdoOqxXUeEfFgGspwz", max_size=20), st.integers(), st.floats())
def test_no_format_brings_anything_but_a_text(format_, whole, fraction):
    whole = (whole + (1 << 63)) % (1 << 64) - (1 << 63)
    arguments = [whole, fraction, "text\udcff", None, [whole], {"k": fraction}, Pair("a", "b")]
    assert isinstance(printf.sprintf(format_, arguments), str)


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.sampled_from("+-# 0"), st.sampled_from(["", "7", "12"]), st.sampled_from("vTtdoqxXUeGspw")
            ).map(lambda parts: "%" + "".join(parts)),
            st.text(alphabet="ab .0", max_size=3),
        ),
        max_size=6,
    ).map("".join),
    st.lists(st.sampled_from([7, "text\udcff", "ü", None, [1], Pair("a", "b"), 2.5]), max_size=6),
)
def test_a_format_that_is_remembered_in_parts_gives_what_walking_through_it_gives(format_, arguments):
    assert printf.sprintf(format_, arguments) == printf._Format(format_, arguments).run()


@given(st.binary(), st.binary())
def test_bytes_that_come_together_become_a_character(left, right):
    parts = [part.decode("utf-8", "surrogateescape") for part in (left, right)]
    assert printf.sprint(parts) == (left + right).decode("utf-8", "surrogateescape")


def test_the_fields_of_a_struct_are_named_when_asked_for():
    assert PAIR.fields[0].name == "Name"
    assert (
        printf.sprintf("%+v %#v", [Pair("a", "b")] * 2) == '{Name:a Value:b} main.Pair{Name:"a", Value:"b"}'
    )
