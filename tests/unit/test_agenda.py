"""When groups are due, on virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from amfast.dispatch.agenda import CALLS_A_TURN, EARLY_US, SPACING_US, Agenda
from tests.support.virtual import VirtualClock, run_virtual

SEED = random.randrange(1 << 32)


class Somebody:
    def __init__(self, tick: Callable[[], object]) -> None:
        self.due_us: int | None = None
        self.tick = tick


def test_appointments_are_kept_in_the_order_of_their_times_and_cancelled_ones_are_not() -> None:
    """Repeat a failure by setting SEED to the number in its message."""

    async def main(clock: VirtualClock) -> None:
        rng = random.Random(SEED)
        agenda = Agenda(clock)
        kept: list[tuple[int, int]] = []
        expected = []
        for number in range(500):
            due_us = clock.monotonic_us() + rng.randrange(0, 2000) * 10_000
            somebody = Somebody(
                lambda due=due_us, number=number: kept.append((due, number, clock.monotonic_us()))
            )
            agenda.put(due_us, somebody)
            if rng.random() < 0.3:
                somebody.due_us = None
            else:
                expected.append((due_us, number))
            if rng.random() < 0.1:
                await clock.sleep(rng.random())
        await clock.sleep(30)
        assert sorted(expected) == sorted(entry[:2] for entry in kept), SEED
        assert all(-EARLY_US <= at_us - due_us <= SPACING_US + EARLY_US for due_us, _, at_us in kept), SEED

    run_virtual(main)


def test_many_that_are_due_together_have_turns() -> None:
    async def main(clock: VirtualClock) -> None:
        agenda = Agenda(clock)
        called: list[int] = []
        for number in range(3 * CALLS_A_TURN):
            agenda.put(
                clock.monotonic_us() + 1_000_000, Somebody(lambda number=number: called.append(number))
            )
        seen: set[int] = set()
        await clock.sleep(1)
        for _ in range(20):
            seen.add(len(called))
            await asyncio.sleep(0)
        assert {CALLS_A_TURN, 2 * CALLS_A_TURN} <= seen
        assert called == sorted(called)

    run_virtual(main)


def test_who_is_alone_is_on_time_and_those_that_are_due_soon_after_wait_for_one_another() -> None:
    async def main(clock: VirtualClock) -> None:
        agenda = Agenda(clock)
        called_us: list[int] = []
        dues_us = [100_000, 105_000, 110_000, 149_000, 300_000]
        for due_us in dues_us:
            agenda.put(due_us, Somebody(lambda: called_us.append(clock.monotonic_us())))
        await clock.sleep(1)
        assert called_us == [100_000, 150_000, 150_000, 150_000, 300_000]

    run_virtual(main)
