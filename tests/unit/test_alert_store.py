"""The table of alerts."""

from __future__ import annotations

import pytest

from amfast.alerts.store import ROWS_A_SLICE
from amfast.model.timestamp import NS
from tests.support.alert_side import body_of, make_store, post, stored
from tests.support.alerts import alert, at
from tests.support.virtual import VirtualClock, run_virtual


def test_overlapping_reports_are_merged() -> None:
    async def main(clock: VirtualClock) -> None:
        store = make_store(clock)
        post(store, alert(a="1", starts=0, ends=100))
        await clock.sleep(1)
        post(store, alert(a="1", starts=50, ends=150))
        (it,) = stored(store)
        assert (it.starts_at, it.ends_at, it.updated_at) == (at(0), at(150), at(1))

    run_virtual(main)


@pytest.mark.parametrize(
    ("old", "new", "ends", "timeout"),
    [
        # A firing report keeps an end that somebody sent and that is later.
        ({"ends": 500}, {"ends": 300}, 500, False),
        # That end is then as assumed as the newer report's own was.
        ({"ends": 500}, {"ends": 300, "timeout": True}, 500, True),
        # An assumed end gives way to what the newer report says.
        ({"ends": 500, "timeout": True}, {"ends": 300}, 300, False),
        # A resolve ends a firing alert, however late its old end.
        ({"ends": 500}, {"ends": 5}, 5, False),
        # Of two resolved reports the later end stays.
        ({"ends": 8}, {"ends": 5}, 8, False),
    ],
)
def test_the_newer_report_wins_but_an_end_that_was_sent_is_kept(
    old: dict[str, float], new: dict[str, float], ends: float, *, timeout: bool
) -> None:
    async def main(clock: VirtualClock) -> None:
        store = make_store(clock)

        def say(starts: float, end: dict[str, float], **annotations: str) -> None:
            body = body_of(
                alert(
                    a="1",
                    starts=starts,
                    ends=None if "timeout" in end else end["ends"],
                    annotations=annotations,
                )
            )
            store.post(body, at(end["ends"]).ns - clock.now_ns())

        say(3, old)
        await clock.sleep(10)
        say(4, new, n="new")
        (it,) = stored(store)
        assert (it.ends_at, it.timeout) == (at(ends), timeout)
        assert it.starts_at == at(3)
        assert it.annotations == {"n": "new"}

    run_virtual(main)


def test_an_end_counts_that_is_heard_after_the_clock_was_set_back() -> None:
    async def main(clock: VirtualClock) -> None:
        store = make_store(clock)
        clock.skew_ns = 84 * NS
        post(store, alert(a="1", starts=0, ends=240))
        await clock.sleep(10)
        clock.skew_ns = 0
        post(store, alert(a="1", starts=0, ends=9))
        (it,) = stored(store)
        assert (it.ends_at, it.updated_at) == (at(9), at(10))

    run_virtual(main)


def test_a_report_apart_from_the_known_activity_replaces_it() -> None:
    async def main(clock: VirtualClock) -> None:
        store = make_store(clock)
        post(store, alert(a="1", starts=0, ends=100))
        post(store, alert(a="1", starts=200, ends=300))
        (it,) = stored(store)
        assert it.starts_at == at(200)

    run_virtual(main)


def test_resolved_alerts_are_collected() -> None:
    async def main(clock: VirtualClock) -> None:
        store = make_store(clock)
        post(store, alert(a="1", ends=10), alert(a="2", ends=100))
        await clock.sleep(10)
        assert await store.collect_garbage() == 1
        assert [it.labels for it in stored(store)] == [{"a": "2"}]

    run_virtual(main)


def test_a_large_table_is_collected_in_slices() -> None:
    async def main(clock: VirtualClock) -> None:
        store = make_store(clock)
        count = 2 * ROWS_A_SLICE + 10
        post(store, *(alert(a=str(i), ends=10 if i % 2 else 100) for i in range(count)))
        await clock.sleep(10)
        assert await store.collect_garbage() == count // 2
        assert len(store) == len(stored(store)) == count - count // 2
        await clock.sleep(100)
        assert await store.collect_garbage() == count - count // 2
        assert len(store.table.pool) == 0, "nothing of them is left"

    run_virtual(main)


def test_what_was_collected_is_let_go_in_slices() -> None:
    async def main(clock: VirtualClock) -> None:
        store = make_store(clock)
        post(store, *(alert(a=str(i), ends=10) for i in range(100)))
        await clock.sleep(20)
        assert store.table.collect(clock.now_ns(), 0, 1000) == (0, 100)
        assert len(store.table.pool) == 100
        assert store.table.sweep(0, 60) == 60
        assert len(store.table.pool) == 40
        assert store.table.sweep(60, 60) == 0
        assert len(store.table.pool) == 0

    run_virtual(main)


def test_the_limit_drops_new_alerts_of_a_name_unless_an_old_one_has_ended() -> None:
    async def main(clock: VirtualClock) -> None:
        store = make_store(clock, limit=1)
        posted = post(store, alert(alertname="n", i="1", ends=10), alert(alertname="n", i="2", ends=20))
        assert (len(store), posted.stored, posted.dropped) == (1, 1, 1)
        post(store, alert(alertname="m", i="1", ends=10))
        assert len(store) == 2
        await clock.sleep(10)
        post(store, alert(alertname="n", i="3", starts=10, ends=90))
        assert sorted(it.labels["i"] for it in stored(store)) == ["1", "3"]
        assert "limited_total" in {
            family.name.removeprefix("alertmanager_alerts_") for family in store.metrics()
        }
        assert await store.collect_garbage() == 1

    run_virtual(main)


def test_an_alert_dropped_twice_by_one_body_is_no_trouble_while_its_row_is_about_to_go() -> None:
    async def main(clock: VirtualClock) -> None:
        store = make_store(clock, limit=1)
        ended = alert(alertname="n", i="1", ends=10)
        post(store, ended)
        await clock.sleep(10)
        assert store.table.collect(clock.now_ns(), 0, 1000) == (0, 1)
        post(store, alert(alertname="n", i="2", ends=90))
        assert post(store, ended, ended).dropped == 2
        assert [it.labels["i"] for it in stored(store)] == ["2"]
        store.table.sweep(0, 1000)
        assert len(store.table.pool) == 2, "nothing of what was dropped is left"

    run_virtual(main)
