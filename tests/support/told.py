"""Alerts of a flush out of a real table."""

from __future__ import annotations

from amfast._ext.grouping import Members, Places
from amfast._ext.intake import Intake
from amfast._ext.snapshot import Snapshot, Told
from amfast._ext.table import Table
from amfast.model.alert import Alert, make_alert
from amfast.web.uri import is_request_uri
from tests.support.alert_side import FAR_NS, body_of
from tests.support.virtual import START_NS


class OneGroup:
    """A table whose alerts are all in one group."""

    def __init__(self, seed: int = 1) -> None:
        self.table = Table(seed)
        self._places = Places(self.table)
        self._places.begin([])
        self.members = Members(self._places, "r", bytes)
        self._intake = Intake(self.table, classic_names=False, is_uri=is_request_uri)

    def post(self, *alerts: Alert, now_ns: int = START_NS) -> None:
        """Have them said at a time; those without an end last for long. All must be right."""
        posted = self._intake.post(body_of(*alerts), now_ns, 0, FAR_NS)
        assert not posted.complaints, posted.complaints
        for stored in self._places.take_unplaced():
            self._places.put(stored, (self.members,), b"[]", ("r",))

    def snapshot(self, now_ns: int = START_NS, *, closely: bool = True) -> Snapshot:
        """All of them in order, looked at."""
        while not self.members.sort(1000):
            pass
        snapshot = Snapshot(self.members, now_ns, make_alert)
        while not snapshot.look(1000, closely):
            pass
        return snapshot


def told(*alerts: Alert, now_ns: int = START_NS) -> Told:
    """The alerts, in group order, as a flush sees them."""
    group = OneGroup()
    if alerts:
        group.post(*alerts)
    return group.snapshot(now_ns).told()
