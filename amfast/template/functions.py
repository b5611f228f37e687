"""The functions of Alertmanager's templates (reference templates, section 3); ``routeLabels`` comes with the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from . import casing, content, encodings, gojson, gotime, regexes, timeparsing, zones
from .durations import DURATION, duration
from .gotime import TIME, Time
from .humanize import humanize_duration
from .printing import OUTPUT_MAX
from .quoting import whole
from .values import (
    ANY,
    ANYS,
    BOOL,
    MAP,
    STRING,
    STRINGS,
    Function,
    FunctionError,
    Sequence,
    Type,
    Value,
    Word,
    type_of,
)

_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f"
    "\u205f\u3000"
)
"""What Go takes for white space; Python takes four control characters more."""


def _join(separator: str, items: list[str]) -> str:
    size = sum(map(len, items)) + len(separator) * max(len(items) - 1, 0)
    if size > OUTPUT_MAX:
        raise FunctionError(f"join: the text is too long (at most {OUTPUT_MAX} characters)")
    return whole(separator.join(items))


def _strings(*items: str) -> Sequence:
    return Sequence(items, STRINGS, nil=not items)


def _list(*items: Value) -> list[Value]:
    return list(items)


def _append(items: list[Value], *more: Value) -> list[Value]:
    return [*items, *more]


def _dict(*items: Value) -> dict[str, Value]:
    if len(items) % 2:
        raise FunctionError("dict requires an even number of arguments")
    keys = items[::2]
    if any(type_of(key) is not STRING for key in keys):
        raise FunctionError("dict keys must be strings")
    return dict(zip(keys, items[1::2], strict=True))


def _date_or_zero(layout: str, text: str) -> Time:
    try:
        return timeparsing.parse(layout, text)
    except FunctionError:
        return gotime.ZERO


_COSTS: Final[Mapping[str, tuple[int, int]]] = {
    "toUpper": (50, 100),
    "toLower": (50, 100),
    "title": (150, 100),
    "date": (250, 100),
    "toDate": (300, 100),
    "mustToDate": (300, 100),
    "humanizeDuration": (100, 16),
}
"""Cost and rate of those that take longer than others."""
_COST: Final = (50, 16)


def _table(
    *rows: tuple[str, tuple[Type, ...], Type, Callable[..., Any]], variadic: bool = False
) -> dict[str, Function]:
    return {
        name: Function(name, parameters, result, call, variadic, cost=cost, rate=rate)
        for name, parameters, result, call in rows
        for cost, rate in (_COSTS.get(name, _COST),)
    }


FUNCTIONS: Final[Mapping[str, Function]] = {
    **_table(
        ("toUpper", (STRING,), STRING, casing.upper),
        ("toLower", (STRING,), STRING, casing.lower),
        ("title", (STRING,), STRING, casing.title),
        ("trimSpace", (STRING,), STRING, lambda text: text.strip(_SPACE)),
        ("join", (STRING, STRINGS), STRING, _join),
        ("safeHtml", (STRING,), content.HTML, lambda text: Word(text, content.HTML)),
        ("safeUrl", (STRING,), content.URL, lambda text: Word(text, content.URL)),
        ("urlUnescape", (STRING,), STRING, encodings.query_unescape),
        ("date", (STRING, TIME), STRING, lambda layout, time: time.format(layout)),
        ("tz", (STRING, TIME), TIME, lambda name, time: time.within(zones.load(name))),
        ("humanizeDuration", (ANY,), STRING, humanize_duration),
        ("toDate", (STRING, STRING), TIME, _date_or_zero),
        ("mustToDate", (STRING, STRING), TIME, timeparsing.parse),
        ("toJson", (ANY,), STRING, gojson.encode),
        ("base64encode", (STRING,), STRING, encodings.base64_encode),
        ("base64decode", (STRING,), STRING, encodings.base64_decode),
    ),
    "match": Function("match", (STRING, STRING), BOOL, regexes.matches, work=regexes.work),
    "reReplaceAll": Function(
        "reReplaceAll", (STRING, STRING, STRING), STRING, regexes.replace_all, work=regexes.work
    ),
    **_table(
        ("stringSlice", (STRING,), STRINGS, _strings),
        ("list", (ANY,), ANYS, _list),
        ("append", (ANYS, ANY), ANYS, _append),
        ("dict", (ANY,), MAP, _dict),
        variadic=True,
    ),
}


def timed(now: Callable[[], Time]) -> Mapping[str, Function]:
    """The functions that need a clock, ``now`` and ``since``; ``now`` tells the time, in the zone to be shown."""
    return _table(
        ("now", (), TIME, now),
        ("since", (TIME,), DURATION, lambda time: duration(now().ns - time.ns)),
    )
