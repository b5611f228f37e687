from collections.abc import Callable

from typing_extensions import disjoint_base

from amfast._ext.intake import Intake, Posted

@disjoint_base
class Posting:
    """Base of who takes in bodies of alerts: what is done with each besides reading it."""

    stored: int
    """Alerts so far."""
    stored_in_s: float
    """How long that took, what followed from it included."""

    def __init__(
        self,
        intake: Intake,
        now_ns: Callable[[], int],
        stopwatch_ns: Callable[[], int],
        zone_holds_ns: int,
    ) -> None:
        """The offset of the local zone is asked for again in every stretch of ``zone_holds_ns`` of wall time."""

    def post(self, body: bytes | memoryview, resolve_timeout_ns: int) -> Posted:
        """Store the valid alerts of a body. Raises BodyEmpty, BodyError and BodyInvalid, with nothing stored."""

    def _offset_at(self, now_ns: int) -> int:
        """Seconds east of UTC at a wall time."""

    def _follow_up(self, posted: Posted) -> None:
        """Called when the body has a sequel."""
