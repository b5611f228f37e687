"""The same rules and the same alerts given to Debian's Alertmanager and to ours: who is inhibited, who is notified."""

from __future__ import annotations

import datetime as dt
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.chances import NAMES, any_labels, any_matchers
from tests.support.reference import OurAlertmanager, ReferenceAlertmanager
from tests.support.sink import PostSink

RULES = [
    {
        "source_match": {"severity": "critical"},
        "target_match": {"severity": "warning"},
        "equal": ["alertname", "rack"],
    },
    {
        "source_match_re": {"severity": "page|call"},
        "target_match_re": {"severity": "call|mail"},
        "equal": ["alertname"],
    },
    {"source_matchers": ['alertname="Down"', 'rack!="r9"'], "target_matchers": ['layer=~"app|db"']},
]
TIMES = {"group_wait": "500ms", "group_interval": "500ms"}
"""Time enough for the Go program, whose inhibition hears of alerts on a way of its own."""
SOON_S = 3.0
"""When the source ends about which nothing is said again."""


class Pair(NamedTuple):
    """Both programs, each with a sink of its own."""

    programs: tuple[ReferenceAlertmanager, ReferenceAlertmanager]
    sinks: tuple[PostSink, PostSink]

    def reload(self, rules: list[dict[str, Any]]) -> None:
        for program, sink in zip(self.programs, self.sinks, strict=True):
            program.reload(config(sink.url, rules))

    def post(self, alerts: list[dict[str, Any]]) -> None:
        for program in self.programs:
            program.post_alerts(alerts)


def config(url: str, rules: list[dict[str, Any]]) -> str:
    return json.dumps(
        {
            "route": {"receiver": "r", "group_by": ["..."], **TIMES},
            "receivers": [{"name": "r", "webhook_configs": [{"url": url}]}],
            "inhibit_rules": rules,
        }
    )


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with ExitStack() as stack:
        sinks = PostSink(), PostSink()
        for sink in sinks:
            stack.callback(sink.close)
        programs: list[ReferenceAlertmanager] = []
        for kind, sink in zip((ReferenceAlertmanager, OurAlertmanager), sinks, strict=True):
            folder: Path = tmp_path_factory.mktemp(kind.__name__)
            programs.append(stack.enter_context(closing(kind(folder, config(sink.url, RULES)))))
        yield Pair((programs[0], programs[1]), sinks)


def text_of(labels: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(labels.items()))


def posted(ends_s: float, **labels: str) -> dict[str, Any]:
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ends_s)
    return {"labels": labels, "endsAt": ends.isoformat()}


def inhibited(program: ReferenceAlertmanager) -> dict[str, tuple[str, list[str]]]:
    """The state of each alert, and what inhibits it, by its labels."""
    return {
        text_of(one["labels"]): (one["status"]["state"], one["status"]["inhibitedBy"])
        for one in program.alerts()
    }


def notified(sink: PostSink) -> set[str]:
    return {text_of(one["labels"]) for _, body in sink.wait_for(0) for one in json.loads(body)["alerts"]}


def until(fulfilled: Callable[[], bool], within_s: float = 10.0) -> bool:
    deadline_s = time.monotonic() + within_s
    while not fulfilled():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


def complete(program: ReferenceAlertmanager, count: int) -> dict[str, tuple[str, list[str]]]:
    """As :func:`inhibited`, once all alerts are there."""
    assert until(lambda: len(inhibited(program)) == count), (program.command(), inhibited(program))
    return inhibited(program)


def came(sink: PostSink, count: int) -> bool:
    return until(lambda: len(notified(sink)) >= count)


def test_the_same_alerts_are_inhibited_by_the_same_and_the_rest_is_notified(pair: Pair) -> None:
    sources = [
        posted(600, alertname="A", severity="critical", rack="r1"),
        posted(600, alertname="C", severity="page"),
        posted(SOON_S, alertname="Down", rack="r2"),
    ]
    targets = [
        posted(600, alertname="A", severity="warning", rack="r1"),
        posted(600, alertname="A", severity="warning"),
        posted(600, alertname="C", severity="call"),
        posted(600, alertname="D", severity="call"),
        posted(600, alertname="D", severity="mail", rack="r1"),
        posted(600, alertname="E", layer="app"),
        posted(600, alertname="Down", layer="db", rack="r9"),
    ]
    pair.post(sources)
    pair.post(targets)
    count = len(sources) + len(targets)
    theirs, ours = (complete(program, count) for program in pair.programs)
    assert theirs == ours
    assert sum(bool(names) for _, names in ours.values()) == 5
    for program in pair.programs:
        assert program.metric('alertmanager_alerts{state="suppressed"}') == 5

    time.sleep(SOON_S)  # nothing is said about the source, it just ends
    for program, sink in zip(pair.programs, pair.sinks, strict=True):
        assert came(sink, count - 3), (program.command(), notified(sink))
        assert sum(bool(names) for _, names in inhibited(program).values()) == 3
    assert notified(pair.sinks[0]) == notified(pair.sinks[1])
    assert pair.programs[1].metric("alertmanager_inhibition_rules") == len(RULES)
    assert pair.programs[1].metric('alertmanager_notifications_suppressed_total{reason="inhibition"}') >= 5


@pytest.mark.parametrize("seed", range(6))
def test_rules_by_chance_put_in_force_by_a_reload_inhibit_the_same_alerts(pair: Pair, seed: int) -> None:
    rng = random.Random(seed)
    alerts = [posted(600, run=str(seed), **any_labels(rng)) for _ in range(60)]
    pair.post(alerts)
    rules = [
        {
            "source_matchers": [f'run="{seed}"', *map(str, any_matchers(rng))],
            "target_matchers": [f'run="{seed}"', *map(str, any_matchers(rng))],
            "equal": rng.sample(NAMES, rng.randint(0, 2)),
        }
        for _ in range(rng.randint(1, 6))
    ]
    pair.reload(rules)
    texts = {text_of(one["labels"]) for one in alerts}

    def states(program: ReferenceAlertmanager) -> dict[str, str]:
        return {text: state for text, (state, _) in inhibited(program).items() if text in texts}

    ours = states(pair.programs[1])
    assert len(ours) == len(texts)
    assert until(lambda: states(pair.programs[0]) == ours), states(pair.programs[0])
