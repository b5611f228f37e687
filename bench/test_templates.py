"""Rendering default texts over a group of 20 alerts (10 labels, 3 annotations), and texts full of formats.

``docs/performance.md`` says how long Go takes for the same.
"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from amfast.model.alert import Alert
from amfast.model.labels import make_labels
from amfast.model.notification import Notification
from amfast.model.timestamp import NS, ZERO, Time
from amfast.template import gotime
from amfast.template.data import Data, data_of
from amfast.template.loading import load_templates

ALERTS = 20
NOW_NS = 1_700_000_000 * NS
TEXTS = (
    "slack.default.title",
    "slack.default.titlelink",
    "slack.default.fallback",
    "pagerduty.default.description",
    "opsgenie.default.message",
    "opsgenie.default.description",
    "discord.default.message",
    "msteamsv2.default.text",
    "telegram.default.message",
    "wechat.default.message",
    "jira.default.priority",
    "email.default.subject",
)
FORMATS = {
    "Format": '{{ range .Alerts }}{{ .StartsAt.Format "2006-01-02 15:04:05 MST" }}\n{{ end }}',
    "printf": '{{ range .Alerts }}{{ printf "%-20s|%5d|%q" .Labels.alertname (len .Labels) .Status }}\n{{ end }}',
    "toUpper, title, join": (
        "{{ range .Alerts }}{{ .Status | toUpper }} {{ .Labels.alertname | title }}"
        ' {{ join "," .Labels.Names }}\n{{ end }}'
    ),
    "names and values": (
        "{{ range .Alerts }}{{ range $name, $value := .Labels }}{{ $name }}={{ $value }} {{ end }}\n{{ end }}"
    ),
    "toJson": "{{ toJson .Alerts }}",
}
MAIL = '{{ template "email.default.html" . }}'


def notification() -> Notification:
    """What ``amfast-load`` makes of one group."""
    alerts = tuple(
        Alert(
            labels=make_labels(
                {
                    "alertname": "HighErrorRate",
                    "cluster": "eu-1",
                    "namespace": "shop",
                    "service": "checkout",
                    "severity": "critical",
                    "team": "payments",
                    "job": "checkout",
                    "instance": f"10.0.{number}.7:9090",
                    "pod": f"checkout-7d9f8b6c5-{number:05d}",
                    "zone": f"zone-{number % 3}",
                }
            ),
            annotations=make_labels(
                {
                    "summary": f"Error rate of checkout-{number} is above 5 %",
                    "description": "More than one request in twenty has failed for ten minutes.",
                    "runbook_url": "https://runbooks.example.org/checkout/high-error-rate",
                }
            ),
            starts_at=Time(NOW_NS - (number + 1) * 1_234_567_891),
            ends_at=Time(NOW_NS - NS) if number % 4 == 3 else ZERO,
            updated_at=Time(NOW_NS),
            generator_url="http://prometheus.example.org/graph?g0.expr=rate%28errors%5B5m%5D%29+%3E+0.05&g0.tab=1",
        )
        for number in range(ALERTS)
    )
    return Notification(
        receiver="team-payments",
        group_key="{}:{alertname}",
        group_labels=make_labels({"alertname": "HighErrorRate", "cluster": "eu-1"}),
        route_labels={},
        alerts=alerts,
        reason="first notification",
        external_url="http://alertmanager.example.org",
        now_ns=NOW_NS,
    )


def data() -> Data:
    return data_of(notification())


TEMPLATES = load_templates([], lambda: gotime.Time(NOW_NS))


@pytest.mark.parametrize("name", TEXTS)
def test_default_text(benchmark: BenchmarkFixture, name: str) -> None:
    text, of = f'{{{{ template "{name}" . }}}}', data()
    assert benchmark(TEMPLATES.text, text, of)


@pytest.mark.parametrize("name", FORMATS)
def test_formats(benchmark: BenchmarkFixture, name: str) -> None:
    of = data()
    assert benchmark(TEMPLATES.text, FORMATS[name], of)


def test_mail(benchmark: BenchmarkFixture) -> None:
    of = data()
    assert benchmark(TEMPLATES.html, MAIL, of)


def test_data(benchmark: BenchmarkFixture) -> None:
    of = notification()
    assert benchmark(data_of, of).alerts
