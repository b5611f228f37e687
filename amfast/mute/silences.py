"""The silences: created and ended here, learned from peers, asked about each alert.

A silence is never changed in place: every change stores a new value with a later ``updated_at``, and the value with
the latest one wins wherever two meet (reference storage, section 4).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import cast

from amfast._ext.pb import decode_silences, encode_silence
from amfast._ext.silence_records import SilenceRecord, join_records, scan_silences, scan_with_needs
from amfast.model.anchors import Condition, Pair, conditions, filed_literals
from amfast.model.clock import Clock
from amfast.model.events import Recording, SilenceCreated, SilenceUpdated
from amfast.model.keeper import Keeper, NoKeeper
from amfast.model.labels import Labels
from amfast.model.matcher import Matcher, MatcherError, MatchType
from amfast.model.metric import Family, single
from amfast.model.regex import Effort
from amfast.model.silence import MatcherSpec, Silence, SilenceNotFound, SilenceRefused
from amfast.model.timestamp import NS
from amfast.mute.verdicts import Verdicts

MATCHERS_MAX = 1000
"""Of one silence: compiling more at once would hold up everything else, here and on every peer."""
RECORD_BYTES_MAX = 4 * 1024 * 1024
"""Of one stored silence: what peers, and a node that starts again, can read (reference storage, section 1)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what may be created here; 0 or less means none."""

    silences_max: int = 0
    silence_bytes_max: int = 0


class Silences:
    """All silences this node knows, by id."""

    def __init__(
        self,
        *,
        clock: Clock,
        retention_ns: int,
        new_id: Callable[[], str],
        log: logging.Logger,
        limits: Limits = Limits(),
        recording: Recording | None = None,
    ) -> None:
        self._clock = clock
        self._retention_ns = retention_ns
        self._new_id = new_id
        self._log = log
        self._limits = limits
        self._recording = recording or Recording()
        self._by_id: dict[str, SilenceRecord] = {}
        """Most are never looked at again, so what came from disk or a peer is decoded when it is asked for."""
        self._verdicts = Verdicts(
            self._conditions,
            lambda silence_id: self._by_id[silence_id].needs(filed_literals),
            lambda silence_id: self._by_id[silence_id].arrival,
        )
        self._arrivals = 0
        self._compile_errors = 0
        self.version = 0
        """Grows whenever a silence is stored or forgotten: what was asked before may then be answered otherwise."""
        self.on_change: Callable[[bytes], None] = lambda _record: None
        """Called with the delimited record of every change made here."""
        self.keeper: Keeper = NoKeeper()
        """Has everything that is stored on disk soon."""

    # Asking

    def list(self) -> Iterator[Silence]:
        """Every stored silence, in the order they came."""
        for stored in sorted(self._by_id.values(), key=attrgetter("arrival")):
            yield _decoded(stored)

    def get(self, silence_id: str) -> Silence | None:
        stored = self._by_id.get(silence_id)
        return None if stored is None else _decoded(stored)

    def silencing(self, labels: Labels, fingerprint: int | None = None) -> tuple[str, ...]:
        """Ids of the silences active now that match the labels, in the order they came.

        The fingerprint is that of the labels, for who has it at hand.
        """
        matching = self._verdicts.matching(labels, fingerprint)
        return self.active(matching) if matching else ()

    def matching(self, labels: Labels, fingerprint: int | None = None) -> tuple[str, ...]:
        """Ids of all silences that match the labels, active or not, in the order they came.

        The answer for the same labels changes only with ``version``.
        """
        return self._verdicts.matching(labels, fingerprint)

    def active(self, silence_ids: Iterable[str]) -> tuple[str, ...]:
        """Those of the silences that are active now."""
        now_ns = self._clock.now_ns()
        return tuple(
            silence_id
            for silence_id in silence_ids
            if (stored := self._by_id.get(silence_id)) is not None
            and stored.starts_at_ns <= now_ns < stored.ends_at_ns
        )

    def interests(self) -> tuple[frozenset[Pair], bool]:
        """The label pairs of which an alert must have one to be silenced; True where none is needed.

        Changes only with ``version``.
        """
        return self._verdicts.interests()

    # Changing

    def set(self, silence: Silence) -> str:
        """Create or update (reference api, section 7, "Update decision"); returns the id it now has.

        Raises SilenceNotFound for an id that is not stored, SilenceRefused beyond a limit.
        """
        now_ns = self._clock.now_ns()
        old = self.get(silence.id)
        if silence.id and old is None:
            raise SilenceNotFound(silence.id)
        if old is not None and _can_update(old, silence, now_ns):
            updated = replace(silence, updated_at_ns=_after(old, now_ns), unknown=old.unknown)
            self._check_limits(updated, is_new=False)
            self._change(updated)
            if self._recording.record is not None:
                self._recording.record(SilenceUpdated(updated))
            return silence.id
        created = replace(
            silence,
            id=self._new_id(),
            starts_at_ns=max(silence.starts_at_ns, now_ns),
            updated_at_ns=now_ns,
        )
        self._check_limits(created, is_new=True)
        if old is not None:
            self.expire(old.id)
        self._change(created)
        if self._recording.record is not None:
            self._recording.record(SilenceCreated(created))
        return created.id

    def expire(self, silence_id: str) -> bool:
        """End a silence now; False when the id is unknown, True also when it had ended before."""
        silence = self.get(silence_id)
        if silence is None:
            return False
        now_ns = self._clock.now_ns()
        state = silence.state(now_ns)
        if state != "expired":
            starts_at_ns = now_ns if state == "pending" else silence.starts_at_ns
            self._change(
                replace(
                    silence,
                    starts_at_ns=starts_at_ns,
                    ends_at_ns=now_ns,
                    updated_at_ns=_after(silence, now_ns),
                )
            )
        return True

    def _change(self, silence: Silence) -> None:
        expires_at_ns = silence.ends_at_ns + self._retention_ns
        record = encode_silence(silence, expires_at_ns)
        self._store(SilenceRecord(silence, record, expires_at_ns))
        self.keeper.add(record)
        self.on_change(record)

    def settled(self) -> Awaitable[None] | None:
        """Something to wait for until all changes so far are on disk; None if they are."""
        return self.keeper.settled()

    def _check_limits(self, silence: Silence, *, is_new: bool) -> None:
        limit = self._limits.silences_max
        if is_new and 0 < limit <= len(self._by_id):
            raise SilenceRefused(f"exceeded maximum number of silences: {len(self._by_id)} (limit: {limit})")
        if sum(len(matchers) for matchers in silence.matcher_sets) > MATCHERS_MAX:
            raise SilenceRefused(f"a silence can have at most {MATCHERS_MAX} matchers")
        limit = self._limits.silence_bytes_max
        expires_at_ns = silence.ends_at_ns + self._retention_ns
        if limit > 0 and (size := _stored_bytes(silence, expires_at_ns)) > limit:
            raise SilenceRefused(f"silence exceeded maximum size: {size} bytes (limit: {limit} bytes)")
        if len(encode_silence(silence, expires_at_ns)) > RECORD_BYTES_MAX:
            raise SilenceRefused(f"a silence can have at most {RECORD_BYTES_MAX} bytes")

    def _store(self, record: SilenceRecord) -> None:
        """Put a silence in the place of what was known of it, and see that it is found by its matchers."""
        silence, old = _decoded(record), self.get(record.id)
        matches_others = old is None or old.matcher_sets != silence.matcher_sets
        if old is not None and matches_others:
            self._verdicts.remove([old.id])
        self._put(record)
        if matches_others:
            self._verdicts.add(silence.id, self._compile(silence))

    def _put(self, record: SilenceRecord) -> None:
        self.version += 1
        old = self._by_id.get(record.id)
        self._arrivals += old is None
        record.arrival = self._arrivals if old is None else old.arrival
        self._by_id[record.id] = record

    def _conditions(self, silence_id: str) -> Sequence[Sequence[Condition]]:
        return [conditions(matchers) for matchers in self._compile(_decoded(self._by_id[silence_id]))]

    def _compile(self, silence: Silence) -> tuple[tuple[Matcher, ...], ...]:
        try:
            return _compile_sets(silence)
        except (MatcherError, ValueError) as error:
            self._compile_errors += 1
            attrs = {"silence_id": silence.id, "err": str(error)}
            self._log.error("Compiling silence matchers failed", extra={"attrs": attrs})
            return ()

    # Replication and files: both carry the same delimited records

    def marshal(self) -> bytes:
        return join_records(self._by_id.values())

    def merge(self, data: bytes) -> int:
        """Take over what is newer than what is stored; returns how many silences changed.

        Raises ValueError, with nothing merged, for data that does not decode.
        """
        now_ns = self._clock.now_ns()
        changed = 0
        for record in scan_silences(data):
            old = self._by_id.get(record.id)
            if record.expires_at_ns < now_ns or (
                old is not None and old.updated_at_ns >= record.updated_at_ns
            ):
                continue
            if len(record.data) > RECORD_BYTES_MAX:
                continue  # in an old form it was just small enough; in ours nobody could read it again
            self._store(record)
            self.keeper.add(record.data)
            changed += 1
        return changed

    def load(self, data: bytes) -> None:
        """Take over a file's records as they stand, the last one of an id winning. Raises ValueError."""
        records, owners, needs = scan_with_needs(data, filed_literals)
        by_id = {record.id: record for record in records}
        if self._by_id or len(by_id) < len(records):
            for record in records:
                self._store(record)
            return
        # What is read at the start is much, and most of it is never looked at again: nothing is decoded or compiled.
        self.version += 1
        self._by_id = by_id
        self._arrivals = len(records)
        self._verdicts.file(owners, needs)

    def is_certain(self, record: bytes) -> bool:
        """Whether the bytes are one delimited record of a silence beyond doubt."""
        try:
            (fields,) = decode_silences(record)
        except ValueError:
            return False
        times = (fields.starts_at_ns, fields.ends_at_ns, fields.updated_at_ns, fields.expires_at_ns)
        return bool(fields.id) and min(times) > 0

    def collect_garbage(self) -> int:
        """Forget silences whose retention is over; returns how many."""
        now_ns = self._clock.now_ns()
        gone = [stored for stored in self._by_id.values() if stored.expires_at_ns <= now_ns]
        self.version += bool(gone)
        self._verdicts.remove([stored.id for stored in gone])
        for stored in gone:
            del self._by_id[stored.id]
        return len(gone)

    def metrics(self) -> Iterator[Family]:
        now_ns = self._clock.now_ns()
        states = {"active": 0, "expired": 0, "pending": 0}
        for stored in self._by_id.values():
            if now_ns < stored.starts_at_ns:
                states["pending"] += 1
            else:
                states["active" if now_ns < stored.ends_at_ns else "expired"] += 1
        samples = [((state,), float(count)) for state, count in states.items()]
        yield Family("alertmanager_silences", "gauge", "Silences by state.", samples, ("state",))
        yield Family(
            "alertmanager_silences_matcher_compile_errors_total",
            "counter",
            "Silences whose matchers could not be compiled.",
            [(("index",), float(self._compile_errors))],
            ("stage",),
        )
        yield single("alertmanager_silences_state_size", "gauge", "Stored silences.", float(len(self._by_id)))


