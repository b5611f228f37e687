"""The traces of a notification: ours beside what Alertmanager was seen to send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.reference import OurAlertmanager
from tests.support.traces import FACTS, traces_of

NOT_OURS = ("inhibit.", "silence.", "http.")
"""Spans of single alerts, whose work is done in tables here, and of parts of a request."""

NOT_SAID = {"alerting.route.id", "network.protocol.version", "http.request.header.content-type"}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return traces_of(OurAlertmanager, tmp_path_factory.mktemp("ours"))


def _known() -> list[dict[str, Any]]:
    return list(json.loads(FACTS.read_text()))


def test_a_notification_has_the_same_spans_one_below_the_other(ours: list[dict[str, Any]]) -> None:
    def notifying(spans: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
        return {
            (
                span["name"],
                span["kind"],
                tuple(span["above"]),
                tuple(span["events"]),
                span["failed"],
                span["root"],
            )
            for span in spans
            if "dispatch.AggregationGroup.flush" in (span["name"], *span["above"])
            and not span["name"].startswith(NOT_OURS)
        }

    assert notifying(ours) == notifying(_known())
    assert len(notifying(ours)) == 11


def test_the_spans_say_the_same_as_far_as_both_say_it(ours: list[dict[str, Any]]) -> None:
    known = {(span["name"], *span["above"]): span["attributes"] for span in _known()}
    for span in ours:
        theirs = known.get((span["name"], *span["above"]), {})
        shared = theirs.keys() & span["attributes"].keys()
        assert {name: span["attributes"][name] for name in shared} == {name: theirs[name] for name in shared}
        missing = theirs.keys() - shared
        assert missing <= {
            "alerting.route.id",
            "network.protocol.version",
            "http.request.header.content-type",
        }, span["name"]


def test_a_request_is_the_root_of_its_span_and_named_by_method_and_path(ours: list[dict[str, Any]]) -> None:
    roots = {(span["name"], span["kind"]) for span in ours if span["root"]}
    assert roots == {(span["name"], span["kind"]) for span in _known() if span["root"]} - {
        ("silence.Silences.CountState", 1)
    }
