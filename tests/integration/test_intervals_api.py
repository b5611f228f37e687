"""What the API shows of groups that time intervals mute. The answers were compared with those of Alertmanager 0.34."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CONFIG = """
route:
  receiver: r
  group_wait: 0s
  routes:
  - matchers: [team=muted]
    mute_time_intervals: [never, always]
    labels: {tier: "1", zone: z}
    routes: [{matchers: [deep=yes], labels: {tier: "2"}}]
  - {matchers: [team=inactive], active_time_intervals: [never, last-century]}
  - {matchers: [team=active], active_time_intervals: [never, always]}
receivers: [{name: r}]
time_intervals:
- {name: always, time_intervals: [{}]}
- {name: never, time_intervals: []}
- {name: last-century, time_intervals: [{years: ['1900:1999']}]}
"""
ALERTS = [{"team": "muted"}, {"team": "muted", "deep": "yes"}, {"team": "inactive"}, {"team": "active"}, {}]
FLUSHED_S = 20.0

Get = Callable[[str], Any]


@pytest.fixture(scope="module")
def get(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Get]:
    """Asks a node whose groups have been flushed."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "am.yml").write_text(CONFIG)
    flags = [f"--config.file={folder / 'am.yml'}", f"--storage.path={folder / 'data'}"]
    flags += ["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="]
    process = subprocess.Popen(
        [sys.executable, "-m", "amfast", *flags],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    found = next(filter(None, (re.search(r"address=127\.0\.0\.1:(\d+)", line) for line in process.stderr)))

    def ask(path: str, body: bytes | None = None) -> Any:
        url = f"http://127.0.0.1:{found[1]}{path}"
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
            text = answer.read().decode()
            return json.loads(text) if path.startswith("/api") and text else text

    try:
        alerts = [{"labels": {"alertname": "x", **labels}} for labels in ALERTS]
        ask("/api/v2/alerts", json.dumps(alerts).encode())
        deadline = time.monotonic() + FLUSHED_S
        while ask("/metrics").count('_time_interval"} 1') < 2:  # one of each kind
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield ask
    finally:
        process.terminate()
        process.communicate(timeout=30)


def by_team(groups: list[Any], value: Callable[[Any], object]) -> dict[str, object]:
    """Of each group's only alerts, by team and depth."""
    labels = [group["alerts"][0]["labels"] for group in groups]
    names = [f"{one.get('team', 'other')}{' deep' * ('deep' in one)}" for one in labels]
    return {name: value(group) for name, group in zip(names, groups, strict=True)}


def test_a_group_is_muted_by_the_intervals_that_hold_or_by_all_active_ones_when_none_does(get: Get) -> None:
    groups = get("/api/v2/alerts/groups")
    assert by_team(groups, lambda group: group["alerts"][0]["status"]["mutedBy"]) == {
        "muted": ["always"],
        "muted deep": [],
        "inactive": ["never", "last-century"],
        "active": [],
        "other": [],
    }
    states = by_team(groups, lambda group: group["alerts"][0]["status"]["state"])
    assert (states["muted"], states["active"]) == ("suppressed", "active")


def test_muted_groups_can_be_left_out(get: Get) -> None:
    assert set(by_team(get("/api/v2/alerts/groups?muted=false"), len)) == {"muted deep", "active", "other"}


def test_alerts_themselves_are_not_muted_because_they_may_be_in_other_groups_too(get: Get) -> None:
    assert {alert["status"]["state"] for alert in get("/api/v2/alerts")} == {"active"}


def test_a_group_shows_the_labels_of_its_route(get: Get) -> None:
    shown = by_team(get("/api/v2/alerts/groups"), lambda group: group["routeLabels"])
    assert (shown["muted"], shown["muted deep"]) == ({"tier": "1", "zone": "z"}, {"tier": "2", "zone": "z"})
    assert shown["other"] == {}


def test_what_is_held_back_is_counted_by_its_reason(get: Get) -> None:
    metrics = get("/metrics")
    for reason in ("mute_time_interval", "active_time_interval"):
        assert f'alertmanager_notifications_suppressed_total{{reason="{reason}"}} 1' in metrics
