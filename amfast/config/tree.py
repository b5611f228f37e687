"""The file's own shape: the top level, and receivers with their lists."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from amfast.config.emit import Tree
from amfast.config.globals import Global, as_used
from amfast.config.holders import TEXT_MAP, BlockOf, ListOf, ValueBlockOf
from amfast.config.inhibition import InhibitRuleBlock
from amfast.config.intervals import DEFINED_INTERVALS, INTERVALS
from amfast.config.kinds import FILE_BESIDE, TEXT
from amfast.config.nodes import Mapping, Scalar
from amfast.config.observing import EventRecorder, Tracing
from amfast.config.receivers import BUILT, PRINTED
from amfast.config.receivers.common import Integration
from amfast.config.routes import INTERVAL_USES, USES, RouteBlock
from amfast.config.schema import JsonSchema, Kind, Place, Row, Rows, Shape, read_rows, show_rows
from amfast.config.types import IntegrationConfig, Intervals, Receiver

_DEFINED: Final = "defined receivers"
_UNSUPPORTED: Final = "what receivers cannot do"

_PREFIX: Final = "_configs"


def _list_row(block: type[Integration]) -> Row:
    about = " ".join((block.__doc__ or "").split())
    sentence = about.partition(". ")[0].removesuffix(".")
    return Row(f"{block.kind}{_PREFIX}", block.kind, ListOf(BlockOf(lambda: block)), f"{sentence}.")


class ReceiverKind(Kind[Receiver]):
    """A receiver: its name, its labels, and a list for each kind of integration. ``sendable`` are those we can use."""

    null_is_absent = True
    title = "[Receiver](#receiver)"
    ABOUT: Final = "A name, and the ways out behind it. A receiver without any sends nothing."

    ROWS: Final = Rows(
        (
            Row("name", "name", TEXT, "Name by which routes refer to it.", shown=True, required=True),
            Row(
                "labels", "labels", TEXT_MAP, "Labels for API filters; `name` is always the receiver's name."
            ),
            *(_list_row(block) for block in PRINTED),
        )
    )

    def __init__(self, sendable: Collection[str]) -> None:
        super().__init__(Receiver(""))
        self._sendable = sendable

    def json_schema(self) -> JsonSchema:
        return {"$ref": "#/$defs/Receiver"}

    def shapes(self) -> Iterable[Shape]:
        return (Shape("Receiver", self.ABOUT, self.ROWS),)

    def read(self, place: Place) -> Receiver:
        known = len(place.walk.unsupported)
        values, place = read_rows(place, self.ROWS)
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
        kinds = [kind for kind in BUILT if values.get(kind)] if len(values) > 1 else []
        for kind in kinds:
            if kind not in self._sendable:
                place.cannot(f"amfast cannot send through {kind} yet", f"{kind}{_PREFIX}")
        # Only a receiver that a route uses has to be able to send.
        place.walk.found.setdefault(_UNSUPPORTED, {})[name] = place.walk.unsupported[known:]
        del place.walk.unsupported[known:]
        configs = (config for kind in kinds for config in values[kind])
        return Receiver(name, tuple(sorted(labels.items())), tuple(configs))

    def show(self, value: Receiver) -> Tree:
        by_kind: dict[str, list[IntegrationConfig]] = {}
        for config in value.integrations:
            by_kind.setdefault(config.kind, []).append(config)
        own: dict[str, Any] = {"name": value.name, "labels": value.labels}
        return show_rows(self.ROWS, lambda row: own.get(row.field) or by_kind.get(row.field, ()))


@dataclass(frozen=True, slots=True)
class File:
    """The top level of a configuration file (reference config, section 2)."""

    global_: Global
    route: RouteBlock | None
    receivers: tuple[Receiver, ...]
    inhibit_rules: tuple[InhibitRuleBlock, ...]
    intervals: Intervals
    templates: tuple[str, ...]
    tracing: Tracing | None
    event_recorder: EventRecorder
    shown: Callable[[], Tree]
    """Makes the printed form."""


def rows(sendable: Collection[str] = ()) -> Rows:
    """The keys of the top level, in the order of printing, which is also that of reading."""
    return Rows(
        (
            Row("global", "global", BlockOf(lambda: Global), "What receivers fall back to."),
            Row(
                "route",
                "route",
                BlockOf(lambda: RouteBlock),
                "The root of the routing tree. Every file must have it.",
            ),
            Row(
                "inhibit_rules",
                "inhibit_rules",
                ListOf(ValueBlockOf(lambda: InhibitRuleBlock)),
                "Which alerts hold back which others.",
            ),
            Row("receivers", "receivers", ListOf(ReceiverKind(sendable)), "The receivers."),
            Row(
                "templates",
                "templates",
                ListOf(FILE_BESIDE),
                "Files with templates; `*`, `?` and `[]` stand for more.",
                shown=True,
                default=(),
            ),
            Row("mute_time_intervals", "mutes", INTERVALS, "Deprecated: as `time_intervals`."),
            Row("time_intervals", "intervals", INTERVALS, "Names for times, for routes to refer to."),
            Row("tracing", "tracing", BlockOf(lambda: Tracing), "Where traces are sent."),
            Row("event_recorder", "recorder", BlockOf(lambda: EventRecorder), "Where events are recorded."),
        )
    )


def whole_file() -> Shape:
    """The top level, as it is documented."""
    return Shape("File", "The top level of a configuration file.", rows())


def read_file(place: Place, sendable: Collection[str]) -> File:
    """Read the whole document, global settings first: integrations inherit from them while they are read.

    ``sendable`` are the kinds of integrations that can be used, not only read.
    """
    keys = rows(sendable)
    values, place = read_rows(place, keys, in_order=True)
    route: RouteBlock | None = values.get("route")
    if route is None and not place.walk.problems:
        place.refuse("a configuration needs a route")
    elif route is not None and isinstance(place.values["route"], Mapping):
        route.check_root(place.at_key("route", place.values["route"]))
    _check_receiver_uses(place)
    _check_interval_uses(place)
    values["global"] = as_used(place)
    recorder = values.get("recorder")
    if recorder == EventRecorder():
        del values["recorder"]
    named = () if place.walk.problems else (*values.get("mutes", ()), *values.get("intervals", ()))
    return File(
        global_=values["global"],
        route=route,
        receivers=values.get("receivers", ()),
        inhibit_rules=values.get("inhibit_rules", ()),
        intervals=tuple((one.name, tuple(each.interval() for each in one.time_intervals)) for one in named),
        templates=values.get("templates", ()),
        tracing=values.get("tracing"),
        event_recorder=recorder or EventRecorder(),
        shown=lambda: show_rows(keys, lambda row: values.get(row.field, row.default)),
    )


def _check_receiver_uses(place: Place) -> None:
    defined = place.walk.found.get(_DEFINED, {})
    uses: list[tuple[str, Place]] = place.walk.found.get(USES, [])
    for name, route in uses:
        if name not in defined and not isinstance(place.values.get("receivers"), Mapping | Scalar):
            route.refuse(f"there is no receiver named {name!r}", "receiver")
    unsupported = place.walk.found.get(_UNSUPPORTED, {})
    for name in dict.fromkeys(name for name, _ in uses):
        place.walk.unsupported.extend(unsupported.get(name, ()))


def _check_interval_uses(place: Place) -> None:
    defined = place.walk.found.get(DEFINED_INTERVALS, ())
    uses: list[tuple[RouteBlock, Place]] = place.walk.found.get(INTERVAL_USES, [])
    for route, at in uses:
        for key_name in ("mute_time_intervals", "active_time_intervals"):
            for name in getattr(route, key_name):
                if name not in defined:
                    at.refuse(f"there is no time interval named {name!r}", key_name)
