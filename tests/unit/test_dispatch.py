"""Routing, grouping and the timers of groups, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from amfast.config.types import Route as RouteConfig
from amfast.dispatch.dispatcher import Dispatcher
from amfast.dispatch.route import build_routes
from amfast.model.alert import Alert
from amfast.model.flush import Flush
from amfast.model.matcher import MatcherMode, parse_matchers
from amfast.model.notification import NotifyError
from amfast.model.told import Alerts
from tests.support.alert_side import make_store, post, route_to
from tests.support.alerts import alert
from tests.support.virtual import START_NS, VirtualClock, run_virtual

SECOND_NS = 10**9


def route(
    receiver: str = "", matchers: str = "", *children: RouteConfig, goes_on: bool = False, **fields: object
) -> RouteConfig:
    values: dict[str, object] = {
        "group_by": None, "group_by_all": False, "group_wait_ns": None, "group_interval_ns": None,
        "repeat_interval_ns": None, **fields,
    }  # fmt: skip
    parsed = parse_matchers(matchers, MatcherMode.FALLBACK) if matchers else ()
    return RouteConfig(receiver=receiver, matchers=parsed, continue_=goes_on, routes=children, **values)  # type: ignore[arg-type]


class Recorder:
    """A pipeline that notes every flush and can be told to fail or to take its time."""

    has_receivers = True

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.flushes: list[tuple[float, list[str], list[bool]]] = []
        self.ended: list[float] = []
        self.error: Exception | None = None
        self.takes_s = 0.0
        self.looks_again = False
        self.renewed: list[tuple[float, list[str], list[bool]]] = []

    async def __call__(self, flush: Flush, alerts: Alerts) -> None:
        self.flushes.append(self._seen(flush, alerts))
        await self.clock.sleep(self.takes_s)
        if self.looks_again:
            assert flush.renew is not None
            self.renewed.append(self._seen(*await flush.renew(flush)))
        self.ended.append(round((self.clock.now_ns() - START_NS) / 1e9, 3))
        if self.error is not None:
            raise self.error

    @staticmethod
    def _seen(flush: Flush, alerts: Alerts) -> tuple[float, list[str], list[bool]]:
        seconds = round((flush.now_ns - START_NS) / 1e9, 3)
        return seconds, [it.labels["i"] for it in alerts], [it.resolved_at(flush.now_ns) for it in alerts]

    @property
    def times(self) -> list[float]:
        return [flush[0] for flush in self.flushes]


async def build(
    clock: VirtualClock, *, not_before_us: int = 0, **fields: object
) -> tuple[Dispatcher, Recorder, Callable[[Alert], object]]:
    """A dispatcher, what its groups flush, and how to hand it an alert."""
    recorder = Recorder(clock)
    times = {"group_wait_ns": 5 * SECOND_NS, "group_interval_ns": 20 * SECOND_NS}
    root = build_routes(route("r", group_by=("team",), **{**times, **fields}))
    store = make_store(clock)
    dispatcher = route_to(store, root, {"r": recorder}, clock, not_before_us=not_before_us)
    await dispatcher.run()
    return dispatcher, recorder, partial(post, store)


def _attrs(caplog: pytest.LogCaptureFixture) -> str:
    return str([vars(record).get("attrs") for record in caplog.records])


TREE = build_routes(
    route(
        "root", "",
        route("a", 'team="a"', route("", 'severity="page"', group_wait_ns=7), route("a2", "", group_by=())),
        route("b", 'team=~"b|c"', goes_on=True),
        route("c", 'team="c"', group_by_all=True, group_by=()),
        route("d", 'team="a"'),
        group_by=("job", "alertname"),
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({}, ["root"]),
        ({"team": "a", "severity": "page"}, ["a"]),
        ({"team": "a"}, ["a2"]),
        ({"team": "b"}, ["b"]),
        ({"team": "c"}, ["b", "c"]),
        ({"team": "x"}, ["root"]),
    ],
)
def test_an_alert_takes_the_deepest_match_and_goes_on_only_where_it_is_told(
    labels: dict[str, str], receivers: list[str]
) -> None:
    assert [found.options.receiver for found in TREE.match(labels)] == receivers


def test_route_keys_and_ids_are_those_of_the_reference() -> None:
    assert [(r.key, r.id) for r in TREE.walk()][:4] == [
        ("{}", "{}"),
        ('{}/{team="a"}', '{}/{team="a"}/0'),
        ('{}/{team="a"}/{severity="page"}', '{}/{team="a"}/0/{severity="page"}/0'),
        ('{}/{team="a"}/{}', '{}/{team="a"}/0/{}/1'),
    ]


def test_children_inherit_what_they_do_not_say() -> None:
    _root, _a, page, a2, _b, c, _d = TREE.walk()
    assert (page.options.receiver, page.options.group_wait_ns) == ("a", 7)
    assert page.options.group_by == ("alertname", "job")
    assert a2.options.group_by == ()
    assert c.options.group_by_all
    assert page.options.repeat_interval_ns == 4 * 3600 * SECOND_NS


def test_a_group_is_flushed_after_its_wait_and_then_at_every_interval() -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock)
        put(alert(team="t", i="1"))
        await clock.sleep(3)
        put(alert(team="t", i="2", starts=-1000))  # joining never shortens the wait
        await clock.sleep(43)
        assert recorder.flushes == [
            (5, ["1", "2"], [False, False]),
            (25, ["1", "2"], [False, False]),
            (45, ["1", "2"], [False, False]),
        ]
        await dispatcher.stop()

    run_virtual(main)


def test_a_group_founded_by_an_old_alert_is_flushed_at_once() -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock)
        put(alert(team="t", i="1", starts=-6))
        await clock.sleep(1)
        assert recorder.times == [0]
        await dispatcher.stop()

    run_virtual(main)


def test_groups_are_told_apart_by_their_labels() -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock)
        for i, team in enumerate("aab"):
            put(alert(team=team, i=str(i)))
        put(alert(i="none"))
        assert sorted(group.key for group in dispatcher._groups.values()) == [
            '{}:{team="a"}', '{}:{team="b"}', "{}:{}",
        ]  # fmt: skip
        await clock.sleep(6)
        assert sorted(names for _, names, _ in recorder.flushes) == [["0", "1"], ["2"], ["none"]]
        await dispatcher.stop()

    run_virtual(main)


def test_a_resolved_alert_is_told_once_and_the_empty_group_goes() -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock)
        put(alert(team="t", i="1", ends=10))
        await clock.sleep(100)
        assert recorder.flushes == [(5, ["1"], [False]), (25, ["1"], [True])]
        assert list(dispatcher._groups.values()) == []
        put(alert(team="t", i="1", starts=100, ends=200))
        await clock.sleep(6)
        assert recorder.times[-1] == 105, "a new group waits again"
        await dispatcher.stop()

    run_virtual(main)


def test_a_failed_flush_keeps_the_resolved_alert_for_the_next_one(caplog: pytest.LogCaptureFixture) -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock)
        recorder.error = NotifyError("receiver is down", retry=False)
        put(alert(team="t", i="1", ends=1))
        await clock.sleep(6)
        recorder.error = None
        await clock.sleep(20)
        assert recorder.flushes == [(5, ["1"], [True]), (25, ["1"], [True])]
        await dispatcher.stop()

    run_virtual(main)
    assert "Flush failed" in caplog.text


def test_an_alert_that_fires_again_while_its_end_is_told_stays() -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock)
        recorder.takes_s = 4
        put(alert(team="t", i="1", ends=1))
        await clock.sleep(6)
        put(alert(team="t", i="1", starts=6, ends=500))
        await clock.sleep(20)
        assert recorder.flushes[-1] == (25, ["1"], [False])
        await dispatcher.stop()

    run_virtual(main)


def test_a_flush_that_looks_again_sees_what_has_come_and_gone_meanwhile() -> None:
    async def main(clock: VirtualClock) -> None:
        _, recorder, hear = await build(clock)
        recorder.takes_s, recorder.looks_again = 8, True
        hear(alert(team="x", i="1"))
        hear(alert(team="x", i="2"))
        await clock.sleep(10)
        hear(alert(team="x", i="2", ends=10))
        hear(alert(team="x", i="3", starts=10))
        await clock.sleep(5)
        assert recorder.flushes == [(5, ["1", "2"], [False, False])]
        assert recorder.renewed == [(13, ["1", "2", "3"], [False, True, False])]

    run_virtual(main)


def test_a_slow_flush_delays_the_next_which_then_starts_at_once() -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock)
        recorder.takes_s = 19.9
        put(alert(team="t", i="1"))
        await clock.sleep(6)
        assert recorder.times == [5]
        recorder.takes_s = 0
        await clock.sleep(60)
        assert recorder.times == [5, 25, 45, 65]
        recorder.takes_s = 19
        await dispatcher.stop()

    run_virtual(main)


def test_a_flush_that_outlasts_its_deadline_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock)
        recorder.takes_s = 10_000
        put(alert(team="t", i="1"))
        await clock.sleep(66)
        # The deadline is the interval itself, so the flush that was due waits for it and starts at once.
        assert recorder.times == [5, 25, 45, 65]
        await dispatcher.stop()

    run_virtual(main)
    assert "did not end within 20 s" in _attrs(caplog)


def test_a_defect_in_one_flush_does_not_end_the_group(caplog: pytest.LogCaptureFixture) -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock)
        recorder.error = ZeroDivisionError("oops")
        put(alert(team="t", i="1"))
        await clock.sleep(26)
        assert recorder.times == [5, 25]
        await dispatcher.stop()

    run_virtual(main)
    assert "ZeroDivisionError: oops" in _attrs(caplog)


def test_nothing_is_flushed_before_the_start_delay_is_over() -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock, not_before_us=30_000_000)
        put(alert(team="t", i="1"))
        put(alert(team="u", i="2", starts=-100))
        await clock.sleep(31)
        assert recorder.times == [30, 30]
        await dispatcher.stop()

    run_virtual(main)


def test_a_start_delay_changes_when_a_group_is_flushed_first_but_not_its_beat() -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock, not_before_us=12_000_000)
        put(alert(team="t", i="1"))
        await clock.sleep(50)
        assert recorder.times == [12, 25, 45]
        await dispatcher.stop()

    run_virtual(main)


def test_what_came_due_before_the_start_is_flushed_at_once_and_then_in_the_beat_of_the_life_before() -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock)
        put(alert(team="t", i="1"))
        (group,) = dispatcher._groups.values()
        group.resume(-47_000_000)
        group.start(clock.now_ns(), clock.monotonic_us())
        await clock.sleep(40)
        assert recorder.times == [0, 13, 33]
        await dispatcher.stop()

    run_virtual(main)


def test_a_flush_that_is_under_way_is_made_again_in_the_next_life_in_the_same_beat() -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock)
        recorder.takes_s = 8
        put(alert(team="t", i="1"))
        await clock.sleep(10)
        (group,) = dispatcher._groups.values()
        assert group.next_due_us() == 5_000_000
        await clock.sleep(5)
        assert group.next_due_us() == 25_000_000
        await dispatcher.stop()

    run_virtual(main)


def test_who_told_at_the_same_moment_as_another_node_takes_up_the_beat_of_that_turn() -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock)
        met: set[str] = {'{}:{team="t"}'}
        has_met = partial(_taken_from, met)
        dispatcher._context = replace(dispatcher._context, cluster_wait_s=lambda: 3.0, has_met=has_met)
        put(alert(team="t", i="1"))
        await clock.sleep(6)
        assert met == set(), "what a group of the same name did before is forgotten"
        met.add('{}:{team="t"}')
        await clock.sleep(65)
        assert recorder.times == [5, 28, 48, 68]
        await dispatcher.stop()

    run_virtual(main)


def _taken_from(keys: set[str], key: str) -> bool:
    if key not in keys:
        return False
    keys.remove(key)
    return True


def test_stopping_cancels_what_is_being_sent() -> None:
    async def main(clock: VirtualClock) -> None:
        dispatcher, recorder, put = await build(clock)
        recorder.takes_s = 15
        put(alert(team="t", i="1"))
        await clock.sleep(6)
        await dispatcher.stop()
        await clock.sleep(100)
        assert recorder.times == [5]
        assert len(asyncio.all_tasks()) == 1

    run_virtual(main)


def test_a_flush_carries_the_intervals_of_its_route_which_children_do_not_inherit_and_labels_which_they_do() -> (
    None
):
    flushes: dict[str, Flush] = {}

    class Noting:
        has_receivers = True

        async def __call__(self, flush: Flush, _alerts: Alerts) -> None:
            flushes[flush.receiver] = flush
            flush.mark_muted(flush.mute_time_intervals)

    async def scenario(clock: VirtualClock) -> None:
        deep = route("deep", 'deep="1"', labels=(("tier", "2"), ("a", "b")))
        middle = route("middle", 'middle="1"', deep, mute_time_intervals=("m",), active_time_intervals=("n",),
                       labels=(("tier", "1"), ("team", "x")))  # fmt: skip
        root = build_routes(route("root", "", middle))
        store = make_store(clock)
        dispatcher = route_to(store, root, dict.fromkeys(("root", "middle", "deep"), Noting()), clock)
        await dispatcher.run()
        post(store, alert(middle="1"))
        post(store, alert(middle="1", deep="1"))
        await clock.sleep(31)
        assert {
            group.route.options.receiver: group.members.muted_by for group in dispatcher._groups.values()
        } == {
            "middle": ("m",),
            "deep": (),
        }
        await dispatcher.stop()

    run_virtual(scenario)
    middle, deep = flushes["middle"], flushes["deep"]
    assert (middle.mute_time_intervals, middle.active_time_intervals) == (("m",), ("n",))
    assert (deep.mute_time_intervals, deep.active_time_intervals) == ((), ())
    assert (middle.route_labels, deep.route_labels) == (
        {"team": "x", "tier": "1"},
        {"a": "b", "team": "x", "tier": "2"},
    )


def test_nobody_looks_at_the_alerts_of_a_receiver_without_integrations(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(clock: VirtualClock) -> None:
        store = make_store(clock)
        root = build_routes(route("nobody", labels=(("state", "{{ .Status }}"),)))
        dispatcher = route_to(store, root, {}, clock)
        await dispatcher.run()
        post(store, alert(i="1", ends=5))
        await clock.sleep(31)
        assert dispatcher._groups == {}, "what had ended is forgotten"
        await dispatcher.stop()

    run_virtual(scenario)
    assert caplog.records == []


class Reloaded:
    """A dispatcher whose configuration is replaced, as ``Running`` does it."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.store = make_store(clock)
        self.recorder = Recorder(clock)
        self.dispatcher: Dispatcher | None = None

    async def load(self, slices_s: float = 0.0, **fields: object) -> None:
        """``slices_s`` is how long it takes to find the places of what is stored."""
        before = {"group_by": ("team",), "group_wait_ns": 5 * SECOND_NS, "group_interval_ns": 20 * SECOND_NS}
        root = build_routes(route("r", **{**before, **fields}))
        old = self.dispatcher
        self.dispatcher = route_to(self.store, root, {"r": self.recorder}, self.clock)
        if old is not None:
            await old.retire()
        await self.clock.sleep(slices_s)
        await self.store.place_all()
        if old is not None:
            await self.dispatcher.take_over(old)
        await self.dispatcher.run()


