"""Alertmanager's template functions. The vectors were made by ``tests/conformance/strings``, which is Go itself."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amfast.model.timestamp import NS
from amfast.template import content, data, durations, gojson, gotime, printf, quoting, values
from amfast.template.functions import FUNCTIONS, timed
from amfast.template.gotime import Time
from amfast.template.values import FunctionError, Integer, Kind, Mapping, Sequence, Type
from tests.support.go_values import Pair, told

VECTORS = Path(__file__).parents[1] / "vectors" / "templates" / "strings.json"


def call(name, *arguments):
    return FUNCTIONS[name].call(*arguments)


def outcome(function, given):
    """What a function gives, as the vectors tell it."""
    try:
        result = quoting.unquote(*given) if function == "unquote" else call(function, *given)
    except (FunctionError, ValueError) as error:
        return f"error: {error}"
    return str(result).lower() if isinstance(result, bool) else result


def test_every_function_gives_what_go_gives():
    cases = json.loads(VECTORS.read_text())
    assert len(cases) > 1000
    for case in cases:
        assert outcome(case["function"], list(map(told, case["given"]))) == told(case["want"]), case


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("high CPU load", "High Cpu Load"),
        ("don't panic", "Don't Panic"),
        ("o'neil's", "O'neil's"),
        ("a''b", "A''B"),
        ("a.b a..b", "A.b A..B"),
        ("foo_bar foo-bar foo/bar", "Foo_bar Foo-Bar Foo/Bar"),
        ("3com 2nd", "3Com 2Nd"),
        ("\u00e9t\u00c9 \u00dfa \ufb01n", "\u00c9t\u00e9 Ssa Fin"),
        ("\u039f\u0394\u039f\u03a3 \u03a3", "\u039f\u03b4\u03bf\u03c2 \u03a3"),
        ("\u03a3\u03a3a", "\u03a3\u03c3a"),
        ("\u01c6\u01c4", "\u01c5\u01c6"),
        ("\u4e16a\u754cb", "\u4e16A\u754cB"),
        ("a\u0e01b", "a\u0e01b".title()),
        ("a\u00b2b", "A\u00b2B"),
        ("a\u00adb \u02c2a", "A\u00adb \u02c2A"),
        ("\udcffa\udcffb", "\udcffA\udcffB"),
        ("", ""),
    ],
)
def test_titles_have_a_capital_at_every_word(text, title):
    assert call("title", text) == title


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0s"),
        ("-0", "-0s"),
        (0, "0s"),
        (60, "1m 0s"),
        (3600.5, "1h 0m 0s"),
        ("-90061", "-1d 1h 1m 1s"),
        ("59.9999", "60s"),
        (12.34567, "12.35s"),
        ("0.0123", "12.3ms"),
        ("0.99999", "1000ms"),
        ("1e-9", "1ns"),
        ("-1e-30", "-1e-06ys"),
        ("1e300", "-106751991167300d -15h -30m -8s"),
        ("9223372036854775807", "-106751991167300d -15h -30m -8s"),
        ("12345678.9", "142d 21h 21m 18s"),
        ("0x1p4", "16s"),
        ("1_000", "16m 40s"),
        ("nan", "NaN"),
        ("-Infinity", "-Inf"),
        (durations.duration(90 * durations.SECOND), "1m 30s"),
        (Integer(5, values.UINT64), "5s"),
    ],
)
def test_durations_are_written_for_people(value, text):
    assert call("humanizeDuration", value) == text


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("x", 'strconv.ParseFloat: parsing "x": invalid syntax'),
        ("+nan", 'strconv.ParseFloat: parsing "+nan": invalid syntax'),
        ("-1e400", 'strconv.ParseFloat: parsing "-1e400": value out of range'),
        (None, "can't convert <nil> to float"),
        ([1], "can't convert []interface {} to float"),
        (Integer(1, values.INT32), "can't convert int32 to float"),
    ],
)
def test_what_is_no_duration_is_refused_in_go_s_words(value, error):
    with pytest.raises(FunctionError) as caught:
        call("humanizeDuration", value)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (
            "<a href='x'>&\u2028\udcff\x00\x7f\"\\",
            r'"\u003ca href=' + r"'x'\u003e\u0026\u2028\ufffd\u0000" + '\x7f\\"\\\\"',
        ),
        ([1, -0.0, 1e21, 1e-7, 123456789.0, True], "[1,-0,1e+21,1e-7,123456789,true]"),
        ({"b": {}, "a": [], "\u00e9": None}, '{"a":[],"b":{},"\u00e9":null}'),
        (Sequence([], values.STRINGS, nil=True), "null"),
        (Sequence([], values.STRINGS), "[]"),
        (Sequence([104, 105], values.BYTES), '"aGk="'),
        (
            Mapping({10: 1, 9: 2}, Type("map[int]int", Kind.MAP, key=values.INT, elem=values.INT)),
            '{"10":1,"9":2}',
        ),
        (Pair("n", "v"), '{"Name":"n","Value":"v"}'),
        (Time(NS // 2), '"1970-01-01T00:00:00.5Z"'),
        ([Time.of(0, 5400)], '["1970-01-01T01:30:00+01:30"]'),
        (durations.duration(5), "5"),
        (Time(0).zone, "{}"),
    ],
)
def test_values_are_json_as_go_writes_it(value, text):
    assert call("toJson", value) == text


@given(
    st.dictionaries(st.text(), st.text(alphabet=st.characters() | st.sampled_from("<>&\u2028\udcc3\udca4")))
)
def test_what_python_encodes_as_a_whole_is_what_the_parts_make(labels):
    alerts = [data.Pair(name, text) for name, text in labels.items()]
    for value in (data.kv(labels), Sequence(alerts, data.PAIRS), Sequence((), data.PAIRS, nil=True)):
        writer = gojson._Writer()
        writer.value(value, value.go_type, 0)
        assert gojson.encode(value) == "".join(writer.parts)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (float("nan"), "json: unsupported value: NaN"),
        ([float("-inf")], "json: unsupported value: -Inf"),
        (1j, "json: unsupported type: complex128"),
        (
            Time.date(10_000, 1, 1, 0, 0),
            "json: error calling MarshalJSON for type time.Time: "
            "Time.MarshalJSON: year outside of range [0,9999]",
        ),
        (
            Mapping({}, Type("map[float64]int", Kind.MAP, key=values.FLOAT64, elem=values.INT)),
            "json: unsupported type: map[float64]int",
        ),
    ],
)
def test_what_json_cannot_hold_is_refused_in_go_s_words(value, error):
    with pytest.raises(FunctionError) as caught:
        gojson.encode(value)
    assert str(caught.value) == error


def test_json_that_grows_without_bound_is_refused():
    grown = ["x" * 10_000]
    for _ in range(40):
        grown = [grown, grown]
    with pytest.raises(FunctionError, match="too long"):
        gojson.encode(grown)
    deep = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(FunctionError, match="nested too deeply"):
        gojson.encode(deep)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats(-1e15, 1e15) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(JSON)
def test_json_reads_back_as_it_was(value):
    assert json.loads(gojson.encode(value)) == value


def test_dates_are_formatted_read_and_moved():
    time = call("mustToDate", "2006-01-02 15:04", "2024-07-01 12:00")
    berlin = call("tz", "Europe/Berlin", time)
    assert call("date", "15:04 MST", berlin) == "14:00 CEST"
    assert call("toDate", "2006", "nonsense") == gotime.ZERO
    with pytest.raises(
        FunctionError, match=r'^parsing time "nonsense" as "2006": cannot parse "nonsense" as "2006"$'
    ):
        call("mustToDate", "2006", "nonsense")
    with pytest.raises(FunctionError, match=r"^unknown time zone Nowhere$"):
        call("tz", "Nowhere", time)


def test_the_clock_comes_from_outside():
    functions = timed(lambda: Time(90 * NS))
    assert printf.text(functions["now"].call()) == "1970-01-01 00:01:30 +0000 UTC"
    assert printf.text(functions["since"].call(Time(0))) == "1m30s"


def test_lists_and_maps_are_made():
    assert call("list") == []
    first = call("list", 1)
    assert call("append", first, "a", None) == [1, "a", None]
    assert first == [1]
    assert call("dict", "a", 1, "b", [2]) == {"a": 1, "b": [2]}
    assert (
        printf.sprintf("%#v %#v", [call("stringSlice"), call("stringSlice", "a")])
        == '[]string(nil) []string{"a"}'
    )
    with pytest.raises(FunctionError, match=r"^dict requires an even number of arguments$"):
        call("dict", "a")
    with pytest.raises(FunctionError, match=r"^dict keys must be strings$"):
        call("dict", 1, 2)
    with pytest.raises(FunctionError, match=r"^dict keys must be strings$"):
        call("dict", call("safeHtml", "a"), 2)


def test_trusted_strings_have_types_of_their_own():
    assert values.type_of(call("safeHtml", "<b>")) is content.HTML
    assert values.type_of(call("safeUrl", "javascript:x")) is content.URL
    assert printf.sprintf("%T %v", [call("safeHtml", "<b>")] * 2) == "template.HTML <b>"


def test_strings_are_joined_within_bounds():
    assert call("join", ", ", ["a", "b"]) == "a, b"
    with pytest.raises(FunctionError, match="too long"):
        call("join", "x" * 1000, ["y"] * 2000)


@pytest.mark.parametrize(
    ("pattern", "replacement", "text"),
    [
        ("a", "x" * 2000, "a" * 1000),
        ("(.*)", "$1" * 2000, "a" * 1000),
        ("x*", "", "a" * 50_000),
    ],
)
def test_replacing_is_bounded_in_work_and_in_what_it_makes(pattern, replacement, text):
    with pytest.raises(FunctionError, match=r"reReplaceAll: .* too (long|much work)"):
        call("reReplaceAll", pattern, replacement, text)


def test_a_pattern_that_would_take_long_to_compile_is_refused():
    with pytest.raises(FunctionError, match=r"^error parsing regexp: expression too large: 4098 characters"):
        call("match", "[a-z]?" * 683, "a")
    assert call("match", "[a-z]?" * 682, "a") is True


TEXTS = st.binary().map(quoting.text_of) | st.text(alphabet="ab*+?()[]{}\\\\$^|.dwsPCQE<>-12")


@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(TEXTS, min_size=3, max_size=3))
def test_no_text_brings_anything_but_a_result_or_an_error(name, texts):
    parameters = FUNCTIONS[name].parameters
    if any(parameter.kind not in (Kind.STRING, Kind.INTERFACE) for parameter in parameters):
        return
    with contextlib.suppress(FunctionError):
        assert printf.sprint([call(name, *texts[: len(parameters)])]) is not None


def test_bytes_that_are_joined_become_characters():
    assert call("join", "\udc82", ["\udce2", "\udcac"]) == "\u20ac"
    assert call("toJson", "\udce2\udc82\udcac") == '"\u20ac"'


def test_every_function_carries_its_own_name():
    assert {name: function.name for name, function in FUNCTIONS.items()} == {name: name for name in FUNCTIONS}
    assert len(FUNCTIONS) == 22
