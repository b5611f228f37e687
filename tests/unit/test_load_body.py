"""What ``amfast-load`` sends has the form of what Prometheus sends."""

from __future__ import annotations

import json

import pytest

from amfast.load.batch import Batch, stamp
from amfast.load.shape import Shape, alert_json, external_url, go_json
from amfast.load.target import POST_TAIL, Target

PROMETHEUS_POST = (
    b"POST /api/v2/alerts HTTP/1.1\r\n"
    b"Host: 127.0.0.1:15093\r\n"
    b"User-Agent: Prometheus/2.42.0+ds\r\n"
    b"Content-Length: 662\r\n"
    b"Content-Type: application/json\r\n"
    b"\r\n"
    rb'[{"annotations":{"description":"x \u0026 y \u003c z","runbook_url":"http://r/x?a=1\u0026b=2",'
    rb'"summary":"value 1"},"endsAt":"2026-11-25T13:35:11.568Z","startsAt":"2026-11-25T13:34:57.568Z",'
    rb'"generatorURL":"http://prometheus-1.example:9090/graph?g0.expr=vector%281%29+%3E+0\u0026g0.tab=1",'
    rb'"labels":{"alertname":"HighLatency","cluster":"eu-1","severity":"page",'
    b'"team":"a\\u0026b \\u003cc\\u003e \xc3\xa9 \\"q\\""}},'
    rb'{"endsAt":"2026-11-25T13:35:11.568Z","startsAt":"2026-11-25T13:35:00.568Z",'
    rb'"generatorURL":"http://prometheus-1.example:9090/graph?g0.expr=%28vector%28time%28%29%29+%25+20'
    rb'+%3C+10%29\u0026g0.tab=1","labels":{"alertname":"Flap","cluster":"eu-1","severity":"page"}}]'
)
"""Taken from the wire between Debian's Prometheus 2.42 and a listening socket."""

NOON_NS = 1_795_608_000 * 10**9
START = "2026-11-25T12:00:00.000Z"


def made(number: int, shape: Shape | None = None) -> dict:
    text = (shape or Shape()).json_of(number, START, START, external_url(0))
    return json.loads(text)


def test_the_body_is_byte_for_byte_what_prometheus_made_of_the_same_alerts():
    head, _, expected = PROMETHEUS_POST.partition(b"\r\n\r\n")
    alerts = [
        alert_json(
            alert["labels"],
            alert.get("annotations", {}),
            alert["startsAt"],
            "0000-00-00T00:00:00.000Z",
            alert["generatorURL"],
        )
        for alert in json.loads(expected)
    ]
    assert Batch(alerts).body("2026-11-25T13:35:11.568Z") == expected
    assert f"Content-Length: {len(expected)}".encode() in head


def test_the_headers_are_those_of_prometheus_in_its_order():
    expected, _, body = PROMETHEUS_POST.partition(b"\r\n\r\n")
    ours = Target("127.0.0.1", 15093).post_head() + b"%d" % len(body) + POST_TAIL
    assert ours.endswith(b"\r\n\r\n")
    theirs_by_name = [line.partition(b":") for line in expected.split(b"\r\n")]
    ours_by_name = [line.partition(b":") for line in ours.removesuffix(b"\r\n\r\n").split(b"\r\n")]
    assert [name for name, _, _ in ours_by_name] == [name for name, _, _ in theirs_by_name]
    differing = [name for name, _, value in ours_by_name if (name, b":", value) not in theirs_by_name[1:]]
    assert differing[1:] == [b"User-Agent"]
    assert b"User-Agent: Prometheus/2.42.0 (amfast-load/" in ours


@pytest.mark.parametrize(
    ("text", "json_text"),
    [
        ("a & b", r'"a \u0026 b"'),
        ("<é>", r'"\u003cé\u003e"'),
        ('say "x" \\', r'"say \"x\" \\"'),
        ("one\ntwo\t", r'"one\ntwo\t"'),
        ("\u2028\u2029", r'"\u2028\u2029"'),
        ("~ [ok] !", '"~ [ok] !"'),
    ],
)
def test_strings_are_escaped_as_go_does(text, json_text):
    assert go_json(text) == json_text


def test_a_time_has_three_digits_of_a_second_even_when_they_are_zero():
    assert stamp(NOON_NS) == START
    assert stamp(NOON_NS + 7_999_999) == "2026-11-25T12:00:00.007Z"


def test_no_two_alerts_have_the_same_labels_whatever_their_number():
    shape = Shape(labels=2)
    numbers = [*range(20_000), *range(62_400, 62_600), *range(10_000_000, 10_000_100)]
    assert len({tuple(shape.labels_of(number).items()) for number in numbers}) == len(numbers)


@pytest.mark.parametrize(("labels", "annotations"), [(2, 0), (10, 3), (25, 7)])
def test_an_alert_has_as_many_labels_and_annotations_as_asked_for_in_order(labels, annotations):
    alert = made(12345, Shape(labels, annotations))
    assert len(alert["labels"]) == labels
    assert len(alert.get("annotations", {})) == annotations
    assert list(alert["labels"]) == sorted(alert["labels"])
    assert {"alertname", "instance"} <= set(alert["labels"])


def test_an_alert_of_ten_labels_has_about_880_bytes():
    sizes = [len(Shape().json_of(number, START, START, external_url(0))) for number in range(1000)]
    assert 840 < sum(sizes) / len(sizes) < 920


def test_a_quarter_by_team_and_a_third_of_it_by_region_is_a_twelfth():
    labels = [Shape().labels_of(number) for number in range(2400)]
    chosen = [one for one in labels if one["team"] == "team-1" and one["cluster"].startswith("eu-")]
    assert len(chosen) == 200


def test_the_same_seed_gives_the_same_alerts_and_another_one_others():
    assert made(7, Shape(seed=5)) == made(7, Shape(seed=5))
    assert made(7, Shape(seed=5)) != made(7, Shape(seed=6))


def test_every_sender_has_its_own_generator_url():
    first, second = (Shape().json_of(1, START, START, external_url(i)) for i in (0, 1))
    assert b'"generatorURL":"http://prometheus-1.example:9090/graph?' in first
    assert first.replace(b"prometheus-1", b"prometheus-2") == second


def test_a_new_end_changes_all_ends_and_nothing_else():
    alerts = [Shape().json_of(number, START, START, external_url(0)) for number in range(3)]
    batch = Batch(alerts)
    assert batch.alerts == 3
    assert batch.body(START) == b"[" + b",".join(alerts) + b"]"
    later = json.loads(batch.body("2026-11-25T12:04:00.000Z"))
    assert {alert["endsAt"] for alert in later} == {"2026-11-25T12:04:00.000Z"}
    assert {alert["startsAt"] for alert in later} == {START}
