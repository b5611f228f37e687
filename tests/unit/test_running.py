"""A configuration put in force and replaced, with the parts it is made of, on virtual time."""

from __future__ import annotations

import json
import logging
import random
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from amfast.config.load import loads
from amfast.config.types import Config
from amfast.model.errors import AmfastError, ConfigError
from amfast.mute.silences import Silences
from amfast.notify.counts import Counts
from amfast.notify.delivery import Surroundings
from amfast.notify.doors import Doors
from amfast.notify.nflog import NotificationLog
from amfast.notify.stages import Inhibit
from amfast.receivers.http import Answer
from amfast.running import Parts, Running
from amfast.template import gotime
from amfast.template.loading import load_templates
from amfast.views import AlertViews, Mutes
from amfast.web.ports import AlertFilter
from tests.support.alert_side import make_store, post
from tests.support.alerts import alert, at
from tests.support.virtual import VirtualClock, run_virtual

ROUTE = """
route: {receiver: r, group_by: ['...'], group_wait: 5s, group_interval: 10s}
receivers: [{name: r}]
"""
OVER_WARNINGS = (
    ROUTE
    + """
inhibit_rules: [{source_match: {s: critical}, target_match: {s: warning}, equal: [a]}]
"""
)
OVER_INFO = (
    ROUTE
    + """
inhibit_rules: [{source_match: {s: critical}, target_match: {s: info}}, {target_match: {s: none}}]
"""
)


SENDING = """
route:
  receiver: r
  group_by: [a]
  group_wait: 5s
  group_interval: 10s
  repeat_interval: 1s
  labels: {team: '{{ template "team" . }}', who: 'team {{ routeLabels "team" }}', wrong: '{{ .Nothing }}'}
receivers:
- name: r
  webhook_configs:
  - {url: 'http://h/{{ .RouteLabels.team }}', payload: '{{ template "words" . }}'}
templates: ['t/*.tmpl']
"""


