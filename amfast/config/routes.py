"""A route as it is written, and what it becomes (reference config, section 4)."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from amfast.config.holders import (
    MATCHERS,
    REGEXP_MAP,
    TEXT_MAP,
    TEXTS,
    TEXTS_OR_UNSET,
    BlockOf,
    ListOf,
    MapOf,
    Pairs,
)
from amfast.config.kinds import BOOL, DURATION_OR_UNSET, TEMPLATE, TEXT
from amfast.config.matching import check_match, united
from amfast.config.schema import Block, Place, key
from amfast.config.types import Route
from amfast.model.matcher import Matcher, valid_label_name

USES: Final = "uses of receivers"
"""What a walk finds under this name: pairs of a receiver's name and the place of the route that uses it."""
INTERVAL_USES: Final = "uses of time intervals"
"""Pairs of a route that uses some and its place."""

_ALL: Final = "..."


@dataclass(frozen=True, slots=True)
class RouteBlock(Block):
    """A node of the routing tree. Alerts go to the deepest nodes that match; what is unset is inherited.

    Not inherited are the matchers, the time intervals and `continue`, none of which the root can have.
    """

    CHECKED_ALWAYS: ClassVar = True

    receiver: str = key(TEXT, "", "Name of the receiver. The root must have one.")
    group_by: tuple[str, ...] | None = key(
        TEXTS_OR_UNSET,
        None,
        "Labels whose values make a group; `[]` for one group, `['...']` for all labels.",
    )
    match: Pairs = key(TEXT_MAP, (), "Deprecated: label values that must be equal.")
    match_re: Pairs = key(REGEXP_MAP, (), "Deprecated: regular expressions that label values must match.")
    matchers: tuple[Matcher, ...] = key(
        MATCHERS, (), 'What labels must be like: `a="b"`, `a!="b"`, `a=~"b"`, `a!~"b"`.'
    )
    mute_time_intervals: tuple[str, ...] = key(TEXTS, (), "Names of intervals in which nothing is sent.")
    active_time_intervals: tuple[str, ...] = key(
        TEXTS, (), "Names of intervals outside which nothing is sent."
    )
    continue_: bool = key(
        BOOL, False, "Whether the siblings after it are tried too.", name="continue", shown=True
    )
    routes: tuple[RouteBlock, ...] = key(ListOf(BlockOf(lambda: RouteBlock)), (), "Children, tried in order.")
    group_wait_ns: int | None = key(
        DURATION_OR_UNSET,
        None,
        "How long a new group waits for more alerts; `30s` at the root.",
        name="group_wait",
    )
    group_interval_ns: int | None = key(
        DURATION_OR_UNSET,
        None,
        "How often a group tells what is new; `5m` at the root.",
        name="group_interval",
    )
    repeat_interval_ns: int | None = key(
        DURATION_OR_UNSET,
        None,
        "When a group tells again what is not new; `4h` at the root.",
        name="repeat_interval",
    )
    labels: Pairs = key(MapOf(TEMPLATE), (), "Labels of the route, for templates; added to those inherited.")

    def checked(self, place: Place) -> RouteBlock:
        if self.group_by:
            self._check_group_by(place, self.group_by)
        check_match(place, "", self.match, self.match_re)
        for name, _ in self.labels:
            if not valid_label_name(name, place.walk.mode):
                place.refuse(f"invalid label name {name!r}", "labels")
        if self.group_interval_ns == 0:
            place.refuse("must not be zero", "group_interval")
        if self.repeat_interval_ns == 0:
            place.refuse("must not be zero", "repeat_interval")
        if self.receiver:
            place.walk.found.setdefault(USES, []).append((self.receiver, place))
        if self.mute_time_intervals or self.active_time_intervals:
            place.walk.found.setdefault(INTERVAL_USES, []).append((self, place))
        return self

    def _check_group_by(self, place: Place, group_by: tuple[str, ...]) -> None:
        names = [name for name in group_by if name != _ALL]
        if names and _ALL in group_by:
            place.refuse(f"{_ALL} groups by all labels: name no others beside it", "group_by")
        for index, name in enumerate(names):
            if not valid_label_name(name, place.walk.mode):
                place.refuse(f"invalid label name {name!r}", "group_by")
            if name in names[:index]:
                place.refuse(f"label {name!r} is there twice", "group_by")

    def check_root(self, place: Place) -> None:
        """Report what the root must have, and what only its children may have."""
        if not self.receiver:
            place.refuse("the root route must name a receiver")
        if self.match or self.match_re or self.matchers:
            place.refuse("the root route takes every alert: it must not have matchers")
        if self.continue_:
            place.refuse("the root route has no siblings: it must not have continue")
        if self.mute_time_intervals or self.active_time_intervals:
            place.refuse("the root route is the last resort: it must not have time intervals")

    def route(self) -> Route:
        """The route as the rest of the program sees it."""
        group_by_all = self.group_by is not None and _ALL in self.group_by
        return Route(
            receiver=self.receiver,
            group_by=None if group_by_all else self.group_by,
            group_by_all=group_by_all,
            group_wait_ns=self.group_wait_ns,
            group_interval_ns=self.group_interval_ns,
            repeat_interval_ns=self.repeat_interval_ns,
            matchers=united(self.match, self.match_re, self.matchers),
            continue_=self.continue_,
            routes=tuple(route.route() for route in self.routes),
            mute_time_intervals=self.mute_time_intervals,
            active_time_intervals=self.active_time_intervals,
            labels=self.labels,
        )
