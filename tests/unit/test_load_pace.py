"""When a sender of ``amfast-load`` sends what: rounds, pace, and what goes first."""

from __future__ import annotations

import asyncio

import pytest

from amfast.load.plan import Plan
from amfast.load.population import Population
from amfast.load.sender import AGAIN, CHURN, NEW, RESOLVED, Job, Lane, Sender
from tests.support.virtual import START_NS, VirtualClock, run_virtual

Taken = list[tuple[float, str]]


async def prepared(plan: Plan) -> tuple[Sender, Population]:
    population = Population(plan.alerts, START_NS)
    sender = Sender(0, plan, population)
    await sender.prepare()
    return sender, population


async def take_all(lane: Lane, clock: VirtualClock, taken: Taken, *, each_s: float = 0.0) -> None:
    while (job := await lane.take()) is not None:
        taken.append((round(clock.monotonic_us() / 1e6, 3), job.kind))
        await clock.sleep(each_s)


def test_the_first_round_goes_at_once_and_the_others_are_spread_over_the_interval():
    plan = Plan(alerts=8, batch=2, interval_s=4.0, rounds=3)

    async def main(clock: VirtualClock) -> Taken:
        sender, _ = await prepared(plan)
        (lane,) = sender.lanes(asyncio.Event())
        taken: Taken = []
        await take_all(lane, clock, taken)
        return taken

    first = [(0.0, NEW)] * 4
    assert run_virtual(main) == [*first, *((float(second), AGAIN) for second in range(8))]


def test_without_an_interval_round_follows_round():
    plan = Plan(alerts=4, batch=2, rounds=3)

    async def main(clock: VirtualClock) -> Taken:
        sender, _ = await prepared(plan)
        (lane,) = sender.lanes(asyncio.Event())
        taken: Taken = []
        await take_all(lane, clock, taken, each_s=0.5)
        return taken

    assert run_virtual(main) == [(0.5 * i, NEW if i < 2 else AGAIN) for i in range(6)]


def test_churn_does_not_wait_for_its_turn_and_is_repeated_with_the_next_round():
    plan = Plan(alerts=2, batch=2, interval_s=10.0, rounds=3)

    async def main(clock: VirtualClock) -> Taken:
        sender, population = await prepared(plan)
        (lane,) = sender.lanes(asyncio.Event())
        taken: Taken = []
        sending = asyncio.create_task(take_all(lane, clock, taken))
        await clock.sleep(3.0)
        sender.changed(population.replace(1, clock.now_ns()), clock.now_ns(), now_s=3.0)
        await sending
        return taken

    churn = [(3.0, CHURN), (3.0, CHURN)]
    assert run_virtual(main) == [(0.0, NEW), (0.0, AGAIN), *churn, (10.0, AGAIN), (10.0, RESOLVED)]


@pytest.mark.parametrize(("connections", "shares"), [(1, [5]), (2, [3, 2]), (9, [1, 1, 1, 1, 1])])
def test_connections_share_the_batches_and_none_is_sent_twice(connections, shares):
    plan = Plan(alerts=5, batch=1, rounds=1, connections=connections)

    async def main(_: VirtualClock) -> list[list[Job]]:
        sender, _population = await prepared(plan)
        return [[job async for job in iterate(lane)] for lane in sender.lanes(asyncio.Event())]

    jobs = run_virtual(main)
    assert [len(part) for part in jobs] == shares
    assert len({job.body for part in jobs for job in part}) == 5


async def iterate(lane: Lane):
    while (job := await lane.take()) is not None:
        yield job


def test_a_stop_ends_waiting_at_once():
    plan = Plan(alerts=1, interval_s=60.0, duration_s=None)

    async def main(clock: VirtualClock) -> float:
        sender, _ = await prepared(plan)
        stop = asyncio.Event()
        (lane,) = sender.lanes(stop)
        sending = asyncio.create_task(take_all(lane, clock, []))
        await clock.sleep(100.0)
        stop.set()
        sender.wake()
        await sending
        return clock.monotonic_us() / 1e6

    assert run_virtual(main) == 100.0
