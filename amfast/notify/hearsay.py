"""What alerts are worth that were read from disk and not heard of since.

Their senders could not be heard between the writing of the file and the start, so a log entry of that time, of a peer
or of a life that ended by a crash, knows more of them than this node does.
"""

from __future__ import annotations

from dataclasses import dataclass

from amfast._ext.pb import EntryFields
from amfast.model.told import Alerts
from amfast.notify.dedup import Reason


@dataclass(frozen=True, slots=True)
class Hearsay:
    """``saved_at_ns`` is when the file was written, ``read_at_ns`` when it was read; 0 without one."""

    saved_at_ns: int = 0
    read_at_ns: int = 0

    def counting(self, alerts: Alerts, entry: EntryFields | None) -> Alerts:
        """The alerts to speak of. Those not heard of count before a younger entry only if it has them as firing.

        Else they are over, and it was told; or whoever told of others did not know of them, and they will be heard.
        """
        if entry is None or not self.saved_at_ns or entry.timestamp_ns <= self.saved_at_ns:
            return alerts
        return alerts.heard(self.read_at_ns, frozenset(entry.firing))

    def allows(self, reason: Reason, alerts: Alerts) -> bool:
        """Whether to speak of the alerts that count, if any. What was said is repeated only if some is still true."""
        if not self.saved_at_ns:
            return True
        told = alerts.heard(self.read_at_ns, ()) if reason == "repeat interval elapsed" else alerts
        return len(told) > 0


NO_HEARSAY = Hearsay()
"""All that is known was heard."""
