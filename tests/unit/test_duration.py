"""Durations in Prometheus' and in Go's notation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amfast.model.duration import (
    DurationError,
    format_duration,
    format_go_duration,
    parse_duration,
    parse_go_duration,
)

MS = 1_000_000
S = 1_000 * MS
H = 3600 * S
D = 24 * H


@pytest.mark.parametrize(
    ("text", "ns", "canonical"),
    [
        ("0", 0, "0s"),
        ("0s", 0, "0s"),
        ("90m", 90 * 60 * S, "1h30m"),
        ("1y2w3d4h5m6s7ms", (365 + 14 + 3) * D + 4 * H + 5 * 60 * S + 6 * S + 7 * MS, "382d4h5m6s7ms"),
        ("90d", 90 * D, "90d"),
        ("14d", 14 * D, "2w"),
        ("730d", 730 * D, "2y"),
        ("1000ms", S, "1s"),
    ],
)
def test_prometheus_durations_are_read_and_printed_canonically(text: str, ns: int, canonical: str) -> None:
    assert parse_duration(text) == ns
    assert format_duration(ns) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "s",
        "-1s",
        "+1s",
        "1.5s",
        "1s1m",
        "1s1s",
        "1d1w",
        "1h ",
        " 1h",
        "1H",
        "1us",
        "293y",
        "٣s",
        "9" * 5000,
    ],
)
def test_what_is_no_prometheus_duration_is_refused(text: str) -> None:
    with pytest.raises(DurationError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "ns", "printed"),
    [
        ("0", 0, "0s"),
        ("10s", 10 * S, "10s"),
        ("1m", 60 * S, "1m0s"),
        ("1h", H, "1h0m0s"),
        ("1.5h", H + H // 2, "1h30m0s"),
        ("1m1.5s", 61 * S + S // 2, "1m1.5s"),
        (".5s", S // 2, "500ms"),
        ("100us", 100_000, "100µs"),
        ("1500ns", 1500, "1.5µs"),
        ("7ns", 7, "7ns"),
        ("-1m", -60 * S, "-1m0s"),
        ("1s1s", 2 * S, "2s"),
    ],
)
def test_go_durations_are_read_and_printed_as_go_does(text: str, ns: int, printed: str) -> None:
    assert parse_go_duration(text) == ns
    assert format_go_duration(ns) == printed


@pytest.mark.parametrize("text", ["", "-", "1", "1d", "s", ".s", "1s ", "1 s", "2562048h", "9" * 5000 + "s"])
def test_what_is_no_go_duration_is_refused(text: str) -> None:
    with pytest.raises(DurationError):
        parse_go_duration(text)


@settings(deadline=None)
@given(st.integers(0, 292 * 365 * 24 * 3600 * 1000))
def test_a_printed_duration_reads_as_the_same(milliseconds: int) -> None:
    ns = milliseconds * MS
    assert parse_duration(format_duration(ns)) == ns


@settings(deadline=None)
@given(st.integers(-(1 << 62), 1 << 62))
def test_a_printed_go_duration_reads_as_the_same(ns: int) -> None:
    assert parse_go_duration(format_go_duration(ns)) == ns
