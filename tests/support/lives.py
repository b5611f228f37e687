"""One life after the other of a node's alert side over one data folder, on virtual time."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from amfast.config.load import loads
from amfast.config.types import Config
from amfast.mute.silences import Silences
from amfast.notify.counts import Counts
from amfast.notify.delivery import Surroundings
from amfast.notify.doors import Doors
from amfast.notify.hearsay import Hearsay
from amfast.notify.nflog import NotificationLog
from amfast.notify.stages import Inhibit
from amfast.receivers.http import Answer
from amfast.receivers.table import INTEGRATIONS
from amfast.running import Parts, Running
from amfast.storage.alerts import AlertsFile, Contents
from amfast.template import gotime
from amfast.template.loading import load_templates
from amfast.views import AlertViews, Mutes
from amfast.web.ports import AlertFilter
from tests.support.alert_side import make_store, post
from tests.support.virtual import VirtualClock

T = TypeVar("T")
LOG = logging.getLogger("test")

CONFIG = """
route: {receiver: r, group_by: [group], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
receivers: [{name: r, webhook_configs: [{url: 'http://people', send_resolved: true}]}]
inhibit_rules: [{source_matchers: [s=critical], target_matchers: [s=warning], equal: [group]}]
"""


async def at_once(work: Callable[[], T]) -> T:
    """Run what else a thread would, so that virtual time knows of it."""
    return work()


class People:
    """Gets the notifications of all lives: when, and by ``i`` who fires and who is resolved."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.told: list[tuple[float, str, str]] = []
        self.status = 200
        self.after_s = 0.0

    def check(self, _config: object) -> None:
        """Everything can be sent."""

    async def post(self, _url: str, *, body: bytes, **_options: object) -> Answer:
        await self._clock.sleep(self.after_s)
        if self.status == 200:
            by_status: dict[str, list[str]] = {"firing": [], "resolved": []}
            for alert in json.loads(body)["alerts"]:
                by_status[alert["status"]].append(alert["labels"]["i"])
            at_s = round(self._clock.monotonic_us() / 1e6)
            self.told.append((at_s, *(" ".join(sorted(names)) for names in by_status.values())))  # type: ignore[arg-type]
        return Answer(self.status, b"", {})

    def news(self) -> list[tuple[float, str, str]]:
        """What came since the last call."""
        told, self.told = self.told, []
        return told


class Life:
    """A node's alerts, groups and log from a start to a clean end or a crash."""

    def __init__(self, folder: Path, people: People, clock: VirtualClock, config: str = CONFIG) -> None:
        self.clock = clock
        self.store = make_store(clock)
        silences = Silences(clock=clock, retention_ns=10**15, new_id=lambda: "s", log=LOG)
        self.views = AlertViews(self.store, Mutes(self.store.table, silences, clock), clock)
        self.counts = Counts()
        self.nflog = NotificationLog(clock=clock, retention_ns=10**15)
        self._people = people
        self._text = config
        self._running: Running | None = None
        self.file = AlertsFile(
            folder,
            Contents(self.store.dump, self.store.restore, self._timers),
            clock=clock,
            log=LOG,
            run=at_once,
        )
        self.post = lambda *alerts: post(self.store, *alerts)

    def _timers(self):
        assert self._running is not None
        return self._running.timers()

    async def start(self, before: Life | None = None) -> Life:
        """Start; the log, which is always on disk, comes from the life before."""
        if before is not None:
            self.nflog.load(before.nflog.marshal())
        restored = await self.file.restore()
        around = Surroundings(
            clock=self.clock,
            random=random.Random(1),
            log=LOG,
            nflog=self.nflog,
            counts=self.counts,
            cluster_wait_s=lambda: 0.0,
            external_url="http://am:9093",
            doors=Doors(self.clock),
            hearsay=Hearsay(restored.saved_at_ns, self.clock.now_ns()),
        )
        self._running = Running(
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
                        self.clock,
                    )
                ],
                around=around,
                http=self._people,  # type: ignore[arg-type]
                trace=self._trace,
                record=self._trace,
                log=LOG,
                retention_ns=10**15,
                not_before_us=0,
            )
        )
        await self._running.apply(self._load(), restored.timers)
        return self

    async def _trace(self, _config: object) -> None:
        """Trace nothing."""

    def _load(self) -> Config:
        return loads(self._text, "am.yml", INTEGRATIONS)

    async def stop(self) -> Life:
        """A clean end."""
        assert self._running is not None
        await self._running.halt()
        await self.file.write()
        await self._running.stop()
        return self

    async def crash(self) -> Life:
        """An end without any writing."""
        assert self._running is not None
        await self._running.stop()
        return self

    def listed(self) -> Mapping[str, str]:
        """By ``i``, the state of what the API lists."""
        listed = json.loads(b"".join(self.views.alerts(AlertFilter())))
        return {alert["labels"]["i"]: alert["status"]["state"] for alert in listed}
