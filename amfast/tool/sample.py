"""Made-up data for those who try a template: a group of two alerts, as amtool has it (reference amtool, section 2)."""

from __future__ import annotations

from typing import Final

from amfast.template import gotime
from amfast.template.data import ALERTS, Alert, Data, kv
from amfast.template.values import Sequence

_MINUTE_NS: Final = 60_000_000_000
_GENERATOR: Final = "https://generatorurl.com"


def _pairs(what: str) -> dict[str, str]:
    return {f"{what}key{number}": f"{what}value{number}" for number in (1, 2)}


def sample(now: gotime.Time) -> Data:
    """The data at a moment. Its status is none that a real group has."""
    labels, notes = _pairs("commonlabel"), _pairs("commonannotation")
    firing = {"label1": "value1", "label2": "value2", "instance": "foo.bar:1234"}
    noted = {"annotation1": "value1", "annotation2": "value2"}
    alerts = (
        _alert("firing", labels | firing, notes | noted, 5, now, 1),
        _alert(
            "resolved",
            labels | {"foo": "bar", "baz": "qux"},
            notes | {"aaa": "bbb", "ccc": "ddd"},
            10,
            now,
            2,
        ),
    )
    return Data(
        receiver="receiver",
        status="alertstatus",
        alerts=Sequence(alerts, ALERTS),
        group_labels=kv(_pairs("grouplabel")),
        common_labels=kv(labels),
        common_annotations=kv(notes),
        external_url="https://example.com",
        is_pointer=False,
    )


def _alert(
    status: str, labels: dict[str, str], notes: dict[str, str], minutes: int, now: gotime.Time, number: int
) -> Alert:
    start = now.plus(-minutes * _MINUTE_NS)
    return Alert(status, kv(labels), kv(notes), start, now, _GENERATOR, f"fingerprint{number}")
