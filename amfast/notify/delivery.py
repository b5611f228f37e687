"""The way of a flush to one integration: wait one's turn, ask the log, send with retries, write the log."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from amfast._ext.pb import EntryFields
from amfast.model.clock import Clock
from amfast.model.events import Notified, Recording
from amfast.model.flush import Flush
from amfast.model.notification import FailureReason, Integration, Notification, NotifyError
from amfast.model.told import Alerts
from amfast.model.tracing import Attribute, Tracing
from amfast.notify.counts import Counts
from amfast.notify.dedup import Reason, reason_to_notify
from amfast.notify.doors import Door, Doors
from amfast.notify.hearsay import NO_HEARSAY, Hearsay
from amfast.notify.nflog import MET_NS, LogKey, NotificationLog

FIRST_PAUSE_S = 0.5
PAUSE_GROWTH = 1.5
PAUSE_JITTER = 0.5
PAUSE_MAX_S = 60.0
STAGGER = 0.1
"""Of its wait, how much longer somebody waits who then has something to say.

The groups of two nodes may be out of step by just the difference of their waits, as Prometheus' intervals and the peer
timeout are multiples of the same round numbers. Then both would speak at one moment.
"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a delivery needs of the node; one value for all deliveries."""

    clock: Clock
    random: random.Random
    log: logging.Logger
    nflog: NotificationLog
    counts: Counts
    cluster_wait_s: Callable[[], float]
    """This node's position among the peers times the peer timeout."""
    external_url: str
    doors: Doors
    tracing: Tracing = field(default_factory=Tracing)
    recording: Recording = field(default_factory=Recording)
    hearsay: Hearsay = NO_HEARSAY
    """What is known of alerts that were read from disk."""


Renew = Callable[[], Awaitable[tuple[Flush, Alerts]]]
"""Gives the flush and its alerts as they are now."""


class _News(NamedTuple):
    """What a notification is about, and what the log knew before."""

    key: LogKey
    entry: EntryFields | None
    alerts: Alerts
    reason: Reason