def _decoded(record: SilenceRecord) -> Silence:
    if record.silence is None:
        (fields,) = decode_silences(record.data)
        specs = tuple(tuple(MatcherSpec(*spec) for spec in matchers) for matchers in fields.matcher_sets)
        record.silence = Silence(fields.id, specs, *fields[2:-1])
    return cast(Silence, record.silence)


def _after(old: Silence, now_ns: int) -> int:
    """When a change is said to be made: later than the old state, or peers would never take it over."""
    return max(now_ns, old.updated_at_ns + 1)


def _compile_sets(silence: Silence) -> tuple[tuple[Matcher, ...], ...]:
    if sum(len(specs) for specs in silence.matcher_sets) > MATCHERS_MAX:
        raise ValueError(f"there are more than {MATCHERS_MAX}")
    effort = Effort()

    def matcher(spec: MatcherSpec) -> Matcher:
        made = Matcher(MatchType(spec.type), spec.name, spec.pattern)
        effort.take(made.pattern)
        return made

    return tuple(tuple(map(matcher, specs)) for specs in silence.matcher_sets if specs)


def _can_update(old: Silence, new: Silence, now_ns: int) -> bool:
    """Whether the change keeps what the old silence has already muted or let through."""
    if old.matcher_sets != new.matcher_sets:
        return False
    state = old.state(now_ns)
    if state == "active":
        return new.starts_at_ns // NS == old.starts_at_ns // NS and new.ends_at_ns >= now_ns
    return state == "pending" and new.starts_at_ns >= now_ns


def _stored_bytes(silence: Silence, expires_at_ns: int) -> int:
    """Size of the encoded record, the old copy of the matchers and the length prefix not counted."""
    legacy = replace(silence, matcher_sets=((), *silence.matcher_sets))
    empty_set_bytes = 2  # the empty first set that keeps the old copy out: one tag, one length
    record = encode_silence(legacy, expires_at_ns)
    prefix_bytes = next(i for i, byte in enumerate(record, 1) if byte < 0x80)  # noqa: PLR2004
    return len(record) - prefix_bytes - empty_set_bytes
