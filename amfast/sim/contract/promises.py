"""What is promised of notifications, as formulas of the flags and the configuration (docs/guarantees.md).

Times are seconds. The checkers hold the simulated nodes to exactly these.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from amfast.dispatch.group import FLUSH_TIME_MIN_S
from amfast.notify.delivery import FIRST_PAUSE_S, PAUSE_GROWTH, PAUSE_JITTER, PAUSE_MAX_S, STAGGER
from amfast.notify.nflog import LOGGED_INTERVALS
from amfast.sim.clock import MILLION
from amfast.sim.timing import Timing
from amfast.storage.alerts import APART_S

RESENT_WITHIN = 4
"""Prometheus gives an alert an end so many resend delays (or evaluations) ahead."""

WRITE_S = 1.0
"""The longest that it takes to write the alerts."""


@dataclass(frozen=True, slots=True)
class Promises:
    """Everything the promises depend on; the defaults are those of Prometheus and Alertmanager, and 10 s to answer."""

    nodes: int
    group_wait_s: float = 30.0
    group_interval_s: float = 300.0
    repeat_interval_s: float = 14_400.0
    peer_timeout_s: float = 15.0
    settle_timeout_s: float = 60.0
    start_delay_s: float = 0.0
    """``--dispatch.start-delay``."""
    maintenance_s: float = 900.0
    """``--data.maintenance-interval``."""
    answer_s: float = 10.0
    """The longest an attempt may take: the receiver's ``timeout``."""
    usual_answer_s: float = 0.5
    """The longest it takes when the receiver is well."""
    evaluation_s: float = 60.0
    """Prometheus: the interval of the rule group."""
    resend_s: float = 60.0
    """Prometheus: ``--rules.alert.resend-delay``."""
    transit_s: float = 1.0
    """From Prometheus to a node."""
    timing: Timing = Timing()  # noqa: RUF009 - frozen

    # The parts.

    @property
    def period_s(self) -> float:
        """How often Prometheus repeats an alert: the first evaluation *after* the resend delay has passed."""
        return self.evaluation_s * (floor(self.resend_s / self.evaluation_s) + 1)

    @property
    def heard_s(self) -> float:
        """The longest until a node that runs and is reached has heard of an alert."""
        return self.period_s + self.transit_s

    @property
    def wait_s(self) -> float:
        """The longest turn: that of the last of the nodes."""
        return (self.nodes - 1) * self.peer_timeout_s

    @property
    def turn_s(self) -> float:
        """The same for a node that then has something to say, which looks again a little later."""
        return self.wait_s * (1 + STAGGER)

    @property
    def flush_s(self) -> float:
        """The longest a flush may last, and so the age of what a notification says."""
        return max(self.group_interval_s, FLUSH_TIME_MIN_S) + self.wait_s

    @property
    def start_s(self) -> float:
        """The longest from the start of a process until it takes alerts: every peer is dialled, one by one."""
        return (self.nodes - 1) * self.timing.tcp_timeout_us / MILLION

    @property
    def is_sound(self) -> bool:
        """Whether the last node's turn is over before the next flush of a group begins.

        Else a node speaks of a state from before others told a newer one, which they then have to put right.
        """
        return self.turn_s + self.answer_s < self.group_interval_s

    # Misses.

    @property
    def notified_s(self) -> float:
        """How long an alert may fire, or be over, until the receiver knows.

        It is heard; then the group's next flush comes, for which one that still runs may have to end first; then it is
        this node's turn, and the receiver answers.
        """
        return self.heard_s + max(self.group_wait_s, self.flush_s) + self.turn_s + self.answer_s

    @property
    def corrected_s(self) -> float:
        """The same where nodes may have said different things: one more flush puts right what was said last."""
        return self.notified_s + self.flush_s + self.turn_s + self.answer_s

    @property
    def ready_s(self) -> float:
        """From the start of a process until its flushes run: it has joined, and the cluster counts as settled."""
        return max(self.start_s + self.settle_timeout_s, self.start_delay_s)

    @property
    def learned_s(self) -> float:
        """From the start of a process until it has heard of all alerts.

        Only with a start delay of as much it is sure that "all is resolved" is not said of the part that was heard.
        """
        return self.start_s + self.heard_s

    @property
    def logged_s(self) -> float:
        """How long the log knows what was told, unless it is told again."""
        return LOGGED_INTERVALS * self.repeat_interval_s

    @property
    def skew_s(self) -> float:
        """How far a clock may be ahead of Prometheus' before alerts seem to end between two repeats."""
        valid_s = RESENT_WITHIN * max(self.evaluation_s, self.resend_s)
        return valid_s - self.period_s - self.transit_s

    @property
    def saved_s(self) -> float:
        """From when a node has heard of an alert until its next life knows of it whatever ends this one."""
        return min(self.maintenance_s, APART_S) + WRITE_S

    # Duplicates.

    @property
    def copies_handover(self) -> int:
        """Of one thing to say, while nodes come, go or do not hear each other: every other node may say it too."""
        return self.nodes - 1

    @property
    def copies_meeting(self) -> int:
        """Of a calm cluster, within ``at_once_s``: where turns last longer than the group interval, many may meet."""
        return 1 if self.is_sound else self.copies_handover

    @property
    def at_once_s(self) -> float:
        """Of a calm cluster, how far apart two nodes may be that both tell: neither can know of the other by then.

        The turns of two nodes may meet where their groups are out of step, though not often.
        """
        return self.usual_answer_s + self.timing.spread_us(self.nodes) / MILLION

    @property
    def attempts(self) -> int:
        """Of one flush, to a receiver that fails at once: as many as fit with the shortest pauses."""
        spent_s, pause_s, count = 0.0, FIRST_PAUSE_S, 1
        while (spent_s := spent_s + pause_s * (1 - PAUSE_JITTER)) <= self.flush_s:
            count += 1
            pause_s = min(pause_s * PAUSE_GROWTH, PAUSE_MAX_S)
        return count

    @property
    def quiet_s(self) -> float:
        """After the last fault, how long until nothing is said twice any more.

        All agree who lives; then a flush that had begun before ends, and one more of each node has asked and told.
        """
        return self.timing.agreed_us(self.nodes) / MILLION + 2 * self.flush_s + self.answer_s

    @property
    def equal_s(self) -> float:
        """After the last fault, how long until all nodes have the same silences and the same log."""
        return self.timing.complete_us(self.nodes) / MILLION
