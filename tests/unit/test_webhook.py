"""The webhook: what it posts, what it makes of answers, and the table it is built from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from amfast.config.http import HttpConfig
from amfast.config.kinds import Secret
from amfast.config.receivers.webhook import WebhookConfig
from amfast.config.types import Receiver
from amfast.model.alert import Alert
from amfast.model.labels import make_labels
from amfast.model.notification import Notification, NotifyError
from amfast.model.timestamp import ZERO, Time
from amfast.receivers.answers import Answer
from amfast.receivers.errors import HttpError
from amfast.receivers.table import build
from amfast.receivers.webhook import Webhook
from amfast.template.data import PAIRS_A_STEP
from tests.models.told import encode_json
from tests.support.alerts import alert, at
from tests.support.reference import ReferenceAlertmanager
from tests.support.sink import PostSink
from tests.support.templates import renderer
from tests.support.told import told
from tests.support.virtual import START_NS

SIMPLE = WebhookConfig(url=Secret("http://h/SECRET"))


@dataclass
class FakeHttp:
    """Answers every post alike and keeps what was posted."""

    answer: Answer | HttpError = field(default_factory=lambda: Answer(200, b"", {}))
    posts: list[dict[str, Any]] = field(default_factory=list)

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        timeout_s: float | None,
        config: HttpConfig,
    ) -> Answer:
        self.posts.append(
            {
                "url": url,
                "headers": headers,
                "body": body,
                "timeout_s": timeout_s,
                "follow": config.follow_redirects,
            }
        )
        if isinstance(self.answer, HttpError):
            raise self.answer
        return self.answer


async def at_once() -> None:
    """Nothing else is due."""


def notification(*alerts: Alert, **changed: Any) -> Notification:
    values: dict[str, Any] = {
        "receiver": "team.a (x)",
        "group_key": '{}:{alertname="X"}',
        "group_labels": {"alertname": "X"},
        "route_labels": {},
        "alerts": told(*alerts),
        "reason": "first notification",
        "external_url": "http://am.example/base",
        "now_ns": START_NS,
    }
    return Notification(**(values | changed))


def send(http: FakeHttp, config: WebhookConfig = SIMPLE, *alerts: Alert) -> Any:
    asyncio.run(
        Webhook(config, 0, http, renderer(), at_once).notify(
            notification(*(alerts or (alert(alertname="X"),)))
        )
    )
    return json.loads(http.posts[-1]["body"])


def test_the_body_has_its_keys_in_order_and_html_escaped() -> None:
    one = Alert(
        labels=make_labels({"alertname": "X", "a": "<&>\u2028é"}),
        annotations={"note": 'say "hi"\n'},
        starts_at=Time(START_NS + 120_000_000, 7200),
        ends_at=ZERO,
        updated_at=at(0),
        generator_url="http://p/g?a=1&b=2",
    )
    http = FakeHttp()
    webhook = Webhook(WebhookConfig(url=Secret("http://h/")), 0, http, renderer(), at_once)
    asyncio.run(webhook.notify(notification(one, route_labels={"team": "x"})))
    (post,) = http.posts
    starts = post["body"].split(b'"startsAt":"')[1].split(b'"')[0]
    assert starts.endswith(b".12+02:00")
    assert post["body"].replace(starts, b"S") == (
        b'{"receiver":"team\\\\.a \\\\(x\\\\)","status":"firing","alerts":[{"status":"firing",'
        b'"labels":{"a":"\\u003c\\u0026\\u003e\\u2028\xc3\xa9","alertname":"X"},'
        b'"annotations":{"note":"say \\"hi\\"\\n"},'
        b'"startsAt":"S","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p/g?a=1\\u0026b=2",'
        b'"fingerprint":"%016x"}],"notification_reason":"first notification","groupLabels":{"alertname":"X"},'
        b'"commonLabels":{"a":"\\u003c\\u0026\\u003e\\u2028\xc3\xa9","alertname":"X"},'
        b'"commonAnnotations":{"note":"say \\"hi\\"\\n"},"routeLabels":{"team":"x"},'
        b'"externalURL":"http://am.example/base","version":"4",'
        b'"groupKey":"{}:{alertname=\\"X\\"}","truncatedAlerts":0}\n' % one.fingerprint
    )
    assert post["headers"] == {"User-Agent": "Alertmanager/0.34.0", "Content-Type": "application/json"}


def test_an_alert_that_ends_later_is_firing_and_has_no_end() -> None:
    (one,) = send(FakeHttp(), SIMPLE, alert(ends=60, a="1"))["alerts"]
    assert (one["status"], one["endsAt"]) == ("firing", "0001-01-01T00:00:00Z")
    (one,) = send(FakeHttp(), SIMPLE, alert(ends=0, a="1"))["alerts"]
    assert one["status"] == "resolved"
    assert one["endsAt"] != "0001-01-01T00:00:00Z"


def test_with_max_alerts_the_message_is_about_the_first_alerts_only() -> None:
    alerts = (alert(ends=0, a="1", b="1"), alert(starts=-2, ends=-1, a="1", b="2"), alert(a="2", b="1"))
    config = WebhookConfig(url=Secret("http://h/"), max_alerts=2)
    body = send(FakeHttp(), config, *alerts)
    assert (body["status"], len(body["alerts"]), body["truncatedAlerts"]) == ("resolved", 2, 1)
    assert body["commonLabels"] == {"a": "1"}
    assert all(one["endsAt"] != "0001-01-01T00:00:00Z" for one in body["alerts"])
    body = send(FakeHttp(), WebhookConfig(url=Secret("http://h/")), *alerts)
    assert (body["status"], len(body["alerts"]), body["truncatedAlerts"]) == ("firing", 3, 0)
    assert body["commonLabels"] == {}


@pytest.mark.parametrize(
    ("status", "retry", "reason"),
    [
        (301, False, "other"), (400, False, "clientError"), (401, False, "authError"), (403, False, "authError"),
        (404, False, "clientError"), (429, False, "rateLimited"), (500, True, "serverError"),
        (503, True, "serverError"),
        (100, False, "other"),
    ],
)  # fmt: skip
def test_answers_that_are_no_success_have_a_verdict_and_a_reason(
    status: int, retry: bool, reason: str
) -> None:
    with pytest.raises(NotifyError) as caught:
        send(FakeHttp(Answer(status, b"no\x1b[31m\n way", {})))
    assert (caught.value.retry, caught.value.reason) == (retry, reason)
    assert str(caught.value) == f"unexpected status code {status}: no [31m way"


@pytest.mark.parametrize("status", [200, 204, 299])
def test_every_2xx_is_success(status: int) -> None:
    send(FakeHttp(Answer(status, b"", {})))


def test_a_request_without_an_answer_is_tried_again_and_does_not_show_the_url() -> None:
    with pytest.raises(NotifyError) as caught:
        send(FakeHttp(HttpError("cannot connect: Connection refused")))
    assert (caught.value.retry, caught.value.reason) == (True, "other")
    assert "SECRET" not in str(caught.value)


def test_an_answer_that_repeats_the_url_is_quoted_without_it() -> None:
    for body in (b"Cannot POST /hook/T0KEN?key=K3Y5", b"no route for /hook/T0KEN", b"bad key K3Y5"):
        config = WebhookConfig(url=Secret("http://user:pa55@h/hook/T0KEN?key=K3Y5"))
        with pytest.raises(NotifyError) as caught:
            send(FakeHttp(Answer(404, body, {})), config)
        assert "T0KEN" not in str(caught.value)
        assert "K3Y5" not in str(caught.value)
        assert "<secret>" in str(caught.value)


def test_timeout_and_redirects_are_as_configured() -> None:
    http = FakeHttp()
    send(http)
    config = WebhookConfig(
        url=Secret("http://h/"), timeout_ns=1_500_000_000, http_config=HttpConfig(follow_redirects=False)
    )
    send(http, config)
    assert [(post["timeout_s"], post["follow"]) for post in http.posts] == [(None, True), (1.5, False)]


def test_the_url_file_is_read_and_trimmed_each_time(tmp_path: Path) -> None:
    file, http = tmp_path / "url", FakeHttp()
    for url in ("http://h/1", "http://h/2"):
        file.write_text(f" {url}\n")
        send(http, WebhookConfig(url_file=str(file)))
    assert [post["url"] for post in http.posts] == ["http://h/1", "http://h/2"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read url_file"),
        (b" \n", "is empty"),
        (b"\xff", "is not UTF-8"),
        (b"http://h/{{ .SECRET }}", r"the template cannot be rendered \(line 1, column 12\)$"),
        (b"http://h/{{ SECRET }}", "the template cannot be rendered$"),
        (b"{{ .CommonLabels.SECRET }}", "is empty"),
        (b"{{ .CommonLabels.alertname }}", "must start with http"),
        (b"ftp://SECRET", "must start with http"),
    ],
)
def test_an_unusable_url_file_is_a_permanent_failure(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "url"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(NotifyError, match=said) as caught:
        send(FakeHttp(), WebhookConfig(url_file=str(file)))
    assert not caught.value.retry
    assert "SECRET" not in str(caught.value)


def test_a_url_may_be_made_of_the_data(tmp_path: Path) -> None:
    http, file = FakeHttp(), tmp_path / "url"
    template = "http://h/{{ .CommonLabels.alertname | urlquery }}?r={{ .Receiver }}"
    send(http, WebhookConfig(url=Secret(template)), alert(alertname="a b/c"))
    file.write_text(f"{template}\n")
    send(http, WebhookConfig(url_file=str(file)), alert(alertname="a b/c"))
    assert {post["url"] for post in http.posts} == {"http://h/a+b%2Fc?r=team\\.a \\(x\\)"}


def test_what_a_template_made_secret_is_not_shown_by_an_answer() -> None:
    config = WebhookConfig(url=Secret('http://h/{{ "T0KEN-" }}{{ .CommonLabels.alertname }}'))
    with pytest.raises(NotifyError) as caught:
        send(FakeHttp(Answer(404, b"no /T0KEN-X here", {})), config)
    assert str(caught.value) == "unexpected status code 404: no <secret> here"


def test_a_payload_is_posted_instead_of_the_message() -> None:
    payload = MappingProxyType(
        {
            "title": "Alert {{ .CommonLabels.alertname }} is {{ .Status }}",
            "{{ .Status }}": True,
            "count": "{{ len .Alerts }}",
            "labels": "{{ toJson .CommonLabels }}",
            "list": ("{{ .NotificationReason }}", 1.0, 1e21, None, MappingProxyType({"x": "<&>"})),
            "empty": "{{ .CommonLabels.nothing }}",
            7: "left out",
        }
    )
    http = FakeHttp()
    send(http, WebhookConfig(url=Secret("http://h/"), payload=payload), alert(alertname="X", n="1"))
    assert http.posts[0]["body"] == (
        b'{"count":1,"empty":null,"firing":true,"labels":{"alertname":"X","n":"1"},'
        b'"list":["first notification",1,1e+21,null,{"x":"\\u003c\\u0026\\u003e"}],"title":"Alert X is firing"}\n'
    )


@pytest.mark.parametrize(
    "summary", ["disk: full", "[FIRING:1] X", "\"'\\\n<&>\u2028{}", "yes", "", "~", "# 3"]
)
def test_a_payload_of_one_text_takes_any_words_that_are_quoted_as_json(summary: str) -> None:
    payload = '{"text": {{ toJson .CommonAnnotations.summary }}, "alerts": {{ len .Alerts }}}'
    config = WebhookConfig(url=Secret("http://h/"), payload=payload)
    body = send(FakeHttp(), config, alert(a="1", annotations={"summary": summary}))
    assert body == {"text": summary, "alerts": 1}


def test_a_payload_may_be_a_single_text() -> None:
    http = FakeHttp()
    send(http, WebhookConfig(url=Secret("http://h/"), payload="{{ .Status }}!"))
    assert http.posts[0]["body"] == b'"firing!"\n'


def test_a_payload_is_about_the_alerts_that_are_told() -> None:
    http = FakeHttp()
    config = WebhookConfig(url=Secret("http://h/"), max_alerts=2, payload="{{ len .Alerts }}")
    send(http, config, *(alert(a=str(n)) for n in range(3)))
    assert http.posts[0]["body"] == b"2\n"


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (
            "{{ .Nothing }}",
            'payload: template: :1:3: executing "" at <.Nothing>: can\'t evaluate field Nothing',
        ),
        ("{{", "payload: template: :1: unclosed action"),
        ('{{ range .Alerts }}{{ template "none" . }}{{ end }}', 'template "none" not defined'),
        ("{{ .CommonLabels.nan }}", "payload: json: unsupported value: NaN"),
    ],
)
def test_a_payload_that_cannot_be_rendered_is_a_permanent_failure_and_nothing_is_posted(
    payload: str, said: str
) -> None:
    http = FakeHttp()
    with pytest.raises(NotifyError) as caught:
        send(http, WebhookConfig(url=Secret("http://h/"), payload=payload), alert(nan=".nan"))
    assert said in str(caught.value)
    assert not caught.value.retry
    assert http.posts == []


def test_an_error_that_quotes_all_the_data_is_cut() -> None:
    config = WebhookConfig(url=Secret("http://h/"), payload='{{ template "__text_alert_list" . }}')
    with pytest.raises(NotifyError) as caught:
        send(FakeHttp(), config, *(alert(n=str(n)) for n in range(100)))
    assert "range can't iterate over {team" in str(caught.value)
    assert len(str(caught.value)) < 1100


def test_integrations_are_built_in_order_with_an_index_of_their_kind() -> None:
    configs = tuple(WebhookConfig(url=Secret(f"http://h/{n}"), send_resolved=n == 0) for n in range(2))
    built = build(Receiver("r", (), configs), FakeHttp(), renderer(), at_once)
    assert [(one.kind, one.index, one.send_resolved) for one in built] == [
        ("webhook", 0, True),
        ("webhook", 1, False),
    ]
    assert build(Receiver("r"), FakeHttp(), renderer(), at_once) == ()


@pytest.mark.parametrize("count", [0, 1, 400, 3000])
def test_a_message_of_many_alerts_is_made_in_steps_and_is_one_object_all_the_same(count: int) -> None:
    alerts = tuple(
        alert(alertname="X", n=f"{n:04}", **{f"l{i}": "v" for i in range(10)}, annotations={"a": "<>"})
        for n in range(count)
    )
    pauses: list[None] = []

    async def pause() -> None:
        pauses.append(None)

    http = FakeHttp()
    asyncio.run(Webhook(SIMPLE, 0, http, renderer(), pause).notify(notification(*alerts)))
    body = http.posts[0]["body"]
    read = json.loads(body)
    assert [one["labels"]["n"] for one in read["alerts"]] == [f"{n:04}" for n in range(count)]
    assert encode_json(read) + b"\n" == body
    assert len(read["commonLabels"]) == (11 if count > 1 else 12 * count)
    assert len(body) // 200_000 <= len(pauses) <= len(body) // 100_000, "a step is about 128 KiB"


def test_a_payload_over_many_alerts_is_made_in_steps() -> None:
    pauses: list[None] = []

    async def pause() -> None:
        pauses.append(None)

    config = WebhookConfig(url=Secret("http://h/"), payload="{{ len .Alerts }}")
    http = FakeHttp()
    many = (alert(n=str(n)) for n in range(2 * PAIRS_A_STEP))
    asyncio.run(Webhook(config, 0, http, renderer(), pause).notify(notification(*many)))
    assert http.posts[0]["body"] == b"%d\n" % (2 * PAIRS_A_STEP)
    assert len(pauses) >= 2


@pytest.fixture
def sink() -> Iterator[PostSink]:
    running = PostSink()
    yield running
    running.close()


def test_the_body_is_what_a_running_alertmanager_posts(tmp_path: Path, sink: PostSink) -> None:
    # Control characters that have a short escape in one Go release and none in another are left out.
    labels = {"alertname": "X", "job": "a<b>&c", "odd": 'q"\\\n\tü☃😀\u2028\x7f', "host": "h1"}
    sent = [
        {
            "labels": labels | {"host": f"h{n}", "n": str(n)},
            "annotations": {"summary": "same", "text": f"<{n}>"},
            "startsAt": f"2026-01-02T03:04:0{n}.12{n}+02:00",
            "endsAt": "2126-01-01T00:00:00Z" if n else "2026-01-02T03:05:00Z",
            "generatorURL": f"http://p/g?a={n}&b=2",
        }
        for n in range(3)
    ]
    config = (
        "route: {receiver: 'a.b (c)', group_by: [alertname], group_wait: 10ms}\n"
        "receivers: [{name: 'a.b (c)', webhook_configs: "
        f"[{{url: '{sink.url}'}}, {{url: '{sink.url}2', max_alerts: 1}}]}}]"
    )
    reference = ReferenceAlertmanager(tmp_path, config)
    try:
        reference.post_alerts(sent)
        posted = dict(sink.wait_for(2))
    finally:
        reference.close()
    alerts = tuple(
        Alert(
            labels=make_labels(one["labels"]),
            annotations=make_labels(one["annotations"]),
            starts_at=Time(1_767_315_840_000_000_000 + n * 1_001_000_000 + 120_000_000, 7200),
            ends_at=ZERO if n else Time(1_767_323_100_000_000_000),
            updated_at=at(0),
            generator_url=one["generatorURL"],
        )
        for n, one in enumerate(sent)
    )
    now_ns = 1_800_000_000_000_000_000
    for path, max_alerts in (("/hook", 0), ("/hook2", 1)):
        http = FakeHttp()
        webhook = Webhook(
            WebhookConfig(url=Secret("http://h/"), max_alerts=max_alerts), 0, http, renderer(), at_once
        )
        asyncio.run(webhook.notify(notification(*alerts, receiver="a.b (c)", now_ns=now_ns)))
        ours: bytes = http.posts[0]["body"]
        for added in (b'"notification_reason":"first notification",', b'"routeLabels":{},'):
            assert ours.count(added) == 1
            ours = ours.replace(added, b"")
        assert ours == posted[path]
