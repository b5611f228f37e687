"""Listings and counts of many alerts: in slices, whatever each alert costs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from amfast.model.errors import AmfastError
from amfast.model.labels import Labels
from amfast.model.matcher import Matcher, MatchType
from amfast.web.ports import AlertFilter
from tests.support.alert_side import AlertSide, body_of, post, route_to
from tests.support.alerts import alert
from tests.support.virtual import VirtualClock, run_virtual

ALERTS = 5000
ASKED_MAX = 2500
"""Questions that may be asked before the event loop goes on."""


class Asked:
    """Counts the questions since they were last looked at."""

    def __init__(self) -> None:
        self.count = 0

    def matching(self, _labels: Labels, _fingerprint: int) -> tuple[str, ...]:
        self.count += 1
        return ()

    def take(self) -> int:
        count, self.count = self.count, 0
        return count


def muted_by_anything(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> tuple[AlertSide, Asked]:
    """A node with a silence that every alert has to be asked about."""
    side, asked = AlertSide(clock), Asked()
    post(side.store, *(alert(a=str(i), ends=1000) for i in range(ALERTS)))
    monkeypatch.setattr(type(side.mutes), "silences_everywhere", True)
    monkeypatch.setattr(side.mutes, "matching", asked.matching)
    return side, asked


@pytest.mark.parametrize("what", ["alerts", "groups"])
def test_a_portion_asks_about_few_alerts_though_it_shows_none(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(clock: VirtualClock) -> None:
        side, asked = muted_by_anything(clock, monkeypatch)
        portions = getattr(side.views, what)(AlertFilter(active=False))
        total = 0
        for _ in portions:
            assert asked.count <= ASKED_MAX
            total += asked.take()
        assert total == ALERTS

    run_virtual(scenario)


def test_a_portion_tries_few_values_though_it_shows_none() -> None:
    async def scenario(clock: VirtualClock) -> None:
        side = AlertSide(clock)
        post(side.store, *(alert(a=str(i), ends=1000) for i in range(ALERTS)))
        matchers = (Matcher(MatchType.REGEXP, "a", "x.*y"),)
        assert len(list(side.views.alerts(AlertFilter(matchers=matchers)))) > ALERTS // ASKED_MAX

    run_virtual(scenario)


@contextmanager
def event_loop_with_something_to_do() -> Iterator[int]:
    """What tells of it: a pipe that can be read."""
    reading, writing = os.pipe()
    try:
        os.write(writing, b"!")
        yield reading
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("what", ["alerts", "groups"])
@pytest.mark.parametrize(
    "config",
    ["route: {receiver: d}", "route: {receiver: d, group_by: [a]}"],
    ids=["in one group", "in many groups"],
)
def test_all_portions_but_the_first_give_way_to_what_the_event_loop_has_to_do(what: str, config: str) -> None:
    async def scenario(clock: VirtualClock) -> None:
        with event_loop_with_something_to_do() as loop_fd:
            config_text = config + "\nreceivers: [{name: d}]"
            hurried = AlertSide(clock, config_text, loop_fd=loop_fd)
            calm = AlertSide(clock, config_text)
            for side in (hurried, calm):
                post(side.store, *(alert(a=str(i), ends=1000) for i in range(ALERTS)))
            cut, whole = (list(getattr(side.views, what)(AlertFilter())) for side in (hurried, calm))
        assert b"".join(cut) == b"".join(whole)
        assert len(cut[0]) == len(whole[0])
        assert len(cut) > 5 * len(whole)  # not all of them: turns are longer after the others had a long one

    run_virtual(scenario)


def test_the_search_for_alerts_gives_way_to_what_the_event_loop_has_to_do() -> None:
    async def scenario(clock: VirtualClock) -> None:
        with event_loop_with_something_to_do() as loop_fd:
            side = AlertSide(clock, loop_fd=loop_fd)
            post(side.store, *(alert(a=str(i), ends=1000) for i in range(ALERTS)))
            matchers = (Matcher(MatchType.REGEXP, "a", "x.*y"),)
            portions = list(side.views.alerts(AlertFilter(matchers=matchers)))
        assert b"".join(portions) == b"[]\n"
        assert len(portions) > ALERTS // 1000

    run_virtual(scenario)


def test_alerts_are_counted_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(clock: VirtualClock) -> None:
        side, asked = muted_by_anything(clock, monkeypatch)
        slept = clock.sleep
        most = 0

        async def sleep(seconds: float) -> None:
            nonlocal most
            most = max(most, asked.take())
            await slept(seconds)

        monkeypatch.setattr(clock, "sleep", sleep)
        await side.views.count()
        assert 0 < most <= ASKED_MAX
        (family,) = side.views.metrics()
        assert family.samples[0] == (("active",), float(ALERTS))

    run_virtual(scenario)


def test_a_list_of_groups_that_a_reload_overtakes_does_not_look_whole() -> None:
    async def scenario(clock: VirtualClock) -> None:
        side = AlertSide(clock, "route: {receiver: d, group_by: [a]}\nreceivers: [{name: d}]")
        side.store.post(body_of(*(alert(a=str(i // 1000), b=str(i), ends=1000) for i in range(ALERTS))), 1)
        portions = side.views.groups(AlertFilter())
        next(portions)
        old = side.dispatcher
        side.views.dispatcher = route_to(side.store, old.root, {}, clock)
        await old.stop()
        with pytest.raises(AmfastError):
            list(portions)

    run_virtual(scenario)


def test_groups_stay_in_order_as_they_come_and_go() -> None:
    async def scenario(clock: VirtualClock) -> None:
        side = AlertSide(
            clock,
            "route: {receiver: d, group_by: [a], group_wait: 1s, group_interval: 1s}\nreceivers: [{name: d}]",
        )

        def shown() -> list[str]:
            return [group["labels"]["a"] for group in json.loads(b"".join(side.views.groups(AlertFilter())))]

        await side.dispatcher.run()
        post(side.store, *(alert(a=name, ends=10 if name == "d" else 100) for name in "fdb"))
        assert shown() == ["b", "d", "f"]
        await clock.sleep(20)
        post(side.store, *(alert(a=name, ends=100) for name in "gec"))
        assert shown() == ["b", "c", "e", "f", "g"]
        await side.dispatcher.stop()

    run_virtual(scenario)
