"""Attempts to send begin in turn where a receiver has not answered lately."""

from __future__ import annotations

import asyncio

import pytest

from amfast.notify.doors import CALLS_A_TURN, FREE, SPACING_US, UNDER_WAY_MAX, Door, Doors
from tests.support.virtual import VirtualClock, run_virtual


class Receiver:
    """Somebody to whom many groups have something to say, until it works."""

    def __init__(
        self, clock: VirtualClock, doors: Doors, *, takes_s: float = 0.0, works: bool = False
    ) -> None:
        self.clock = clock
        self.door: Door = doors.door()
        self.takes_s = takes_s
        self.works = works
        self.began_s: list[float] = []
        self.done_s: list[float] = []

    async def tell(self) -> None:
        """Try every second."""
        while not await self._try():
            await self.clock.sleep(1)
        self.done_s.append(self._now_s())

    async def _try(self) -> bool:
        await self.door.passed()
        self.began_s.append(self._now_s())
        self.door.begin()
        worked = False
        try:
            await self.clock.sleep(self.takes_s)
            worked = self.works
        finally:
            self.door.end(worked=worked)
        return worked

    def _now_s(self) -> float:
        return self.clock.monotonic_us() / 1e6

    def begun(self, from_s: float, to_s: float) -> int:
        return sum(from_s <= at_s < to_s for at_s in self.began_s)


async def ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def told(receiver: Receiver, count: int) -> list[asyncio.Task[None]]:
    return [asyncio.ensure_future(receiver.tell()) for _ in range(count)]


def test_nobody_waits_where_attempts_work() -> None:
    async def main(clock: VirtualClock) -> None:
        receiver = Receiver(clock, Doors(clock), works=True)
        for _ in range(FREE * 5):
            await receiver.tell()
        assert receiver.began_s == [0.0] * FREE * 5

    run_virtual(main)


def test_few_groups_try_a_dead_receiver_as_often_as_they_like() -> None:
    async def main(clock: VirtualClock) -> None:
        receiver = Receiver(clock, Doors(clock))
        tasks = told(receiver, 20)
        await clock.sleep(30.5)
        assert receiver.begun(0, 30.5) >= 20 * 27
        await ended(*tasks)

    run_virtual(main)


def test_thousands_of_groups_try_a_dead_receiver_so_many_times_a_second_and_delay_no_other() -> None:
    async def main(clock: VirtualClock) -> None:
        doors = Doors(clock)
        dead, healthy = Receiver(clock, doors), Receiver(clock, doors, works=True)
        tasks = told(dead, 3000)
        await clock.sleep(0.5)
        for second in range(1, 11):
            await clock.sleep(1)
            assert dead.begun(second, second + 1) <= 1e6 / SPACING_US + 1
            await asyncio.gather(*told(healthy, 10))
            assert healthy.done_s[-1] == clock.monotonic_us() / 1e6
        assert dead.begun(1, 11) >= 0.9 * 9.5e6 / SPACING_US
        await ended(*tasks)

    run_virtual(main)


def test_the_first_attempt_that_works_lets_in_all_that_wait_some_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main(clock: VirtualClock) -> None:
        receiver = Receiver(clock, Doors(clock))
        at_once: list[int] = []
        let_in = receiver.door.let_in
        monkeypatch.setattr(
            receiver.door, "let_in", lambda count: at_once.append(let_in(count)) or at_once[-1]
        )
        tasks = told(receiver, 2000)
        await clock.sleep(3)
        receiver.works = True
        await clock.sleep(1.6)
        assert all(task.done() for task in tasks)
        assert len(receiver.done_s) == 2000
        assert max(at_once) == CALLS_A_TURN

    run_virtual(main)


def test_dead_receivers_take_turns() -> None:
    async def main(clock: VirtualClock) -> None:
        doors = Doors(clock)
        large, small = Receiver(clock, doors), Receiver(clock, doors)
        tasks = told(large, 5000)
        await clock.sleep(2)
        tasks += told(small, FREE * 2)
        await clock.sleep(10)
        assert abs(large.begun(4, 12) - small.begun(4, 12)) <= 8
        await ended(*tasks)

    run_virtual(main)


def test_who_gives_up_waiting_costs_no_turn() -> None:
    async def main(clock: VirtualClock) -> None:
        receiver = Receiver(clock, Doors(clock))
        first = told(receiver, FREE)
        await clock.sleep(0.01)
        await ended(*first, *told(receiver, 1000))
        await ended(*(waiting := told(receiver, 1000)))
        assert all(task.cancelled() for task in waiting)
        last = told(receiver, 1)
        await clock.sleep(2 * SPACING_US / 1e6)
        assert len(receiver.began_s) == FREE + 1
        await ended(*last)

    run_virtual(main)


def test_a_receiver_that_hangs_holds_so_many_connections_and_no_other_counts_them() -> None:
    async def main(clock: VirtualClock) -> None:
        doors = Doors(clock)
        hanging, healthy = Receiver(clock, doors, takes_s=1e6), Receiver(clock, doors, works=True)
        tasks = told(hanging, UNDER_WAY_MAX * 2)
        await clock.sleep(60)
        assert doors.under_way == UNDER_WAY_MAX
        await healthy.tell()
        assert healthy.done_s == [60.0]
        await ended(*tasks[:10])
        await clock.sleep(1)
        assert doors.under_way == UNDER_WAY_MAX
        assert len(hanging.began_s) == UNDER_WAY_MAX + 10
        await ended(*tasks)
        assert doors.under_way == 0

    run_virtual(main)


def test_one_that_hangs_with_all_there_is_to_have_does_not_keep_another_from_being_tried() -> None:
    async def main(clock: VirtualClock) -> None:
        doors = Doors(clock)
        hanging, back = Receiver(clock, doors, takes_s=10**6), Receiver(clock, doors)
        tasks = told(hanging, UNDER_WAY_MAX + FREE)
        await clock.sleep(60)
        assert doors.under_way == UNDER_WAY_MAX
        for _ in range(FREE):  # it was down for a moment
            back.door.begin()
            back.door.end(worked=False)
        back.works = True
        asked_s = clock.monotonic_us() / 1e6
        await asyncio.wait_for(back.tell(), 60)
        assert back.done_s[0] <= asked_s + 2 * SPACING_US / 1e6
        await ended(*tasks)

    run_virtual(main)


def test_those_in_line_are_let_in_however_many_come_after_them() -> None:
    async def main(clock: VirtualClock) -> None:
        receiver = Receiver(clock, Doors(clock), works=True)
        tasks = told(receiver, 2 * FREE)
        for _ in range(10 * FREE):
            await clock.sleep(0)  # one round of the event loop, as a backlog of flushes takes
            tasks += told(receiver, 1)
        assert len(receiver.done_s) > 11 * FREE
        await ended(*tasks)

    run_virtual(main)
