"""What a node records while it is sent alerts and silences.

``python -m tests.support.events PROGRAM`` renews ``tests/vectors/events.json``, recorded with version 0.34.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.reference import ReferenceAlertmanager
from tests.support.sink import PostSink

FACTS = Path(__file__).parents[1] / "vectors" / "events.json"
_WITHIN_S = 20.0
_ZERO = "0001-01-01T00:00:00Z"

_CONFIG = """
route:
  receiver: r
  group_by: [severity, alertname]
  group_wait: 400ms
  group_interval: 1s
  repeat_interval: 1h
  routes:
  - {receiver: nobody, matchers: [alone="yes"]}
  - {receiver: r, group_by: [alertname], matchers: ['alertname=~"A.*"', 'other!="x"']}
inhibit_rules:
- name: rule
  source_matchers: [severity="critical"]
  target_matchers: ['severity=~"warn.*"']
  equal: [zone, alertname]
receivers:
- name: r
  webhook_configs:
  - {url: 'URL/tell'}
  - {url: 'URL/tell', send_resolved: false}
- name: nobody
event_recorder:
  file_outputs: [{path: events.jsonl}]
  stdout_outputs: [{}]
  webhook_outputs:
  - {url: 'URL/one?token=secret'}
  - {url: 'URL/many', batch: true, batch_flush_interval: 300ms}
"""

Event = dict[str, Any]


class Recorded:
    """All that a node recorded: in its file, and by the paths of its webhooks."""

    def __init__(self, file: list[Event], posts: list[tuple[str, Event | list[Event]]]) -> None:
        self.file = file
        self.posts = posts


def events_of(program: type[ReferenceAlertmanager], folder: Path) -> Recorded:
    """The events of a node through a day of alerts, from its start to its end."""
    sink = PostSink()
    file = folder / "events.jsonl"

    def lines() -> list[Event]:
        return [json.loads(line) for line in file.read_text().rpartition("\n")[0].split("\n")]

    def wait_for(done: Callable[[list[Event]], bool]) -> None:
        deadline = time.monotonic() + _WITHIN_S
        while not done(lines()):
            assert time.monotonic() < deadline, [next(iter(event["data"])) for event in lines()]
            time.sleep(0.02)

    try:
        config = _CONFIG.replace("URL", sink.url)
        alertmanager = program(folder, config, more=["--enable-feature=event-recorder"])
        try:
            _day(alertmanager, config, wait_for)
        finally:
            alertmanager.close()
        posts = [(path.removeprefix("/hook"), json.loads(body)) for path, body in sink.wait_for(1)]
        return Recorded(lines(), [(path, body) for path, body in posts if path != "/tell"])
    finally:
        sink.close()


def _day(
    node: ReferenceAlertmanager, config: str, wait_for: Callable[[Callable[[list[Event]], bool]], None]
) -> None:
    silence = {
        "matchers": [
            {"name": "quiet", "value": "y|es", "isRegex": True, "isEqual": True},
            {"name": "a b", "value": 'x"\\', "isRegex": False, "isEqual": False},
        ],
        "startsAt": _in(0),
        "endsAt": _in(3600),
        "createdBy": "me",
        "comment": "first <b>",
    }
    silence["id"] = node.post_silence(silence)
    node.post_silence({**silence, "comment": "second"})
    node.post_silence({**silence, "comment": "third", "matchers": silence["matchers"][:1]})
    critical, warning, quiet, plain, alone = alerts = [
        {
            "labels": {"alertname": "A", "severity": "critical"},
            "annotations": {"text": "tabs\tand \u20ac\u2028 <b>"},
        },
        {"labels": {"alertname": "A", "severity": "warning"}},
        {"labels": {"alertname": "A", "quiet": "es"}, "generatorURL": "http://p/graph"},
        {"labels": {"alertname": "A", "severity": "none"}, "startsAt": _in(0)},
        {"labels": {"alone": "yes", "é": "ü"}},
    ]
    node.post_alerts(alerts)
    node.alerts()
    wait_for(lambda events: len(_told(events, "notification")) == 2)
    node.post_alerts(
        [critical, {**plain, "endsAt": _in(0)}, {**alone, "startsAt": _in(-5), "endsAt": _in(0)}]
    )
    wait_for(
        lambda events: len(_told(events, "alertResolved")) >= 2 and len(_told(events, "notification")) == 3
    )
    for one in (critical, warning, quiet):
        node.post_alerts([{**one, "startsAt": _in(-5), "endsAt": _in(0)}])
    wait_for(
        lambda events: len(_told(events, "alertResolved")) >= 5 and len(_told(events, "notification")) == 4
    )
    node.post_alerts([{"labels": {"alertname": "Other", "severity": "s"}}])
    wait_for(lambda events: len(_told(events, "notification")) == 6)
    node.reload(config)
    wait_for(lambda events: len([one for one in _told(events, "alertGrouped") if "Other" in str(one)]) == 2)


def _in(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def _told(events: list[Event], kind: str) -> list[Any]:
    return [event["data"][kind] for event in events if kind in event["data"]]


def comparable(event: Event) -> Event:
    """An event without what differs from run to run."""
    return _plain(event, "")  # type: ignore[no-any-return]


def _plain(value: Any, key: str) -> Any:
    if key == "alertmanagerStartupEvent":
        return {}  # a version, which a program built by hand does not have
    if isinstance(value, dict):
        return {name: _plain(one, name) for name, one in value.items()}
    if isinstance(value, list):
        items = [_plain(one, key) for one in value]
        return sorted(items, key=str) if key == "mutedAlerts" else items
    if key in ("@timestamp", "startsAt", "endsAt", "updatedAt") and value != _ZERO:
        return "T"
    if key in ("instance", "id", "groupUuid"):
        return key.upper()
    return value


def distinct(events: list[Event]) -> list[Event]:
    """The comparable events, each once, in an order of their texts: some come with every flush."""
    texts = {json.dumps(comparable(event), sort_keys=True) for event in events}
    return [json.loads(text) for text in sorted(texts)]


def main(path: str) -> None:
    """Record what a program does."""

    class Program(ReferenceAlertmanager):
        def command(self) -> list[str]:
            return [path]

    with tempfile.TemporaryDirectory() as folder:
        recorded = events_of(Program, Path(folder))
    FACTS.write_text(json.dumps(distinct(recorded.file), indent=1, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
