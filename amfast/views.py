"""What the API may see of the stations: one read-only object per question that ``web`` asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from amfast._ext.listing import Condition, Listing
from amfast._ext.table import ALL_MARKS, SILENCE_ANCHOR, SOURCE_ANCHOR, TARGET_ANCHOR, Table
from amfast.alerts.store import AlertStore
from amfast.dispatch.dispatcher import Dispatcher
from amfast.model.anchors import Pair
from amfast.model.clock import Clock
from amfast.model.errors import AmfastError
from amfast.model.json_text import encode_for_html, receivers_json
from amfast.model.labels import Labels
from amfast.model.matcher import Matcher, MatchType
from amfast.model.metric import Family
from amfast.mute.inhibition import Inhibitor
from amfast.mute.silences import Silences
from amfast.web.ports import AlertFilter

CONDITIONS_REMEMBERED: Final = 16
"""Conditions of filters, which dashboards repeat; with each goes a byte for every label pair there is."""
STATUSES_REMEMBERED: Final = 64
_EQUALITIES = (MatchType.EQUAL, MatchType.NOT_EQUAL)


class Mutes:
    """What mutes an alert, as listings ask for it: what depends on its labels only apart from what passes with time.

    An alert none of whose label pairs a silence or a rule asks for is never looked at; the table marks the pairs.
    """

    def __init__(self, table: Table, silences: Silences, clock: Clock) -> None:
        self._table = table
        self._silences = silences
        self._clock = clock
        self.inhibitor = Inhibitor((), clock)
        self._watched_for = self.inhibitor
        self._silences_seen = 0
        self._everything_silenced = False
        self._rules_seen: tuple[Inhibitor, int] = (self.inhibitor, -1)
        self._steady_until_ns = 0
        self._rules_version = 0
        self._watched: dict[int, frozenset[Pair]] = {}
        self._rules_everywhere = False

    @property
    def silences_version(self) -> int:
        """Another one when a silence came, went or changed."""
        version = self._silences.version + 1
        if version != self._silences_seen:
            self._silences_seen = version
            self._everything_silenced = self._watch(SILENCE_ANCHOR, self._silences.interests())
        return version

    @property
    def silences_everywhere(self) -> bool:
        """Whether every alert has to be asked about; else only those with a marked pair."""
        return self._everything_silenced

    def silence_marks(self) -> int:
        """The marks that an alert has one of if a silence may mute it now."""
        _ = self.silences_version  # brings the marks up to date
        return ALL_MARKS if self._everything_silenced else SILENCE_ANCHOR

    def inhibition_marks(self, inhibitor: Inhibitor) -> int:
        """The marks that an alert has one of if one of these rules may mute it."""
        # What others than those in force ask for is not marked.
        everything = self._rules_everywhere or inhibitor is not self._watched_for
        return ALL_MARKS if everything else TARGET_ANCHOR

    def matching(self, labels: Labels, fingerprint: int) -> tuple[str, ...]:
        return self._silences.matching(labels, fingerprint)

    def active(self, silence_ids: tuple[str, ...]) -> tuple[str, ...]:
        return self._silences.active(silence_ids)

    def watch_for(self, inhibitor: Inhibitor) -> None:
        """Have the table report what could be a source of these rules."""
        self._watched_for = inhibitor
        self._table.all_are_sources = self._watch(SOURCE_ANCHOR, inhibitor.source_interests())
        self._rules_everywhere = self._watch(TARGET_ANCHOR, inhibitor.target_interests())

    @property
    def rules_version(self) -> int:
        """Another one when an alert may be inhibited otherwise than before."""
        seen = (self.inhibitor, self.inhibitor.version)
        if seen != self._rules_seen or self._clock.now_ns() >= self._steady_until_ns:
            self._rules_seen = seen
            self._steady_until_ns = self.inhibitor.steady_until_ns()
            self._rules_version += 1
        return self._rules_version

    @property
    def rules_everywhere(self) -> bool:
        """Whether every alert has to be asked about; else only those with a marked pair."""
        return self._rules_everywhere

    def inhibiting(self, labels: Labels, fingerprint: int) -> tuple[str, ...]:
        return self.inhibitor.inhibiting(labels, fingerprint)

    def _watch(self, mark: int, interests: tuple[frozenset[Pair], bool]) -> bool:
        """Have the table mark these pairs instead of those before; whether everything is of interest."""
        pairs, everything = interests
        before = self._watched.get(mark, frozenset())
        if pairs != before:
            self._table.watch(mark, pairs - before, before - pairs)
            self._watched[mark] = pairs
        return everything

    def status_json(
        self, silenced_by: tuple[str, ...], inhibited_by: tuple[str, ...], muted_by: tuple[str, ...]
    ) -> bytes:
        return _status_json(silenced_by, inhibited_by, muted_by)

    def receivers_json(self, names: tuple[str, ...]) -> bytes:
        return receivers_json(names)


class AlertViews:
    """Alerts and groups with what is true of them now. ``dispatcher`` is replaced by every reload.

    ``loop_fd`` is readable when the event loop has something to do, for which a long list gives way.
    """

    def __init__(self, store: AlertStore, mutes: Mutes, clock: Clock, loop_fd: int = -1) -> None:
        self._store = store
        self._clock = clock
        self._loop_fd = loop_fd
        self.mutes = mutes
        self._condition = lru_cache(CONDITIONS_REMEMBERED)(_condition)
        self.dispatcher: Dispatcher | None = None
        self._counted: tuple[int, int] | None = None

    @property
    def is_loaded(self) -> bool:
        return self.dispatcher is None or self.dispatcher.loaded.is_set()

    async def wait_loaded(self) -> None:
        while self.dispatcher is not None and not self.dispatcher.loaded.is_set():
            await self.dispatcher.loaded.wait()

    def alerts(self, wanted: AlertFilter) -> Iterator[bytes]:
        """Everything stored; the receivers are those of the routes that match, in their order."""
        listing = self._listing(wanted)
        return _portions(listing, listing.alerts)

    def groups(self, wanted: AlertFilter) -> Iterator[bytes]:
        """The dispatcher's groups."""
        members = self.dispatcher.sorted_members() if self.dispatcher else []
        if not wanted.muted:
            members = [group for group in members if not group.muted_by]
        listing = self._listing(wanted)
        listing.set_groups(members)
        return self._unless_reloaded(_portions(listing, listing.in_groups))

    def _unless_reloaded(self, portions: Iterator[bytes]) -> Iterator[bytes]:
        """Break off when a reload takes the groups away: what is left of them must not look like all there is."""
        dispatcher = self.dispatcher
        for portion in portions:
            if self.dispatcher is not dispatcher:
                raise AmfastError("a reload put others in the place of the groups that were listed")
            yield portion

    async def count(self) -> None:
        """Count the alerts for the next :meth:`metrics`, a slice at a time."""
        listing = self._listing(AlertFilter())
        while (counted := listing.count()) is None:
            await self._clock.sleep(0)
        self._counted = counted

    def _count_at_once(self) -> tuple[int, int]:
        listing = self._listing(AlertFilter())
        while (counted := listing.count()) is None:
            pass
        return counted

    def metrics(self) -> Iterator[Family]:
        """Alerts in groups by state; one in several groups counts once."""
        (active, suppressed), self._counted = self._counted or self._count_at_once(), None
        states = {"active": active, "suppressed": suppressed, "unprocessed": 0}
        samples = [((state,), float(count)) for state, count in states.items()]
        yield Family(
            "alertmanager_alerts", "gauge", "Alerts that have not ended, by state.", samples, ("state",)
        )

    def _listing(self, wanted: AlertFilter) -> Listing:
        # Equalities first: they cost least, and what they refuse the others need not look at.
        matchers = sorted(wanted.matchers, key=lambda matcher: matcher.type not in _EQUALITIES)
        return Listing(
            self._store.places,
            self.mutes,
            [self._condition(matcher) for matcher in matchers],
            active=wanted.active,
            silenced=wanted.silenced,
            inhibited=wanted.inhibited,
            takes_receivers=wanted.takes_receivers,
            now_ns=self._clock.now_ns(),
            loop_fd=self._loop_fd,
        )


def _condition(matcher: Matcher) -> Condition:
    name = matcher.name
    return Condition(
        name,
        matcher.value if matcher.type in _EQUALITIES else None,
        # An empty value that must not be is there in every alert that has the label at all.
        matcher.type is MatchType.EQUAL,
        matcher.matches_filter({}),
        matcher.matches if matcher.value else lambda value: matcher.matches_filter({name: value}),
    )


def _portions(listing: Listing, portion: Callable[[], bytes]) -> Iterator[bytes]:
    while not listing.is_done:
        yield portion()


@lru_cache(STATUSES_REMEMBERED)
def _status_json(
    silenced_by: tuple[str, ...], inhibited_by: tuple[str, ...], muted_by: tuple[str, ...]
) -> bytes:
    """The status of an alert; whatever mutes it makes it suppressed."""
    suppressed = silenced_by or inhibited_by or muted_by
    status = {
        "inhibitedBy": list(inhibited_by),
        "mutedBy": list(muted_by),
        "silencedBy": list(silenced_by),
        "state": "suppressed" if suppressed else "active",
    }
    return encode_for_html(status).encode("utf-8", "replace")
