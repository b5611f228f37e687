"""Each row of the table in reference notify, section 6a, but for the end of all that was told by others."""

from __future__ import annotations

import pytest

from amfast._ext.pb import EntryFields
from amfast.notify.dedup import reason_to_notify

NOW = 1_000_000
REPEAT = 100


def entry(firing: set[int], resolved: set[int], age: int = 0) -> EntryFields:
    return EntryFields(b"", "", "", 0, NOW - age, tuple(firing), tuple(resolved), b"", b"", 0)


@pytest.mark.parametrize(
    ("logged", "firing", "resolved", "send_resolved", "reason"),
    [
        (None, {1}, set(), True, "first notification"),
        (None, set(), {1}, True, None),
        (entry(set(), {1}), {2}, set(), True, "first notification"),
        (entry({1}, set()), {1, 2}, set(), True, "new alerts added"),
        (entry({1}, set()), set(), {1}, True, "all alerts resolved"),
        (entry({1}, set()), set(), {1}, False, "all alerts resolved"),
        (entry({1, 2}, set()), set(), {1}, True, "all alerts resolved"),
        (entry({1}, {2}), set(), {2}, True, None),
        (entry({1}, set()), set(), {2}, False, None),
        (entry(set(), {1}), set(), {1}, True, None),
        (entry(set(), {1}), set(), {1, 2}, True, None),
        (entry({1, 2}, set()), {1}, {2}, True, "some alerts resolved"),
        (entry({1, 2}, set()), {1}, {2}, False, None),
        (entry({1}, set(), age=REPEAT + 1), {1}, set(), True, "repeat interval elapsed"),
        (entry({1}, set(), age=REPEAT), {1}, set(), True, None),
        (entry({1, 2}, set()), {1}, set(), True, None),
        (entry(set(), {1}, age=10 * REPEAT), set(), {1}, True, None),
    ],
)
def test_the_first_row_that_applies_decides(
    logged: EntryFields | None, firing: set[int], resolved: set[int], send_resolved: bool, reason: str | None
) -> None:
    found = reason_to_notify(
        logged, firing, resolved, send_resolved=send_resolved, repeat_interval_ns=REPEAT, now_ns=NOW
    )
    assert found == reason


@pytest.mark.parametrize(
    ("left_out", "firing", "send_resolved", "reason"),
    [
        ({2}, set(), True, "all alerts resolved"),
        ({2}, set(), False, None),
        ({3}, set(), True, None),
        ({2}, {1}, True, "first notification"),
    ],
)
def test_the_end_of_what_was_told_to_fire_and_the_entry_leaves_out_is_told(
    left_out: set[int], firing: set[int], send_resolved: bool, reason: str | None
) -> None:
    found = reason_to_notify(
        entry(set(), {1}),
        firing,
        {2},
        frozenset(left_out),
        send_resolved=send_resolved,
        repeat_interval_ns=REPEAT,
        now_ns=NOW,
    )
    assert found == reason
