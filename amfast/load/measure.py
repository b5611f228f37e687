"""A run and what it cost the server, as far as this machine can see its process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from amfast.load.process import cpu_ns, rss_bytes
from amfast.load.run import Outcome
from amfast.load.tally import Kind, percentile


@dataclass(frozen=True, slots=True)
class Cost:
    """What the server's process spent during a run."""

    cpu_us: float
    rss_before: int
    """Bytes."""
    rss_after: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A run, and its cost where the process is known."""

    outcome: Outcome
    cost: Cost | None

    @property
    def alerts_per_s(self) -> float:
        """Alerts taken by the servers, per second."""
        return self.outcome.tally.alerts / self.outcome.seconds

    @property
    def cpu_us_per_alert(self) -> float | None:
        alerts = self.outcome.tally.alerts
        return self.cost.cpu_us / alerts if self.cost is not None and alerts else None

    @property
    def bytes_per_alert(self) -> float | None:
        """By how much the process grew, for each of the alerts that fire."""
        alerts = self.outcome.plan.alerts
        return (
            (self.cost.rss_after - self.cost.rss_before) / alerts
            if self.cost is not None and alerts
            else None
        )

    def post_ms(self, percent: float) -> float | None:
        """A percentile of the latency of all POSTs."""
        kinds = [kind for kind in self.outcome.tally.kinds.values() if is_post(kind)]
        ordered = sorted(us for kind in kinds for us in kind.latencies_us)
        return percentile(ordered, percent) / 1000 if ordered else None

    def get_ms(self, percent: float) -> float | None:
        """A percentile of the latency of all GETs."""
        kinds = [kind for kind in self.outcome.tally.kinds.values() if not is_post(kind)]
        ordered = sorted(us for kind in kinds for us in kind.latencies_us)
        return percentile(ordered, percent) / 1000 if ordered else None


def is_post(kind: Kind) -> bool:
    """Whether it carried alerts."""
    return kind.posted > 0


async def measured(go: Callable[[], Awaitable[Outcome]], pid: int | None, settle_s: float) -> Measured:
    """Make a run and look at the process before and after; memory is read when it had time to settle."""
    if pid is None:
        return Measured(await go(), None)
    rss_before = rss_bytes(pid)
    before_ns = cpu_ns(pid)
    outcome = await go()
    cpu_us = (cpu_ns(pid) - before_ns) / 1000
    await asyncio.sleep(settle_s)
    rss_after = rss_bytes(pid)
    if not rss_after:  # the process has ended, and what it spent went with it
        return Measured(outcome, None)
    return Measured(outcome, Cost(cpu_us, rss_before, rss_after))
