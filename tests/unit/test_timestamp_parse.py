"""Times as the API takes them; what Go answers was recorded from a running Alertmanager 0.34."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amfast.model.timestamp import NS, ZERO_NS, Time, format_ms, format_nano, parse_rfc3339

TAKEN = [
    ("0000-02-29T00:00:00Z", "0000-02-29T00:00:00.000Z"),
    ("0000-01-01T00:00:00+02:00", "0000-01-01T00:00:00.000+02:00"),
    ("2021-01-01T1:02:03Z", "2021-01-01T01:02:03.000Z"),
    ("2021-01-01T01:02:03+24:00", "2021-01-01T01:02:03.000+24:00"),
    ("2021-01-01T01:02:03+01:60", "2021-01-01T01:02:03.000+02:00"),
    ("2021-01-01T01:02:03.123+0130", "2021-01-01T01:02:03.123+01:30"),
    ("2021-01-01T01:02:03,123456-0130", "2021-01-01T01:02:03.123-01:30"),
    ("2021-01-01T01:02Z", "2021-01-01T01:02:00.000Z"),
    ("2021-01-01T01:02", "2021-01-01T01:02:00.000Z"),
    ("2021-01-01 01:02:03.5", "2021-01-01T01:02:03.500Z"),
    ("2021-01-01", "2021-01-01T00:00:00.000Z"),
    ("2021-01-01T01:02:03.1234567899999Z", "2021-01-01T01:02:03.123Z"),
    ("2021-01-01T01:02:03-00:00", "2021-01-01T01:02:03.000Z"),
    ("2021-01-01T01:02:03+00:30", "2021-01-01T01:02:03.000+00:30"),
    ("2021-01-01T1:02", "2021-01-01T01:02:00.000Z"),
    ("2021-01-01 1:02:03", "2021-01-01T01:02:03.000Z"),
    ("1500-06-01T00:00:00Z", "1500-06-01T00:00:00.000Z"),
    ("2021-01-01T01:02:03+24:60", "2021-01-01T01:02:03.000+25:00"),
    ("2021-01-01T01:02:03.123456+24:30", "2021-01-01T01:02:03.123+24:30"),
    ("2021-01-01T1:02Z", "2021-01-01T01:02:00.000Z"),
    ("2021-01-01T01:02:03.5", "2021-01-01T01:02:03.500Z"),
    ("2021-01-01T01:02:03,5Z", "2021-01-01T01:02:03.500Z"),
    ("2020-02-29T23:59:59Z", "2020-02-29T23:59:59.000Z"),
    ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ("", "1970-01-01T00:00:00.000Z"),
]
REFUSED = [
    "2021-01-01T01:02:03+25:00",
    "2021-01-01T01:02:03+01:61",
    "2021-01-01T01:02:03.1234+0130",
    "2021-01-01T01:02:03+0130",
    "2021-01-01T01:02+01:00",
    "2021-01-01 01:02",
    "2021-01-01 01:02:03Z",
    "2021-01-01T",
    "2021-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2021-13-01T00:00:00Z",
    "2021-00-01T00:00:00Z",
    "2021-01-00T00:00:00Z",
    "2021-01-01T24:00:00Z",
    "2021-01-01T01:60:00Z",
    "2021-01-01T01:02:60Z",
    "2021-01-01T01:02:03.Z",
    "2021-01-01t01:02:03Z",
    "2021-01-01T01:02:03z",
    "2021-01-01T01:02:03+01",
    "2021-01-01T01:02:03 Z",
    " 2021-01-01",
    "2021-01-01\n",
    "2021-01-01T01:02:03.000Z0",
    "2021-1-01",
    "+2021-01-01",
    "10000-01-01T00:00:00Z",
    "2021-01-01T-1:02:03Z",
    "2021-01-01T01:02.5",
    "\u0662021-01-01",
    "0000-13-01T00:00:00Z",
]


@pytest.mark.parametrize(("text", "shown"), TAKEN)
def test_a_form_that_go_takes_means_the_same_time(text: str, shown: str) -> None:
    assert format_ms(parse_rfc3339(text)) == shown


@pytest.mark.parametrize("text", REFUSED)
def test_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an RFC 3339 time"):
        parse_rfc3339(text)


def test_the_year_one_is_the_time_that_is_not_set() -> None:
    assert parse_rfc3339("0001-01-01T00:00:00Z").is_zero
    assert parse_rfc3339("0001-01-01T02:00:00+02:00").is_zero


def test_nine_digits_of_fraction_are_kept() -> None:
    assert parse_rfc3339("1970-01-01T00:00:01.0000000019Z") == Time(NS + 1)


def test_a_huge_fraction_is_read_quickly() -> None:
    assert parse_rfc3339("1970-01-01T00:00:00." + "9" * 1_000_000 + "Z").ns == NS - 1


@given(
    st.integers(ZERO_NS + 86_400 * NS, 253_402_214_400 * NS),
    st.integers(-23 * 60, 23 * 60).map(lambda minutes: minutes * 60),
)
@example(0, 0)
def test_what_is_printed_is_read_back(ns: int, offset_s: int) -> None:
    time = Time(ns, offset_s)
    assert parse_rfc3339(format_nano(time)) == time


@given(st.text(alphabet="0123456789-:+.,TZ tz", max_size=40))
def test_no_text_brings_anything_but_a_time_or_value_error(text: str) -> None:
    try:
        time = parse_rfc3339(text)
    except ValueError:
        return
    assert abs(time.offset_s) <= 25 * 3600
