"""What inhibition must come to: every question looks at all rules and all alerts (reference notify, section 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from amfast.config.types import InhibitRule
from amfast.model.alert import Alert
from amfast.model.labels import Labels
from tests.models.matching import fulfils


def inhibitors(
    rules: Sequence[InhibitRule], alerts: Iterable[Alert], labels: Labels, now_ns: int
) -> set[str]:
    """The fingerprints, any one of which may be named as what inhibits the labels: those of the first rule."""
    firing = [alert for alert in alerts if alert.ends_at.is_zero or alert.ends_at.ns > now_ns]
    for rule in rules:
        found = {f"{alert.fingerprint:016x}" for alert in firing if _inhibits(rule, alert.labels, labels)}
        if found:
            return found
    return set()


def _inhibits(rule: InhibitRule, source: Labels, target: Labels) -> bool:
    if not (fulfils(source, rule.source) and fulfils(target, rule.target)):
        return False
    if any(source.get(name, "") != target.get(name, "") for name in rule.equal):
        return False
    return not (fulfils(target, rule.source) and fulfils(source, rule.target))
