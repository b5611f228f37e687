"""Times and durations as Go has them. The vectors were made by ``tests/conformance/times``, which is Go itself."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amfast.model.timestamp import NS
from amfast.template import durations, gotime, layouts, zones
from amfast.template.floats import format_float
from amfast.template.gotime import TIME, Time
from amfast.template.timeparsing import parse
from amfast.template.values import FunctionError, type_of
from tests.support.go_values import told

VECTORS = Path(__file__).parents[1] / "vectors" / "templates" / "times.json"


@pytest.fixture(scope="module")
def vectors():
    return json.loads(VECTORS.read_text())


def moment(description):
    zone = description["zone"]
    if zone.get("fixed"):
        place = zones.fixed(told(zone.get("name", "")), zone.get("offset", 0))
    else:
        place = zones.load(zone["name"])
    return Time(description["s"] * NS + description.get("ns", 0), place)


def call(value, name, *arguments):
    """What a method gives, whatever it is called on."""
    return type_of(value).methods[name].call(value, *arguments)


def text(value):
    return call(value, "String")


def json_or_error(time):
    try:
        return bytes(call(time, "MarshalJSON")).decode()
    except FunctionError as error:
        return str(error)


def formatted(case):
    time = moment(case["at"])
    plain = [
        "Day",
        "YearDay",
        "Weekday",
        "Hour",
        "Minute",
        "Second",
        "Nanosecond",
        "IsDST",
        "UnixNano",
        "UnixMilli",
    ]
    numbers = [call(time, "Year"), text(call(time, "Month")), *(call(time, name) for name in plain)]
    numbers[4] = text(numbers[4])
    numbers[10] = str(int(numbers[10]))
    return {
        "want": time.format(told(case["layout"])),
        "string": text(time),
        "go": call(time, "GoString"),
        "json": json_or_error(time),
        "numbers": numbers,
    }


def shifted(case):
    time, other, by = moment(case["at"]), moment(case["other"]), int(case["by"])
    return {
        "added": text(call(time, "Add", by)),
        "dated": text(call(time, "AddDate", *case["date"])),
        "cut": text(call(time, "Truncate", by)),
        "round": text(call(time, "Round", by)),
        "sub": text(call(time, "Sub", other)),
        "order": call(time, "Compare", other),
        "inside": text(call(time, "In", call(other, "Location"))),
    }


def parsed(case):
    try:
        return {"want": text(parse(told(case["layout"]), told(case["value"])))}
    except FunctionError as error:
        return {"want": text(gotime.ZERO), "error": str(error)}


def measured(case):
    length, unit = durations.duration(int(case["length"])), int(case["unit"])
    shown = [
        length,
        call(length, "Round", unit),
        call(length, "Truncate", unit),
        call(length, "Abs"),
    ]
    names = [durations.MONTH.methods["String"], durations.WEEKDAY.methods["String"]]
    return {
        "texts": [*map(text, shown), *(name.call(length) for name in names)],
        "hours": [format_float(call(length, name), "g") for name in ("Seconds", "Minutes", "Hours")],
        "counted": [str(int(call(length, name))) for name in ("Microseconds", "Milliseconds")],
    }


@pytest.mark.parametrize(
    ("sort", "check", "texts"),
    [
        ("formats", formatted, {"want", "string"}),
        ("shifts", shifted, {"added", "dated", "cut", "round", "inside"}),
        ("parses", parsed, {"want", "error"}),
        ("durations", measured, set()),
    ],
)
def test_times_are_what_they_are_in_go(vectors, sort, check, texts):
    assert len(vectors[sort]) > 80
    for case in vectors[sort]:
        got = check(case)
        wanted = {key: told(case[key]) if key in texts else case[key] for key in got}
        assert got == wanted, case
        assert ("error" in case) == ("error" in got), case


def test_the_zone_of_the_process_is_called_local():
    assert text(call(call(gotime.ZERO, "Local"), "Location")) == "Local"
    assert zones.load("Local") is zones.LOCAL


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("Mars/Olympus", "unknown time zone Mars/Olympus"),
        ("../etc/passwd", "time: invalid location name"),
        ("/etc/passwd", "time: invalid location name"),
        ("America", "unknown time zone America"),
        ("a\0b", "unknown time zone a\0b"),
        ("x" * 5000, "unknown time zone " + "x" * 5000),
    ],
)
def test_a_zone_that_is_not_there_is_named(name, error):
    with pytest.raises(FunctionError) as caught:
        zones.load(name)
    assert str(caught.value) == error


def test_a_zone_keeps_its_rules_after_the_last_year_that_python_knows():
    berlin = zones.load("Europe/Berlin")
    summer = Time.date(12026, 7, 1, 0, 0).within(berlin)
    assert call(summer, "IsDST")
    assert summer.format("2006-01-02 15:04 MST") == "12026-07-01 02:00 CEST"


@given(st.integers(-(1 << 80), 1 << 80), st.integers(-(1 << 63), (1 << 63) - 1))
def test_no_time_is_too_far_away_to_be_shown(ns, by):
    time = gotime.ZERO.plus(ns).within(zones.load("Europe/Berlin"))
    assert text(call(call(time, "AddDate", by, by, by), "Add", by))
    assert text(call(time, "Local"))


def test_a_long_name_of_a_zone_cannot_be_multiplied():
    named = parse("MST", "GMT+" + "0" * 50_000 + "1")
    with pytest.raises(FunctionError, match="too long"):
        named.format("MST" * 1000)
    assert layouts.TEXT_MAX == 1 << 20


@pytest.mark.parametrize("layout", ["." * 200_000, ".0" * 100_000, ".0000" * 50_000 + "1", "_" * 200_000])
def test_a_long_layout_takes_linear_time(layout):
    assert Time(0).format(layout)


@pytest.mark.parametrize(
    ("layout", "value"),
    [
        ("2 " * 50_000, "1 " * 50_000),
        ("15" * 50_000, "11" * 50_000),
        ("x" * 100_000, "x" * 100_000 + "y"),
        (" x" * 50_000, "  x" * 50_000),
        ("MST" * 50_000, "GMT" * 50_000),
        ("." + "0" * 4000, "." + "1" * 4000),
    ],
)
def test_a_long_value_is_read_in_linear_time(layout, value):
    with contextlib.suppress(FunctionError):
        parse(layout, value)


PIECES = st.lists(
    st.sampled_from(
        [
            "2006",
            "06",
            "Jan",
            "1",
            "Mon",
            "02",
            "_2",
            "002",
            "15",
            "3",
            "4",
            "5",
            "PM",
            "MST",
            "Z07:00",
            "-07",
            ".000",
            ",9",
            "x",
            "+",
            "-",
            "�",
        ]
    )
)


@given(PIECES.map(" ".join), st.text(alphabet="0123456789 .,+-:ZTAPMGJanUTC\udcff\u00e9"))
def test_no_value_brings_anything_but_a_time_or_an_error(layout, value):
    with contextlib.suppress(FunctionError):
        assert text(parse(layout, value))


def test_a_method_with_several_results_says_why_no_template_can_call_it():
    faults = {name: method.fault for name, method in TIME.methods.items() if method.fault}
    assert set(faults) == {"Date", "Clock", "ISOWeek", "Zone", "ZoneBounds"}
    assert faults["ZoneBounds"].endswith("second return value should be error; is time.Time")
    assert faults["Date"] == "function Date has 3 return values; should be 1 or 2"


def test_every_method_has_the_receiver_as_its_first_parameter():
    assert all(method.name == name for name, method in TIME.methods.items())
    assert call(Time.of(5 * NS, 7200), "Format", "15:04:05 -07:00") == "02:00:05 +02:00"
