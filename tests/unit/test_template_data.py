"""The data that templates see: names, order, methods, what is printed, and what errors call it."""

from __future__ import annotations

from typing import Any

import pytest

from amfast.model.notification import Notification
from amfast.template.data import Data, data_of
from amfast.template.errors import TemplateError
from tests.support.alerts import alert
from tests.support.templates import renderer
from tests.support.virtual import START_NS


def data(*alerts: Any, **changed: Any) -> Data:
    values: dict[str, Any] = {
        "receiver": "a.b",
        "group_key": "k",
        "group_labels": {"alertname": "X"},
        "route_labels": {"team": "{{ raw }}"},
        "alerts": alerts,
        "reason": "first notification",
        "external_url": "http://am",
        "now_ns": START_NS,
    }
    return data_of(Notification(**(values | changed)))


TWO = data(
    alert(alertname="X", zone="z", job="j", a="1"),
    alert(alertname="X", zone="z", job="j", a="2", ends=0),
)


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("{{ .Receiver }} {{ .Status }} {{ .NotificationReason }} {{ .ExternalURL }}",
         r"a\.b firing first notification http://am"),
        ("{{ len .Alerts }} {{ len .Alerts.Firing }} {{ len .Alerts.Resolved }}", "2 1 1"),
        ("{{ range .Alerts }}{{ .Status }} {{ .Labels.a }} {{ .EndsAt.IsZero }};{{ end }}",
         "firing 1 true;resolved 2 false;"),
        ("{{ .CommonLabels }}", "alertname=X, job=j, zone=z"),
        ("{{ .CommonLabels.SortedPairs }}", "alertname=X, job=j, zone=z"),
        ("{{ .CommonLabels.Names }} {{ .CommonLabels.Values }}", "[alertname job zone] [X j z]"),
        ('{{ .CommonLabels.Values.Join "/" }} {{ .CommonLabels.SortedPairs.Names.Join "," }}',
         "X/j/z alertname,job,zone"),
        ("{{ .CommonLabels.Remove .GroupLabels.Names }}", "job=j, zone=z"),
        ('{{ .CommonLabels.Remove (stringSlice "zone" "nothing") }}', "alertname=X, job=j"),
        ('{{ join " " .CommonLabels.Values }}', "X j z"),
        ("{{ range $name, $value := .CommonLabels }}{{ $name }}={{ $value }} {{ end }}", "alertname=X job=j zone=z "),
        ("{{ range .GroupLabels.SortedPairs }}{{ .Name }}:{{ .Value }}{{ end }}", "alertname:X"),
        ('{{ .CommonLabels.nothing }}{{ index .CommonLabels "zone" }}', "z"),
        ("{{ (index .Alerts 0).Fingerprint | len }}", "16"),
        ('{{ routeLabels "team" }} {{ .RouteLabels.team }} {{ routeLabels "none" }}', "{{ raw }} {{ raw }} "),
        ("{{ if .CommonAnnotations }}some{{ else }}none{{ end }}", "none"),
        ("{{ toJson .GroupLabels }}", '{"alertname":"X"}'),
        ("{{ toJson (index .Alerts 0).Labels.SortedPairs }}",
         '[{"Name":"alertname","Value":"X"},{"Name":"a","Value":"1"},{"Name":"job","Value":"j"},{"Name":"zone","Value":"z"}]'),
        ('{{ printf "%T %T %T %T" . .Alerts .Alerts.Firing .GroupLabels }}',
         "*template.Data template.Alerts []template.Alert template.KV"),
    ],
)  # fmt: skip
def test_fields_and_methods_are_those_of_the_reference(text: str, rendered: str) -> None:
    assert renderer().text(text, TWO) == rendered


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ .Nothing }}", "can't evaluate field Nothing in type *template.Data"),
        ("{{ .Alerts.Nothing }}", "can't evaluate field Nothing in type template.Alerts"),
        ("{{ .Alerts.Firing.Firing }}", "can't evaluate field Firing in type []template.Alert"),
        ("{{ range .Alerts }}{{ .Nothing }}{{ end }}", "can't evaluate field Nothing in type template.Alert"),
        (
            "{{ .routeLabelsRendered }}",
            "routeLabelsRendered is an unexported field of struct type *template.Data",
        ),
        ("{{ .CommonLabels.Remove }}", "wrong number of args for Remove: want 1 got 0"),
    ],
)
def test_errors_call_types_by_the_references_names(text: str, said: str) -> None:
    with pytest.raises(TemplateError) as caught:
        renderer().text(text, TWO)
    assert said in str(caught.value)


def test_without_alerts_everything_is_resolved_and_nothing_is_common() -> None:
    text = "{{ .Status }} [{{ .CommonLabels }}] {{ len .Alerts }}"
    assert renderer().text(text, data()) == "resolved [] 0"


def test_what_an_alert_lacks_is_as_good_as_empty() -> None:
    first = alert(x="1", annotations={"empty": "", "note": "n"})
    found = data(first, alert(x="1"))
    assert dict(found.common_annotations) == {"empty": ""}
    assert dict(found.common_labels) == {"x": "1"}
