"""Who is silenced or inhibited, and which route takes an alert, with very many silences, rules and routes."""

from __future__ import annotations

import gc
import itertools
import logging
import time
from collections.abc import Callable, Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from amfast._ext.pb import encode_silence
from amfast.config.types import InhibitRule
from amfast.config.types import Route as RouteConfig
from amfast.dispatch.route import build_routes
from amfast.model.alert import Alert
from amfast.model.labels import Labels, make_labels
from amfast.model.matcher import Matcher, MatchType
from amfast.model.silence import MatcherSpec, Silence
from amfast.model.timestamp import Time
from amfast.mute.inhibition import Inhibitor
from amfast.mute.silences import Silences

NOW_NS = 1_800_000_000_000_000_000
HOUR_NS = 3600 * 10**9
MANY = 10_000
LABELS = {
    "alertname": "HighRequestLatency", "cluster": "eu-1", "container": "api", "instance": "10.1.2.3:9100",
    "job": "api-server", "namespace": "prod", "pod": "api-7d9f-x2k4", "route": "/v2/items",
    "severity": "warning", "team": "team-17",
}  # fmt: skip


class Clock:
    """Time costs here what it costs in production, but stands still."""

    def now_ns(self) -> int:
        time.time_ns()
        return NOW_NS

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000

    def call_later(self, seconds: float, callback: Callable[[], object]) -> object:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


def alerts() -> Iterator[Alert]:
    """Alerts that differ in their instance, without end."""
    for number in itertools.count():
        labels = make_labels({**LABELS, "instance": f"10.1.2.3:{number}"})
        yield Alert(labels, {}, Time(NOW_NS), Time(NOW_NS + HOUR_NS), Time(NOW_NS))


def equal(**labels: str) -> tuple[Matcher, ...]:
    return tuple(Matcher(MatchType.EQUAL, name, value) for name, value in labels.items())


def no_rules() -> list[InhibitRule]:
    return []


def own_names() -> list[InhibitRule]:
    """Each over an alert of its own; none concerns ours."""
    return [
        InhibitRule(equal(alertname=f"Down{n}"), equal(alertname=f"Slow{n}"), ("cluster",))
        for n in range(MANY)
    ]


def one_severity() -> list[InhibitRule]:
    """All over warnings, each of a team of its own: one concerns ours."""
    return [
        InhibitRule(
            equal(severity="critical", team=f"team-{n}"),
            equal(severity="warning", team=f"team-{n}"),
            ("cluster", "instance"),
        )
        for n in range(MANY)
    ]


def crossed() -> list[InhibitRule]:
    """All over warnings, of each of 100 teams in each of 100 namespaces."""
    return [
        InhibitRule(
            equal(severity="critical", team=f"team-{n % 100}", namespace=f"ns-{n // 100}"),
            equal(severity="warning", team=f"team-{n % 100}", namespace=f"ns-{n // 100}"),
            ("cluster",),
        )
        for n in range(MANY)
    ]


@pytest.mark.parametrize("rules", [no_rules, own_names, one_severity, crossed])
def test_a_new_alert_is_observed_and_asked_about(
    benchmark: BenchmarkFixture, rules: Callable[[], list[InhibitRule]]
) -> None:
    inhibitor = Inhibitor(rules(), Clock())  # type: ignore[arg-type]
    source = make_labels(
        {"alertname": "Down1", "severity": "critical", "team": "team-1", "namespace": "ns-1"}
    )
    inhibitor.observe(Alert(source, {}, Time(NOW_NS), Time(NOW_NS + HOUR_NS), Time(NOW_NS)))
    new = list(itertools.islice(alerts(), 20_000))

    def take_in(alert: Alert) -> tuple[str, ...]:
        inhibitor.observe(alert)
        return inhibitor.inhibiting(alert.labels, alert.fingerprint)

    queue = iter(new)
    benchmark.pedantic(take_in, setup=lambda: ((next(queue),), {}), rounds=len(new))


