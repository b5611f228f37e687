"""Time intervals the plain way: all days of a month written out, local time by the C library."""

from __future__ import annotations

import calendar
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from amfast.model.interval import Range, TimeInterval


@contextmanager
def zone(name: str) -> Iterator[None]:
    """Let the C library's local time be that of a zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        del os.environ["TZ"]
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


class Plain:
    """An interval whose location is the C library's zone."""

    def __init__(self, interval: TimeInterval) -> None:
        self._days = interval.days_of_month
        self._sets = [
            None if ranges is None else {n for one in ranges for n in range(one.first, one.last + 1)}
            for ranges in (interval.times, interval.weekdays, interval.months, interval.years)
        ]

    def contains(self, local: time.struct_time) -> bool:
        """Whether it holds what clocks and calendars show."""
        shown = (60 * local.tm_hour + local.tm_min, (local.tm_wday + 1) % 7, local.tm_mon, local.tm_year)
        for numbers, value in zip(self._sets, shown, strict=True):
            if numbers is not None and value not in numbers:
                return False
        return self._days is None or any(local.tm_mday in _days(one, local) for one in self._days)


def _days(one: Range, local: time.struct_time) -> list[int]:
    """The days of a month from ``first`` to ``last``, as a slice of them all."""
    of_month = list(range(1, calendar.mdays[local.tm_mon] + 1))
    if local.tm_mon == 2 and calendar.isleap(local.tm_year):
        of_month.append(29)
    begin = one.first - 1 if one.first > 0 else max(len(of_month) + one.first, 0)
    end = one.last if one.last > 0 else len(of_month) + one.last + 1
    return of_month[begin : max(end, 0)]
