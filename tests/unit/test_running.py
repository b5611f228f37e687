"""A configuration put in force and replaced, with the parts it is made of, on virtual time."""

from __future__ import annotations

import json
import logging
import random
from dataclasses import replace
from typing import Any

import pytest

from amfast.config.load import loads
from amfast.config.types import Config
from amfast.model.errors import AmfastError
from amfast.mute.silences import Silences
from amfast.notify.counts import Counts
from amfast.notify.delivery import Surroundings
from amfast.notify.nflog import NotificationLog
from amfast.notify.stages import Inhibit
from amfast.running import Parts, Running
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


class Unable:
    """An HTTP client that can send nothing."""

    def check(self, _config: object) -> None:
        raise AmfastError("a library is missing")


class Node:
    """The parts that a reload replaces, around a store that stays."""

    def __init__(self, clock: VirtualClock) -> None:
        self.text = ROUTE
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
        )
        self.running = Running(
            Parts(
                load_config=self._load,
                store=self.store,
                views=self.views,
                stages=lambda _config, inhibitor: [Inhibit(inhibitor.inhibiting, self.counts, clock)],
                around=around,
                http=Unable(),  # type: ignore[arg-type] # no receiver here sends anything
                trace=self._trace,
                log=log,
                retention_ns=10**15,
                not_before_us=0,
            )
        )

    async def _trace(self, _config: object) -> None:
        """Trace nothing."""

    def _load(self) -> Config:
        return loads(self.text, "am.yml", {"webhook"})

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


def test_a_receiver_that_cannot_be_built_leaves_the_old_configuration_in_force() -> None:
    async def scenario(clock: VirtualClock) -> None:
        node = Node(clock)
        await node.reload(ROUTE)
        webhook = "{webhook_configs: [{url: 'http://h'}], name: r}"
        with pytest.raises(AmfastError, match=r"receiver 'r', webhook\[0\]: a library is missing"):
            await node.reload(ROUTE.replace("{name: r}", webhook))
        assert node.running.config.receivers[0].integrations == ()
        values = {family.name: family.samples[0][1] for family in node.running.metrics() if family.samples}
        assert values["alertmanager_config_last_reload_successful"] == 0
        await node.running.stop()

    run_virtual(scenario)