class Sink:
    """Takes everything that is posted."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, str]] = []

    def check(self, _config: object) -> None:
        """Everything can be sent."""

    async def post(self, url: str, *, body: bytes, **_: object) -> Answer:
        self.posts.append((url, body.decode().strip()))
        return Answer(200, b"", {})

    def taken(self) -> list[tuple[str, str]]:
        taken, self.posts = self.posts, []
        return taken


class Unable(Sink):
    """An HTTP client that can send nothing."""

    def check(self, _config: object) -> None:
        raise AmfastError("a library is missing")


class Node:
    """The parts that a reload replaces, around a store that stays."""

    def __init__(self, clock: VirtualClock, folder: Path = Path(), http: Sink | None = None) -> None:
        self.text = ROUTE
        self.folder = folder
        self.http = http or Sink()
        self.counts = Counts()
        log = logging.getLogger("test")
        self.store = make_store(clock)
        silences = Silences(clock=clock, retention_ns=10**15, new_id=lambda: "s", log=log)
        self.views = AlertViews(self.store, Mutes(self.store.table, silences, clock), clock)
        around = Surroundings(
            clock=clock,
            random=random.Random(1),
            log=log,
            nflog=NotificationLog(clock=clock, retention_ns=10**15),
            counts=self.counts,
            cluster_wait_s=lambda: 0.0,
            external_url="http://am:9093",
            doors=Doors(clock),
        )
        self.running = Running(
            Parts(
                load_config=self._load,
                load_templates=lambda config: load_templates(config.templates, lambda: gotime.ZERO),
                store=self.store,
                views=self.views,
                stages=lambda _config, inhibitor: [
                    Inhibit(
                        inhibitor.inhibiting,
                        partial(self.views.mutes.inhibition_marks, inhibitor),
                        self.counts,
                        clock,
                    )
                ],
                around=around,
                http=self.http,
                trace=self._trace,
                record=self._trace,
                log=log,
                retention_ns=10**15,
                not_before_us=0,
            )
        )

    async def _trace(self, _config: object) -> None:
        """Trace nothing."""

    def _load(self) -> Config:
        return loads(self.text, str(self.folder / "am.yml"), {"webhook"})

    async def reload(self, text: str) -> None:
        self.text = text
        await self.running.reload()

    def inhibited(self) -> dict[str, tuple[str, ...]]:
        """What inhibits each alert that is inhibited, by its severity."""
        return inhibited_in(json.loads(b"".join(self.views.alerts(AlertFilter()))))

    def in_groups(self) -> list[str]:
        groups = json.loads(b"".join(self.views.groups(AlertFilter())))
        return sorted(severity for group in groups for severity in inhibited_in(group["alerts"]))

    def value(self, name: str, *labels: str) -> float:
        parts = (self.running, self.views, self.counts)
        families = {family.name: family for part in parts for family in part.metrics()}
        return float(dict(families[f"alertmanager_{name}"].samples).get(labels, 0.0))  # type: ignore[arg-type]


def inhibited_in(alerts: list[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    return {
        shown["labels"]["s"]: tuple(shown["status"]["inhibitedBy"])
        for shown in alerts
        if shown["status"]["inhibitedBy"]
    }


CRITICAL, WARNING, INFO = (alert(ends=600, s=severity, a="x") for severity in ("critical", "warning", "info"))
BY_CRITICAL = (f"{CRITICAL.fingerprint:016x}",)


def test_a_reload_puts_other_rules_over_the_same_alerts() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock)
        await node.reload(OVER_WARNINGS)
        post(node.store, WARNING, CRITICAL, INFO)
        assert node.inhibited() == {"warning": BY_CRITICAL}
        assert node.in_groups() == ["warning"]
        assert node.value("alerts", "suppressed") == 1
        assert node.value("inhibition_rules") == 1
        await node.reload(OVER_INFO)
        assert node.inhibited() == {"info": BY_CRITICAL}
        assert node.value("inhibition_rules") == 2
        await node.reload(ROUTE)
        assert node.inhibited() == {}
        assert node.value("alerts", "active") == 3
        assert node.value("inhibition_rules") == 0
        await node.running.stop()

    run_virtual(main)


def test_groups_ask_the_rules_in_force_and_only_those_who_still_fire_inhibit() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock)
        await node.reload(OVER_INFO)
        post(node.store, WARNING, CRITICAL, INFO)
        await node.reload(OVER_WARNINGS)
        await clock.sleep(6)
        assert node.value("notifications_suppressed_total", "inhibition") == 1
        post(node.store, replace(CRITICAL, ends_at=at(6)))
        await clock.sleep(10)
        assert node.inhibited() == {}
        assert node.value("notifications_suppressed_total", "inhibition") == 1
        await node.running.stop()

    run_virtual(main)


def write(folder: Path, **templates: str) -> None:
    (folder / "t").mkdir(exist_ok=True)
    for name, text in templates.items():
        (folder / "t" / f"{name}.tmpl").write_text(text)


def test_templates_of_files_reach_url_payload_and_route_labels_and_a_reload_renews_them(
    tmp_path: Path,
) -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock, tmp_path)
        write(tmp_path, a='{{ define "team" }}{{ .CommonLabels.s }}-{{ .NotificationReason }}{{ end }}')
        write(tmp_path, b='{{ define "words" }}{{ .RouteLabels.who }}, {{ len .Alerts }}{{ end }}')
        await node.reload(SENDING)
        post(node.store, alert(ends=600, s="x", a="1"))
        await clock.sleep(6)
        assert node.http.taken() == [("http://h/x-unknown", '"team x-unknown, 1"')]
        write(tmp_path, c='{{ define "words" }}new {{ .RouteLabels }}{{ end }}')
        await node.reload(SENDING)
        await clock.sleep(10)
        assert node.http.taken() == [("http://h/x-unknown", '"new team=x-unknown, who=team x-unknown"')]
        await node.running.stop()

    run_virtual(main)


def test_a_file_that_cannot_be_parsed_leaves_the_configuration_as_it_was(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock, tmp_path)
        write(tmp_path, a='{{ define "team" }}t{{ end }}{{ define "words" }}old{{ end }}')
        await node.reload(SENDING)
        post(node.store, alert(ends=600, s="x", a="1"))
        write(tmp_path, b="\n{{ if }}", c="{{ nothing }}")
        with pytest.raises(ConfigError) as caught:
            await node.reload(SENDING)
        assert str(caught.value).splitlines() == [
            f"{tmp_path}/t/b.tmpl:2: missing value for if",
            f'{tmp_path}/t/c.tmpl:1: function "nothing" not defined',
        ]
        assert node.value("config_last_reload_successful") == 0
        await clock.sleep(6)
        assert node.http.taken() == [("http://h/t", '"old"')]
        await node.running.stop()

    run_virtual(main)


def test_route_labels_that_cannot_be_rendered_are_left_out_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock, tmp_path)
        write(tmp_path, a='{{ define "team" }}{{ routeLabels "who" }}{{ end }}{{ define "words" }}x{{ end }}')
        await node.reload(SENDING)
        post(node.store, alert(ends=600, s="x", a="1"))
        await clock.sleep(6)
        assert node.http.taken() == [("http://h/", '"x"')]
        await node.running.stop()

    run_virtual(main)
    errors = [
        str(vars(record)["attrs"]["err"]) for record in caplog.records if "route label" in record.message
    ]
    assert [error.partition(":")[0] for error in errors] == ["team", "who", "wrong"]
    assert "route label cycle detected: team -> who -> team" in errors[0]
    assert "can't evaluate field Nothing in type *template.Data" in errors[2]


def test_listed_groups_show_rendered_route_labels_of_the_alerts_they_have(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock, tmp_path)
        write(tmp_path, a='{{ define "team" }}{{ len .Alerts }} {{ .NotificationReason }}{{ end }}')
        await node.reload(SENDING)
        post(node.store, alert(ends=600, s="x", a="1"))

        def shown() -> dict[str, str]:
            (group,) = json.loads(b"".join(node.views.groups(AlertFilter())))
            return dict(group["routeLabels"])

        assert shown() == {"team": "1 unknown", "who": "team 1 unknown"}
        post(node.store, alert(ends=600, s="y", a="1"))
        assert shown() == {"team": "1 unknown", "who": "team 1 unknown"}
        await clock.sleep(5)
        assert shown() == {"team": "2 unknown", "who": "team 2 unknown"}
        await node.running.stop()

    run_virtual(main)


def test_a_receiver_that_cannot_be_built_leaves_the_old_configuration_in_force(tmp_path: Path) -> None:
    async def scenario(clock: VirtualClock) -> None:
        node = Node(clock, tmp_path, Unable())
        await node.reload(ROUTE)
        webhook = "{webhook_configs: [{url: 'http://h'}], name: r}"
        with pytest.raises(AmfastError, match=r"receiver 'r', webhook\[0\]: a library is missing"):
            await node.reload(ROUTE.replace("{name: r}", webhook))
        assert node.running.config.receivers[0].integrations == ()
        values = {family.name: family.samples[0][1] for family in node.running.metrics() if family.samples}
        assert values["alertmanager_config_last_reload_successful"] == 0
        await node.running.stop()

    run_virtual(scenario)
