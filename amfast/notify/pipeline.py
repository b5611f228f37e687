"""The pipeline of one receiver: the shared stages one after the other, then all integrations side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from amfast.model.flush import Flush
from amfast.model.notification import Integration, NotifyError
from amfast.model.told import Alerts
from amfast.model.tracing import Attribute, Tracing
from amfast.notify.delivery import Delivery, Renew, Surroundings
from amfast.notify.stages import Stage


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Calling it runs one flush; it raises NotifyError when at least one integration failed."""

    stages: Sequence[Stage]
    deliveries: Sequence[Delivery]
    tracing: Tracing

    @property
    def has_receivers(self) -> bool:
        """False for a receiver without integrations: whatever it is sent ends in silence."""
        return bool(self.deliveries)

    async def __call__(self, flush: Flush, alerts: Alerts) -> None:
        if self.tracing.tracer is None:
            await self._run(flush, alerts)
            return
        said: dict[str, Attribute] = {
            "alerting.aggregation_group.key": flush.group_key,
            "alerting.alerts.count": len(alerts),
        }
        # Whatever made the group, nobody asked for this flush of it.
        with self.tracing.span("dispatch.AggregationGroup.flush", said, caller={}) as span:
            try:
                await self._run_traced(flush, alerts)
            except NotifyError:
                span.fail("notification failed")
                raise

    async def _run_traced(self, flush: Flush, alerts: Alerts) -> None:
        said: dict[str, Attribute] = {
            "alerting.notify.receiver.name": flush.receiver,
            "alerting.alerts.count": len(alerts),
        }
        with self.tracing.span("notify.RoutingStage.Exec", said):
            await self._run(flush, alerts)

    async def _run(self, flush: Flush, alerts: Alerts) -> None:
        flush, alerts = await self._pass_all(flush, alerts)
        if alerts:
            await self._fan_out(flush, alerts)

    async def _pass_all(self, flush: Flush, alerts: Alerts) -> tuple[Flush, Alerts]:
        """What all stages let through, and the flush, which names what they kept back if that is recorded."""
        passed = alerts
        for stage in self.stages:
            if not passed:
                break
            is_traced = self.tracing.tracer is not None and stage.name
            passed = await (self._traced(stage, flush, passed) if is_traced else stage(flush, passed))
        if flush.told_of is not None and len(passed) < len(alerts):
            told = frozenset(passed.hashes)
            flush = replace(flush, muted=tuple(one for one in alerts.hashes if one not in told))
        return flush, passed

    async def _renew(self, flush: Flush) -> tuple[Flush, Alerts]:
        """The flush as it would reach its deliveries if it began now."""
        if flush.renew is None:
            raise ValueError("a flush that cannot be renewed")
        flush, alerts = await flush.renew(flush)
        return await self._pass_all(replace(flush, is_renewed=True), alerts)

    async def _traced(self, stage: Stage, flush: Flush, alerts: Alerts) -> Alerts:
        said: dict[str, Attribute] = {
            "alerting.group.key": flush.group_key,
            "alerting.alerts.count": len(alerts),
        }
        with self.tracing.span(f"notify.{stage.name}.Exec", said, stays=True) as span:
            passed = await stage(flush, alerts)
            if len(passed) < len(alerts):
                span.set("alerting.alerts.muted.count", len(alerts) - len(passed))
                span.set("alerting.alerts.filtered.count", len(passed))
                span.set("alerting.suppressed.reason", stage.reason)
            return passed

    async def _fan_out(self, flush: Flush, alerts: Alerts) -> None:
        """No integration waits for another; a failure is told once all have ended."""
        renew = None if flush.renew is None else partial(self._renew, flush)
        if len(self.deliveries) == 1:  # as nearly always: a task of its own would cost more than all the rest
            failures = [await _failure(self.deliveries[0], flush, alerts, renew)]
        else:
            sending = (_failure(delivery, flush, alerts, renew) for delivery in self.deliveries)
            failures = []
            for outcome in await asyncio.gather(*sending, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
                failures.append(outcome)
        if any(failures):
            raise NotifyError("; ".join(failure for failure in failures if failure), retry=False)


async def _failure(delivery: Delivery, flush: Flush, alerts: Alerts, renew: Renew | None) -> str:
    """Deliver; why it failed and for whom, empty when it did not."""
    try:
        await delivery.deliver(flush, alerts, renew)
    except NotifyError as error:
        integration = delivery.integration
        return f"{flush.receiver}/{integration.kind}[{integration.index}]: {error}"
    return ""


def build_pipeline(
    stages: Sequence[Stage], integrations: Sequence[Integration], around: Surroundings
) -> Pipeline:
    """The pipeline of a receiver with these integrations; without any, alerts end in silence."""
    deliveries = tuple(Delivery(integration, around, around.doors.door()) for integration in integrations)
    return Pipeline(stages, deliveries, around.tracing)
