"""Which alerts are held back because others fire (reference notify, section 7).

A rule's sources are filed by the values of its equal labels, the rules by what their sides cannot do without; so an
alert costs what its own labels cost, however many rules and sources there are. Sources that have ended stop
inhibiting by time alone: every question looks at the end of the source it finds, and nothing has to come in for it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from heapq import heapify, heappop, heappush, heapreplace
from typing import Final, Protocol

from amfast._ext.fingerprint import label_fingerprint
from amfast.config.types import InhibitRule
from amfast.model.anchors import Index, Pair, conditions, label_values
from amfast.model.clock import Clock
from amfast.model.labels import Labels

REMEMBERED_MAX: Final = 200_000
"""Label sets whose rules are remembered; beyond it they are worked out anew, which is slower but bounded."""
SLICE: Final = 5_000
"""Ends that are looked at before somebody else may have a turn."""
NEVER: Final = 1 << 80
"""The end of an alert without one."""

_Values = tuple[str, ...]
"""What an alert has for the equal labels of a rule; a label that is not there has the empty value."""


class SourceAlert(Protocol):
    """An alert as the rules see it. Its end may move on by itself; it is reported when it comes nearer."""

    @property
    def fingerprint(self) -> int: ...

    @property
    def labels(self) -> Labels: ...

    @property
    def ends_at_ns(self) -> int: ...


class _Source:
    """An alert that may inhibit, and where it is filed."""

    __slots__ = ("alert", "places", "queued_ns")

    def __init__(self, alert: SourceAlert) -> None:
        self.alert = alert
        self.queued_ns = alert.ends_at_ns
        """Where it stands in the queue of ends, never after its end; other entries of it there do not count."""
        self.places: list[tuple[_Shelves, _Values]] = []

    @property
    def end_ns(self) -> int:
        return self.alert.ends_at_ns


_Shelves = dict[_Values, OrderedDict[int, _Source]]
"""Sources by the values of the equal labels, then by fingerprint, in the order they came."""


class _Rule:
    __slots__ = ("config", "equal", "one_sided", "two_sided")

    def __init__(self, rule: InhibitRule) -> None:
        self.config = rule
        self.equal = rule.equal
        self.one_sided: _Shelves = {}
        self.two_sided: _Shelves = {}
        """The sources that are targets too; they do not inhibit their like."""


_Target = tuple[_Rule, _Values, bool]
"""A rule of which an alert is the target, the alert's values there, and whether it is a source of it as well."""


