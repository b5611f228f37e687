"""Inhibition on a clock set by hand: who holds back whom, until when, and what others may remember of it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from amfast.config.types import InhibitRule
from amfast.model.alert import Alert
from amfast.model.matcher import MatcherMode, parse_matchers
from amfast.model.timestamp import NS
from amfast.mute.inhibition import NEVER, SLICE, Inhibitor
from tests.models.inhibition import inhibitors
from tests.support.alerts import alert, at
from tests.support.chances import NAMES, any_labels, any_matchers
from tests.support.virtual import START_NS


class Clock:
    """Wall time that stands still until it is moved; nobody here may wait."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_ns(self) -> int:
        return START_NS + round(self.seconds * NS)

    def monotonic_us(self) -> int:
        raise NotImplementedError

    call_later = sleep = monotonic_us  # type: ignore[assignment]


def rule(source: str, target: str, *equal: str) -> InhibitRule:
    sides = [parse_matchers(text, MatcherMode.FALLBACK) for text in (source, target)]
    return InhibitRule(sides[0], sides[1], equal)


def build(*rules: InhibitRule) -> tuple[Inhibitor, Clock]:
    clock = Clock()
    return Inhibitor(rules, clock), clock  # type: ignore[arg-type]


def who(inhibitor: Inhibitor, target: Alert) -> tuple[str, ...]:
    """What inhibits the alert; asked in both ways, the answer must be the same."""
    answer = inhibitor.inhibiting(target.labels)
    assert inhibitor.inhibiting(target.labels, target.fingerprint) == answer
    return answer


def named(*alerts: Alert) -> tuple[str, ...]:
    return tuple(f"{one.fingerprint:016x}" for one in alerts)


CRITICAL = alert(ends=60, s="critical", a="x", i="1")
WARNING = alert(ends=600, s="warning", a="x", i="1")
OVER_WARNINGS = rule("s=critical", "s=warning", "a", "i")


def test_a_firing_source_inhibits_the_targets_that_agree_with_it() -> None:
    inhibitor, _ = build(OVER_WARNINGS)
    inhibitor.observe(CRITICAL)
    assert who(inhibitor, WARNING) == named(CRITICAL)
    assert who(inhibitor, alert(s="warning", a="x", i="2")) == ()
    assert who(inhibitor, alert(s="info", a="x", i="1")) == ()
    assert who(inhibitor, CRITICAL) == ()


def test_a_source_stops_inhibiting_when_its_end_comes_and_nobody_says_so() -> None:
    inhibitor, clock = build(OVER_WARNINGS)
    inhibitor.observe(CRITICAL)
    clock.seconds = 59.999
    assert who(inhibitor, WARNING) == named(CRITICAL)
    clock.seconds = 60
    assert who(inhibitor, WARNING) == ()


def test_a_source_that_is_said_again_inhibits_until_its_new_end() -> None:
    inhibitor, clock = build(OVER_WARNINGS)
    inhibitor.observe(CRITICAL)
    inhibitor.observe(replace(CRITICAL, ends_at=at(90)))
    clock.seconds = 80
    assert who(inhibitor, WARNING) == named(CRITICAL)
    inhibitor.observe(replace(CRITICAL, ends_at=at(80)))
    assert who(inhibitor, WARNING) == ()
    inhibitor.observe(replace(CRITICAL, ends_at=at(100)))
    assert who(inhibitor, WARNING) == named(CRITICAL)
    clock.seconds = 100
    assert who(inhibitor, WARNING) == ()


def test_an_alert_that_has_ended_already_is_no_source() -> None:
    inhibitor, clock = build(OVER_WARNINGS)
    clock.seconds = 60
    inhibitor.observe(CRITICAL)
    assert who(inhibitor, WARNING) == ()
    assert inhibitor.version == 0


