"""The notification log on a virtual clock."""

from __future__ import annotations

import pytest

from amfast.notify.nflog import LogKey, NotificationLog
from tests.support.virtual import VirtualClock, run_virtual

HOUR_NS = 3600 * 10**9
KEY = LogKey(b"{}:{}", "team", "webhook", 0)


def build(clock: VirtualClock, changes: list[bytes] | None = None) -> NotificationLog:
    log = NotificationLog(clock=clock, retention_ns=120 * HOUR_NS)
    if changes is not None:
        log.on_change = changes.append
    return log


def test_an_entry_travels_to_a_peer_as_one_record() -> None:
    async def main(clock: VirtualClock) -> None:
        changes: list[bytes] = []
        here, there = build(clock, changes), build(clock)
        here.record(KEY, {7, 3}, {9}, HOUR_NS)
        assert there.merge(changes[0]) == 1
        entry = there.query(KEY)
        assert entry is not None
        assert (entry.firing, entry.resolved) == ((3, 7), (9,))
        assert entry.expires_at_ns == clock.now_ns() + 2 * HOUR_NS
        assert there.merge(changes[0]) == 0, "the same entry again changes nothing"

    run_virtual(main)


def test_the_later_entry_wins_in_whatever_order_they_come() -> None:
    async def main(clock: VirtualClock) -> None:
        changes: list[bytes] = []
        here = build(clock, changes)
        here.record(KEY, {1}, set(), HOUR_NS)
        await clock.sleep(1)
        here.record(KEY, {2}, set(), HOUR_NS)
        for order in (changes, changes[::-1]):
            there = build(clock)
            for record in order:
                there.merge(record)
            assert there.query(KEY) == here.query(KEY)

    run_virtual(main)


def test_what_was_sent_last_wins_everywhere_even_against_an_entry_from_the_future() -> None:
    async def main(clock: VirtualClock) -> None:
        ahead_changes: list[bytes] = []
        ahead = build(clock, ahead_changes)
        clock.skew_ns = 60 * 10**9
        ahead.record(KEY, {1}, set(), HOUR_NS)
        clock.skew_ns = 0
        changes: list[bytes] = []
        here = build(clock, changes)
        here.merge(ahead_changes[0])
        here.record(KEY, {2}, set(), HOUR_NS)
        assert ahead.merge(changes[0]) == 1
        for log in (here, ahead):
            entry = log.query(KEY)
            assert entry is not None
            assert entry.firing == (2,)
            assert entry.timestamp_ns == clock.now_ns() + 60 * 10**9 + 1

    run_virtual(main)


def test_two_nodes_that_told_at_one_moment_notice_once_and_nobody_else_does() -> None:
    async def main(clock: VirtualClock) -> None:
        changes: list[bytes] = []
        first, second, third = build(clock, changes), build(clock, changes), build(clock)
        first.record(KEY, {1}, set(), HOUR_NS, at_turn=True)
        await clock.sleep(0.1)
        second.record(KEY, {1}, set(), HOUR_NS, at_turn=True)
        for log in (first, second, third):
            for record in changes:
                log.merge(record)
        assert [log.has_met("{}:{}") for log in (first, second, third)] == [True, True, False]
        assert not first.has_met("{}:{}")

    run_virtual(main)


@pytest.mark.parametrize(("at_turn", "later_s"), [(False, 0.1), (True, 3)])
def test_who_tells_after_another_or_only_in_the_end_has_met_nobody(*, at_turn: bool, later_s: float) -> None:
    async def main(clock: VirtualClock) -> None:
        changes: list[bytes] = []
        here, there = build(clock), build(clock, changes)
        here.record(KEY, {1}, set(), HOUR_NS, at_turn=at_turn)
        await clock.sleep(later_s)
        there.record(KEY, {1}, set(), HOUR_NS, at_turn=True)
        assert here.merge(changes[0]) == 1
        assert not here.has_met("{}:{}")

    run_virtual(main)


def test_what_an_entry_leaves_out_of_what_fired_is_known_until_it_is_named_again_or_was_looked_at() -> None:
    async def main(clock: VirtualClock) -> None:
        here, there = build(clock), build(clock)
        there.on_change = here.merge
        there.record(KEY, {1, 2, 3}, set(), HOUR_NS)
        there.record(KEY, {3}, {1}, HOUR_NS)
        assert here.left_out(KEY) == there.left_out(KEY) == {2}
        there.record(KEY, {3}, {1, 2}, HOUR_NS)
        assert here.left_out(KEY) == there.left_out(KEY) == set()
        there.record(KEY, set(), set(), HOUR_NS)
        here.looked(KEY)
        assert (here.left_out(KEY), there.left_out(KEY)) == (set(), {3})

    run_virtual(main)


def test_what_entries_of_peers_leave_out_takes_no_more_room_than_one_entry_and_goes_with_it() -> None:
    async def main(clock: VirtualClock) -> None:
        here, there = build(clock), build(clock)
        there.on_change = here.merge
        for at in range(0, 1000, 10):
            there.record(KEY, range(at, at + 10), set(), HOUR_NS)
        assert here.left_out(KEY) == set(range(980, 990))
        await clock.sleep(2 * 3600 + 1)
        here.collect_garbage()
        assert here.left_out(KEY) == set()

    run_virtual(main)


def test_entries_are_forgotten_when_their_time_is_over_and_refused_from_then_on() -> None:
    async def main(clock: VirtualClock) -> None:
        changes: list[bytes] = []
        log = build(clock, changes)
        log.record(KEY, {1}, set(), HOUR_NS)
        assert log.collect_garbage() == 0
        await clock.sleep(2 * 3600 + 1)
        assert log.collect_garbage() == 1
        assert log.query(KEY) is None
        assert log.merge(changes[0]) == 0

    run_virtual(main)


def test_what_is_marshalled_is_what_is_loaded() -> None:
    async def main(clock: VirtualClock) -> None:
        log, again = build(clock), build(clock)
        for index in range(5):
            log.record(KEY._replace(idx=index), {index}, set(), HOUR_NS, receiver_data=b"")
        again.load(log.marshal())
        assert again.marshal() == log.marshal()
        with pytest.raises(ValueError):
            again.load(log.marshal()[:-1])

    run_virtual(main)
