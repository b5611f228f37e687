"""What the parts tell a recorder, and that they tell nothing while there is none."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence

import pytest

from amfast._ext.fingerprint import alert_hash
from amfast._ext.table import ALL_MARKS
from amfast.config.load import loads
from amfast.dispatch.route import build_routes
from amfast.model.alert import Alert
from amfast.model.events import (
    AlertCreated,
    AlertGrouped,
    AlertResolved,
    Event,
    InhibitionMuted,
    Notified,
    Recording,
    SilenceCreated,
    SilenceMuted,
    SilenceUpdated,
)
from amfast.model.flush import FlushPipeline
from amfast.model.notification import Notification, NotifyError
from amfast.model.silence import MatcherSpec, Silence
from amfast.mute.inhibition import Inhibitor
from amfast.mute.silences import Silences
from amfast.mute.telling import TellingInhibitor, TellingSilences
from amfast.notify.counts import Counts
from amfast.notify.delivery import Surroundings
from amfast.notify.doors import Doors
from amfast.notify.nflog import NotificationLog
from amfast.notify.pipeline import build_pipeline
from amfast.notify.stages import Inhibit
from amfast.notify.stages import Silence as SilenceStage
from tests.support.alert_side import make_store, post, route_to
from tests.support.alerts import alert, at
from tests.support.virtual import VirtualClock, run_virtual

LOG = logging.getLogger("test")
CONFIG = """
route:
  receiver: nobody
  group_wait: 5s
  group_interval: 10s
  routes:
  - {receiver: r, matchers: ['t=~".+"'], group_by: [t]}
  - {receiver: nobody, matchers: [also=yes], continue: true}
  - {receiver: nobody, matchers: ['also=~"y.*"'], group_by: [also]}