def test_labels_that_both_lack_are_equal_and_equal_to_empty_ones() -> None:
    inhibitor, _ = build(rule("s=critical", "s=warning", "none"))
    inhibitor.observe(CRITICAL)
    assert who(inhibitor, WARNING) == named(CRITICAL)
    assert who(inhibitor, alert(s="warning", none="")) == named(CRITICAL)
    assert who(inhibitor, alert(s="warning", none="x")) == ()


def test_without_equal_labels_one_source_inhibits_every_target() -> None:
    inhibitor, _ = build(rule("s=critical", ""))
    inhibitor.observe(CRITICAL)
    assert who(inhibitor, alert(a="anything")) == named(CRITICAL)
    assert who(inhibitor, alert(s="critical", a="y")) == (), "it is a source, and so is what would inhibit it"


def test_an_alert_on_both_sides_is_not_inhibited_by_its_like_but_by_others() -> None:
    inhibitor, _ = build(rule('s=~"a|b"', 's=~"b|c"', "x"))
    both, other_both = alert(ends=60, s="b", x="1", i="1"), alert(ends=60, s="b", x="1", i="2")
    target = alert(s="c", x="1")
    inhibitor.observe(both)
    inhibitor.observe(other_both)
    assert who(inhibitor, both) == ()
    assert who(inhibitor, target) == named(both)
    source = alert(ends=60, s="a", x="1")
    inhibitor.observe(source)
    assert who(inhibitor, both) == named(source)
    assert who(inhibitor, source) == ()


def test_another_source_takes_over_when_the_first_one_ends() -> None:
    inhibitor, clock = build(rule("s=critical", "s=warning"))
    sources = [alert(ends=ends, s="critical", i=str(ends)) for ends in (30, 10, 60)]
    for source in sources:
        inhibitor.observe(source)
    for seconds, expected in ((0, sources[0]), (29, sources[0]), (30, sources[2])):
        clock.seconds = seconds
        assert who(inhibitor, WARNING) == named(expected)
    inhibitor.observe(replace(sources[2], ends_at=at(30)))
    assert who(inhibitor, WARNING) == ()


def test_the_first_rule_that_has_a_source_decides() -> None:
    inhibitor, _ = build(rule("s=a", "s=z", "x"), rule("s=b", "s=z"), rule("s=c", "s=z"))
    last, second = alert(ends=60, s="c"), alert(ends=60, s="b")
    target = alert(s="z", x="1")
    inhibitor.observe(last)
    assert who(inhibitor, target) == named(last)
    inhibitor.observe(second)
    assert who(inhibitor, target) == named(second)


def test_the_version_grows_with_what_may_change_an_answer_and_with_nothing_else() -> None:
    inhibitor, clock = build(OVER_WARNINGS)
    versions = [inhibitor.version]

    def grew() -> bool:
        versions.append(inhibitor.version)
        return versions[-1] > versions[-2]

    inhibitor.observe(WARNING)
    assert not grew()
    inhibitor.observe(CRITICAL)
    assert grew()
    clock.seconds = 90
    assert not grew()
    inhibitor.observe(replace(CRITICAL, ends_at=at(120)))
    assert grew()
    inhibitor.observe(replace(CRITICAL, ends_at=at(90)))
    assert grew()
    inhibitor.observe(replace(CRITICAL, ends_at=at(95)))
    assert grew()
    clock.seconds = 95
    inhibitor.observe(replace(CRITICAL, ends_at=at(120)))
    assert grew(), "nobody saw that it had ended, and yet it had"


def test_what_has_ended_is_forgotten_in_slices() -> None:
    inhibitor, clock = build(OVER_WARNINGS)
    count = SLICE + 10
    for number in range(count):
        inhibitor.observe(alert(ends=60 if number else None, s="critical", i=str(number)))
    who(inhibitor, WARNING)
    clock.seconds = 60
    assert not inhibitor.collect_garbage()
    assert inhibitor.collect_garbage()
    assert len(inhibitor._sources) == 1, "one has no end"
    assert sum(map(len, inhibitor._rules[0].one_sided.values())) == 1
    assert inhibitor._targets == {}


