"""Alerts and the timers of their groups over restarts: nothing forgotten, nothing said that no peer would say."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amfast._ext.saved import dump, restore
from amfast._ext.table import Table
from amfast.model.alert import Alert
from amfast.model.timestamp import NS
from amfast.notify.nflog import LogKey
from amfast.storage.alerts import HEADER
from amfast.storage.frames import frame
from tests.support.alert_side import make_store, post, stored
from tests.support.alerts import alert
from tests.support.crashes import CrashAt
from tests.support.lives import CONFIG, Life, People
from tests.support.virtual import START_NS, VirtualClock, run_virtual

HOUR_NS = 3600 * NS
Main = Callable[[VirtualClock, Path, People], Coroutine[Any, Any, None]]


def run(main: Main, folder: Path) -> None:
    run_virtual(lambda clock: main(clock, folder, People(clock)))


# What is kept


def test_everything_that_is_known_of_an_alert_comes_back(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(
            alert(i="1", ends=600, annotations={"summary": 'so "it" is\n', "ü": "漢"}, job="a", instance="b"),
            alert(i="2", starts=-100.25, group="g\u2028", ends=1000),
        )
        await clock.sleep(1)
        await life.stop()
        again = await Life(folder, people, clock).start(life)
        assert stored(again.store) == stored(life.store)
        assert again.listed() == {"1": "active", "2": "active"}

    run(main, tmp_path)


def test_an_alert_without_an_end_keeps_that_its_end_was_a_guess() -> None:
    async def main(clock: VirtualClock) -> None:
        store, other = make_store(clock), make_store(clock)
        post(store, alert(i="1"), alert(i="2", ends=60))
        _, data = dump(store.table, clock.now_ns(), 0, 100)
        assert restore(other.table, data, clock.now_ns(), clock.now_ns(), 0) == 2
        assert [seen.timeout for seen in stored(other)] == [seen.timeout for seen in stored(store)]
        assert {seen.labels["i"]: seen.timeout for seen in stored(other)} == {"1": True, "2": False}

    run_virtual(main)


def test_it_is_written_and_read_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amfast.alerts.store.SAVED_A_SLICE", 7)
    monkeypatch.setattr("amfast.storage.alerts.GROUPS_A_SLICE", 3)

    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(*(alert(i=str(number), group=str(number % 10), ends=600) for number in range(50)))
        await clock.sleep(1)
        await life.stop()
        frames = (folder / "alerts").read_bytes()
        assert frames.count(b"R") >= 8
        again = await Life(folder, people, clock).start(life)
        assert stored(again.store) == stored(life.store)
        await clock.sleep(31)
        assert len(people.news()) == 10

    run(main, tmp_path)


labels = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
    min_size=1,
    max_size=6,
)


@given(
    sets=st.lists(
        st.tuples(labels, labels), max_size=12, unique_by=lambda both: tuple(sorted(both[0].items()))
    )
)
@settings(max_examples=60, deadline=None)
def test_any_alerts_come_back_as_they_were(sets: list[tuple[dict[str, str], dict[str, str]]]) -> None:
    async def main(clock: VirtualClock) -> None:
        store, other = make_store(clock), make_store(clock, seed=7)
        sorted_of = lambda texts: dict(sorted(texts.items(), key=lambda pair: pair[0].encode()))  # noqa: E731
        base = alert(ends=60)
        post(
            store,
            *(
                Alert(sorted_of(names), sorted_of(notes), base.starts_at, base.ends_at, base.updated_at)
                for names, notes in sets
            ),
        )
        start, data = dump(store.table, clock.now_ns(), 0, 100)
        assert start == 0
        assert restore(other.table, data, clock.now_ns(), clock.now_ns() + 1, 0) == len(store)
        assert stored(other) == stored(store)

    run_virtual(main)


@given(data=st.binary(max_size=200), place=st.integers(0, 10_000), change=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_whatever_a_slice_holds_it_is_taken_or_refused(data: bytes, place: int, change: int) -> None:
    async def main(clock: VirtualClock) -> None:
        store = make_store(clock)
        post(store, alert(i="1", ends=60, annotations={"a": "b"}), alert(i="2", j="ü"))
        _, whole = dump(store.table, clock.now_ns(), 0, 100)
        changed = bytearray(whole)
        changed[place % len(whole)] = change
        for hostile in (data, bytes(changed), whole[: place % len(whole)]):
            other = make_store(clock)
            with contextlib.suppress(ValueError):
                restore(other.table, hostile, clock.now_ns(), clock.now_ns(), 300 * NS)
            stored(other)
            list(other.table.sources(0, 100))
            other.table.collect(clock.now_ns() + 10**15, 0, 1000)
            other.table.sweep(0, 1000)

    run_virtual(main)


def test_what_a_slice_lists_already_is_not_taken_twice() -> None:
    async def main(clock: VirtualClock) -> None:
        store = make_store(clock)
        post(store, alert(i="1", ends=60, annotations={"a": "b"}))
        _, data = dump(store.table, clock.now_ns(), 0, 100)
        assert restore(store.table, data, clock.now_ns(), clock.now_ns(), 0) == 0
        assert len(store) == 1

    run_virtual(main)


def test_the_limit_per_alertname_holds_for_what_is_read_too() -> None:
    async def main(clock: VirtualClock) -> None:
        store, limited = make_store(clock), make_store(clock, limit=2)
        post(store, *(alert(alertname="a", i=str(number), ends=60) for number in range(5)))
        _, data = dump(store.table, clock.now_ns(), 0, 100)
        assert restore(limited.table, data, clock.now_ns(), clock.now_ns(), 0) == 2
        assert len(limited) == 2

    run_virtual(main)


# Groups


def test_a_group_that_waited_goes_on_waiting_and_begins_no_new_wait(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=600))
        await clock.sleep(20)
        await life.stop()
        await clock.sleep(5)
        await Life(folder, people, clock).start(life)
        await clock.sleep(100)
        assert people.news() == [(30, "1", "")]

    run(main, tmp_path)


def test_a_flush_that_came_due_meanwhile_comes_soon(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=600))
        await clock.sleep(20)
        await life.stop()
        await clock.sleep(60)
        await Life(folder, people, clock).start(life)
        await clock.sleep(5)
        assert people.news() == [(80, "1", "")]

    run(main, tmp_path)


def test_a_group_that_had_flushed_keeps_its_interval(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=3000))
        await clock.sleep(100)
        assert people.news() == [(30, "1", "")]
        await life.stop()
        again = await Life(folder, people, clock).start(life)
        again.post(alert(i="1", ends=3000), alert(i="2", ends=3000))
        await clock.sleep(300)
        assert people.news() == [(330, "1 2", "")], "neither at once nor after group_wait"

    run(main, tmp_path)


def test_a_wait_that_a_file_makes_too_long_is_no_longer_than_any_wait(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=3000))
        clock.skew_ns = -10 * HOUR_NS  # the clock was set back before the next start
        await life.stop()
        clock.skew_ns = -20 * HOUR_NS
        await Life(folder, people, clock).start(life)
        await clock.sleep(302)
        assert [told for _, *told in people.news()] == [["1", ""]]

    run(main, tmp_path)


def test_what_was_being_sent_when_the_node_stopped_is_sent_by_the_next(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        people.after_s = 5
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=3000))
        await clock.sleep(32)
        await life.stop()
        await clock.sleep(10)
        assert people.news() == []
        await Life(folder, people, clock).start(life)
        await clock.sleep(8)
        assert people.news() == [(47, "1", "")]

    run(main, tmp_path)


# Ends


def test_an_end_that_was_not_told_before_the_stop_is_told_after_it(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=3000))
        await clock.sleep(100)
        life.post(alert(i="1", ends=100))
        await clock.sleep(1)
        people.news()
        await life.stop()
        await clock.sleep(30)
        await Life(folder, people, clock).start(life)
        await clock.sleep(300)
        assert people.news() == [(330, "", "1")]

    run(main, tmp_path)


def test_an_end_that_the_table_has_forgotten_but_nobody_was_told_of_survives(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=3000))
        await clock.sleep(100)
        people.status = 500
        life.post(alert(i="1", ends=100))
        await clock.sleep(1)
        await life.store.collect_garbage()
        people.news()
        await life.stop()
        people.status = 200
        await Life(folder, people, clock).start(life)
        await clock.sleep(300)
        assert people.news() == [(330, "", "1")]

    run(main, tmp_path)


def test_an_end_that_was_told_is_not_told_again(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=3000), alert(i="2", ends=9000))
        await clock.sleep(100)
        life.post(alert(i="1", ends=100))
        await clock.sleep(300)
        life.post(alert(i="2", ends=9000), alert(i="3", ends=9000))
        await clock.sleep(300)
        assert people.news() == [(30, "1 2", ""), (330, "2", "1"), (630, "2 3", "")]
        await life.stop()
        again = await Life(folder, people, clock).start(life)
        assert again.listed().keys() == {"2", "3"}
        await clock.sleep(700)
        assert people.news() == []

    run(main, tmp_path)


def test_an_alert_that_nobody_repeats_after_the_start_ends_when_its_time_is_over(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=240))
        await clock.sleep(100)
        await life.stop()
        await clock.sleep(1000)
        people.news()
        again = await Life(folder, people, clock).start(life)
        await clock.sleep(1)
        assert again.listed() == {"1": "active"}, "its sender has not had a chance to repeat it"
        assert people.news() == [], "and nothing is said of it before"
        await clock.sleep(141)
        assert again.listed() == {}
        await clock.sleep(300)
        assert [told for _, *told in people.news()] == [["", "1"]]

    run(main, tmp_path)


def test_an_alert_that_is_repeated_after_the_start_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=240))
        await clock.sleep(100)
        people.news()
        await life.stop()
        await clock.sleep(1000)
        again = await Life(folder, people, clock).start(life)
        for _ in range(20):
            await clock.sleep(60)
            again.post(alert(i="1", ends=clock.monotonic_us() / 1e6 + 240))
        assert people.news() == []
        assert again.listed() == {"1": "active"}

    run(main, tmp_path)


def test_what_was_left_of_a_long_time_is_not_given_again(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="long", ends=7200), alert(i="far", ends=10**6))
        await clock.sleep(100)
        await life.stop()
        await clock.sleep(7300)
        again = await Life(folder, people, clock).start(life)
        ends = {seen.labels["i"]: seen.ends_at_ns - START_NS for seen in stored(again.store)}
        assert ends == {"long": (7400 + 300) * NS, "far": 10**6 * NS}

    run(main, tmp_path)


# Inhibition


def test_a_source_inhibits_from_the_start_before_it_is_heard_again(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="source", s="critical", ends=240), alert(i="target", s="warning", ends=240))
        await clock.sleep(100)
        assert people.news() == [(30, "source", "")]
        await life.stop()
        await clock.sleep(500)
        again = await Life(folder, people, clock).start(life)
        again.post(alert(i="target", s="warning", ends=9000))
        await clock.sleep(50)
        assert again.listed() == {"source": "active", "target": "suppressed"}
        assert people.news() == []

    run(main, tmp_path)


# Crashes: the file is older than the log


def test_after_a_crash_an_end_that_was_told_does_not_make_the_alert_fire_again(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=3000), alert(i="2", ends=3000))
        await clock.sleep(100)
        await life.file.write()
        life.post(alert(i="1", ends=100))
        await clock.sleep(300)
        assert people.news() == [(30, "1 2", ""), (330, "2", "1")]
        await life.crash()
        again = await Life(folder, people, clock).start(life)
        for _ in range(20):
            again.post(alert(i="2", ends=9000))
            await clock.sleep(60)
        assert people.news() == []
        life.post(alert(i="1", ends=clock.monotonic_us() / 1e6 + 240))
        again.post(alert(i="1", ends=9000))
        await clock.sleep(301)
        assert [told for _, *told in people.news()] == [["1 2", ""]], "once it is heard it counts again"

    run(main, tmp_path)


def test_after_a_crash_what_the_file_has_and_nobody_was_told_is_told(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=3000))
        await clock.sleep(10)
        await life.file.write()
        await life.crash()
        await clock.sleep(10)
        await Life(folder, people, clock).start(life)
        await clock.sleep(100)
        assert people.news() == [(30, "1", "")]

    run(main, tmp_path)


def test_what_a_peer_told_meanwhile_is_believed(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=3000))
        await clock.sleep(100)
        people.news()
        await life.stop()
        await clock.sleep(400)
        key = LogKey(b"{}:{}", "r", "webhook", 0)
        resolved = life.nflog.query(key)
        assert resolved is not None
        life.nflog.record(key, (), resolved.firing, 4 * HOUR_NS)  # the peer heard that it ended, and said so
        again = await Life(folder, people, clock).start(life)
        await clock.sleep(7000)
        assert people.news() == []
        assert again.listed() == {}

    run(main, tmp_path)


def test_nothing_is_repeated_of_which_nothing_was_heard(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=10**6))
        await clock.sleep(100)
        await life.stop()
        await clock.sleep(5 * 3600)
        people.news()
        again = await Life(folder, people, clock).start(life)
        await clock.sleep(1000)
        assert people.news() == []
        again.post(alert(i="1", ends=10**6))
        await clock.sleep(301)
        assert [told for _, *told in people.news()] == [["1", ""]]

    run(main, tmp_path)


# Damage


def test_a_damaged_file_is_set_aside_and_what_can_be_read_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("amfast.alerts.store.SAVED_A_SLICE", 10)

    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(*(alert(i=str(number), ends=600) for number in range(100)))
        await life.stop()
        data = bytearray((folder / "alerts").read_bytes())
        data[len(data) // 2] ^= 4
        (folder / "alerts").write_bytes(data)
        again = await Life(folder, people, clock).start(life)
        assert len(again.store) == 90
        assert (folder / "alerts.damaged-2027-01-15T08:00:00Z").read_bytes() == data
        assert "The file of alerts is damaged" in caplog.text
        values = {family.name: list(family.samples) for family in again.file.metrics()}
        assert values["amfast_alerts_damaged_files_total"] == [((), 1.0)]

    run(main, tmp_path)


def test_damage_in_the_first_line_costs_no_alert(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=600))
        await life.stop()
        data = bytearray((folder / "alerts").read_bytes())
        data[3] ^= 4
        (folder / "alerts").write_bytes(data)
        again = await Life(folder, people, clock).start(life)
        assert len(again.store) == 1
        assert "The file of alerts is damaged" in caplog.text

    run(main, tmp_path)


def test_whatever_is_in_the_file_the_node_starts(tmp_path: Path) -> None:
    begun = HEADER + frame(b"M" + str(START_NS).encode())
    contents = [
        b"",
        HEADER[:5],
        b"amfast alerts 2\nwhat comes then",
        HEADER,
        HEADER + frame(b"R\x00"),
        HEADER + frame(b"M"),
        HEADER + frame(b"Mnull"),
        HEADER + frame(b"M" + b"[" * 100_000),
        begun + frame(b"G[[1,2,3]]"),
        begun + frame(b"G{}"),
        begun + frame(b'G[["{}:{}",[1],"x"]]'),
        begun + frame(b'G[["{}",[],1e999]]'),
        begun + frame(b"R\xff\xff\xff\xff\xff\xff"),
        begun + frame(b"E") + b"more",
        begun + frame(b"E")[:-1],
    ]
    for number, content in enumerate(contents):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "alerts").write_bytes(content)

        async def main(clock: VirtualClock, folder: Path, people: People) -> None:
            life = await Life(folder, people, clock).start()
            assert len(list(folder.glob("alerts.damaged-*"))) == 1
            await life.stop()
            await Life(folder, people, clock).start(life)
            assert len(list(folder.glob("alerts.damaged-*"))) == 1

        run(main, folder)


@pytest.mark.parametrize(
    ("interval_s", "takes_s", "apart_s"),
    [(900, 0.001, 60), (10, 0.001, 10), (900, 2.0, 200), (90, 2.0, 90)],
)
def test_it_is_written_every_minute_less_often_where_that_takes_long(
    tmp_path: Path, interval_s: float, takes_s: float, apart_s: float
) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        began_s: list[float] = []
        write = life.file.write

        async def slow_write() -> None:
            began_s.append(clock.monotonic_us() / 1e6)
            await write()

        async def in_a_slow_thread(work: Callable[[], Any]) -> Any:
            await clock.sleep(takes_s / 6)  # there are six calls: begin, header, three frames, put in place
            return work()

        life.file.write = slow_write  # type: ignore[method-assign]
        life.file._run = in_a_slow_thread  # type: ignore[assignment]
        writing = asyncio.ensure_future(life.file.write_every(interval_s))
        await clock.sleep(1000)
        writing.cancel()
        gaps = {round(after - before - takes_s) for before, after in itertools.pairwise(began_s)}
        assert gaps == {apart_s}

    run(main, tmp_path)


def test_a_crash_at_any_call_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    counts = set()
    for number in range(60):
        folder = tmp_path / str(number)
        folder.mkdir()

        async def main(clock: VirtualClock, folder: Path, people: People) -> bool:
            life = await Life(folder, people, clock).start()
            life.post(alert(i="1", ends=600))
            await life.file.write()
            life.post(alert(i="2", ends=600))
            with CrashAt(number) as crash:  # noqa: B023
                await life.file.write()
            await life.crash()
            again = await Life(folder, people, clock).start(life)
            assert not list(folder.glob("*damaged*"))
            assert not list(folder.glob("*.tmp"))
            counts.add(len(again.store))
            return crash.has_struck

        if not run_virtual(lambda clock: main(clock, folder, People(clock))):  # noqa: B023
            break
    assert counts == {1, 2}


def test_a_full_disk_is_one_line_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", ends=600))
        await life.file.write()
        before = (folder / "alerts").read_bytes()

        def refuse(_file: int, _data: object) -> int:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", refuse)
            await life.file.write()
            await life.file.write()
        assert (folder / "alerts").read_bytes() == before
        assert [path.name for path in folder.iterdir()] == ["alerts"]
        assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
        await life.file.write()
        assert "takes writes again" in caplog.text

    run(main, tmp_path)


def test_a_group_of_another_configuration_does_not_matter(tmp_path: Path) -> None:
    async def main(clock: VirtualClock, folder: Path, people: People) -> None:
        life = await Life(folder, people, clock).start()
        life.post(alert(i="1", group="g", ends=600))
        await clock.sleep(10)
        await life.stop()
        other = CONFIG.replace("group_by: [group]", "group_by: [i, group]")
        await Life(folder, people, clock, other).start(life)
        await clock.sleep(25)
        assert people.news() == []
        await clock.sleep(10)
        assert people.news() == [(40, "1", "")]

    run(main, tmp_path)


def test_tables_stay_sound_when_rows_of_a_file_come_and_go() -> None:
    async def main(clock: VirtualClock) -> None:
        store = make_store(clock)
        post(store, *(alert(i=str(number), ends=60, annotations={"n": str(number)}) for number in range(100)))
        _, data = dump(store.table, clock.now_ns(), 0, 1000)
        table = Table(3)
        for _ in range(3):
            assert restore(table, data, clock.now_ns(), clock.now_ns(), 0) == 100
            table.collect(clock.now_ns() + 100 * NS, 0, 10_000)
            table.sweep(0, 10_000)
            assert (len(table), len(table.pool)) == (0, 0)

    run_virtual(main)