inhibit_rules: [{name: n, source_matchers: [s=high], target_matchers: [s=low], equal: [t]}]
receivers: [{name: r}, {name: nobody}]
"""
HOUR_NS = 3600 * 10**9


class Receiver:
    """An integration that takes everything, or fails when it is told to."""

    kind = "webhook"

    def __init__(self, index: int = 0, *, send_resolved: bool = True) -> None:
        self.index = index
        self.send_resolved = send_resolved
        self.error: NotifyError | None = None

    async def notify(self, _notification: Notification) -> None:
        if self.error is not None:
            raise self.error


class Node:
    """A node without a network that keeps what it is told to record."""

    def __init__(self, clock: VirtualClock, *receivers: Receiver, is_recording: bool = True) -> None:
        self.clock = clock
        self.wait_s = 0.0
        self.events: list[Event] = []
        self.recording = Recording(lambda: "uuid")
        if is_recording:
            self.recording.record = self.events.append
        self.store = make_store(clock)
        self.silences = Silences(
            clock=clock, retention_ns=HOUR_NS, new_id=lambda: "s", log=LOG, recording=self.recording
        )
        config = loads(CONFIG, "test.yml", {})
        self.inhibitor = Inhibitor(config.inhibit_rules, clock)
        self.store.table.all_are_sources = True
        self.store.on_news = self.inhibitor.observe
        self.dispatcher = route_to(
            self.store,
            build_routes(config.route),
            {"r": self._pipeline(receivers), "nobody": self._pipeline(())},
            clock,
            recording=self.recording,
        )
        if is_recording:
            self.store.record(self.dispatcher.tell)

    def _pipeline(self, receivers: Sequence[Receiver]) -> FlushPipeline:
        around = Surroundings(
            clock=self.clock,
            random=random.Random(1),
            log=LOG,
            nflog=NotificationLog(clock=self.clock, retention_ns=HOUR_NS),
            counts=Counts(),
            cluster_wait_s=lambda: self.wait_s,
            external_url="",
            doors=Doors(self.clock),
            recording=self.recording,
        )
        stages = [
            Inhibit(
                TellingInhibitor(self.inhibitor, self.recording).inhibiting,
                lambda: ALL_MARKS,
                around.counts,
                self.clock,
            ),
            SilenceStage(
                TellingSilences(self.silences, self.recording).silencing,
                lambda: ALL_MARKS,
                around.counts,
                self.clock,
            ),
        ]
        return build_pipeline(stages, receivers, around)

    def post(self, *alerts: Alert) -> None:
        post(self.store, *alerts)

    def silence(self, name: str, value: str, **changed: object) -> str:
        given = {"id": "", "comment": "", "ends_at_ns": at(1000).ns, **changed}
        now_ns = self.clock.now_ns()
        return self.silences.set(
            Silence(
                matcher_sets=((MatcherSpec(0, name, value),),),
                starts_at_ns=now_ns,
                updated_at_ns=0,
                created_by="",
                annotations={},
                **given,  # type: ignore[arg-type]
            )
        )

    def told(self, *kinds: type[Event]) -> list[Event]:
        """The events of these kinds since the last call; the others are forgotten, too."""
        found = [event for event in self.events if isinstance(event, kinds)]
        self.events.clear()
        return found


def test_a_new_alert_is_created_and_grouped_and_one_that_is_said_again_is_grouped_only() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock)
        node.post(alert(t="1", a="x", ends=100), alert(also="yes", ends=100))
        first, second, *grouped = node.told(AlertCreated, AlertGrouped)
        assert isinstance(first, AlertCreated)
        assert isinstance(second, AlertCreated)
        assert first.alert.labels == {"a": "x", "t": "1"}
        assert (first.alert.starts_at, first.alert.ends_at) == (at(0), at(100))
        assert [
            (event.alert.labels, event.group.labels, event.group.receiver, event.group.uuid)
            for event in grouped
            if isinstance(event, AlertGrouped)
        ] == [
            ({"a": "x", "t": "1"}, {"t": "1"}, "r", ""),
            ({"also": "yes"}, {}, "nobody", ""),
            ({"also": "yes"}, {"also": "yes"}, "nobody", ""),
        ]
        node.post(alert(t="1", a="x", ends=200))
        (again,) = node.told(AlertCreated, AlertGrouped)
        assert isinstance(again, AlertGrouped)
        assert again.alert.ends_at == at(200)

    run_virtual(main)


def test_an_alert_that_is_said_twice_in_one_body_is_told_as_it_was_said_each_time() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock)
        node.post(alert(t="1", ends=100), alert(t="1", ends=200))
        told = node.told(AlertCreated, AlertGrouped)
        assert [(type(event), event.alert.ends_at) for event in told] == [
            (AlertCreated, at(100)), (AlertGrouped, at(100)), (AlertGrouped, at(200)),
        ]  # fmt: skip

    run_virtual(main)


def test_an_alert_that_was_forgotten_is_created_again() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock)
        node.post(alert(t="1", ends=1))
        await clock.sleep(2)
        assert await node.store.collect_garbage() == 1
        node.post(alert(t="1", starts=2, ends=100))
        assert len(node.told(AlertCreated)) == 2

    run_virtual(main)


def test_a_notification_is_told_after_it_was_sent_with_all_that_its_group_knew() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock, Receiver(), Receiver(1, send_resolved=False))
        node.silence("i", "quiet")
        high, low = alert(t="1", s="high", ends=1000), alert(t="1", s="low", ends=1000)
        quiet, over = alert(t="1", i="quiet", ends=1000), alert(t="1", i="over", ends=3)
        await node.dispatcher.run()
        node.post(high, low, quiet, over)
        node.told()
        await clock.sleep(6)
        inhibited, silenced, *notified, resolved = node.told(
            InhibitionMuted, SilenceMuted, Notified, AlertResolved
        )
        assert isinstance(inhibited, InhibitionMuted)
        assert (inhibited.rule, inhibited.equal) == ("n", ("t",))
        assert (inhibited.labels, inhibited.fingerprint) == (low.labels, low.fingerprint)
        assert inhibited.source == high.fingerprint
        assert isinstance(silenced, SilenceMuted)
        assert (silenced.silence.id, silenced.labels, silenced.fingerprint) == (
            "s", quiet.labels, quiet.fingerprint,
        )  # fmt: skip
        for event, labels in zip(notified, ([high.labels, over.labels], [high.labels]), strict=True):
            assert isinstance(event, Notified)
            assert sorted(str(one.labels) for one in event.alerts) == sorted(map(str, labels))
            assert event.firing == (alert_hash(high.labels),)
            assert event.resolved == (alert_hash(over.labels),)
            assert set(event.muted) == {alert_hash(low.labels), alert_hash(quiet.labels)}
            assert (event.flush_id, event.reason, event.integration) == (1, "first notification", "webhook")
            assert (event.group.uuid, [str(one) for one in event.group.matchers]) == ("uuid", ['t=~".+"'])
        assert isinstance(resolved, AlertResolved)
        assert (resolved.alert.labels, resolved.alert.ends_at) == (over.labels, at(3))
        assert (resolved.group.uuid, resolved.group.matchers) == ("", ())
        await node.dispatcher.stop()

    run_virtual(main)


def test_a_notification_that_waited_for_its_turn_is_told_with_what_is_muted_by_then() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock, Receiver())
        node.wait_s = 4
        loud, quiet = alert(t="1", ends=1000), alert(t="1", i="quiet", ends=1000)
        await node.dispatcher.run()
        node.post(loud, quiet)
        await clock.sleep(6)
        node.silence("i", "quiet")
        await clock.sleep(6)
        (event,) = node.told(Notified)
        assert isinstance(event, Notified)
        assert [one.labels for one in event.alerts] == [loud.labels]
        assert (event.firing, event.muted) == ((alert_hash(loud.labels),), (alert_hash(quiet.labels),))
        assert (event.flush_id, event.group.uuid) == (1, "uuid")
        await node.dispatcher.stop()

    run_virtual(main)


def test_a_group_counts_its_flushes() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock, Receiver())
        await node.dispatcher.run()
        node.post(alert(t="1", ends=1000))
        await clock.sleep(20)
        node.post(alert(t="1", i="2", starts=20, ends=1000))
        await clock.sleep(10)
        assert [event.flush_id for event in node.told(Notified) if isinstance(event, Notified)] == [1, 3]
        await node.dispatcher.stop()

    run_virtual(main)


def test_what_could_not_be_sent_is_neither_notified_nor_resolved() -> None:
    async def main(clock: VirtualClock) -> None:
        receiver = Receiver()
        receiver.error = NotifyError("no", retry=False)
        node = Node(clock, receiver)
        await node.dispatcher.run()
        node.post(alert(t="1", ends=1000), alert(t="1", i="2", ends=1))
        await clock.sleep(6)
        assert node.told(Notified, AlertResolved) == []
        receiver.error = None
        await clock.sleep(10)
        assert [type(event) for event in node.told(Notified, AlertResolved)] == [Notified, AlertResolved]
        await node.dispatcher.stop()

    run_virtual(main)


def test_a_group_without_receivers_tells_of_what_is_resolved_too() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock)
        await node.dispatcher.run()
        node.post(alert(i="1", ends=1000), alert(i="2", ends=1))
        await clock.sleep(6)
        assert [
            event.alert.labels["i"] for event in node.told(AlertResolved) if isinstance(event, AlertResolved)
        ] == ["2"]
        await node.dispatcher.stop()

    run_virtual(main)


def test_after_a_reload_all_that_is_stored_is_grouped_again() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock)
        node.post(alert(t="1", ends=1000), alert(also="yes", ends=1000))
        node.told()
        await node.dispatcher.tell_all()
        told = node.told(AlertGrouped)
        assert [event.group.receiver for event in told if isinstance(event, AlertGrouped)] == [
            "r", "nobody", "nobody",
        ]  # fmt: skip

    run_virtual(main)


def test_silences_that_are_made_or_changed_here_are_told_and_those_of_peers_or_ended_ones_are_not() -> None:
    async def main(clock: VirtualClock) -> None:
        node, peer = Node(clock), Node(clock)
        node.silences.on_change = peer.silences.merge  # type: ignore[assignment]
        silence_id = node.silence("a", "b", comment="1")
        await clock.sleep(1)
        with_id = {"id": silence_id, "comment": "2"}
        stored = node.silences.get(silence_id)
        assert stored is not None
        node.silences.set(
            Silence(
                **{name: getattr(stored, name) for name in stored.__slots__} | with_id,
            )
        )
        node.silence("a", "c", id=silence_id, comment="3")
        node.silences.expire(silence_id)
        told = node.told(SilenceCreated, SilenceUpdated)
        assert [
            (type(event), event.silence.comment)
            for event in told
            if isinstance(event, SilenceCreated | SilenceUpdated)
        ] == [(SilenceCreated, "1"), (SilenceUpdated, "2"), (SilenceCreated, "3")]
        assert peer.silences.get(silence_id) is not None
        assert peer.told(SilenceCreated, SilenceUpdated) == []

    run_virtual(main)


def test_questions_of_listings_are_not_told() -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock)
        node.silence("t", "1")
        node.post(alert(t="1", s="high", ends=1000), alert(t="1", s="low", ends=1000))
        assert node.silences.silencing({"t": "1"}) == ("s",)
        assert node.inhibitor.inhibiting({"t": "1", "s": "low"})
        assert node.told(SilenceMuted, InhibitionMuted) == []

    run_virtual(main)


@pytest.mark.parametrize("is_recording", [False, True])
def test_the_table_keeps_what_it_is_told_only_while_somebody_records(*, is_recording: bool) -> None:
    async def main(clock: VirtualClock) -> None:
        node = Node(clock, Receiver(), is_recording=is_recording)
        await node.dispatcher.run()
        node.post(alert(t="1", ends=1000))
        await clock.sleep(6)
        assert bool(node.events) is is_recording
        node.store.record(None)
        node.post(alert(t="1", starts=6, ends=1000))
        assert node.store.table.take_told() == []
        await node.dispatcher.stop()

    run_virtual(main)
