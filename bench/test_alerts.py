"""The alert side: hashes, routing, the decision to notify, and what is kept and gossiped."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from amfast._ext.fingerprint import alert_hash, label_fingerprint
from amfast._ext.pb import (
    EntryFields,
    SilenceFields,
    decode_entries,
    decode_silences,
    encode_entry,
    encode_silence,
)
from amfast.config.load import loads
from amfast.dispatch.route import build_routes
from amfast.model.labels import make_labels
from amfast.model.timestamp import Time
from amfast.notify.dedup import reason_to_notify

NOW = Time(1_800_000_000_000_000_000, 0)
MINUTE_NS = 60 * 10**9
LABELS = make_labels(
    {
        "alertname": "HighRequestLatency", "cluster": "eu-1", "container": "api", "instance": "10.1.2.3:9100",
        "job": "api-server", "namespace": "prod", "pod": "api-7d9f-x2k4", "route": "/v2/items",
        "severity": "warning", "team": "team-999",
    }
)  # fmt: skip
SILENCE = SilenceFields(
    "8f2d3c1e-5b6a-4c7d-9e8f-0a1b2c3d4e5f",
    (((0, "alertname", "HighRequestLatency"), (1, "instance", "10[.]1[.].*"), (2, "team", "core")),),
    NOW.ns, NOW.ns + 60 * MINUTE_NS, NOW.ns, "someone", "maintenance of the rack", {}, b"", 0,
)  # fmt: skip
ENTRY = EntryFields(
    b'{}/{team="core"}:{alertname="HighRequestLatency"}', "people", "webhook", 0, NOW.ns,
    tuple(range(1 << 60, (1 << 60) + 10)), (), b"", b"", 0,
)  # fmt: skip


def test_fingerprint_of_ten_labels(benchmark: BenchmarkFixture) -> None:
    benchmark(label_fingerprint, LABELS)


def test_alert_hash_of_ten_labels(benchmark: BenchmarkFixture) -> None:
    benchmark(alert_hash, LABELS)


def test_silence_encode(benchmark: BenchmarkFixture) -> None:
    benchmark(encode_silence, SILENCE, NOW.ns)


def test_silence_decode(benchmark: BenchmarkFixture) -> None:
    assert benchmark(decode_silences, encode_silence(SILENCE, NOW.ns))[0].id == SILENCE.id


def test_entry_encode(benchmark: BenchmarkFixture) -> None:
    benchmark(encode_entry, ENTRY, NOW.ns)


def test_entry_decode(benchmark: BenchmarkFixture) -> None:
    assert benchmark(decode_entries, encode_entry(ENTRY, NOW.ns))[0].group_key == ENTRY.group_key


def test_decision_that_the_log_knows_it_all(benchmark: BenchmarkFixture) -> None:
    reason = benchmark(
        reason_to_notify,
        ENTRY,
        frozenset(ENTRY.firing),
        frozenset(),
        send_resolved=True,
        repeat_interval_ns=240 * MINUTE_NS,
        now_ns=NOW.ns,
    )
    assert reason is None


@pytest.mark.parametrize("routes", [1, 50, 2000])
def test_route_one_alert(benchmark: BenchmarkFixture, routes: int) -> None:
    """The alert belongs to the last route where there are 1000 or more, else to the root."""
    children = "".join(f"  - matchers: [team=team-{i}]\n    receiver: nobody\n" for i in range(routes))
    text = f"route:\n  receiver: nobody\n  routes:\n{children}receivers:\n- name: nobody\n"
    root = build_routes(loads(text, "bench.yml", {}).route)
    assert len(benchmark(root.match, LABELS)) == 1
