"""The notification pipeline on virtual time: order of waiting, dedup between nodes, retries."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable
from dataclasses import replace

import pytest

from amfast._ext.table import ALL_MARKS
from amfast.model.alert import Alert
from amfast.model.flush import Flush
from amfast.model.labels import Labels
from amfast.model.notification import Notification, NotifyError
from amfast.model.told import Alerts
from amfast.notify.counts import Counts
from amfast.notify.delivery import Surroundings
from amfast.notify.doors import FREE, UNDER_WAY_MAX, Doors
from amfast.notify.nflog import NotificationLog
from amfast.notify.pipeline import Pipeline, build_pipeline
from amfast.notify.stages import Inhibit, Settle, Silence
from tests.models.told import PlainAlerts
from tests.support.alerts import alert
from tests.support.virtual import VirtualClock, run_virtual

HOUR_NS = 3600 * 10**9


def all_marks() -> int:
    """Any alert may be muted."""
    return ALL_MARKS


class FakeIntegration:
    """Records what it is given; fails as often as it is told."""

    kind = "webhook"

    def __init__(self, clock: VirtualClock, *, index: int = 0, send_resolved: bool = True) -> None:
        self.clock = clock
        self.index = index
        self.send_resolved = send_resolved
        self.sent: list[tuple[float, str, list[str]]] = []
        self.attempts: list[float] = []
        self.failures: list[NotifyError] = []

    async def notify(self, notification: Notification) -> None:
        now_s = self.clock.monotonic_us() / 1e6
        self.attempts.append(now_s)
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((now_s, notification.reason, [it.labels["i"] for it in notification.alerts]))


class Node:
    """The notifying half of a node: a log, a position, one receiver."""

    def __init__(self, clock: VirtualClock, *integrations: FakeIntegration, wait_s: float = 0.0) -> None:
        self.clock = clock
        self.counts = Counts()
        self.nflog = NotificationLog(clock=clock, retention_ns=120 * HOUR_NS)
        self.around = around = Surroundings(
            clock=clock,
            random=random.Random(1),
            log=logging.getLogger("test"),
            nflog=self.nflog,
            counts=self.counts,
            cluster_wait_s=lambda: wait_s,
            external_url="http://am:9093",
            doors=Doors(clock),
        )
        self.muted: set[str] = set()
        self.inhibited: dict[int, str] = {}
        stages = [
            Settle(lambda: None),
            Inhibit(self._inhibiting, all_marks, self.counts, clock),
            Silence(self._silencing, all_marks, self.counts, clock),
        ]
        self.pipeline: Pipeline = build_pipeline(stages, integrations, around)

    def _inhibiting(self, labels: Labels, fingerprint: int) -> tuple[str, ...]:
        return ("source",) if self.inhibited.get(fingerprint) == labels["i"] else ()

    def _silencing(self, labels: Labels, _fingerprint: int) -> tuple[str, ...]:
        return ("id",) if labels["i"] in self.muted else ()

    async def flush(
        self,
        *alerts: Alert,
        timeout_s: float = 60.0,
        repeat_ns: int = HOUR_NS,
        later: tuple[Alert, ...] | None = None,
    ) -> None:
        """Flush these alerts; ``later`` are those of the group if it is asked again."""

        async def renew(flush: Flush) -> tuple[Flush, Alerts]:
            assert later is not None, "nobody has a reason to look again"
            now_ns = self.clock.now_ns()
            return replace(flush, now_ns=now_ns), PlainAlerts(later, now_ns)

        flush = Flush(
            receiver="team",
            group_key="{}:{}",
            group_labels={},
            repeat_interval_ns=repeat_ns,
            now_ns=self.clock.now_ns(),
            deadline_us=self.clock.monotonic_us() + int(timeout_s * 1e6),
            renew=renew,
        )
        async with asyncio.timeout(timeout_s):
            await self.pipeline(flush, PlainAlerts(alerts, flush.now_ns))

    def count(self, metric: str, *labels: str) -> float:
        for family in self.counts.metrics():
            if family.name == f"alertmanager_{metric}":
                return float(dict(family.samples).get(labels, 0.0))  # type: ignore[arg-type]
        raise KeyError(metric)


def test_the_same_state_is_told_once() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        node = Node(clock, webhook)
        await node.flush(alert(i="1"))
        await node.flush(alert(i="1"))
        await node.flush(alert(i="1"), alert(i="2"))
        await node.flush(alert(i="1"), alert(i="2", ends=0))
        await node.flush(alert(i="1", ends=0), alert(i="2", ends=0))
        await node.flush(alert(i="1", ends=0), alert(i="2", ends=0))
        assert [(reason, names) for _, reason, names in webhook.sent] == [
            ("first notification", ["1"]),
            ("new alerts added", ["1", "2"]),
            ("some alerts resolved", ["1", "2"]),
            ("all alerts resolved", ["1", "2"]),
        ]

    run_virtual(main)


def test_a_lasting_state_is_repeated_after_the_repeat_interval() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        node = Node(clock, webhook)
        for _ in range(5):
            await node.flush(alert(i="1"), repeat_ns=25 * 10**9)
            await clock.sleep(10)
        assert [(at, reason) for at, reason, _ in webhook.sent] == [
            (0, "first notification"),
            (30, "repeat interval elapsed"),
        ]

    run_virtual(main)


def test_the_next_peer_stays_quiet_when_it_hears_of_the_notification_in_time() -> None:
    async def main(clock: VirtualClock) -> None:
        first_hook, second_hook = FakeIntegration(clock), FakeIntegration(clock)
        first, second = Node(clock, first_hook), Node(clock, second_hook, wait_s=15)
        first.nflog.on_change = second.nflog.merge
        await asyncio.gather(first.flush(alert(i="1")), second.flush(alert(i="1")))
        assert (len(first_hook.sent), len(second_hook.sent)) == (1, 0)

    run_virtual(main)


def test_the_end_of_one_alert_does_not_hide_that_of_another_which_somebody_else_told_to_fire() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        first, second = Node(clock, webhook), Node(clock, webhook)
        first.nflog.on_change, second.nflog.on_change = second.nflog.merge, first.nflog.merge
        await second.flush(alert(i="1"), alert(i="2", ends=0))
        await first.flush(alert(i="2", ends=0))
        await second.flush(alert(i="1", ends=0))
        assert [(reason, names) for _, reason, names in webhook.sent] == [
            ("first notification", ["1", "2"]),
            ("all alerts resolved", ["1"]),
        ]

    run_virtual(main)


@pytest.mark.parametrize("failures", [0, 5])
def test_only_turns_meet_not_what_works_in_the_end(failures: int) -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        webhook.failures = [NotifyError("down", retry=True)] * failures
        here, there = Node(clock, webhook), Node(clock, FakeIntegration(clock))
        await here.flush(alert(i="1"))
        clock.skew_ns = 10**8
        await there.flush(alert(i="1"))
        here.nflog.merge(there.nflog.marshal())
        assert here.nflog.has_met("{}:{}") is not bool(failures)

    run_virtual(main)


def test_the_next_peer_notifies_after_its_wait_when_it_hears_nothing() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        await Node(clock, webhook, wait_s=15).flush(alert(i="1"), later=(alert(i="1"),))
        assert [at for at, _, _ in webhook.sent] == [16.5]

    run_virtual(main)


def test_an_end_is_told_though_a_peer_that_had_not_heard_of_the_alert_told_that_all_is_resolved() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        old, new = Node(clock, webhook), Node(clock, webhook)
        old.nflog.on_change, new.nflog.on_change = new.nflog.merge, old.nflog.merge
        await old.flush(alert(i="1"), alert(i="2"))
        await new.flush(alert(i="1", ends=0))
        await old.flush(alert(i="1", ends=0), alert(i="2", ends=0))
        await new.flush(alert(i="1", ends=0), alert(i="2", ends=0))
        assert [names for _, _, names in webhook.sent] == [["1", "2"], ["1"], ["1", "2"]]

    run_virtual(main)


def test_what_a_mute_kept_out_of_a_notification_ends_in_silence() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        node = Node(clock, webhook)
        await node.flush(alert(i="1"), alert(i="2"))
        node.muted = {"2"}
        await node.flush(alert(i="1", ends=0), alert(i="2"))
        await node.flush(alert(i="1", ends=0), alert(i="2"))
        node.muted = set()
        await node.flush(alert(i="2", ends=0))
        assert [names for _, _, names in webhook.sent] == [["1", "2"], ["1"]]

    run_virtual(main)


def test_who_had_to_wait_tells_what_is_true_when_its_turn_comes() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        node = Node(clock, webhook, wait_s=15)
        await node.flush(alert(i="1"), later=(alert(i="1", ends=5),))
        assert webhook.sent == [], "it is over, and nobody was told that it fired"
        await node.flush(alert(i="1"), later=(alert(i="1"), alert(i="2")))
        node.muted = {"1"}
        await node.flush(alert(i="1"), alert(i="3"), later=(alert(i="1"), alert(i="3")))
        assert [names for _, _, names in webhook.sent] == [["1", "2"], ["3"]]

    run_virtual(main)


def test_what_is_muted_is_counted_once_a_flush_also_if_it_looks_again() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook, three = FakeIntegration(clock), alert(i="3")
        node = Node(clock, webhook, FakeIntegration(clock, index=1), wait_s=15)
        node.muted, node.inhibited = {"2"}, {three.fingerprint: "3"}
        alerts = (alert(i="1"), alert(i="2"), three)
        await node.flush(*alerts, later=alerts)
        assert [names for _, _, names in webhook.sent] == [["1"]]
        assert node.count("notifications_suppressed_total", "silence") == 1
        assert node.count("notifications_suppressed_total", "inhibition") == 1
        await node.flush(*alerts, later=alerts)
        assert node.count("notifications_suppressed_total", "silence") == 2

    run_virtual(main)


def test_of_two_whose_turn_comes_at_one_moment_the_first_in_the_order_speaks() -> None:
    async def main(clock: VirtualClock) -> None:
        second_hook, third_hook = FakeIntegration(clock), FakeIntegration(clock)
        second, third = Node(clock, second_hook, wait_s=15), Node(clock, third_hook, wait_s=30)
        second.nflog.on_change = third.nflog.merge
        flushing = asyncio.ensure_future(third.flush(alert(i="1"), later=(alert(i="1"),)))
        await clock.sleep(15)  # out of step by just so much that both turns come at 30
        await second.flush(alert(i="1"), later=(alert(i="1"),))
        await flushing
        assert (len(second_hook.sent), len(third_hook.sent)) == (1, 0)

    run_virtual(main)


def test_who_had_to_wait_and_hears_that_all_is_said_does_not_look_again_for_more() -> None:
    async def main(clock: VirtualClock) -> None:
        first_hook, second_hook = FakeIntegration(clock), FakeIntegration(clock)
        first, second = Node(clock, first_hook), Node(clock, second_hook, wait_s=15)
        first.nflog.on_change = second.nflog.merge
        await asyncio.gather(first.flush(alert(i="1")), second.flush(alert(i="1"), later=None))
        assert second_hook.sent == []

    run_virtual(main)


def test_no_attempt_follows_once_somebody_else_has_told_the_same() -> None:
    async def main(clock: VirtualClock) -> None:
        first_hook, second_hook = FakeIntegration(clock), FakeIntegration(clock)
        first, second = Node(clock, first_hook), Node(clock, second_hook)
        second.nflog.on_change = first.nflog.merge
        first_hook.failures = [NotifyError("busy", retry=True) for _ in range(100)]
        flushing = asyncio.ensure_future(first.flush(alert(i="1"), later=(alert(i="1"),)))
        await clock.sleep(5)
        await second.flush(alert(i="1"))
        await flushing
        assert (len(first_hook.sent), len(second_hook.sent)) == (0, 1)

    run_virtual(main)


def test_who_is_overtaken_goes_on_with_what_is_left_to_tell() -> None:
    async def main(clock: VirtualClock) -> None:
        first_hook, second_hook = FakeIntegration(clock), FakeIntegration(clock)
        first, second = Node(clock, first_hook), Node(clock, second_hook)
        second.nflog.on_change = first.nflog.merge
        first_hook.failures = [NotifyError("busy", retry=True) for _ in range(8)]
        both = alert(i="1"), alert(i="2")
        flushing = asyncio.ensure_future(first.flush(*both, later=both))
        await clock.sleep(5)
        await second.flush(alert(i="1"))
        await flushing
        assert [(reason, names) for _, reason, names in first_hook.sent] == [("new alerts added", ["1", "2"])]

    run_virtual(main)


def test_silenced_alerts_are_left_out_and_a_group_of_only_those_says_nothing() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        node = Node(clock, webhook)
        node.muted = {"1"}
        await node.flush(alert(i="1"))
        assert webhook.sent == []
        await node.flush(alert(i="1"), alert(i="2"))
        assert webhook.sent[0][2] == ["2"]
        assert node.count("notifications_suppressed_total", "silence") == 2

    run_virtual(main)


def test_a_retryable_failure_is_tried_again_with_growing_pauses() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        webhook.failures = [NotifyError("busy", retry=True, reason="serverError") for _ in range(6)]
        node = Node(clock, webhook)
        await node.flush(alert(i="1"))
        gaps = [after - before for before, after in zip(webhook.attempts, webhook.attempts[1:], strict=False)]
        for step, gap in enumerate(gaps):
            assert 0.25 * 1.5**step <= gap <= 0.75 * 1.5**step
        assert len(webhook.sent) == 1
        assert node.count("notification_requests_total", "webhook") == 7
        assert node.count("notification_requests_failed_total", "webhook") == 6
        assert node.count("notifications_total", "webhook") == 1
        assert node.count("notifications_failed_total", "webhook", "serverError") == 0

    run_virtual(main)


def test_a_line_tells_of_a_failure_that_is_not_like_the_one_before_and_of_success_in_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        webhook.failures = [
            NotifyError(text, retry=True) for text in ("refused", "refused", "503", "refused")
        ]
        await Node(clock, webhook).flush(alert(i="1"))
        assert len(webhook.sent) == 1

    run_virtual(main)
    errors = [vars(record)["attrs"]["err"] for record in caplog.records if "trying again" in record.msg]
    assert errors == ["refused", "503", "refused"]
    assert [vars(record)["attrs"]["attempts"] for record in caplog.records if record.msg == "Notified"] == [5]


def test_what_waits_for_a_dead_receiver_is_cut_off_by_the_deadline_and_counted() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        node = Node(clock, webhook)
        for _ in range(FREE):
            node.pipeline.deliveries[0].door.begin()
        node.around.doors.under_way = UNDER_WAY_MAX
        with pytest.raises(TimeoutError):
            await node.flush(alert(i="1"))
        assert webhook.attempts == []
        assert node.count("notification_requests_total", "webhook") == 0
        assert node.count("notifications_failed_total", "webhook", "contextDeadlineExceeded") == 1

    run_virtual(main)


def test_what_waits_for_a_dead_receiver_is_not_told_once_somebody_else_has_told_it() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook, other = FakeIntegration(clock), FakeIntegration(clock)
        node, peer = Node(clock, webhook), Node(clock, other)
        door = node.pipeline.deliveries[0].door
        for _ in range(FREE):
            door.begin()
        node.around.doors.under_way = UNDER_WAY_MAX
        waiting = asyncio.ensure_future(node.flush(alert(i="1"), later=(alert(i="1"),)))
        await clock.sleep(1)
        await peer.flush(alert(i="1"))
        node.nflog.merge(peer.nflog.marshal())
        door.end(worked=True)
        await waiting
        assert (len(other.sent), webhook.attempts) == (1, [])

    run_virtual(main)


def test_a_permanent_failure_ends_the_flush_and_nothing_is_logged_as_sent() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        webhook.failures = [NotifyError("bad request", retry=False, reason="clientError")]
        node = Node(clock, webhook)
        with pytest.raises(NotifyError, match=r"team/webhook\[0\]: bad request"):
            await node.flush(alert(i="1"))
        assert node.count("notifications_failed_total", "webhook", "clientError") == 1
        await node.flush(alert(i="1"))
        assert len(webhook.sent) == 1

    run_virtual(main)


@pytest.mark.parametrize(("failing", "reason"), [(True, "serverError"), (False, "contextDeadlineExceeded")])
def test_a_flush_that_runs_out_of_time_says_why(*, failing: bool, reason: str) -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        node = Node(clock, webhook)
        if failing:
            webhook.failures = [NotifyError("busy", retry=True, reason="serverError") for _ in range(100)]
        else:
            webhook.notify = lambda _notification: clock.sleep(1000)  # type: ignore[method-assign]
        with pytest.raises(TimeoutError):
            await node.flush(alert(i="1"), timeout_s=10)
        assert node.count("notifications_failed_total", "webhook", reason) == 1
        attempts = node.count("notification_requests_total", "webhook")
        assert node.count("notification_requests_failed_total", "webhook") == attempts, (
            "one that was cut off has failed"
        )

    run_virtual(main)


def test_one_failing_integration_stops_no_other_and_is_tried_alone_next_time() -> None:
    async def main(clock: VirtualClock) -> None:
        bad, good = FakeIntegration(clock, index=0), FakeIntegration(clock, index=1)
        bad.failures = [NotifyError("no", retry=False)]
        node = Node(clock, bad, good)
        with pytest.raises(NotifyError):
            await node.flush(alert(i="1"))
        await node.flush(alert(i="1"))
        assert (len(bad.sent), len(good.sent)) == (1, 1)

    run_virtual(main)


def test_without_send_resolved_the_end_is_logged_but_not_sent() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock, send_resolved=False)
        node = Node(clock, webhook)
        await node.flush(alert(i="1"), alert(i="2"))
        await node.flush(alert(i="1", ends=0), alert(i="2"), alert(i="3"))
        await node.flush(alert(i="1", ends=0), alert(i="2", ends=0), alert(i="3", ends=0))
        assert [names for _, _, names in webhook.sent] == [["1", "2"], ["2", "3"]]
        assert node.count("notifications_total", "webhook") == 3

    run_virtual(main)


def test_what_is_inhibited_is_not_told_and_not_counted_as_silenced_too() -> None:
    async def main(clock: VirtualClock) -> None:
        webhook = FakeIntegration(clock)
        node = Node(clock, webhook)
        alerts = [alert(i=name) for name in "123"]
        node.inhibited = {one.fingerprint: one.labels["i"] for one in alerts[:2]}
        node.muted = {"2", "3"}
        await node.flush(*alerts)
        assert webhook.sent == []
        assert node.count("notifications_suppressed_total", "inhibition") == 2
        assert node.count("notifications_suppressed_total", "silence") == 1
        node.inhibited = {}
        await node.flush(*alerts)
        assert [names for _, _, names in webhook.sent] == [["1"]]

    run_virtual(main)


def test_nothing_is_told_before_the_cluster_has_settled() -> None:
    async def main(clock: VirtualClock) -> None:
        settled = asyncio.Event()
        stage = Settle(lambda: None if settled.is_set() else settled.wait())  # type: ignore[arg-type, return-value]
        flush = Flush("team", "{}:{}", {}, HOUR_NS, 0, 0)
        alerts = PlainAlerts((alert(i="1"),), 0)
        waiting = asyncio.ensure_future(stage(flush, alerts))
        await clock.sleep(10)
        assert not waiting.done()
        settled.set()
        assert await waiting == await stage(flush, alerts) == alerts

    run_virtual(main)


def test_what_mutes_many_alerts_is_asked_in_slices() -> None:
    async def main(clock: VirtualClock) -> None:
        stage = Silence(lambda _labels, _fingerprint: (), all_marks, Counts(), clock)
        flush = Flush("team", "{}:{}", {}, HOUR_NS, 0, 0)
        alerts = PlainAlerts(tuple(alert(i=str(i)) for i in range(2000)), 0)
        asked = asyncio.ensure_future(stage(flush, alerts))
        turns = 0
        while not asked.done():
            await asyncio.sleep(0)
            turns += 1
        assert turns > 3
        assert asked.result() == alerts

    run_virtual(main)


class SlowKeeper:
    """Has everything on disk after ten seconds."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.records: list[bytes] = []

    def add(self, record: bytes) -> None:
        self.records.append(record)

    def settled(self) -> Awaitable[None]:
        return self.clock.sleep(10)


def test_a_delivery_ends_when_the_log_is_on_disk_and_gossip_does_not_wait_for_that() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock, FakeIntegration(clock))
        keeper = node.nflog.keeper = SlowKeeper(clock)
        gossiped: list[float] = []
        node.nflog.on_change = lambda _record: gossiped.append(clock.monotonic_us() / 1e6)
        await node.flush(alert(i="1"))
        assert (clock.monotonic_us() / 1e6, gossiped, len(keeper.records)) == (10, [0], 1)
        await node.flush(alert(i="1"))
        assert clock.monotonic_us() / 1e6 == 10, "nothing was said, so there is nothing to wait for"

    run_virtual(main)
