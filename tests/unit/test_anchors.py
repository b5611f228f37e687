"""The index over lists of matchers, alone and inside the routing tree, beside a plain scan."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from amfast.config.types import Route as RouteConfig
from amfast.dispatch.destination import LETTERS_REMEMBERED, REMEMBERED, Destinations
from amfast.dispatch.route import build_routes
from amfast.model.anchors import LITERALS_MAX, Condition, Index, Needs, conditions
from amfast.model.matcher import Matcher, MatcherMode, parse_matchers
from tests.models.matching import fulfils, routes_of
from tests.support.chances import any_labels, any_matchers


def filed(*texts: str) -> Index[int]:
    index: Index[int] = Index()
    for number, text in enumerate(texts):
        index.add(number, conditions(parse_matchers(text, MatcherMode.FALLBACK)))
    return index


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_whatever_matches_is_among_the_candidates_also_after_removals(seed: int, asks: bool) -> None:
    rng = random.Random(seed)
    lists: dict[int, list[tuple[Matcher, ...]]] = {}

    def made(thing: int) -> list[list[Condition]]:
        return [conditions(matchers) for matchers in lists[thing]]

    def needed(thing: int) -> list[Needs]:
        return [tuple(pairs for *_, pairs in some if pairs) for some in made(thing)]

    index: Index[int] = Index(made, needed) if asks else Index()
    for step in range(300):
        if lists and rng.random() < 0.3:
            index.remove(gone := rng.choice(list(lists)))
            del lists[gone]
        else:
            lists[step] = [any_matchers(rng) for _ in range(rng.randint(1, 3))]
            if asks and rng.random() < 0.7:
                index.file([step] * len(lists[step]), needed(step))
            else:
                for some in made(step):
                    index.add(step, some)
        labels = any_labels(rng)
        matching = {thing for thing, sets in lists.items() if any(fulfils(labels, one) for one in sets)}
        candidates = index.candidates(labels)
        assert matching <= set(candidates) <= set(lists)
        assert set(index.matching(labels)) == matching
        few = index.matching_of_few(labels, 5)
        assert set(few or ()) == matching if len(candidates) <= 5 else few is None
        assert {thing for thing in lists if index.holds(thing, labels)} == matching
        pairs, everything = index.interests()
        assert everything or not matching or not pairs.isdisjoint(labels.items())
        if not everything and pairs.isdisjoint(labels.items()):
            assert candidates == []
    for thing in lists:
        index.remove(thing)
    assert index.interests() == (frozenset(), False)


def test_nothing_is_left_behind_of_what_was_removed() -> None:
    index = filed('a=~"1|2",b=~"1|2|3"', "a=1", "c=~.+")
    for thing in range(3):
        index.remove(thing)
    assert index.interests() == (frozenset(), False)
    for labels in ({"a": "1"}, {"a": "2", "b": "3"}, {}):
        assert index.candidates(labels) == []
    with pytest.raises(KeyError):
        index.remove(0)
    with pytest.raises(KeyError):
        index.holds(0, {})


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a=1", {("a", "1")}),
        ('a=~"1|2"', {("a", "1"), ("a", "2")}),
        ('a=~"^(?:1|2)$"', {("a", "1"), ("a", "2")}),
        ('a=~"1|2",b=3', {("b", "3")}),
        ('a!=1,b!~"2"', None),
        ('a=""', None),
        ('a=~"1|"', None),
        ('a=~"1.*"', None),
        (f'a=~"{"|".join(map(str, range(LITERALS_MAX + 1)))}"', None),
    ],
)
def test_a_list_is_filed_under_the_values_it_cannot_do_without(
    text: str, pairs: set[tuple[str, str]] | None
) -> None:
    assert filed(text).interests() == (frozenset(pairs or ()), pairs is None)


@pytest.mark.parametrize("text", ["common=1,own={n}", 'common=1,own=~"{n}|other-{n}"'])
def test_what_all_have_in_common_does_not_bring_them_together(text: str) -> None:
    index = filed(*(text.format(n=number) for number in range(1000)))
    assert set(index.candidates({"common": "1", "own": "500"})) == {0, 500}, "the first had no better choice"
    assert index.candidates({"common": "1", "own": "none"}) == [0]


def test_where_many_share_each_of_their_conditions_all_of_them_together_count() -> None:
    index = filed(*(f"all=1,x={x},y={y},z={z}" for x in range(8) for y in range(8) for z in range(8)))
    asked = {"all": "1", "x": "3", "y": "4", "z": "5"}
    (found,) = index.matching(asked)
    assert found in index.candidates(asked)
    assert len(index.candidates(asked)) < 30, "of 512, of which 64 share any one pair"
    for thing in range(512):
        index.remove(thing)
    assert index.interests() == (frozenset(), False)


def test_long_lists_of_values_do_not_multiply_where_many_have_the_same() -> None:
    lists = ",".join(f'{name}=~"{"|".join(map(str, range(32)))}"' for name in "abcd")
    some = conditions(parse_matchers(f"{lists},e=1", MatcherMode.FALLBACK))
    tracemalloc.start()
    index: Index[int] = Index()
    for thing in range(100):
        index.add(thing, some)
    used_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used_bytes < 1 << 20, "it was 180 MB"
    assert sorted(index.matching({**dict.fromkeys("abcd", "7"), "e": "1"})) == list(range(100))


@pytest.mark.parametrize("seed", range(30))
def test_the_tree_takes_every_alert_where_a_scan_of_all_routes_takes_it(seed: int) -> None:
    rng = random.Random(seed)

    def grow(depth: int) -> RouteConfig:
        children = rng.randint(0, 6) if depth else 0
        return RouteConfig(
            receiver="r",
            matchers=any_matchers(rng),
            continue_=rng.random() < 0.4,
            routes=tuple(grow(depth - 1) for _ in range(children)),
        )

    root = build_routes(RouteConfig(receiver="r", routes=tuple(grow(3) for _ in range(8))))
    destinations = Destinations(root)
    for _ in range(200):
        labels = any_labels(rng)
        taken = [one.id for one in routes_of(root, labels)]
        assert [one.id for one in root.match(labels)] == taken
        assert [one.id for one in destinations.of(labels).routes] == taken


def test_alerts_between_which_no_matcher_sees_a_difference_share_their_destination() -> None:
    def asking(text: str) -> RouteConfig:
        return RouteConfig(receiver=text, matchers=parse_matchers(text, MatcherMode.FALLBACK))

    destinations = Destinations(
        build_routes(
            RouteConfig(receiver="r", routes=(asking('a=~"1|2"'), asking("a=3,b!=1"), asking("c=~x.*")))
        )
    )
    other = destinations.of({"a": "7"})
    assert other.receivers == ("r",)
    assert all(destinations.of({"a": value, "d": value}) is other for value in ("0", "8", "11", "x"))
    assert destinations.of({"a": "2"}).receivers == ('a=~"1|2"',)
    assert destinations.of({"a": "3"}).receivers == ("a=3,b!=1",)
    assert destinations.of({"a": "3", "b": "1"}).receivers == ("r",)
    assert destinations.of({"c": "xy"}).receivers == ("c=~x.*",)
    assert destinations.of({"c": "yx"}).receivers == ("r",)


def test_destinations_are_remembered_within_bounds() -> None:
    child = RouteConfig(receiver="x", matchers=parse_matchers("a=~x.*", MatcherMode.FALLBACK))
    destinations = Destinations(build_routes(RouteConfig(receiver="r", routes=(child,))))
    first, long = destinations.of({"a": "x0"}), {"a": "x" * LETTERS_REMEMBERED}
    assert destinations.of({"a": "x0"}) is first
    assert destinations.of(long).receivers == ("x",)
    assert destinations.of(long) is not destinations.of(long)
    for number in range(REMEMBERED + 1):
        assert destinations.of({"a": f"x{number}"}).receivers == ("x",)
    assert destinations.of({"a": "x0"}) is not first
