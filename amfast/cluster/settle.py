"""When the number of members counts as settled (reference gossip, section 15.7)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from amfast.model.clock import Clock

_EQUAL_POLLS_NEEDED = 3
_US = 1_000_000


class Settle:
    """Counts polls of the number of members; ``before`` is what the previous poll saw."""

    def __init__(self) -> None:
        self.polls = 0
        self.before = 0
        self._equal = 0

    def poll(self, members: int) -> bool | None:
        """True: settled. None: it looks settled. False: the number changed since the last poll."""
        if self._equal >= _EQUAL_POLLS_NEEDED:
            return True
        self.polls += 1
        if members == self.before:
            self._equal += 1
            return None
        self._equal = 0
        self.before = members
        return False


async def settle(
    count: Callable[[], int], interval_s: float, timeout_s: float, clock: Clock, log: logging.Logger
) -> None:
    """Return when ``count`` of members has settled, at the latest after ``timeout_s``; say so in the log."""
    log.info("Waiting for gossip to settle...", extra={"attrs": {"interval": f"{interval_s:g}s"}})
    state = Settle()
    started_us = clock.monotonic_us()
    elapsed_s = 0.0
    while (left_s := timeout_s - elapsed_s) > 0:
        await clock.sleep(min(interval_s, left_s))
        elapsed_s = (clock.monotonic_us() - started_us) / _US
        if left_s < interval_s:
            break
        members, before, polls = count(), state.before, state.polls
        elapsed = f"{elapsed_s:g}s"
        verdict = state.poll(members)
        if verdict:
            log.info("gossip settled; proceeding", extra={"attrs": {"elapsed": elapsed}})
            return
        if verdict is None:
            log.debug("gossip looks settled", extra={"attrs": {"elapsed": elapsed}})
        else:
            attrs = {"polls": polls, "before": before, "now": members, "elapsed": elapsed}
            log.info("gossip not settled", extra={"attrs": attrs})
    attrs = {"polls": state.polls, "elapsed": f"{elapsed_s:g}s"}
    log.info("gossip not settled but continuing anyway", extra={"attrs": attrs})
