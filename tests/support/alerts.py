"""Short ways to make alerts in tests."""

from __future__ import annotations

from amfast.model.alert import Alert
from amfast.model.labels import make_labels
from amfast.model.timestamp import NS, ZERO, Time
from tests.support.virtual import START_NS


def at(seconds: float) -> Time:
    """The time so many seconds after the virtual start."""
    return Time(START_NS + round(seconds * NS))


def alert(
    *,
    starts: float = 0.0,
    ends: float | None = None,
    updated: float = 0.0,
    timeout: bool = False,
    annotations: dict[str, str] | None = None,
    **labels: str,
) -> Alert:
    """An alert with the given labels; times are seconds after the virtual start, no end means zero."""
    return Alert(
        labels=make_labels(labels),
        annotations=annotations or {},
        starts_at=at(starts),
        ends_at=ZERO if ends is None else at(ends),
        updated_at=at(updated),
        timeout=timeout,
    )
