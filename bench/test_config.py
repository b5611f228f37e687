"""Reading a configuration of a large organisation: 5,000 routes and 2,000 receivers."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from amfast.config.load import loads
from amfast.receivers.table import INTEGRATIONS

ROUTES = 5000
RECEIVERS = 2000


def large_file() -> str:
    lines = ["route:", "  receiver: r0", "  group_by: [alertname, cluster]", "  routes:"]
    for n in range(ROUTES):
        lines += [
            f'  - matchers: [\'team="t{n}"\', severity=~"warning|critical"]',
            f"    receiver: r{n % RECEIVERS}",
            "    group_wait: 10s",
            "    continue: true",
        ]
    lines.append("receivers:")
    for n in range(RECEIVERS):
        lines += [
            f"- name: r{n}",
            "  webhook_configs:",
            f"  - url: http://example.org/hook/{n}",
            "    send_resolved: false",
        ]
    return "\n".join(lines) + "\n"


def test_a_large_file_is_read(benchmark: BenchmarkFixture) -> None:
    text = large_file()
    config = benchmark(lambda: loads(text, "am.yml", INTEGRATIONS))
    assert (len(config.route.routes), len(config.receivers)) == (ROUTES, RECEIVERS)
