"""What a node reaches beyond its own process, so that the simulator can give it another world."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from amfast.cluster.network import Network
from amfast.config.load import load
from amfast.config.places import TemplateProblem
from amfast.config.types import Config
from amfast.model.clock import Clock
from amfast.model.matcher import MatcherMode
from amfast.model.metric import Measured
from amfast.receivers.http import HttpClient
from amfast.storage.snapshot import Persistent
from amfast.storage.threads import RunInThread

ReadConfig = Callable[[str | Path, Collection[str], MatcherMode, TemplateProblem], Config]
"""As :func:`amfast.config.load.load`."""


class Http(HttpClient, Protocol):
    """A client that can be closed."""

    async def close(self) -> None:
        """Give up all connections."""
        ...


class Snapshot(Measured, Protocol):
    """The file of one state, as :class:`amfast.storage.snapshot.SnapshotFile` is one."""

    def load(self) -> None:
        """Read what was written last, if anything was. Raises AmfastError."""
        ...

    async def maintain_every(self, seconds: float) -> None:
        """Collect garbage and write, again and again, until cancelled."""
        ...

    async def finish(self) -> None:
        """The same once, at the end."""
        ...


class MakeSnapshot(Protocol):
    """Opens the file of that name."""

    def __call__(
        self, name: str, state: Persistent, /, *, clock: Clock, log: logging.Logger, spacing_s: float = 0.0
    ) -> Snapshot: ...


@dataclass(frozen=True, slots=True)
class Outside:
    """All that is None is the machine's own: its sockets, its HTTP client, the folder of ``--storage.path``.

    A node that is given ``file`` has no folder: nothing to lock, and no file of alerts. ``run`` runs what waits for the
    folder's disk.
    """

    network: Network | None = None
    http: Http | None = None
    file: MakeSnapshot | None = None
    read_config: ReadConfig = load
    run: RunInThread = asyncio.to_thread


MACHINE: Final = Outside()
