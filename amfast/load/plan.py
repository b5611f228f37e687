"""What a run is to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from amfast.load.target import Target

RESEND_S: Final = 60.0
"""How often Prometheus sends a firing alert again, at most."""
RESOLVED_S: Final = 900.0
"""How long Prometheus goes on sending a resolved alert."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run; what each field means to the user stands with its flag in ``flags.py``."""

    targets: tuple[Target, ...] = (Target("127.0.0.1", 9093),)
    alerts: int = 1000
    labels: int = 10
    annotations: int = 3
    senders: int = 1
    batch: int = 64
    interval_s: float = 0.0
    churn: float = 0.0
    duration_s: float | None = 10.0
    rounds: int | None = None
    connections: int = 1
    pollers: int = 0
    poll_rate: float = 1.0
    poll_path: str = "/api/v2/alerts/groups"
    seed: int = 1
    timeout_s: float = 10.0

    @property
    def validity_ns(self) -> int:
        """How far ahead ``endsAt`` is: four resends, as Prometheus has it."""
        return int(4 * max(self.interval_s, RESEND_S) * 1e9)
