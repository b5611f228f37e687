"""The routing tree: which receivers an alert goes to, and by which labels it is grouped on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from amfast.config.addresses import TEMPLATE_MARK
from amfast.config.types import DEFAULT_GROUP_INTERVAL_NS, DEFAULT_GROUP_WAIT_NS, DEFAULT_REPEAT_INTERVAL_NS
from amfast.config.types import Route as RouteConfig
from amfast.model.anchors import Index, conditions, label_values
from amfast.model.labels import Labels, make_labels
from amfast.model.matcher import Matcher, format_matchers

FEW = 8
"""Children of a route that are all tried at once; of more, one after the other until one does not go on."""


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """What a route hands down to its children."""

    receiver: str
    group_by: tuple[str, ...]
    group_by_all: bool
    group_wait_ns: int
    group_interval_ns: int
    repeat_interval_ns: int
    labels: Labels = field(default_factory=dict)
    """Their values may be templates."""
    labels_are_templates: bool = field(init=False, compare=False, default=False)

    def __post_init__(self) -> None:
        are_templates = any(TEMPLATE_MARK in value for value in self.labels.values())
        object.__setattr__(self, "labels_are_templates", are_templates)


_ROOT_DEFAULTS = RouteOptions(
    "", (), False, DEFAULT_GROUP_WAIT_NS, DEFAULT_GROUP_INTERVAL_NS, DEFAULT_REPEAT_INTERVAL_NS
)


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One node of the tree, what it inherits filled in.

    ``key`` is printed into group keys and may repeat among siblings; ``id`` is unique (reference notify, section 3).
    """

    options: RouteOptions
    matchers: tuple[Matcher, ...]
    goes_on: bool
    children: tuple[Route, ...]
    key: str
    id: str
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    _index: Index[int] | None = field(init=False, repr=False, default=None)
    """The places of the children, by what they need to match; None without children."""

    def __post_init__(self) -> None:
        if self.children:
            index: Index[int] = Index()
            for place, child in enumerate(self.children):
                index.add(place, conditions(child.matchers))
            object.__setattr__(self, "_index", index)

    def match(self, labels: Labels) -> list[Route]:
        """The routes that take an alert with these labels: depth first, left to right."""
        for matcher in self.matchers:
            if not matcher.matches_labels(labels):
                return []
        return self._matches(labels)

    def _matches(self, labels: Labels) -> list[Route]:
        """As :meth:`match`, of labels that this route's own matchers take."""
        index = self._index
        if index is None:
            return [self]
        matching = index.matching_of_few(labels, FEW)
        found: list[Route] = []
        for place in sorted(index.candidates(labels) if matching is None else matching):
            if matching is None and not index.holds(place, labels):
                continue
            child = self.children[place]
            found += child._matches(labels)  # noqa: SLF001 - of the same class
            if not child.goes_on:
                break
        return found or [self]

    def walk(self) -> Iterator[Route]:
        """This route and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def label_names(self) -> frozenset[str] | None:
        """The labels that decide where an alert goes from here; None for all of them."""
        names: set[str] = set()
        for route in self.walk():
            if route.options.group_by_all:
                return None
            names.update(matcher.name for matcher in route.matchers)
            names.update(route.options.group_by)
        return frozenset(names)

    def group_values(self, labels: Labels) -> tuple[str, ...]:
        """What tells the groups of this route apart; an empty value stands for a label that is not there."""
        if self.options.group_by_all:
            return *labels, *labels.values()
        return label_values(labels, self.options.group_by)

    def group_labels(self, values: tuple[str, ...]) -> Labels:
        """The labels that the group of these :meth:`group_values` is named by; absent ones are left out."""
        if self.options.group_by_all:
            half = len(values) // 2
            return dict(zip(values[:half], values[half:], strict=True))
        return {name: value for name, value in zip(self.options.group_by, values, strict=True) if value}


def build_routes(config: RouteConfig) -> Route:
    """The tree of a configuration, starting at its root."""
    matchers = format_matchers(config.matchers)
    return _build(config, _ROOT_DEFAULTS, matchers, matchers)


def _build(config: RouteConfig, inherited: RouteOptions, key: str, route_id: str) -> Route:
    options = _inherit(config, inherited)
    children = []
    for index, child in enumerate(config.routes):
        segment = f"/{format_matchers(child.matchers)}"
        children.append(_build(child, options, f"{key}{segment}", f"{route_id}{segment}/{index}"))
    return Route(
        options,
        config.matchers,
        config.continue_,
        tuple(children),
        key,
        route_id,
        config.mute_time_intervals,
        config.active_time_intervals,
    )


def _inherit(config: RouteConfig, inherited: RouteOptions) -> RouteOptions:
    grouped = config.group_by_all or config.group_by is not None
    return RouteOptions(
        receiver=config.receiver or inherited.receiver,
        group_by=tuple(sorted(config.group_by or ())) if grouped else inherited.group_by,
        group_by_all=config.group_by_all if grouped else inherited.group_by_all,
        group_wait_ns=_or(config.group_wait_ns, inherited.group_wait_ns),
        group_interval_ns=_or(config.group_interval_ns, inherited.group_interval_ns),
        repeat_interval_ns=_or(config.repeat_interval_ns, inherited.repeat_interval_ns),
        labels=make_labels({**inherited.labels, **dict(config.labels)}),
    )


def _or(own: int | None, inherited: int) -> int:
    return inherited if own is None else own
