"""The alerts of a flush, as those see them who tell of them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Protocol

from amfast.model.alert import Alert
from amfast.model.labels import Labels


class AlertsJson(Protocol):
    """What the message of a webhook says of alerts (reference notify, section 8), written some at a time."""

    def go_on(self, most: int, /) -> bool:
        """Write about so many bytes more; True when all is written."""
        ...

    @property
    def alerts(self) -> bytes:
        """The alerts one after the other, with commas in between."""
        ...

    @property
    def common_labels(self) -> bytes:
        """A JSON object of the labels that all of them have; an absent one is as good as an empty one."""
        ...

    @property
    def common_annotations(self) -> bytes: ...


class Alerts(Protocol):
    """Alerts in group order, as they were when the flush began. Nothing of them changes.

    Values of the alerts are made for those only who go through them.
    """

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Alert]:
        """Make them, one after the other; those that fire have no end."""
        ...

    def marked(self, start: int, count: int, marks: int, /) -> Sequence[tuple[int, Labels, int]]:
        """Place, labels and fingerprint of those with one of the marks among ``count`` alerts from ``start``.

        It is to be asked while the flush goes on.
        """
        ...

    def without(self, gone: list[int], /) -> Alerts:
        """All but those at these places, which are in order."""
        ...

    def first(self, count: int, /) -> Alerts: ...

    def still_firing(self) -> Alerts: ...

    def heard(self, since_ns: int, also: Container[int], /) -> Alerts:
        """Those that somebody has told of since, and those whose hash is in ``also``."""
        ...

    @property
    def hashes(self) -> tuple[int, ...]:
        """What log entries call the alerts."""
        ...

    @property
    def firing(self) -> tuple[int, ...]:
        """The hashes of those that fire."""
        ...

    @property
    def resolved(self) -> tuple[int, ...]:
        """The hashes of the others."""
        ...

    def json(self) -> AlertsJson: ...