def _said(flush: Flush, alerts: Alerts) -> dict[str, Attribute]:
    """What traces say of a stage."""
    return {"alerting.group.key": flush.group_key, "alerting.alerts.count": len(alerts)}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One integration's part of the pipeline."""

    integration: Integration
    around: Surroundings
    door: Door

    async def deliver(self, flush: Flush, alerts: Alerts, renew: Renew | None = None) -> None:
        """Notify if there is something new to say. Raises NotifyError when sending failed for good.

        Who has waited for its turn and then has something to say looks again a little later whether it still has:
        what it saw before may be older than what the others have told meanwhile. So does who is about to try again, if
        somebody else has written the log. Nobody speaks for that reason alone.
        """
        # The peers before us in the order get their time to send and to tell us of it.
        wait_s = self.around.cluster_wait_s()
        if wait_s > 0:
            await self.around.clock.sleep(wait_s)
        news = self._news(flush, alerts)
        look_again = news is not None and wait_s > 0 and renew is not None
        if look_again:
            await self.around.clock.sleep(wait_s * STAGGER)
        while news is not None:
            if look_again:
                flush, alerts = (flush, alerts) if renew is None else await renew()
                news = self._news(flush, alerts) if alerts else None
            looked_us = self.around.clock.monotonic_us()
            if news is None or await self._send(flush, news):
                break
            look_again = True
        if news is not None:
            took_ns = (self.around.clock.monotonic_us() - looked_us) * 1000
            await self._record(flush, news, at_turn=took_ns < MET_NS)

    def _news(self, flush: Flush, alerts: Alerts) -> _News | None:
        """What there is to say that the log does not know."""
        integration, hearsay = self.integration, self.around.hearsay
        key = LogKey(flush.group_key.encode(), flush.receiver, integration.kind, integration.index)
        entry = self.around.nflog.query(key)
        alerts = hearsay.counting(alerts, entry)
        with self.around.tracing.span("notify.DedupStage.Exec", _said(flush, alerts), stays=True) as span:
            reason = reason_to_notify(
                entry,
                alerts.firing,
                alerts.resolved,
                self.around.nflog.left_out(key),
                send_resolved=integration.send_resolved,
                repeat_interval_ns=flush.repeat_interval_ns,
                now_ns=flush.now_ns,
            )
            if reason is None:
                self.around.nflog.looked(key)
            if reason is None or not hearsay.allows(reason, alerts):
                return None
            span.event("notify.DedupStage.Exec nflog needs update")
        return _News(key, entry, alerts, reason)

    async def _record(self, flush: Flush, news: _News, *, at_turn: bool) -> None:
        nflog, alerts, entry = self.around.nflog, news.alerts, news.entry
        with self.around.tracing.span("notify.SetNotifiesStage.Exec", _said(flush, alerts)) as span:
            span.set("alerting.alerts.firing.count", len(alerts.firing))
            span.set("alerting.alerts.resolved.count", len(alerts.resolved))
            data = b"" if entry is None or news.reason == "first notification" else entry.receiver_data
            hashes = alerts.firing, alerts.resolved
            nflog.record(news.key, *hashes, flush.repeat_interval_ns, data, at_turn=at_turn)
            if (settled := nflog.settled()) is not None:
                await settled  # the group forgets what was told; a crash must not

    async def _send(self, flush: Flush, news: _News) -> bool:
        """False when somebody else has spoken before it worked."""
        counts, integration = self.around.counts, self.integration
        alerts = news.alerts
        counts.notifications.add(integration.kind)
        if not integration.send_resolved:
            alerts = alerts.still_firing()
            if not alerts:
                return True
        notification = Notification(
            receiver=flush.receiver,
            group_key=flush.group_key,
            group_labels=flush.group_labels,
            route_labels=flush.route_labels,
            alerts=alerts,
            reason=news.reason,
            external_url=self.around.external_url,
            now_ns=flush.now_ns,
        )
        said: dict[str, Attribute] = {
            "alerting.group.name": flush.receiver,
            "alerting.integration.name": integration.kind,
            "alerting.label.values": (integration.kind,),
            "alerting.alerts.count": len(alerts),
        }
        with self.around.tracing.span("notify.RetryStage.Exec", said, stays=True) as span:
            try:
                is_sent = await self._retry(flush, notification, news)
            except NotifyError as error:
                span.fail(str(error))
                raise
        if is_sent:
            self._tell(flush, news.alerts, notification)
        return is_sent

    def _tell(self, flush: Flush, passed: Alerts, notification: Notification) -> None:
        record = self.around.recording.record
        if record is None or flush.told_of is None:
            return
        record(
            Notified(
                alerts=notification.alerts,
                firing=passed.firing,
                resolved=passed.resolved,
                muted=flush.muted,
                group=flush.told_of,
                repeat_interval_ns=flush.repeat_interval_ns,
                reason=notification.reason,
                flush_id=flush.number,
                integration=self.integration.kind,
                index=self.integration.index,
            )
        )

    async def _retry(self, flush: Flush, notification: Notification, news: _News) -> bool:
        """Try until it works, with growing pauses, until an error says that trying is of no use.

        Each attempt waits until the door lets it in, and the log gets a line when it fails otherwise than the last one.
        False when somebody else has written the log meanwhile.
        """
        kind, counts = self.integration.kind, self.around.counts
        error: NotifyError | None = None
        pause_s = FIRST_PAUSE_S
        attempts = 1
        said = ""
        try:
            if await self.door.passed() and self.around.nflog.is_newer(news.key, news.entry):
                return False
            while (error := await self._attempt(notification)) is not None and error.retry:
                if str(error) != said:
                    said = str(error)
                    self._log_retry(flush, error, attempts)
                attempts += 1
                jitter = 1 - PAUSE_JITTER + 2 * PAUSE_JITTER * self.around.random.random()
                await self.around.clock.sleep(pause_s * jitter)
                await self.door.passed()
                if self.around.nflog.is_newer(news.key, news.entry):
                    return False
                pause_s = min(pause_s * PAUSE_GROWTH, PAUSE_MAX_S)
        except asyncio.CancelledError:
            counts.failed(kind, self._reason_for_stopping(flush, error))
            why = "no answer yet" if error is None else str(error)
            attrs = {**self._who(flush), "attempts": attempts, "err": why}
            self.around.log.warning("Sending was cut off", extra={"attrs": attrs})
            raise
        if error is not None:
            counts.failed(kind, error.reason)
            raise error
        level = logging.DEBUG if attempts == 1 else logging.INFO  # as there was a warning that it failed
        if self.around.log.isEnabledFor(level):
            attrs = {**self._who(flush), "attempts": attempts, "reason": notification.reason}
            self.around.log.log(level, "Notified", extra={"attrs": attrs})
        return True

    async def _attempt(self, notification: Notification) -> NotifyError | None:
        counts, kind = self.around.counts, self.integration.kind
        started_us = self.around.clock.monotonic_us()
        worked = False
        counts.requests.add(kind)
        self.door.begin()
        said: dict[str, Attribute] = {
            "alerting.notify.integration.name": kind,
            "alerting.alerts.count": len(notification.alerts),
        }
        with self.around.tracing.span("notify.Integration.Notify", said, kind="client") as span:
            try:
                await self.integration.notify(notification)
                worked = True
            except NotifyError as error:
                counts.failed_requests.add(kind)
                span.set("alerting.notify.error.recoverable", error.retry)
                span.fail(str(error))
                return error
            except asyncio.CancelledError:
                counts.failed_requests.add(kind)
                raise
            finally:
                self.door.end(worked=worked)
                counts.took(kind, (self.around.clock.monotonic_us() - started_us) / 1e6)
            span.set("alerting.notify.error.recoverable", value=False)
        return None

    def _reason_for_stopping(self, flush: Flush, last_error: NotifyError | None) -> FailureReason:
        if last_error is not None:
            return last_error.reason
        expired = self.around.clock.monotonic_us() >= flush.deadline_us
        return "contextDeadlineExceeded" if expired else "contextCanceled"

    def _log_retry(self, flush: Flush, error: NotifyError, attempts: int) -> None:
        attrs = {**self._who(flush), "attempts": attempts, "err": str(error)}
        self.around.log.warning("Sending failed, trying again", extra={"attrs": attrs})

    def _who(self, flush: Flush) -> dict[str, object]:
        """What the log says of every sending."""
        return {
            "receiver": flush.receiver,
            "integration": f"{self.integration.kind}[{self.integration.index}]",
            "aggrGroup": flush.group_key,
        }
