"""The alert: what a sender said about one label set, and until when it holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from amfast._ext.fingerprint import label_fingerprint
from amfast.model.labels import Labels
from amfast.model.timestamp import ZERO, Time

NEVER_NS = 1 << 80


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; ``labels`` and ``annotations`` are in name order and never changed.

    ``timeout`` marks an ``ends_at`` that nobody sent: the receiver of the alert added ``resolve_timeout``.
    """

    labels: Labels
    annotations: Labels
    starts_at: Time
    ends_at: Time
    updated_at: Time
    generator_url: str = ""
    timeout: bool = False
    fingerprint: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", label_fingerprint(self.labels))

    @property
    def name(self) -> str:
        """The value of ``alertname``, empty without one."""
        return self.labels.get("alertname", "")

    @property
    def ends_at_ns(self) -> int:
        """When it ends; without an end, later than any."""
        return NEVER_NS if self.ends_at.is_zero else self.ends_at.ns

    def resolved_at(self, now_ns: int) -> bool:
        """Whether the alert has ended at ``now_ns``; the end itself counts as ended."""
        return not self.ends_at.is_zero and self.ends_at.ns <= now_ns


def make_alert(
    labels: Labels,
    annotations: Labels,
    starts_at: tuple[int, int],
    ends_at: tuple[int, int],
    updated_at: tuple[int, int],
    generator_url: str,
    timeout: bool,
    seen_at_ns: int | None = None,
) -> Alert:
    """An alert of what the table of alerts keeps; times are nanoseconds and an offset in seconds.

    With ``seen_at_ns`` it is the alert as a flush at that time sees it: without a known end while it fires.
    """
    fires = seen_at_ns is not None and ends_at[0] > seen_at_ns
    return Alert(
        labels,
        annotations,
        Time(*starts_at),
        ZERO if fires else Time(*ends_at),
        Time(*updated_at),
        generator_url,
        timeout,
    )