class Inhibitor:
    """The inhibition rules and the alerts that fire on their source sides."""

    def __init__(self, rules: Sequence[InhibitRule], clock: Clock) -> None:
        self._clock = clock
        self._rules = [_Rule(rule) for rule in rules]
        self._by_source: Index[int] = Index()
        self._by_target: Index[int] = Index()
        for number, rule in enumerate(rules):
            self._by_source.add(number, conditions(rule.source))
            self._by_target.add(number, conditions(rule.target))
        self._tries_always = self._by_target.interests()[1]
        """Some rules are tried with every alert, so it is worth while to remember those they do not match."""
        self._sources: dict[int, _Source] = {}
        self._ends: list[tuple[int, int]] = []
        """A heap of (end, fingerprint), to find what is over without looking at everything."""
        self._targets: dict[int, tuple[_Target, ...]] = {}
        self.version = 0
        """Grows whenever an answer may have changed otherwise than by the passing of time."""

    def __len__(self) -> int:
        """The number of rules."""
        return len(self._rules)

    def source_interests(self) -> tuple[frozenset[Pair], bool]:
        """The label pairs of which an alert must have one to be a source; True where none is needed."""
        return self._by_source.interests()

    def target_interests(self) -> tuple[frozenset[Pair], bool]:
        """The label pairs of which an alert must have one to be inhibited; True where none is needed."""
        return self._by_target.interests()

    # Hearing

    def observe(self, alert: SourceAlert) -> None:
        """Hear of an alert that came to fire, has ended, or ends earlier than it was said to before."""
        fingerprint, end_ns = alert.fingerprint, alert.ends_at_ns
        source = self._sources.get(fingerprint)
        now_ns = self._clock.now_ns()
        if source is None:
            numbers = self._by_source.matching(alert.labels)
            if numbers and end_ns > now_ns:
                self._take_in(numbers, alert)
            return
        self.version += 1
        source.alert = alert
        if end_ns <= now_ns:
            self._forget(fingerprint)
        elif end_ns < source.queued_ns:  # a later end is seen when the queue comes to the earlier one
            source.queued_ns = end_ns
            heappush(self._ends, (end_ns, fingerprint))

    def _take_in(self, numbers: Sequence[int], alert: SourceAlert) -> None:
        source = _Source(alert)
        labels, fingerprint = alert.labels, alert.fingerprint
        for number in numbers:
            rule = self._rules[number]
            shelves = rule.two_sided if self._by_target.holds(number, labels) else rule.one_sided
            values = label_values(labels, rule.equal)
            shelves.setdefault(values, OrderedDict())[fingerprint] = source
            source.places.append((shelves, values))
        self._sources[fingerprint] = source
        heappush(self._ends, (source.queued_ns, fingerprint))
        self.version += 1

    def _forget(self, fingerprint: int) -> None:
        for shelves, values in self._sources.pop(fingerprint).places:
            shelf = shelves[values]
            del shelf[fingerprint]
            if not shelf:
                del shelves[values]

    # Asking

    def inhibiting(
        self, labels: Labels, fingerprint: int | None = None, now_ns: int | None = None
    ) -> tuple[str, ...]:
        """The fingerprint of an alert that inhibits one with these labels now, in hexadecimal; else nothing.

        Of several, it is one of the first rule that has any. ``fingerprint`` is that of the labels, and ``now_ns``
        the present, for who has them at hand.
        """
        found = self.verdict(labels, fingerprint, now_ns)
        return () if found is None else (f"{found[1]:016x}",)

    def verdict(
        self, labels: Labels, fingerprint: int | None = None, now_ns: int | None = None
    ) -> tuple[InhibitRule, int] | None:
        """As :meth:`inhibiting`: the rule, and the fingerprint as a number."""
        if not self._sources:
            return None
        if fingerprint is None:
            fingerprint = label_fingerprint(labels)
        targets = self._targets.get(fingerprint)
        if targets is None:
            numbers = self._by_target.matching(labels)
            if not numbers and not self._tries_always:
                return None
            targets = self._find_targets(numbers, labels)
            if len(self._targets) >= REMEMBERED_MAX:
                self._targets.clear()
            self._targets[fingerprint] = targets
        if now_ns is None:
            now_ns = self._clock.now_ns()
        for rule, values, two_sided in targets:
            found = self._firing(rule.one_sided, values, now_ns)
            if found is None and not two_sided:
                found = self._firing(rule.two_sided, values, now_ns)
            if found is not None:
                return rule.config, found
        return None

    def _find_targets(self, numbers: list[int], labels: Labels) -> tuple[_Target, ...]:
        """The rules of which the labels are a target, in their order; they do not depend on time."""
        numbers.sort()
        rules, is_source = self._rules, self._by_source.holds
        return tuple(
            [
                (rules[number], label_values(labels, rules[number].equal), is_source(number, labels))
                for number in numbers
            ]
        )

    def _firing(self, shelves: _Shelves, values: _Values, now_ns: int) -> int | None:
        """The first source with these values that has not ended; those before it are forgotten."""
        while (shelf := shelves.get(values)) is not None:
            fingerprint, source = next(iter(shelf.items()))
            if source.end_ns > now_ns:
                return fingerprint
            self._forget(fingerprint)
        return None

    # The passing of time

    def steady_until_ns(self) -> int:
        """A time before which no answer changes by the passing of time alone; it may be too early, even past."""
        self._expire()
        return self._ends[0][0] if self._ends else NEVER

    def collect_garbage(self) -> bool:
        """Forget sources that have ended and label sets that nobody asks about; False when there may be more."""
        self._targets.clear()
        # Alerts that come and go, each time with an end far away, leave more behind than there are sources.
        if len(self._ends) > 2 * len(self._sources) + SLICE:
            self._ends = [(source.queued_ns, fingerprint) for fingerprint, source in self._sources.items()]
            heapify(self._ends)
        return self._expire()

    def _expire(self) -> bool:
        """Take what is over from the front of the queue of ends; False when there is more than a slice of it."""
        now_ns, ends = self._clock.now_ns(), self._ends
        for _ in range(SLICE):
            if not ends or ends[0][0] > now_ns:
                return True
            end_ns, fingerprint = ends[0]
            source = self._sources.get(fingerprint)
            if source is None or source.queued_ns != end_ns:
                heappop(ends)
            elif source.end_ns > now_ns:
                source.queued_ns = source.end_ns
                heapreplace(ends, (source.end_ns, fingerprint))
            else:
                heappop(ends)
                self._forget(fingerprint)
        return False
