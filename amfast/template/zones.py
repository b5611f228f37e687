"""Time zones as Go's ``time.Location`` has them: by IANA name, by offset, UTC, and the zone of the process."""

from __future__ import annotations

import re
import time
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, NamedTuple

from .values import STRING, Function, FunctionError, Kind, Type

_CYCLE_S: Final = 146_097 * 86_400
"""After 400 years the calendar, and with it every rule of a zone, begins anew."""
_FIRST_S: Final = -62_104_060_800
"""The year 2: the first rules that Python can ask for, and no zone has one before."""
_END_S: Final = 253_339_228_800
"""The year 9998."""
_NAME: Final = re.compile(r"[A-Za-z0-9_+\-/]+")

LOCATION: Final = Type("*time.Location", Kind.POINTER)


class Moment(NamedTuple):
    """What holds in a zone at one time."""

    abbreviation: str
    offset_s: int
    is_dst: bool


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone; ``at`` tells from seconds since the epoch what holds then."""

    name: str
    at: Callable[[int], Moment]

    go_type: ClassVar[Type] = LOCATION


def fixed(name: str, offset_s: int) -> Zone:
    """A zone with one offset, as times have that were read with one; the name may be empty."""
    moment = Moment(name, offset_s, is_dst=False)
    return Zone(name, lambda _: moment)


def offset_zone(offset_s: int) -> Zone:
    """The zone of a time that was written with an offset: UTC where it is zero."""
    return fixed("", offset_s) if offset_s else UTC


def load(name: str) -> Zone:
    """The zone of a name, as Go's ``time.LoadLocation`` finds it. Raises FunctionError with Go's text."""
    if name in ("", "UTC"):
        return UTC
    if name == "Local":
        return LOCAL
    if ".." in name or name[0] in "/\\":
        raise FunctionError("time: invalid location name")
    if _NAME.fullmatch(name) is None:
        raise FunctionError(f"unknown time zone {name}")
    try:
        rules = zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise FunctionError(f"unknown time zone {name}") from None
    return Zone(name, lambda seconds: _by_rules(rules, seconds))


def _by_rules(rules: zoneinfo.ZoneInfo, seconds: int) -> Moment:
    if seconds >= _END_S:
        seconds -= ((seconds - _END_S) // _CYCLE_S + 1) * _CYCLE_S
    utc = datetime(1970, 1, 1, tzinfo=rules) + timedelta(seconds=max(seconds, _FIRST_S))
    local = rules.fromutc(utc)
    offset = local.utcoffset() or timedelta()
    return Moment(local.tzname() or "", offset // timedelta(seconds=1), bool(local.dst()))


def _by_process(seconds: int) -> Moment:
    """What the system says for this process (``TZ``, or the file of the system)."""
    if seconds >= _END_S:
        seconds -= ((seconds - _END_S) // _CYCLE_S + 1) * _CYCLE_S
    told = time.localtime(max(seconds, _FIRST_S))
    return Moment(told.tm_zone, told.tm_gmtoff, told.tm_isdst > 0)


UTC: Final = fixed("UTC", 0)
LOCAL: Final = Zone("Local", _by_process)

LOCATION.methods["String"] = Function("String", (), STRING, lambda zone: zone.name)
