"""Counting: percentiles, statuses, problems, and the stretches of a run."""

from __future__ import annotations

import pytest

from amfast.load.client import Answer
from amfast.load.tally import Tally, percentile


def answer(ms: float, status: int = 200, problem: str = "") -> Answer:
    return Answer(status, 10, int(ms * 1_000_000), problem)


@pytest.mark.parametrize(
    ("percent", "value"), [(50.0, 500), (90.0, 900), (99.0, 990), (99.9, 999), (100.0, 1000), (0.01, 1)]
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(percent, value):
    assert percentile(range(1, 1001), percent) == value


def test_percentiles_of_few_values_are_values_that_were_there():
    assert [percentile([3.0], p) for p in (1.0, 50.0, 99.9, 100.0)] == [3.0] * 4
    assert [percentile([1.0, 9.0], p) for p in (50.0, 50.1, 99.0)] == [1.0, 9.0, 9.0]


def test_nothing_has_no_percentile():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50.0)


def test_only_alerts_in_requests_that_were_accepted_count_as_taken():
    tally = Tally()
    tally.add("new", answer(1), 64)
    tally.add("new", answer(1, 400, "status 400: bad"), 64)
    tally.add("new", Answer(0, 0, 5, "connection lost"), 64)
    kind = tally.kinds["new"]
    assert (tally.alerts, kind.alerts, kind.posted) == (64, 64, 192)
    assert dict(kind.statuses) == {"200": 1, "400": 1, "0": 1}
    assert dict(kind.problems) == {"status 400: bad": 1, "connection lost": 1}
    assert tally.problems == 2


def test_requests_that_were_refused_or_got_no_answer_have_no_latency():
    tally = Tally()
    tally.add("new", Answer(0, 0, 10**10, "no answer in 10 s"), 1)
    tally.add("new", answer(1, 503, "status 503: later"), 1)
    assert tally.kinds["new"].percentiles_ms() == {}
    assert tally.tick(1.0).p50_ms is None
    tally.add("new", answer(2), 1)
    assert set(tally.kinds["new"].percentiles_ms().values()) == {2.0}


def test_kinds_are_kept_apart():
    tally = Tally()
    for ms in (1, 2, 3):
        tally.add("new", answer(ms), 1)
    tally.add("GET /x", answer(50))
    assert tally.kinds["new"].percentiles_ms() == {
        "p50": 2.0,
        "p90": 3.0,
        "p99": 3.0,
        "p99.9": 3.0,
        "max": 3.0,
    }
    assert tally.kinds["GET /x"].percentiles_ms()["max"] == 50.0
    assert tally.kinds["GET /x"].read_bytes == 10


def test_a_stretch_has_what_came_since_the_last_one():
    tally = Tally()
    tally.add("new", answer(4), 10)
    first = tally.tick(1.0)
    tally.add("re-sent", answer(8), 20)
    tally.add("GET /x", answer(500))
    second = tally.tick(2.0)
    third = tally.tick(3.0)
    assert (first.alerts, first.requests, first.p50_ms) == (10, 1, 4.0)
    assert (second.alerts, second.requests, second.p99_ms) == (20, 2, 8.0)
    assert (third.alerts, third.requests, third.p50_ms) == (0, 0, None)
    assert tally.seconds == [first, second, third]


def test_a_flood_of_different_problems_stays_a_short_list():
    tally = Tally()
    for number in range(1000):
        tally.add("new", Answer(0, 0, 1, f"problem {number}"), 1)
    problems = tally.kinds["new"].problems
    assert len(problems) == 21
    assert problems["other"] == 980
