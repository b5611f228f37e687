"""Whether a flush has anything to say that the log does not know yet (reference notify, section 6a)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from amfast._ext.pb import EntryFields

Reason = Literal[
    "first notification",
    "new alerts added",
    "some alerts resolved",
    "all alerts resolved",
    "repeat interval elapsed",
]


def reason_to_notify(
    entry: EntryFields | None,
    firing: Collection[int],
    resolved: Collection[int],
    left_out: frozenset[int] = frozenset(),
    *,
    send_resolved: bool,
    repeat_interval_ns: int,
    now_ns: int,
) -> Reason | None:
    """Why to notify, or None. ``firing`` and ``resolved`` hold alert hashes; the first rule that applies wins.

    ``left_out`` are those told to fire that the entry does not name, as far as its writer may not have heard of them.

    That all is resolved takes the end of something that was told to fire. To the reference any end will do; so a node
    that does not know what others told to fire makes the log forget it, and nobody ever tells its end.
    """
    if entry is None:
        return "first notification" if firing else None
    logged_firing = frozenset(entry.firing)
    if not logged_firing.issuperset(firing):
        return "new alerts added" if logged_firing else "first notification"
    if not firing:
        # Said irrespective of send_resolved, so that the entry forgets its firing alerts.
        ends_untold = send_resolved and not left_out.isdisjoint(resolved)
        return "all alerts resolved" if ends_untold or not logged_firing.isdisjoint(resolved) else None
    if send_resolved and not frozenset(entry.resolved).issuperset(resolved):
        return "some alerts resolved"
    if entry.timestamp_ns < now_ns - repeat_interval_ns:
        return "repeat interval elapsed"
    return None