def test_waits_go_on_through_a_reload() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Reloaded(clock)
        await node.load()
        post(node.store, alert(team="t", i="1"))
        await clock.sleep(3)
        await node.load()
        await clock.sleep(10)
        await node.load(repeat_interval_ns=7 * SECOND_NS)
        await clock.sleep(30)
        assert node.recorder.times == [5, 13, 33], (
            "5 as if nothing had been, then anew since the route is another"
        )
        await node.dispatcher.stop()

    run_virtual(main)


def test_what_is_being_sent_during_a_reload_is_sent_to_its_end_and_nothing_beside_it() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Reloaded(clock)
        await node.load()
        node.recorder.takes_s = 19
        post(node.store, alert(team="t", i="1"))
        await clock.sleep(6)
        await node.load()
        await node.load(group_wait_ns=1 * SECOND_NS)
        node.recorder.takes_s = 0
        await clock.sleep(17)
        assert node.recorder.ended == []
        await clock.sleep(2)
        assert node.recorder.ended == [24, 24]
        assert node.recorder.times == [5, 24], "the second was due at 6"
        await node.dispatcher.stop()

    run_virtual(main)


def test_an_end_that_is_still_to_be_told_is_not_lost_in_a_reload() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Reloaded(clock)
        await node.load()
        post(node.store, alert(team="t", i="1", ends=8), alert(team="t", i="2", ends=900))
        await clock.sleep(9)
        assert await node.store.collect_garbage() == 1
        await node.load()
        await clock.sleep(40)
        assert node.recorder.flushes[:3] == [
            (5, ["1", "2"], [False, False]),
            (25, ["1", "2"], [True, False]),
            (45, ["2"], [False]),
        ]
        await node.dispatcher.stop()
        assert list(node.dispatcher._groups.values()) == []
        assert len(node.store) == 1

    run_virtual(main)


