"""The site on a real socket: pages, limits, metrics, prefix, groups, and what the other program cannot show us."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from amfast.model.errors import AmfastError
from amfast.model.silence import MatcherSpec, Silence
from amfast.model.timestamp import NS, Time
from amfast.web.message import Request, Response, Target
from amfast.web.site import SiteOptions
from tests.support.web import (
    BUILD,
    CONFIG,
    Answer,
    RealClock,
    ServerThread,
    StandIns,
    ask,
    exchange,
    make_site,
)


class Node:
    """A served site with its stand-ins."""

    def __init__(self, options: SiteOptions | None = None, config: str = CONFIG) -> None:
        self.clock = RealClock()
        self.behind = StandIns(self.clock, config)
        self.site = make_site(self.behind, options)
        self.server = ServerThread(self.site.handle, self.clock)

    def ask(self, method: str, target: str, *args: object, **kwargs: object) -> Answer:
        return ask(self.server.port, method, target, *args, **kwargs)

    def samples(self, query: str = "") -> dict[str, float]:
        """Every sample of the metrics page by name and labels."""
        text = self.ask("GET", f"/metrics{query}").text
        return {
            f"{sample.name}{sorted(sample.labels.items())}": sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    with node.server:
        yield node


def prefixed(**changes: object) -> Node:
    return Node(SiteOptions(BUILD, **changes))  # type: ignore[arg-type]


def post_alert(node: Node, **labels: str) -> None:
    body = json.dumps([{"labels": labels, "endsAt": "2090-01-01T00:00:00Z"}])
    assert node.ask("POST", "/api/v2/alerts", body).status == 200


def test_the_front_page_is_a_page_for_people(node: Node) -> None:
    answer = node.ask("GET", "/")
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert answer.header("Cache-Control") == "no-cache, no-store, must-revalidate"
    assert answer.header("Pragma") == "no-cache"
    assert answer.header("Expires") == "0"
    for link in ("api/v2/alerts", "api/v2/status"):
        assert f'href="{link}"' in answer.text
        assert node.ask("GET", f"/{link}").status == 200


def test_everything_stands_below_the_prefix() -> None:
    node = prefixed(route_prefix="/am/x")
    with node.server:
        assert node.ask("GET", "/").status == 302
        assert node.ask("GET", "/").header("Location") == "/am/x"
        assert node.ask("GET", "/am/x").status == 301
        assert node.ask("GET", "/am/x").header("Location") == "/am/x/"
        assert node.ask("GET", "/am/x/").status == 200
        assert node.ask("GET", "/-/healthy").status == 404
        assert node.ask("GET", "/am/x/-/healthy").text == "OK"
        assert node.ask("GET", "/am/x/-/Ready").header("Location") == "/am/x/-/ready"
        assert node.ask("GET", "/am/x/api/v2").header("Location") == "/am/x/api/v2/"
        assert node.ask("GET", "/am/x/api/v2/alerts").text == "[]\n"
        assert node.ask("GET", "/api/v2/alerts").text == "404 page not found\n"
        assert "path /api/v2/nope was not found" in node.ask("GET", "/am/x/api/v2/nope").text
        text = node.ask("GET", "/am/x/metrics").text
        assert 'handler="/api/v2/alerts"' in text
        assert 'handler="/-/healthy"' in text
        assert "/am/x" not in text


def test_a_reload_is_asked_for_and_its_failure_is_told(node: Node) -> None:
    answer = node.ask("POST", "/-/reload")
    assert (answer.status, answer.body, node.behind.reloads) == (200, b"", 1)
    node.behind.reload_error = AmfastError("line 3: no such receiver")
    answer = node.ask("POST", "/-/reload")
    assert (answer.status, answer.text) == (500, "failed to reload config: line 3: no such receiver\n")
    assert answer.header("X-Content-Type-Options") == "nosniff"


def test_a_reload_goes_on_when_its_client_goes_away(node: Node) -> None:
    node.behind.reload_waits_s = 0.2
    with socket.create_connection(("127.0.0.1", node.server.port)) as connection:
        connection.sendall(b"POST /-/reload HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        time.sleep(0.05)
    for _ in range(100):
        if node.behind.reloads:
            break
        time.sleep(0.02)
    assert node.behind.reloads == 1


def test_a_request_that_takes_too_long_is_given_up() -> None:
    node = prefixed(timeout_ns=50_000_000)
    node.behind.reload_waits_s = 30
    with node.server:
        answer = node.ask("POST", "/-/reload")
        assert (answer.status, answer.text) == (503, "Exceeded configured timeout of 50ms.\n")
        assert answer.header("X-Content-Type-Options") is None
        node.behind.reload_waits_s = 0
        assert node.ask("POST", "/-/reload").status == 200


def test_gets_whose_answers_nobody_reads_use_up_the_places() -> None:
    node = prefixed(gets_max=2)
    with node.server:
        for number in range(300):
            post_alert(node, alertname="A", number=str(number), fill="x" * 20_000)
        slow = [socket.create_connection(("127.0.0.1", node.server.port)) for _ in range(2)]
        for connection in slow:
            connection.sendall(b"GET /api/v2/alerts HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.5)
        answer = node.ask("GET", "/-/healthy")
        assert answer.status == 503
        assert answer.text == "Limit of concurrent GET requests reached (2), try again later.\n\n"
        assert node.ask("HEAD", "/-/healthy").status == 200
        assert node.ask("POST", "/api/v2/alerts", "[]").status == 200
        assert node.ask("GET", "/api/v2/alerts", headers=["Origin: x"]).header("Vary") is None
        for connection in slow:
            connection.close()
        time.sleep(0.3)
        assert node.ask("GET", "/-/healthy").status == 200
        samples = node.samples()
    assert samples["alertmanager_http_concurrency_limit_exceeded_total[('method', 'get')]"] == 2
    assert samples["alertmanager_http_requests_in_flight[('method', 'get')]"] == 1
    name = "alertmanager_http_request_duration_seconds_count"
    assert samples[f"{name}[('code', '503'), ('handler', '/api/v2/alerts'), ('method', 'get')]"] == 1


def test_the_metrics_count_what_happened(node: Node) -> None:
    post_alert(node, alertname="A")
    two = [
        {"labels": {}, "endsAt": "2020-01-01T00:00:00Z"},
        {"labels": {"a": "b"}, "endsAt": "2020-01-01T00:00:00Z"},
    ]
    assert node.ask("POST", "/api/v2/alerts", json.dumps(two)).status == 400
    node.ask("GET", "/-/healthy")
    node.ask("GET", "/nope")
    node.ask("GET", "/api/v2/silence/x")
    samples = node.samples()
    assert samples["alertmanager_alerts_received_total[('status', 'firing'), ('version', 'v2')]"] == 1
    assert samples["alertmanager_alerts_received_total[('status', 'resolved'), ('version', 'v2')]"] == 2
    assert samples["alertmanager_alerts_invalid_total[('version', 'v2')]"] == 1
    duration = "alertmanager_http_request_duration_seconds"
    post = "[('code', '200'), ('handler', '/api/v2/alerts'), ('method', 'post')]"
    assert samples[f"{duration}_count{post}"] == 1
    one = "[('code', '422'), ('handler', '/api/v2/silence/{silenceID}'), ('method', 'get')]"
    assert samples[duration + "_count" + one] == 1
    size = "alertmanager_http_response_size_bytes_sum"
    assert samples[f"{size}[('handler', '/-/healthy'), ('method', 'get')]"] == 2
    assert not any("/nope" in name for name in samples)
    assert samples["promhttp_metric_handler_requests_total[('code', '200')]"] == 0
    assert samples["process_start_time_seconds[]"] > 1_000_000_000
    assert any(name.startswith("alertmanager_build_info") for name in samples)


def test_the_metrics_page_is_in_the_format_that_scrapers_expect(node: Node) -> None:
    node.ask("GET", "/-/healthy")
    answer = node.ask("GET", "/metrics")
    assert answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
    assert 'le="1"' in answer.text
    assert 'le="2.5"' in answer.text
    assert 'le="1e+06"' in answer.text
    assert "# TYPE alertmanager_alerts_received_total counter\n" in answer.text
    assert "_created" not in answer.text
    packed = node.ask("GET", "/metrics", headers=["Accept-Encoding: br, gzip;q=0.5"])
    assert packed.header("Content-Encoding") == "gzip"
    assert b"alertmanager_build_info" in gzip.decompress(packed.body)
    assert (
        node.ask("GET", "/metrics", headers=["Accept-Encoding: gzip;q=0"]).header("Content-Encoding") is None
    )


def test_families_are_chosen_by_name(node: Node) -> None:
    samples = node.samples(
        "?name[]=alertmanager_build_info&name[]=alertmanager_alerts_received_total&name[]=none"
    )
    assert {name.partition("[")[0] for name in samples} == {
        "alertmanager_build_info",
        "alertmanager_alerts_received_total",
    }


def test_paths_that_nobody_registered_do_not_grow_the_metrics_for_ever(node: Node) -> None:
    many = b"".join(b"GET /api/v2/x%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(500))
    exchange(node.server.port, many + b"GET /z HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    counts = [
        name for name in node.samples() if name.startswith("alertmanager_http_request_duration_seconds_count")
    ]
    assert len(counts) < 110
    assert any("{other}" in name for name in counts)


def test_line_ends_in_a_path_do_not_become_header_lines(node: Node) -> None:
    for path in ("/api/v1/silence/%0d%0aSet-Cookie:a=b%0d%0aX:/", "/-/Healthy/?%0d%0aSet-Cookie:a=b"):
        answer = node.ask("GET", path)
        assert answer.status == 301
        assert not [line for line in answer.headers if line[0].lower().startswith("set-cookie")]


def test_version_1_is_gone_and_says_where_to_go(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    answer = node.ask("POST", "/api/v1/alerts", "[]")
    shown = json.loads(answer.body)
    assert answer.status == 410
    assert shown["status"] == "deprecated"
    assert "0.27" in shown["error"]
    assert "v2" in shown["error"]
    assert "/api/v1/alerts" in caplog.text


TREE = """
route:
  receiver: d
  routes:
  - {receiver: z, matchers: ['job=~".+"'], group_by: [a], continue: true}
  - {receiver: d, matchers: [job=b], group_by: [n]}
  - {receiver: d, matchers: [kind=~".+"], group_by: [kind, n]}