def test_a_known_target_among_ten_thousand_sources(benchmark: BenchmarkFixture) -> None:
    rule = InhibitRule(equal(severity="critical"), equal(severity="warning"), ("alertname", "instance"))
    inhibitor = Inhibitor([rule], Clock())  # type: ignore[arg-type]
    for alert in itertools.islice(alerts(), MANY):
        labels = {**alert.labels, "severity": "critical"}
        inhibitor.observe(Alert(labels, {}, alert.starts_at, alert.ends_at, alert.updated_at))
    target = next(alerts())
    assert benchmark(inhibitor.inhibiting, target.labels, target.fingerprint)


def silences(specs: Callable[[int], tuple[MatcherSpec, ...]], count: int = MANY) -> Silences:
    numbers = itertools.count()
    found = Silences(
        clock=Clock(),  # type: ignore[arg-type]
        retention_ns=HOUR_NS,
        new_id=lambda: f"id-{next(numbers)}",
        log=logging.getLogger("bench"),
    )
    for n in range(count):
        found.set(Silence("", (specs(n),), NOW_NS, NOW_NS + HOUR_NS, 0, "me", "why", {}))
    return found


LOADED = 120_000
"""What five days of retention may hold where automation silences whatever it restarts."""


def test_load_a_hundred_and_twenty_thousand_silences(benchmark: BenchmarkFixture) -> None:
    def records() -> Iterator[bytes]:
        for n in range(LOADED):
            specs = (
                MatcherSpec(0, "alertname", f"Alert{n % 100}"),
                MatcherSpec(0, "instance", f"10.0.{n // 256}.{n % 256}:9100"),
                MatcherSpec(1, "job", f"api-{n % 7}.*"),
            )
            end_ns = NOW_NS + HOUR_NS
            silence = Silence(
                f"{n:08x}-1234-4234-8234-123456789abc", (specs,), NOW_NS, end_ns, NOW_NS, "me", "why", {}
            )
            yield encode_silence(silence, end_ns + HOUR_NS)

    data = b"".join(records())
    gc.disable()  # as at the start of the node
    benchmark.pedantic(Silences.load, setup=lambda: ((silences(lambda _: (), 0), data), {}), rounds=5)
    gc.enable()


@pytest.mark.parametrize("count", [0, MANY])
@pytest.mark.parametrize("shared", [False, True])
def test_no_silence_matches(benchmark: BenchmarkFixture, count: int, shared: bool) -> None:
    def specs(n: int) -> tuple[MatcherSpec, ...]:
        name = LABELS["alertname"] if shared else f"Alert{n}"
        return (MatcherSpec(0, "alertname", name), MatcherSpec(0, "instance", f"10.9.9.{n}:9100"))

    labels: Labels = make_labels(LABELS)
    assert benchmark(silences(specs, count).silencing, labels) == ()


@pytest.mark.parametrize("routes", [50, 2000])
@pytest.mark.parametrize("as_regexp", [False, True])
def test_one_route_of_many_takes_an_alert(benchmark: BenchmarkFixture, routes: int, as_regexp: bool) -> None:
    def matchers(n: int) -> tuple[Matcher, ...]:
        if as_regexp:
            return (Matcher(MatchType.REGEXP, "team", f"^(?:team-{n}|crew-{n})$"),)
        return equal(team=f"team-{n}")

    children = tuple(RouteConfig(receiver=f"r{n}", matchers=matchers(n)) for n in range(routes))
    root = build_routes(RouteConfig(receiver="r", routes=children))
    (found,) = benchmark(root.match, make_labels(LABELS))
    assert found.options.receiver == "r17"


def test_build_five_thousand_routes(benchmark: BenchmarkFixture) -> None:
    children = tuple(RouteConfig(matchers=equal(team=f"team-{n}")) for n in range(5000))
    config = RouteConfig(receiver="r", routes=children)
    assert len(benchmark(build_routes, config).children) == 5000
