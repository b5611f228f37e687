"""The file's own shape: the top level, routes as they are written, receivers with their lists."""

# ruff: noqa: RUF009 - key() makes dataclass fields
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from amfast.config.emit import Tree
from amfast.config.kinds import (
    BOOL,
    DURATION_OR_UNSET,
    MATCHERS,
    REGEXP_MAP,
    TEXT,
    TEXT_MAP,
    TEXTS_OR_UNSET,
    BlockOf,
    ListOf,
    Pairs,
)
from amfast.config.schema import Block, Kind, Place, Row, key, not_built, read_rows, show_rows
from amfast.config.types import Global, InhibitRule, IntegrationConfig, Receiver, Route
from amfast.model.matcher import Matcher, MatcherError, MatchType, matcher_order, valid_label_name

Integrations = Mapping[str, type[Block]]
"""The integrations that are built, by kind (``webhook``), in the order of building."""

_PRINTED: Final = (
    "discord", "email", "incidentio", "pagerduty", "slack", "webhook", "opsgenie", "wechat", "pushover",
    "victorops", "sns", "telegram", "webex", "msteams", "msteamsv2", "jira", "rocketchat", "mattermost",
)  # fmt: skip
"""All kinds in the order of printing."""

_CLASSIC_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ALL: Final = "..."


@dataclass(frozen=True, slots=True)
class RouteBlock(Block):
    """A route as written."""

    NOT_BUILT: ClassVar = ("mute_time_intervals", "active_time_intervals", "labels")

    receiver: str = key(TEXT, "")
    group_by: tuple[str, ...] | None = key(TEXTS_OR_UNSET, None)
    match: Pairs = key(TEXT_MAP, ())
    match_re: Pairs = key(REGEXP_MAP, ())
    matchers: tuple[Matcher, ...] = key(MATCHERS, ())
    continue_: bool = key(BOOL, False, name="continue", shown=True)
    routes: tuple[RouteBlock, ...] = key(ListOf(BlockOf(lambda: RouteBlock)), ())
    group_wait_ns: int | None = key(DURATION_OR_UNSET, None, name="group_wait")
    group_interval_ns: int | None = key(DURATION_OR_UNSET, None, name="group_interval")
    repeat_interval_ns: int | None = key(DURATION_OR_UNSET, None, name="repeat_interval")

    def checked(self, place: Place) -> RouteBlock:
        self._check_group_by(place)
        _check_match(place, "", self.match, self.match_re)
        for name in ("group_interval", "repeat_interval"):
            if getattr(self, f"{name}_ns") == 0:
                place.refuse("must not be zero", name)
        if self.receiver:
            place.walk.found.setdefault(_USES, []).append((self.receiver, place))
        return self

    def _check_group_by(self, place: Place) -> None:
        names = [name for name in self.group_by or () if name != _ALL]
        if names and _ALL in (self.group_by or ()):
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
            matchers=_united(self.match, self.match_re, self.matchers),
            continue_=self.continue_,
            routes=tuple(route.route() for route in self.routes),
        )


@dataclass(frozen=True, slots=True)
class InhibitRuleBlock(Block):
    """An inhibition rule as written."""

    name: str = key(TEXT, "")
    source_match: Pairs = key(TEXT_MAP, ())
    source_match_re: Pairs = key(REGEXP_MAP, ())
    source_matchers: tuple[Matcher, ...] = key(MATCHERS, ())
    target_match: Pairs = key(TEXT_MAP, ())
    target_match_re: Pairs = key(REGEXP_MAP, ())
    target_matchers: tuple[Matcher, ...] = key(MATCHERS, ())
    equal: tuple[str, ...] = key(ListOf(TEXT), ())

    def checked(self, place: Place) -> InhibitRuleBlock:
        _check_match(place, "source_", self.source_match, self.source_match_re)
        _check_match(place, "target_", self.target_match, self.target_match_re)
        for name in self.equal:
            if not valid_label_name(name, place.walk.mode):
                place.refuse(f"invalid label name {name!r}", "equal")
        return self

    def rule(self) -> InhibitRule:
        """The rule as the rest of the program sees it."""
        return InhibitRule(
            source=_united(self.source_match, self.source_match_re, self.source_matchers),
            target=_united(self.target_match, self.target_match_re, self.target_matchers),
            equal=tuple(sorted(set(self.equal))),
            name=self.name,
        )


class _RuleKind(BlockOf[InhibitRuleBlock]):
    """A rule; an explicit null is one without any key, which the reference takes."""

    null_is_absent = False

    def __init__(self) -> None:
        super().__init__(lambda: InhibitRuleBlock)
        self.zero = InhibitRuleBlock()


