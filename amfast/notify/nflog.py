"""The notification log: what was last sent for each group to each integration, shared by the cluster.

It is what keeps a second node, a restart or a reload from sending again. The entry with the latest timestamp wins
wherever two meet (reference storage, section 4).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import NamedTuple

from amfast._ext.pb import EntryFields, decode_entries, encode_entry
from amfast.model.clock import Clock
from amfast.model.keeper import Keeper, NoKeeper
from amfast.model.metric import Family, single

LOGGED_INTERVALS = 2
"""Repeat intervals that an entry is kept for."""
MET_NS = 2_000_000_000
"""Entries of two nodes this close were told side by side: neither could know of the other in time."""
_NOTHING: frozenset[int] = frozenset()


class LogKey(NamedTuple):
    """To whom, about what."""

    group_key: bytes
    receiver: str
    integration: str
    idx: int


def _key(entry: EntryFields) -> LogKey:
    return LogKey(entry.group_key, entry.receiver, entry.integration, entry.idx)


class NotificationLog:
    """The latest entry of every key."""

    def __init__(self, *, clock: Clock, retention_ns: int) -> None:
        self._clock = clock
        self._retention_ns = retention_ns
        self._entries: dict[LogKey, EntryFields] = {}
        self._records: dict[LogKey, bytes] = {}
        """The same, delimited, as files and peers get them."""
        self._told_ns: dict[LogKey, int] = {}
        """When this node last told at its turn."""
        self._met: set[bytes] = set()
        """Groups of which another node told at the same moment."""
        self._left_out: dict[LogKey, frozenset[int]] = {}
        """Of entries that came since this node last asked: what the one before had as firing and they do not name."""
        self._queries = 0
        self._misses = 0
        self.on_change: Callable[[bytes], None] = lambda _record: None
        """Called with the delimited record of every entry written here."""
        self.keeper: Keeper = NoKeeper()
        """Has everything that is stored on disk soon."""

    def query(self, key: LogKey) -> EntryFields | None:
        self._queries += 1
        entry = self._entries.get(key)
        if entry is None:
            self._misses += 1
        return entry

    def left_out(self, key: LogKey) -> frozenset[int]:
        """What was told to fire, and the entry that replaced that one since :meth:`looked` does not name."""
        return self._left_out.get(key, _NOTHING) if self._left_out else _NOTHING

    def looked(self, key: LogKey) -> None:
        """This node has asked, and has nothing to say."""
        if self._left_out:
            self._left_out.pop(key, None)

    def is_newer(self, key: LogKey, seen: EntryFields | None) -> bool:
        """Whether there is another entry by now than the one that was ``seen``."""
        return self._entries.get(key) is not seen

    def record(
        self,
        key: LogKey,
        firing: Collection[int],
        resolved: Collection[int],
        repeat_interval_ns: int,
        receiver_data: bytes = b"",
        *,
        at_turn: bool = False,
    ) -> None:
        """Note that these alert hashes were sent now; ``at_turn`` if that took but a moment since it was this node's.

        It is stamped later than the entry it replaces, even if that came from a peer whose clock is ahead. Left alone,
        as the reference leaves it, that entry would go on telling everybody of a state that is no longer the last.
        """
        now_ns = self._clock.now_ns()
        old = self._entries.get(key)
        stamp_ns = now_ns if old is None else max(now_ns, old.timestamp_ns + 1)
        expires_at_ns = now_ns + min(self._retention_ns, LOGGED_INTERVALS * repeat_interval_ns)
        hashes = tuple(sorted(firing)), tuple(sorted(resolved))
        entry = EntryFields(*key, stamp_ns, *hashes, receiver_data, b"", expires_at_ns)
        if at_turn:
            self._told_ns[key] = stamp_ns
        self.looked(key)
        self._compare(key, old, entry)
        record = self._store(entry)
        self.keeper.add(record)
        self.on_change(record)

    def has_met(self, group_key: str) -> bool:
        """Whether another node told of the group at the moment at which this one did, and nobody asked since."""
        if not self._met or (key := group_key.encode()) not in self._met:
            return False
        self._met.remove(key)
        return True

    def _compare(self, key: LogKey, old: EntryFields | None, new: EntryFields) -> None:
        """See what the new entry leaves out, as who wrote it had not heard of it, or as it was muted.

        That takes no more room than the old entry did, whatever peers send.
        """
        was_firing = _NOTHING if old is None or old.firing == new.firing else frozenset(old.firing)
        left_out = was_firing.difference(new.firing, new.resolved)
        if left_out := left_out or self.left_out(key).difference(new.firing, new.resolved):
            self._left_out[key] = left_out
        else:
            self.looked(key)

    def _store(self, entry: EntryFields) -> bytes:
        key = _key(entry)
        self._entries[key] = entry
        record = self._records[key] = encode_entry(entry, entry.expires_at_ns)
        return record

    def settled(self) -> Awaitable[None] | None:
        """Something to wait for until all entries so far are on disk; None if they are."""
        return self.keeper.settled()

    # Replication and files: both carry the same delimited records

    def marshal(self) -> bytes:
        return b"".join(self._records.values())

    def merge(self, data: bytes) -> int:
        """Take over what is newer than what is stored; returns how many entries changed.

        Raises ValueError, with nothing merged, for data that does not decode.
        """
        now_ns = self._clock.now_ns()
        changed = 0
        for entry in decode_entries(data):
            key = _key(entry)
            old = self._entries.get(key)
            if 0 < abs(entry.timestamp_ns - self._told_ns.get(key, 0)) < MET_NS:
                del self._told_ns[key]
                self._met.add(entry.group_key)
            if entry.expires_at_ns < now_ns or (old is not None and old.timestamp_ns >= entry.timestamp_ns):
                continue
            self._compare(key, old, entry)
            self.keeper.add(self._store(entry))
            changed += 1
        return changed

    def load(self, data: bytes) -> None:
        """Take over a file's records as they stand, the last one of a key winning. Raises ValueError."""
        for entry in decode_entries(data):
            self._store(entry)

    def is_certain(self, record: bytes) -> bool:
        """Whether the bytes are one delimited record of an entry beyond doubt."""
        try:
            (entry,) = decode_entries(record)
        except ValueError:
            return False
        names = entry.group_key and entry.receiver and entry.integration
        return bool(names) and min(entry.timestamp_ns, entry.expires_at_ns) > 0

    def collect_garbage(self) -> int:
        """Forget entries whose time is over; returns how many."""
        now_ns = self._clock.now_ns()
        gone = [key for key, entry in self._entries.items() if entry.expires_at_ns <= now_ns]
        for key in gone:
            del self._entries[key], self._records[key]
            self._told_ns.pop(key, None)
            self.looked(key)
            self._met.discard(key.group_key)
        return len(gone)

    def metrics(self) -> Iterator[Family]:
        yield single(
            "alertmanager_nflog_queries_total", "counter", "Look-ups in the log.", float(self._queries)
        )
        yield single(
            "alertmanager_nflog_query_errors_total",
            "counter",
            "Look-ups that found no entry.",
            float(self._misses),
        )
