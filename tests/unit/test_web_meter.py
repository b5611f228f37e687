"""What the HTTP layer counts in compiled code, against the plain histogram."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amfast._ext.meter import Tally
from amfast.model.metric import Histogram
from amfast.web.http_metrics import HttpMetrics
from amfast.web.message import Request, Response, Target

DURATIONS, SIZES = "alertmanager_http_request_duration_seconds", "alertmanager_http_response_size_bytes"


@given(
    st.lists(st.integers(0, 20).map(float), max_size=16).map(sorted),
    st.lists(st.integers(0, 44).map(lambda half: half / 2), max_size=50),
)
def test_a_tally_counts_as_the_plain_histogram(bounds: list[float], values: list[float]) -> None:
    plain, tally = Histogram(bounds), Tally(bounds)
    for value in values:
        plain.observe(value)
        tally.observe(value)
    assert (tally.counts, tally.total) == (plain.counts, plain.total)


def test_a_tally_has_room_for_sixteen_bounds() -> None:
    with pytest.raises(ValueError, match="too many bounds"):
        Tally(range(17))


def test_each_answer_is_counted_once_by_its_status_and_size() -> None:
    now_ns = 0

    def stopwatch_ns() -> int:
        nonlocal now_ns
        now_ns += 20_000_000
        return now_ns

    async def later(_request: Request) -> Response:
        return Response(200, b"later")

    metrics = HttpMetrics(stopwatch_ns)
    request = Request("GET", Target("/x", "/x", ""), [])
    for answer in (Response(200, b"12345"), Response(200), Response(400, b"no")):
        metrics.wrap(lambda _, answer=answer: answer, "GET", "/x", sized=True)(request)
    result = metrics.wrap(later, "GET", "/x", sized=True)(request)
    assert asyncio.run(result).body == b"later"  # type: ignore[arg-type]
    metrics.wrap(lambda _: Response(200, b"unmeasured"), "BREW", "/y", sized=False)(request)
    metrics.wrap(later, "GET", "/never", sized=True)
    found = {
        family.name: {key: (sum(value.counts), round(value.total, 3)) for key, value in family.samples}
        for family in metrics.metrics()
    }
    assert found == {
        DURATIONS: {
            ("/x", "get", "200"): (3, 0.06),
            ("/x", "get", "400"): (1, 0.02),
            ("/y", "unknown", "200"): (1, 0.02),
        },
        SIZES: {("/x", "get"): (4, 12.0)},
    }