inhibit_rules:
- {source_matchers: [kind=source], target_matchers: [kind=target]}
receivers: [{name: d}, {name: z}]
"""


def test_groups_are_filtered_sorted_and_show_all_receivers_of_an_alert() -> None:
    node = Node(config=TREE)
    with node.server:
        post_alert(node, n="1", a="2", job="b")
        post_alert(node, n="2", a="2", job="b", instance="2")
        post_alert(node, n="3", a="2", job="a")
        post_alert(node, n="4", kind="source")
        post_alert(node, n="5", kind="target")
        over = [{"labels": {"n": "9"}, "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2020-01-01T00:00:01Z"}]
        assert node.ask("POST", "/api/v2/alerts", json.dumps(over)).status == 200

        def groups(query: str = "") -> list[tuple[str, dict, list[str]]]:
            shown = json.loads(node.ask("GET", f"/api/v2/alerts/groups?{query}").body)
            return [
                (
                    group["receiver"]["name"],
                    group["labels"],
                    [item["labels"]["n"] for item in group["alerts"]],
                )
                for group in shown
            ]

        by_a = ("z", {"a": "2"}, ["3", "2", "1"])
        source, target = (
            ("d", {"kind": "source", "n": "4"}, ["4"]),
            ("d", {"kind": "target", "n": "5"}, ["5"]),
        )
        assert groups() == [("d", {"n": "1"}, ["1"]), ("d", {"n": "2"}, ["2"]), by_a, source, target]
        assert groups("inhibited=false&receiver=d&filter=n!=1") == [("d", {"n": "2"}, ["2"]), source]
        assert groups("active=false") == [target]
        assert groups("receiver=z|y") == [by_a]
        assert groups("filter=job=b&filter=instance!=&receiver=z") == [("z", {"a": "2"}, ["2"])]
        assert groups("receiver_matchers=name=z") == []
        assert len(groups("receiver_matchers=name=d")) == 4
        shown = json.loads(node.ask("GET", "/api/v2/alerts/groups").body)
        assert list(shown[0]) == ["alerts", "labels", "receiver", "routeLabels"]
        assert shown[0]["alerts"][0]["receivers"] == [{"name": "d"}, {"name": "z"}]
        assert shown[-1]["alerts"][0]["status"] == {
            "inhibitedBy": [shown[-2]["alerts"][0]["fingerprint"]],
            "mutedBy": [],
            "silencedBy": [],
            "state": "suppressed",
        }
        alone = json.loads(node.ask("GET", "/api/v2/alerts/groups?receiver=z").body)
        assert alone[0]["alerts"][1]["receivers"] == [{"name": "z"}]
        listed = json.loads(node.ask("GET", "/api/v2/alerts?filter=n=1").body)
        assert listed[0]["receivers"] == [{"name": "z"}, {"name": "d"}], "in the order of the routes"


def test_listings_show_silences_at_once_and_filter_by_them(node: Node) -> None:
    post_alert(node, alertname="A", x="1")
    post_alert(node, alertname="B", x="1")
    silence = {
        "matchers": [{"name": "alertname", "value": "A", "isRegex": False}],
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2090-01-01T00:00:00Z",
        "createdBy": "me",
        "comment": "c",
        "annotations": {"z": "1", "a": "<"},
    }
    answer = node.ask("POST", "/api/v2/silences", json.dumps(silence))
    silence_id = json.loads(answer.body)["silenceID"]
    shown = json.loads(node.ask("GET", "/api/v2/alerts?active=false").body)
    assert [item["status"]["silencedBy"] for item in shown] == [[silence_id]]
    shown = json.loads(node.ask("GET", "/api/v2/alerts?silenced=false").body)
    assert [item["labels"]["alertname"] for item in shown] == ["B"]
    assert json.loads(node.ask("GET", "/api/v2/alerts?inhibited=false&filter=x=1").body)
    assert json.loads(node.ask("GET", "/api/v2/alerts?receiver_matchers=name=~d|e").body)
    assert not json.loads(node.ask("GET", "/api/v2/alerts?receiver_matchers=name!=d").body)
    text = node.ask("GET", f"/api/v2/silence/{silence_id}").text
    assert '"annotations":{"a":"\\u003c","z":"1"},"comment":' in text


def test_silences_are_sorted_by_state_and_time(node: Node) -> None:
    now_ns = node.clock.now_ns()

    def put(name: str, start_s: int, end_s: int) -> None:
        spec = MatcherSpec(0, "n", name)
        silence = Silence("", ((spec,),), now_ns + start_s * NS, now_ns + end_s * NS, now_ns, "me", name, {})
        silence_id = node.behind.silences.set(silence)
        if name.startswith("e"):
            node.behind.silences.expire(silence_id)
            time.sleep(0.01)

    for name, start_s, end_s in (
        ("e1", 0, 50), ("p2", 60, 70), ("a2", 0, 90), ("p1", 50, 90), ("e2", 0, 50), ("a1", 0, 80),
    ):  # fmt: skip
        put(name, start_s, end_s)
    shown = json.loads(node.ask("GET", "/api/v2/silences").body)
    assert [item["comment"] for item in shown] == ["a1", "a2", "p1", "p2", "e2", "e1"]
    shown = json.loads(node.ask("GET", "/api/v2/silences?active=no&expired=0").body)
    assert [item["comment"] for item in shown] == ["p1", "p2"]
    shown = json.loads(node.ask("GET", "/api/v2/silences?filter=n=a1").body)
    assert [item["comment"] for item in shown] == ["a1"]


def test_a_silence_with_several_matcher_sets_cannot_be_shown(node: Node) -> None:
    now_ns = node.clock.now_ns()
    sets = ((MatcherSpec(0, "a", "b"),), (MatcherSpec(0, "c", "d"),))
    silence_id = node.behind.silences.set(Silence("", sets, now_ns, now_ns + 60 * NS, now_ns, "", "", {}))
    for path in ("silences", f"silence/{silence_id}"):
        answer = node.ask("GET", f"/api/v2/{path}")
        assert answer.status == 500
        assert silence_id in json.loads(answer.body)
    assert node.ask("GET", "/api/v2/silences?filter=x=y").text == "[]\n"


def test_the_status_names_the_version_and_the_configuration(node: Node) -> None:
    answer = node.ask("GET", "/api/v2/status")
    shown = json.loads(answer.body)
    assert list(shown) == ["cluster", "config", "uptime", "versionInfo"]
    assert shown["cluster"] == {"peers": [], "status": "disabled"}
    assert shown["config"] == {"original": "route:\n  receiver: d\n"}
    assert list(shown["versionInfo"]) == [
        "branch", "buildDate", "buildUser", "goVersion", "revision", "version",
    ]  # fmt: skip


def test_generated_times_are_local_and_posted_ones_keep_their_zone() -> None:
    node = Node()
    node.behind.side.store._local_offset_s = lambda _now_ns: 5400
    node.behind.side.store._offset_until_ns = 0
    with node.server:
        body = '[{"labels":{"a":"b"},"startsAt":"2026-01-01T00:00:00-03:00"}]'
        assert node.ask("POST", "/api/v2/alerts", body).status == 200
        shown = json.loads(node.ask("GET", "/api/v2/alerts").body)[0]
    assert shown["startsAt"] == "2026-01-01T00:00:00.000-03:00"
    assert shown["endsAt"].endswith("+01:30")
    assert shown["updatedAt"].endswith("+01:30")


def test_the_post_of_alerts_is_answered_without_a_task(node: Node) -> None:
    """The busiest request of all must not wait for the event loop."""
    request = Request(
        "POST",
        target=Target("/api/v2/alerts", "/api/v2/alerts", ""),
        headers=[(b"content-type", b"application/json")],
        body=b"[]",
    )
    assert isinstance(node.site.handle(request), Response)


def test_uptime_is_a_time_of_the_server(node: Node) -> None:
    node.behind.uptime = Time(0, 3600)
    assert json.loads(node.ask("GET", "/api/v2/status").body)["uptime"] == "1970-01-01T01:00:00.000+01:00"
