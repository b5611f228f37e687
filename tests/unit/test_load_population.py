"""The bookkeeping of churn: which alerts fire, since when, and which were resolved."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest

from amfast.load.plan import Plan
from amfast.load.population import Change, Population
from amfast.load.sender import AGAIN, CHURN, NEW, RESOLVED, Job, Sender

START_NS = 1_795_608_000 * 10**9
LATER_NS = START_NS + 60 * 10**9


def firing(population: Population) -> list[int]:
    return [population.number(place) for place in range(population.size)]


def test_the_longest_firing_are_resolved_first_and_new_ones_take_their_places():
    population = Population(3, START_NS)
    assert population.replace(2, LATER_NS) == [Change(0, 0, START_NS, 3), Change(1, 1, START_NS, 4)]
    assert firing(population) == [3, 4, 2]
    changes = population.replace(2, LATER_NS + 1)
    assert changes == [Change(2, 2, START_NS, 5), Change(0, 3, LATER_NS, 6)]
    assert firing(population) == [6, 4, 5]


def test_no_alert_ever_comes_back_and_the_number_of_firing_ones_stays():
    population = Population(7, START_NS)
    seen = Counter(firing(population))
    for _ in range(50):
        changes = population.replace(3, LATER_NS)
        before = set(seen)
        seen.update(change.begun for change in changes)
        assert {change.ended for change in changes} <= before
        assert len(set(firing(population))) == 7
    assert set(seen.values()) == {1}


def test_a_place_knows_since_when_its_alert_fires():
    population = Population(2, START_NS)
    population.replace(1, LATER_NS)
    assert (population.start_ns(0), population.start_ns(1)) == (LATER_NS, START_NS)


def test_more_than_all_cannot_be_replaced_at_once():
    assert len(Population(4, START_NS).replace(100, LATER_NS)) == 4


@pytest.mark.parametrize("seconds", [0.1, 1.0, 7.0])
def test_a_fraction_of_an_alert_waits_until_it_is_a_whole_one(seconds):
    population = Population(1000, START_NS)
    steps = round(70 / seconds)
    total = sum(len(population.churn(0.5, seconds, LATER_NS)) for _ in range(steps))
    assert total in (34, 35)  # 35, if the floating sum did not end just below


def sender_of(plan: Plan, population: Population) -> Sender:
    sender = Sender(0, plan, population)
    asyncio.run(sender.prepare())
    return sender


def instances(job: Job) -> list[str]:
    return [alert["labels"]["instance"] for alert in json.loads(job.body)]


def test_churn_is_sent_at_once_and_the_bodies_follow():
    plan, population = Plan(alerts=5, batch=2), Population(5, START_NS)
    sender = sender_of(plan, population)
    before = [instances(sender.current(index, NEW)) for index in range(3)]
    sender.changed(population.replace(1, LATER_NS), LATER_NS, now_s=0.0)
    ended, begun = sender.urgent(), sender.urgent()
    assert ended is not None
    assert begun is not None
    assert sender.urgent() is None
    assert (ended.kind, ended.alerts, begun.kind, begun.alerts) == (CHURN, 1, CHURN, 1)
    (resolved,), (new,) = json.loads(ended.body), json.loads(begun.body)
    assert resolved["labels"]["instance"] == before[0][0]
    assert resolved["endsAt"] == "2026-11-25T12:01:00.000Z"
    assert resolved["startsAt"] < resolved["endsAt"]
    assert new["endsAt"] == "2026-11-25T12:05:00.000Z"
    after = [instances(sender.current(index, AGAIN)) for index in range(3)]
    assert after == [[new["labels"]["instance"], before[0][1]], *before[1:]]


def test_the_resent_alert_began_when_it_was_said_to_have_begun_at_first():
    population = Population(1, START_NS)
    sender = sender_of(Plan(alerts=1), population)
    first = json.loads(sender.current(0, NEW).body)[0]["startsAt"]
    sender.changed(population.replace(1, LATER_NS), LATER_NS, now_s=0.0)
    ended, begun = sender.urgent(), sender.urgent()
    assert ended is not None
    assert begun is not None
    assert json.loads(ended.body)[0]["startsAt"] == first
    assert json.loads(begun.body)[0]["startsAt"] == json.loads(sender.current(0, AGAIN).body)[0]["startsAt"]


def test_a_resolved_alert_is_sent_again_for_a_quarter_of_an_hour():
    population = Population(2, START_NS)
    sender = sender_of(Plan(alerts=2), population)
    sender.changed(population.replace(1, LATER_NS), LATER_NS, now_s=100.0)
    ended = sender.urgent()
    sender.urgent()
    sender.repeat_resolved(now_s=1000.0)
    again = sender.urgent()
    assert ended is not None
    assert again == Job(RESOLVED, ended.body, 1)
    sender.repeat_resolved(now_s=1000.1)
    assert sender.urgent() is None
