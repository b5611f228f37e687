"""What Debian's Alertmanager 0.25 posts to Slack, PagerDuty, Opsgenie and by mail, beside what we would say.

Both have the same configuration, all texts of which are the default ones, and the same alerts. Each case is a group
with a receiver of its own. What we say is rendered from the configuration as we read it and from data as we make it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import pytest

from amfast.config.load import loads
from amfast.config.types import Config
from amfast.model.alert import Alert
from amfast.model.labels import Labels, labels_order, make_labels
from amfast.model.notification import Notification
from amfast.model.timestamp import NS, ZERO, Time
from amfast.template.data import Data, data_of
from tests.support.post_office import PostOffice
from tests.support.reference import ReferenceAlertmanager
from tests.support.sink import PostSink
from tests.support.templates import Mail, renderer

KINDS = ("slack", "pagerduty", "opsgenie", "email")
SUBJECT = '{{ template "email.default.subject" . }}'
STRANGE = "<b>&amp; \"'`\\ + / % ? # {{ . }} äß 日本 🔥 é\u2028\u200b"


@dataclass(frozen=True)
class One:
    """One alert of a case."""

    labels: dict[str, str]
    annotations: dict[str, str]
    resolved: bool = False
    url: str = "http://prometheus.example/graph?g0.expr=up+%3D%3D+0&g0.tab=1"


@dataclass(frozen=True)
class Case:
    """What is posted at once, and the labels the group has beside ``case``."""

    alerts: tuple[One, ...]
    group_by: tuple[str, ...] = ("alertname",)
    receiver: str = ""
    ends_later: bool = False
    """All of it fires at first, and is resolved for the second notification, which is the one that is compared."""


def _disk(number: int, *, resolved: bool = False, **more: str) -> One:
    labels = {"alertname": "DiskFull", "instance": f"host-{number}:9100", "severity": "page", **more}
    notes = {"summary": f"Disk {number} is full", "runbook_url": "https://runbooks.example/disk?a=1&b=2"}
    return One(labels, notes, resolved)


CASES = {
    "one": Case((_disk(1),)),
    "several": Case(tuple(_disk(n, device=f"sd{n}", zone="eu" if n % 2 else "us") for n in range(12))),
    "mixed": Case(tuple(_disk(n, resolved=n % 3 == 0, job=f"job {n % 4}") for n in range(7))),
    "ended": Case(tuple(_disk(n) for n in range(3)), ends_later=True),
    "bare": Case((One({"alertname": "Bare"}, {}), One({"alertname": "Bare", "a": "b"}, {}, url=""))),
    "nameless": Case((One({"instance": "x", "job": "y"}, {"note": "no name"}),), ("job", "instance")),
    "ungrouped": Case((_disk(1), One({"alertname": "Other", "severity": "page"}, {"summary": "s"})), ()),
    "strange": Case(
        (
            One({"alertname": STRANGE, "path": 'C:\\x\\"y"'}, {"summary": STRANGE, "lines": "a\n\n\tb\r\n."}),
            One({"alertname": STRANGE, "path": "\n"}, {"summary": STRANGE}, url="http://x.example/?q=<>\"'ü"),
        ),
        receiver="a.b (c) [d]+ é&?/",
    ),
}  # fmt: skip
POSTS = sum(2 if case.ends_later else 1 for case in CASES.values())


def receiver_of(name: str) -> str:
    return CASES[name].receiver or name


def configuration(http: str, smtp: str) -> str:
    """JSON, which is YAML."""
    routes = [
        {
            "receiver": receiver_of(name),
            "matchers": [f"case={name}"],
            "group_by": ["case", *case.group_by],
        }
        for name, case in CASES.items()
    ]
    receivers = [
        {
            "name": receiver_of(name),
            "slack_configs": [{"api_url": f"{http}/slack/{name}", "send_resolved": True}],
            "pagerduty_configs": [{"url": f"{http}/pagerduty/{name}", "routing_key": "k"}],
            "opsgenie_configs": [{"api_url": f"{http}/opsgenie/{name}/", "api_key": "k"}],
            "email_configs": [{"to": f"{name}@example.org", "require_tls": False, "send_resolved": True}],
        }
        for name in CASES
    ]
    # Longer than any alert is old: the reference does not wait for a group whose first alert is older, and would then
    # tell of those alerts of the post that it has got to.
    times = {"group_wait": "4s", "group_interval": "2s"}
    return json.dumps(
        {
            "global": {"smtp_smarthost": smtp, "smtp_from": "am@example.org"},
            "route": {"receiver": "rest", **times, "routes": routes},
            "receivers": [{"name": "rest"}, *receivers],
        }
    )


@dataclass(frozen=True)
class Said:
    """What came for the cases, the last of each kind, and the configuration that sent it."""

    posts: dict[tuple[str, str], dict[str, Any]]
    mails: dict[str, EmailMessage]
    config: Config


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    sink, office = PostSink(), PostOffice()
    try:
        text = configuration(sink.url.removesuffix("/hook"), office.address)
        alertmanager = ReferenceAlertmanager(tmp_path_factory.mktemp("am"), text)
        try:
            alertmanager.post_alerts(list(_posted(ended=False)))
            sink.wait_for(3 * len(CASES))
            office.wait_for(len(CASES))
            alertmanager.post_alerts(list(_posted(ended=True)))
            posts, mails = sink.wait_for(3 * POSTS), office.wait_for(POSTS)
        finally:
            alertmanager.close()
    finally:
        sink.close()
        office.close()
    by_kind = {tuple(path.split("/")[1:3]): json.loads(body) for path, body in posts}
    return Said(
        {(kind, name): body for (kind, name), body in by_kind.items()},
        {to.partition("@")[0]: mail for to, mail in mails},
        loads(text, "alertmanager.yml", KINDS),
    )


def _posted(*, ended: bool) -> Iterator[dict[str, Any]]:
    for name, case in CASES.items():
        for one in case.alerts if case.ends_later or not ended else ():
            resolved = one.resolved or ended
            yield {
                "labels": {**one.labels, "case": name},
                "annotations": one.annotations,
                "startsAt": _shown(-1),
                "endsAt": _shown(-1 if resolved else 600),
                "generatorURL": one.url,
            }


def _shown(from_now_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + from_now_s))


def data_of_case(name: str) -> Data:
    """Of the notification that is compared, as our node makes it."""
    case, now = CASES[name], time.time_ns()
    alerts = [
        Alert(
            labels=make_labels({**one.labels, "case": name}),
            annotations=make_labels(one.annotations),
            starts_at=Time(now - 600 * NS),
            ends_at=Time(now - 60 * NS) if one.resolved or case.ends_later else ZERO,
            updated_at=Time(now),
            generator_url=one.url,
        )
        for one in case.alerts
    ]
    alerts.sort(key=lambda one: _order(one.labels))
    labels = alerts[0].labels
    return data_of(
        Notification(
            receiver=receiver_of(name),
            group_key="",
            group_labels=make_labels({key: labels[key] for key in ("case", *case.group_by)}),
            route_labels={},
            alerts=tuple(alerts),
            reason="first notification",
            external_url="http://am.example/base",
            now_ns=now,
        )
    )


def _order(labels: Labels) -> tuple[object, ...]:
    """By job and instance, those that have none last, then by all labels."""
    return *((name not in labels, labels.get(name)) for name in ("job", "instance")), labels_order(labels)


class Ours:
    """The texts of a case by the keys of its integration's configuration."""

    def __init__(self, said: Said, kind: str, name: str) -> None:
        (receiver,) = [one for one in said.config.receivers if one.name == receiver_of(name)]
        (self._config,) = [one for one in receiver.integrations if one.kind == kind]
        self.data = data_of_case(name)

    def __getitem__(self, key: str) -> str:
        return renderer().text(getattr(self._config, key), self.data)

    def of(self, *keys: str) -> dict[str, str]:
        """Those that say something."""
        return {key: self[key] for key in keys if self[key]}

    @property
    def html(self) -> str:
        return renderer().html(self._config.html, self.data)  # type: ignore[attr-defined] # only mails have it


