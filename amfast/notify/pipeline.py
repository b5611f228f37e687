"""The pipeline of one receiver: the shared stages one after the other, then all integrations side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from amfast.model.alert import Alert
from amfast.model.flush import Flush
from amfast.model.notification import Integration, NotifyError
from amfast.notify.delivery import Delivery, Surroundings
from amfast.notify.stages import Stage


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Calling it runs one flush; it raises NotifyError when at least one integration failed."""

    stages: Sequence[Stage]
    deliveries: Sequence[Delivery]

    @property
    def has_receivers(self) -> bool:
        """False for a receiver without integrations: whatever it is sent ends in silence."""
        return bool(self.deliveries)

    async def __call__(self, flush: Flush, alerts: tuple[Alert, ...]) -> None:
        alerts = await self._pass(flush, alerts)
        if alerts:
            await self._fan_out(flush, alerts)

    async def _pass(self, flush: Flush, alerts: tuple[Alert, ...]) -> tuple[Alert, ...]:
        for stage in self.stages:
            if alerts:
                alerts = await stage(flush, alerts)
        return alerts

    async def _renew(self, flush: Flush) -> tuple[Flush, tuple[Alert, ...]]:
        """The flush as it would reach its deliveries if it began now."""
        if flush.renew is None:
            raise ValueError("a flush that cannot be renewed")
        flush, alerts = await flush.renew(flush)
        return flush, await self._pass(flush, alerts)

    async def _fan_out(self, flush: Flush, alerts: tuple[Alert, ...]) -> None:
        """No integration waits for another; a failure is told once all have ended."""
        renew = None if flush.renew is None else partial(self._renew, flush)
        sending = (delivery.deliver(flush, alerts, renew) for delivery in self.deliveries)
        outcomes = await asyncio.gather(*sending, return_exceptions=True)
        failures = []
        for delivery, outcome in zip(self.deliveries, outcomes, strict=True):
            if isinstance(outcome, NotifyError):
                integration = delivery.integration
                failures.append(f"{flush.receiver}/{integration.kind}[{integration.index}]: {outcome}")
            elif isinstance(outcome, BaseException):
                raise outcome
        if failures:
            raise NotifyError("; ".join(failures), retry=False)


def build_pipeline(
    stages: Sequence[Stage], integrations: Sequence[Integration], around: Surroundings
) -> Pipeline:
    """The pipeline of a receiver with these integrations; without any, alerts end in silence."""
    return Pipeline(stages, tuple(Delivery(integration, around) for integration in integrations))