def _check_match(place: Place, side: str, match: Pairs, match_re: Pairs) -> None:
    """Look at the two old forms of matchers; the keys begin with ``side``."""
    for name, _ in (*match, *match_re):
        if not _CLASSIC_NAME.fullmatch(name):
            place.refuse(f"invalid label name {name!r} in {side}match or {side}match_re")
    for name, pattern in match_re:
        try:
            Matcher(MatchType.REGEXP, name, pattern)
        except MatcherError as error:
            place.refuse(str(error), f"{side}match_re")


def _united(match: Pairs, match_re: Pairs, matchers: tuple[Matcher, ...]) -> tuple[Matcher, ...]:
    """The three forms of matchers as one, sorted."""
    union = [
        *(Matcher(MatchType.EQUAL, name, value) for name, value in match),
        *(Matcher(MatchType.REGEXP, name, f"^(?:{value})$") for name, value in match_re),
        *matchers,
    ]
    return tuple(sorted(union, key=matcher_order))


_USES: Final = "uses of receivers"
_DEFINED: Final = "defined receivers"


class ReceiverKind(Kind[Receiver]):
    """A receiver, whose keys depend on which integrations are built."""

    null_is_absent = True

    def __init__(self, integrations: Integrations) -> None:
        super().__init__(Receiver(""))
        self._build_order = tuple(integrations)
        self._rows = (
            Row("name", "name", TEXT, shown=True),
            Row("labels", "labels", TEXT_MAP),
            *(self._list_row(kind, integrations.get(kind)) for kind in _PRINTED),
        )

    @staticmethod
    def _list_row(kind: str, block: type[Block] | None) -> Row:
        name = f"{kind}_configs"
        if block is None:
            return not_built((name,))[0]
        return Row(name, kind, ListOf(BlockOf(lambda: block)))

    def read(self, place: Place) -> Receiver:
        values, place = read_rows(place, self._rows)
        name: str = values.get("name", "")
        if not name:
            place.refuse("the receiver needs a name", "name")
        elif name in place.walk.found.setdefault(_DEFINED, {}):
            place.refuse(f"the receiver name {name!r} is there twice", "name")
        else:
            place.walk.found[_DEFINED][name] = place
        labels = dict(values.get("labels", ()))
        if labels.setdefault("name", name) != name:
            place.refuse(f"the label name must be the receiver's name {name!r}", "labels")
        configs = (config for kind in self._build_order for config in values.get(kind, ()))
        return Receiver(name, tuple(sorted(labels.items())), tuple(configs))

    def show(self, value: Receiver) -> Tree:
        by_kind: dict[str, list[IntegrationConfig]] = {}
        for config in value.integrations:
            by_kind.setdefault(config.kind, []).append(config)
        own: dict[str, Any] = {"name": value.name, "labels": value.labels}
        return show_rows(self._rows, lambda row: own.get(row.field) or by_kind.get(row.field, ()))


@dataclass(frozen=True, slots=True)
class File:
    """The top level of a configuration file (reference config, section 2)."""

    global_: Global
    route: RouteBlock | None
    receivers: tuple[Receiver, ...]
    inhibit_rules: tuple[InhibitRuleBlock, ...]
    shown: Tree
    """The printed form."""


_NOT_BUILT: Final = not_built(("mute_time_intervals", "time_intervals", "tracing", "event_recorder"))


def read_file(place: Place, integrations: Integrations) -> File:
    """Read the whole document, global settings first: integrations inherit from them while they are read."""
    rows = (
        Row("global", "global", BlockOf(lambda: Global)),
        Row("route", "route", BlockOf(lambda: RouteBlock)),
        Row("inhibit_rules", "inhibit_rules", ListOf(_RuleKind())),
        Row("receivers", "receivers", ListOf(ReceiverKind(integrations))),
        Row("templates", "templates", TEXTS_OR_UNSET, shown=True, built=False),
        *_NOT_BUILT,
    )
    values, place = read_rows(place, rows)
    values.setdefault("global", Global())
    route: RouteBlock | None = values.get("route")
    if route is None and not place.walk.problems:
        place.refuse("a configuration needs a route")
    elif route is not None:
        route.check_root(place.at_key("route", place.values["route"]))
    _check_uses(place)
    shown = show_rows(rows, lambda row: values.get(row.field, ()))
    receivers, rules = (values.get(name, ()) for name in ("receivers", "inhibit_rules"))
    return File(values["global"], route, receivers, rules, shown)


def _check_uses(place: Place) -> None:
    defined = place.walk.found.get(_DEFINED, {})
    uses: list[tuple[str, Place]] = place.walk.found.get(_USES, [])
    for name, route in uses:
        if name not in defined:
            route.refuse(f"there is no receiver named {name!r}", "receiver")