def texts(found: dict[str, Any], *but: str) -> dict[str, str]:
    return {key: text for key, text in found.items() if isinstance(text, str) and text and key not in but}


BY_CASE = pytest.mark.parametrize("name", CASES)


@BY_CASE
def test_slack_gets_the_same_texts(said: Said, name: str) -> None:
    ours, posted = Ours(said, "slack", name), said.posts["slack", name]
    (attachment,) = posted["attachments"]
    assert texts(posted) == ours.of("username", "icon_emoji", "icon_url")
    assert texts(attachment) == ours.of(
        "title", "title_link", "pretext", "text", "fallback", "callback_id", "footer", "color"
    )
    assert attachment["title"].startswith("[RESOLVED" if CASES[name].ends_later else "[FIRING")


@BY_CASE
def test_pagerduty_gets_the_same_texts(said: Said, name: str) -> None:
    ours, posted = Ours(said, "pagerduty", name), said.posts["pagerduty", name]
    assert texts(posted, "routing_key", "dedup_key", "event_action") == ours.of("client", "client_url")
    assert posted["payload"]["summary"] == ours["description"]
    assert posted["payload"]["source"] == ours["source"]
    instances = '{{ template "pagerduty.default.instances" .Alerts.%s }}'
    assert posted["payload"]["custom_details"] == {
        "firing": renderer().text(instances % "Firing", ours.data),
        "resolved": renderer().text(instances % "Resolved", ours.data),
        "num_firing": renderer().text("{{ .Alerts.Firing | len }}", ours.data),
        "num_resolved": renderer().text("{{ .Alerts.Resolved | len }}", ours.data),
    }


@BY_CASE
def test_opsgenie_gets_the_same_texts(said: Said, name: str) -> None:
    ours, posted = Ours(said, "opsgenie", name), said.posts["opsgenie", name]
    if CASES[name].ends_later:
        assert texts(posted) == ours.of("source")
        return
    assert texts(posted, "alias") == ours.of("message", "description", "source")
    assert posted["details"] == ours.data.common_labels


@BY_CASE
def test_a_mail_has_the_same_subject_and_says_the_same(said: Said, name: str) -> None:
    ours, mail = Ours(said, "email", name), said.mails[name]
    assert mail["subject"] == renderer().text(SUBJECT, ours.data)
    page = mail.get_body(("html",))
    assert page is not None
    theirs, mine = Mail.read(page.get_content()), Mail.read(ours.html)
    assert (theirs.text, theirs.links) == (mine.text, mine.links)
