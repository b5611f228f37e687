"""The flags of a simulated node, and the bounds for the checkers that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

from amfast._ext.broadcast import retransmits
from amfast._ext.state import suspicion_span_us

SCORE_MAX = 7
GOSSIP_TO_DEAD_US = 30_000_000

_MULTIPLIER = 4
_SCALE_FROM = 32
_SEEN_BY_SOMEBODY = 20


@dataclass(frozen=True, slots=True)
class Timing:
    """Alertmanager's defaults (reference gossip, section 14). Bounds are for clusters of ``n`` nodes."""

    probe_interval_us: int = 1_000_000
    probe_timeout_us: int = 500_000
    gossip_interval_us: int = 200_000
    gossip_nodes: int = 3
    push_pull_interval_us: int = 60_000_000
    tcp_timeout_us: int = 10_000_000
    reconnect_interval_us: int = 10_000_000
    refresh_interval_us: int = 15_000_000
    idle_ticks: bool = False
    """Wake the core at every gossip tick, as memberlist does, even when it has nothing to say.

    The core asks for no such wake-up; so after a silence its first packet does not wait for the next tick.
    """

    def suspicion_us(self, n: int) -> tuple[int, int]:
        """Shortest and longest life of a suspicion."""
        return suspicion_span_us(n, self.probe_interval_us)

    def push_pull_us(self, n: int) -> int:
        """The push/pull interval as it grows with the cluster (reference gossip, section 12.4)."""
        times = 1
        while _SCALE_FROM << (times - 1) < n:
            times += 1
        return times * self.push_pull_interval_us

    def spread_us(self, n: int) -> int:
        """Time for a piece of gossip to reach everybody: two full sets of transmissions, one a tick."""
        return 2 * retransmits(_MULTIPLIER, n) * self.gossip_interval_us

    def false_death_us(self, n: int) -> int:
        """How long a majority may hold a live, reachable node for dead.

        Everybody who does so dials it within ``reconnect interval + TCP timeout``, and it dials somebody itself
        within the scaled ``push/pull interval``; either way it hears of its death and refutes, which takes
        ``spread`` to be known, as did the death before.
        """
        rejoin_us = self.reconnect_interval_us + self.tcp_timeout_us + self.push_pull_us(n)
        return rejoin_us + 2 * self.spread_us(n)

    def detection_us(self, n: int) -> int:
        """Time in which everybody has noticed a death.

        All nodes may start at the highest health score: 8 + 7 + ... + 1 probe intervals until it is 0 again. Then
        somebody probes the dead node in each interval with probability 1 - 1/e; 20 intervals leave 2 in 10⁹. Last,
        the longest suspicion and its spread.
        """
        recovery = (SCORE_MAX + 1) * (SCORE_MAX + 2) // 2
        probes_us = (recovery + _SEEN_BY_SOMEBODY) * self.probe_interval_us
        return probes_us + self.suspicion_us(n)[1] + self.spread_us(n)

    def agreed_us(self, n: int) -> int:
        """Time after the last fault in which all agree on who lives.

        ``detection + false death``: deaths are noticed, and wrong ones are taken back.
        """
        return self.detection_us(n) + self.false_death_us(n)

    def complete_us(self, n: int) -> int:
        """Time after the last fault in which all know every user update.

        Of full states only push/pull is sure to bring what gossip missed. Knowledge of one node doubles in each
        round of exchanges with random partners, and the ignorance of the last ones squares: log2 n rounds and
        three more, after all agree on who lives.
        """
        rounds = n.bit_length() + 3
        return self.agreed_us(n) + rounds * self.push_pull_us(n)