def test_an_end_is_not_lost_where_telling_it_fails_in_the_middle_of_a_reload() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Reloaded(clock)
        await node.load()
        post(node.store, alert(team="t", i="1", ends=8), alert(team="t", i="2", ends=900))
        await clock.sleep(9)
        assert await node.store.collect_garbage() == 1
        node.recorder.takes_s, node.recorder.error = 2, NotifyError("refused", retry=False)
        await clock.sleep(17)
        await node.load(slices_s=1.5)
        node.recorder.takes_s, node.recorder.error = 0, None
        await clock.sleep(60)
        assert node.recorder.flushes[2:4] == [(45, ["1", "2"], [True, False]), (65, ["2"], [False])]
        assert node.dispatcher is not None
        await node.dispatcher.stop()

    run_virtual(main)


def test_a_group_that_lived_between_two_reloads_of_one_flush_holds_nothing_for_ever() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Reloaded(clock)
        await node.load()
        node.recorder.takes_s = 19
        post(node.store, alert(team="t", i="1", ends=10))
        await clock.sleep(6)
        for _ in range(3):
            await node.load()
        node.recorder.takes_s = 0
        for _ in range(2):
            await clock.sleep(100)
            await node.store.collect_garbage()
        assert len(node.store.table.pool) == 0
        assert node.dispatcher is not None
        await node.dispatcher.stop()

    run_virtual(main)


def test_a_stop_ends_what_a_configuration_before_still_sends() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Reloaded(clock)
        await node.load()
        node.recorder.takes_s = 19
        post(node.store, alert(team="t", i="1"))
        await clock.sleep(6)
        await node.load(group_by=())
        await node.dispatcher.stop()
        assert len(asyncio.all_tasks()) == 1

    run_virtual(main)
