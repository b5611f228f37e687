"""The table of alerts: bodies in and listings out, with neither server nor network."""

from __future__ import annotations

import itertools
import json

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from amfast.model.matcher import MatcherMode, parse_matcher
from amfast.model.timestamp import NS
from amfast.web.ports import AlertFilter
from tests.support.alert_side import AlertSide
from tests.support.web import RealClock

TIMEOUT_NS = 300 * NS
LISTED = 10_000
CONFIG = """
route: {receiver: nobody, group_by: [alertname, cluster], group_wait: 1h}
receivers: [{name: nobody}]
"""
FILTER = [
    parse_matcher(text, MatcherMode.FALLBACK) for text in ("alertname=HighRequestLatency3", "instance=~10.*")
]


def alert(number: int) -> dict[str, object]:
    """About 880 bytes of JSON; a twelfth of all share an alertname."""
    host = f"10.1.{number // 250}.{number % 250}"
    return {
        "annotations": {
            "description": "The 99th percentile has been above one second for ten minutes; see the board." * 3,
            "runbook_url": "https://runbooks.example/high-request-latency",
            "summary": f"Latency of {host} is high",
        },
        "endsAt": "2099-01-15T08:04:00.123Z",
        "startsAt": "2026-01-15T08:00:00.123Z",
        "generatorURL": "https://prometheus.example/graph?g0.expr=latency%3E1&g0.tab=1",
        "labels": {
            "alertname": f"HighRequestLatency{number % 12}", "cluster": f"eu-{number % 5}", "container": "api",
            "instance": f"{host}:9100", "job": "api-server", "namespace": "prod", "pod": f"api-7d9f-{number:06x}",
            "route": "/v2/items", "severity": "warning", "team": "team-9",
        },
    }  # fmt: skip


def body(numbers: range) -> bytes:
    return json.dumps([alert(number) for number in numbers], separators=(",", ":")).encode()


@pytest.fixture
def side() -> AlertSide:
    return AlertSide(RealClock(), CONFIG)


@pytest.mark.parametrize("alerts", [1, 64, 256])
def test_post_again(benchmark: BenchmarkFixture, side: AlertSide, alerts: int) -> None:
    data = body(range(alerts))
    side.store.post(data, TIMEOUT_NS)
    assert benchmark(side.store.post, data, TIMEOUT_NS).stored == alerts


def test_post_64_new_alerts(benchmark: BenchmarkFixture, side: AlertSide) -> None:
    side.store.post(body(range(100)), TIMEOUT_NS)  # their groups are there then
    bodies = (body(range(first, first + 64)) for first in itertools.count(1000, 64))

    def setup() -> tuple[tuple[bytes, int], dict[str, object]]:
        return (next(bodies), TIMEOUT_NS), {}

    benchmark.pedantic(side.store.post, setup=setup, rounds=300)


@pytest.fixture
def full(side: AlertSide) -> AlertSide:
    for first in range(0, LISTED, 250):
        side.store.post(body(range(first, first + 250)), TIMEOUT_NS)
    return side


@pytest.mark.parametrize("kind", ["alerts", "groups"])
def test_list_10000(benchmark: BenchmarkFixture, full: AlertSide, kind: str) -> None:
    read = getattr(full.views, kind)
    assert benchmark(lambda: sum(map(len, read(AlertFilter())))) > 880 * LISTED


def test_list_a_twelfth_of_10000(benchmark: BenchmarkFixture, full: AlertSide) -> None:
    listed = benchmark(lambda: b"".join(full.views.alerts(AlertFilter(FILTER))))
    assert len(json.loads(listed)) == sum(number % 12 == 3 for number in range(LISTED))