def test_ends_that_moved_do_not_pile_up() -> None:
    inhibitor, _ = build(OVER_WARNINGS)
    for number in range(3 * SLICE):
        inhibitor.observe(replace(CRITICAL, ends_at=at(1e6 - number)))
    assert inhibitor.collect_garbage()
    assert len(inhibitor._ends) == 1
    assert inhibitor.steady_until_ns() == at(1e6 - 3 * SLICE + 1).ns


def test_an_end_that_came_nearer_and_went_away_again_is_waited_for_once() -> None:
    inhibitor, clock = build(OVER_WARNINGS)
    for ends in (90, 60, 30, 600):
        inhibitor.observe(replace(CRITICAL, ends_at=at(ends)))
    clock.seconds = 90
    assert inhibitor.steady_until_ns() == at(600).ns
    assert len(inhibitor._ends) == 1


def test_it_is_known_until_when_no_answer_changes_by_itself() -> None:
    inhibitor, clock = build(OVER_WARNINGS)
    assert inhibitor.steady_until_ns() == NEVER
    inhibitor.observe(CRITICAL)
    inhibitor.observe(replace(CRITICAL, ends_at=at(90)))
    assert inhibitor.steady_until_ns() <= at(90).ns
    clock.seconds = 60
    assert inhibitor.steady_until_ns() == at(90).ns
    clock.seconds = 90
    assert inhibitor.steady_until_ns() == NEVER


@pytest.mark.parametrize("seed", range(15))
def test_every_answer_is_that_of_a_look_at_all_rules_and_alerts(seed: int) -> None:
    rng = random.Random(seed)
    rules = [
        InhibitRule(any_matchers(rng), any_matchers(rng), tuple(rng.sample(NAMES, rng.randint(0, 2))))
        for _ in range(rng.randint(1, 12))
    ]
    inhibitor, clock = build(*rules)
    alerts: dict[int, Alert] = {}
    remembered: dict[int, tuple[int, int, tuple[str, ...]]] = {}
    for _ in range(120):
        clock.seconds += rng.choice((0, 0, 1, 10))
        if rng.random() < 0.05:
            inhibitor.collect_garbage()
        ends = rng.choice((None, *[clock.seconds + more for more in (-5, 0, 1, 5, 30, 60)]))
        said = alert(ends=ends, **any_labels(rng))
        alerts[said.fingerprint] = said
        inhibitor.observe(said)
        for asked in rng.sample(list(alerts.values()), min(len(alerts), 5)):
            expected = inhibitors(rules, alerts.values(), asked.labels, clock.now_ns())
            answer = who(inhibitor, asked)
            assert set(answer) <= expected
            assert bool(answer) is bool(expected)
            version, steady_until_ns, before = remembered.get(asked.fingerprint, (-1, 0, ()))
            if version == inhibitor.version and clock.now_ns() < steady_until_ns:
                assert before == answer, "nothing was said to have changed"
            remembered[asked.fingerprint] = inhibitor.version, inhibitor.steady_until_ns(), answer


@pytest.mark.parametrize("seed", range(15))
def test_who_has_none_of_the_labels_of_interest_plays_no_part(seed: int) -> None:
    rng = random.Random(seed)
    rules = [InhibitRule(any_matchers(rng), any_matchers(rng)) for _ in range(3)]
    inhibitor, _ = build(*rules)
    sources, targets = inhibitor.source_interests(), inhibitor.target_interests()
    alerts = [alert(ends=60, **any_labels(rng)) for _ in range(60)]

    def concerns(interests: tuple[frozenset[tuple[str, str]], bool], one: Alert) -> bool:
        return interests[1] or not interests[0].isdisjoint(one.labels.items())

    for one in alerts:
        if concerns(sources, one):
            inhibitor.observe(one)
    for one in alerts:
        expected = inhibitors(rules, alerts, one.labels, START_NS)
        assert bool(expected) is bool(who(inhibitor, one))
        assert concerns(targets, one) or not expected
