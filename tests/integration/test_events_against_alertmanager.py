"""What is recorded of a day of alerts: ours beside what Alertmanager was seen to record."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.events import FACTS, Recorded, distinct, events_of
from tests.support.reference import OurAlertmanager


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return events_of(OurAlertmanager, tmp_path_factory.mktemp("ours"))


def test_the_same_events_are_recorded_with_the_same_words(ours: Recorded) -> None:
    known = json.loads(FACTS.read_text())
    found = distinct(ours.file)
    assert [event for event in found if event not in known] == []
    assert [event for event in known if event not in found] == []
    assert {kind for event in known for kind in event["data"]} == {
        "alertmanagerStartupEvent", "alertmanagerShutdownEvent", "alertCreated", "alertGrouped", "alertResolved",
        "notification", "silenceCreated", "silenceUpdated", "silenceMutedAlert", "inhibitionMutedAlert",
    }  # fmt: skip


def test_events_come_in_the_order_in_which_things_happen(ours: Recorded) -> None:
    kinds = [next(iter(event["data"])) for event in ours.file]
    times = [event["@timestamp"].rstrip("Z").ljust(30, "0") for event in ours.file]
    assert times == sorted(times)
    assert kinds[0] == "alertmanagerStartupEvent"
    assert kinds[-1] == "alertmanagerShutdownEvent"
    assert kinds[1:4] == ["silenceCreated", "silenceUpdated", "silenceCreated"]
    assert kinds[4:9] == ["alertCreated"] * 5
    first_group = [kind for kind in kinds if kind not in ("alertCreated", "alertGrouped")][4:8]
    assert first_group == ["inhibitionMutedAlert", "silenceMutedAlert", "notification", "notification"]


def test_a_webhook_hears_of_each_event_and_a_batch_is_an_array_of_them(ours: Recorded) -> None:
    def texts(events: list[Any]) -> Counter[str]:
        return Counter(json.dumps(event) for event in events)

    single = [body for path, body in ours.posts if path == "/one?token=secret"]
    batches = [body for path, body in ours.posts if path == "/many"]
    assert texts(single) == texts(ours.file)
    assert texts([event for batch in batches for event in batch]) == texts(ours.file)
    assert max(map(len, batches)) > 1


def test_a_reload_begins_and_ends_what_is_recorded(tmp_path: Path) -> None:
    quiet = "route: {receiver: r}\nreceivers: [{name: r}]\n"
    recording = f"{quiet}event_recorder: {{file_outputs: [{{path: events.jsonl}}]}}\n"
    file = tmp_path / "events.jsonl"
    node = OurAlertmanager(tmp_path, quiet, more=["--enable-feature=event-recorder"])
    try:
        node.post_alerts([{"labels": {"alertname": "Before"}}])
        assert not file.exists()
        node.reload(recording)
        node.post_alerts([{"labels": {"alertname": "During"}}])
        node.reload(quiet)
        node.post_alerts([{"labels": {"alertname": "After"}}])
        written = node.metric(
            f'alertmanager_events_recorded_total{{event_type="alert_grouped",output="file:{file}",result="success"}}'
        )
        assert written == 2
    finally:
        node.close()
    events = [json.loads(line)["data"] for line in file.read_text().splitlines()]
    alerts = [(kind, event["alert"]) for one in events for kind, event in one.items()]
    assert [(kind, one.get("name") or one["details"]["name"]) for kind, one in alerts] == [
        ("alertGrouped", "Before"), ("alertCreated", "During"), ("alertGrouped", "During"),
    ]  # fmt: skip


def test_without_the_feature_nothing_is_recorded_and_nothing_is_counted(tmp_path: Path) -> None:
    config = "route: {receiver: r}\nreceivers: [{name: r}]\nevent_recorder: {file_outputs: [{path: events.jsonl}]}\n"
    node = OurAlertmanager(tmp_path, config)
    try:
        node.post_alerts([{"labels": {"alertname": "A"}}])
        with pytest.raises(AssertionError, match="no alertmanager_event_recorder_queue_length"):
            node.metric("alertmanager_event_recorder_queue_length")
    finally:
        node.close()
    assert not (tmp_path / "events.jsonl").exists()
