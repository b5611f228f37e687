"""The same questions as of rules and silences, for flushes: what mutes an alert is recorded besides."""

from __future__ import annotations

from amfast.model.events import InhibitionMuted, Recording, SilenceMuted
from amfast.model.labels import Labels
from amfast.mute.inhibition import Inhibitor
from amfast.mute.silences import Silences


class TellingInhibitor:
    """Asked by flushes, not by listings, of which nothing is recorded."""

    def __init__(self, inhibitor: Inhibitor, recording: Recording) -> None:
        self._inhibitor = inhibitor
        self._recording = recording

    def inhibiting(self, labels: Labels, fingerprint: int) -> tuple[str, ...]:
        """See :meth:`Inhibitor.inhibiting`."""
        found = self._inhibitor.verdict(labels, fingerprint)
        if found is None:
            return ()
        rule, source = found
        if self._recording.record is not None:
            self._recording.record(
                InhibitionMuted(rule.name, rule.source, rule.target, rule.equal, labels, fingerprint, source)
            )
        return (f"{source:016x}",)


class TellingSilences:
    """Asked by flushes, not by listings, of which nothing is recorded."""

    def __init__(self, silences: Silences, recording: Recording) -> None:
        self._silences = silences
        self._recording = recording

    def silencing(self, labels: Labels, fingerprint: int) -> tuple[str, ...]:
        """See :meth:`Silences.silencing`."""
        ids = self._silences.silencing(labels, fingerprint)
        if ids and (record := self._recording.record) is not None:
            for silence_id in ids:
                silence = self._silences.get(silence_id)
                if silence is not None:
                    record(SilenceMuted(silence, labels, fingerprint))
        return ids
