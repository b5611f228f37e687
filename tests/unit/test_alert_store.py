"""The table of alerts."""

from __future__ import annotations

import logging

from amfast.alerts.store import AlertStore
from amfast.model.alert import Alert
from tests.support.alerts import alert, at
from tests.support.virtual import VirtualClock, run_virtual


def build(clock: VirtualClock, limit: int = 0) -> tuple[AlertStore, list[Alert]]:
    store = AlertStore(clock=clock, log=logging.getLogger("test"), per_alertname_max=limit)
    heard: list[Alert] = []
    store.on_change = heard.append
    return store, heard


def test_overlapping_reports_are_merged_and_subscribers_hear_the_result() -> None:
    async def main(clock: VirtualClock) -> None:
        store, heard = build(clock)
        store.put([alert(a="1", starts=0, ends=100, updated=0)])
        store.put([alert(a="1", starts=50, ends=150, updated=1)])
        (stored,) = store
        assert (stored.starts_at, stored.ends_at) == (at(0), at(150))
        assert heard[-1] is stored

    run_virtual(main)


def test_a_report_apart_from_the_known_activity_replaces_it() -> None:
    async def main(clock: VirtualClock) -> None:
        store, _heard = build(clock)
        store.put([alert(a="1", starts=0, ends=100, updated=0)])
        store.put([alert(a="1", starts=200, ends=300, updated=1)])
        (stored,) = store
        assert stored.starts_at == at(200)

    run_virtual(main)


def test_resolved_alerts_are_collected() -> None:
    async def main(clock: VirtualClock) -> None:
        store, _heard = build(clock)
        store.put([alert(a="1", ends=10), alert(a="2", ends=100)])
        await clock.sleep(10)
        assert store.collect_garbage() == 1
        assert [stored.labels for stored in store] == [{"a": "2"}]

    run_virtual(main)


def test_the_limit_drops_new_alerts_of_a_name_unless_an_old_one_has_ended() -> None:
    async def main(clock: VirtualClock) -> None:
        store, heard = build(clock, limit=1)
        store.put([alert(alertname="n", i="1", ends=10), alert(alertname="n", i="2", ends=20)])
        assert len(heard) == len(store) == 1
        store.put([alert(alertname="m", i="1", ends=10)])
        assert len(store) == 2
        await clock.sleep(10)
        store.put([alert(alertname="n", i="3", ends=90)])
        assert sorted(stored.labels["i"] for stored in store) == ["1", "3"]
        assert "limited_total" in {
            family.name.removeprefix("alertmanager_alerts_") for family in store.metrics()
        }
        assert store.collect_garbage() == 1

    run_virtual(main)
