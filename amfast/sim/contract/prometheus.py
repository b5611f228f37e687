"""Simulated Prometheus servers: they evaluate, and tell every node what fires and what is over."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from math import floor

from amfast._ext.fingerprint import label_fingerprint
from amfast.model.labels import make_labels
from amfast.model.timestamp import Time, format_nano
from amfast.sim.clock import MILLION
from amfast.sim.contract.loop import START_NS
from amfast.sim.contract.promises import RESENT_WITHIN

RESOLVED_KEPT_S = 900.0
"""Prometheus repeats for so long that an alert is over."""


@dataclass(slots=True)
class Rule:
    """One alert, and when its expression holds. The rest is what its Prometheus knows of it."""

    labels: dict[str, str]
    holds: Callable[[float], bool]
    """By the seconds since the start."""
    fingerprint: str = field(init=False)
    fires: bool = False
    changed_s: float = 0.0
    """When it was last seen to begin or to end."""
    known: bool = False
    sent_s: float = -1e9
    fired_s: float = 0.0

    def __post_init__(self) -> None:
        self.fingerprint = f"{label_fingerprint(make_labels(self.labels)):016x}"


class Prometheus:
    """One server. Its clock may be wrong; nothing else is."""

    def __init__(
        self,
        index: int,
        rules: tuple[Rule, ...],
        *,
        evaluation_s: float,
        resend_s: float,
        wrong_s: float,
        send: Callable[[int, bytes], None],
    ) -> None:
        self.index = index
        self.rules = rules
        self.evaluation_s = evaluation_s
        self._resend_s = resend_s
        self._wrong_s = wrong_s
        self._send = send

    def evaluate(self, now_s: float) -> None:
        """Look at all rules; send what is new, and what was not sent for longer than the resend delay."""
        for rule in self.rules:
            holds = rule.holds(now_s)
            if holds != rule.fires:
                rule.fires, rule.changed_s, rule.known = holds, now_s, True
                rule.sent_s = -1e9
                if holds:
                    rule.fired_s = now_s
        due = [rule for rule in self.rules if self._is_due(rule, now_s)]
        if due:
            for rule in due:
                rule.sent_s = now_s
            self._send(self.index, json.dumps([self._alert(rule, now_s) for rule in due]).encode())

    def _is_due(self, rule: Rule, now_s: float) -> bool:
        if not rule.known or (not rule.fires and now_s - rule.changed_s > RESOLVED_KEPT_S):
            return False
        return rule.sent_s + self._resend_s < now_s

    def _alert(self, rule: Rule, now_s: float) -> dict[str, object]:
        valid_s = RESENT_WITHIN * max(self.evaluation_s, self._resend_s)
        return {
            "labels": rule.labels,
            "startsAt": self._text(rule.fired_s),
            "endsAt": self._text(now_s + valid_s if rule.fires else rule.changed_s),
            "generatorURL": f"http://prometheus{self.index}/graph",
        }

    def _text(self, world_s: float) -> str:
        return format_nano(Time(START_NS + floor((world_s + self._wrong_s) * MILLION) * 1000))
