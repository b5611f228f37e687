"""What a node reaches beyond its own process, so that the simulator can give it another world."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from amfast.cluster.network import Network
from amfast.config.load import load
from amfast.config.places import TemplateProblem
from amfast.config.types import Config
from amfast.model.matcher import MatcherMode
from amfast.receivers.http import HttpClient
from amfast.storage.disk import MACHINE as MACHINE_DISK
from amfast.storage.disk import Disk, RunInThread
from amfast.storage.whole import take_folder

ReadConfig = Callable[[str | Path, Collection[str], MatcherMode, TemplateProblem], Config]
"""As :func:`amfast.config.load.load`."""


class Http(HttpClient, Protocol):
    """A client that can be closed."""

    async def close(self) -> None:
        """Give up all connections."""
        ...


@dataclass(frozen=True, slots=True)
class Outside:
    """All that is None is the machine's own: its sockets, its HTTP client."""

    network: Network | None = None
    http: Http | None = None
    read_config: ReadConfig = load
    take_folder: Callable[[Path], int] = take_folder
    """Has the folder of ``--storage.path`` for this node alone: what to close at the end, negative for nothing."""
    disk: Disk = MACHINE_DISK
    """Holds that folder."""
    run: RunInThread = asyncio.to_thread
    """Runs what waits for the disk."""


MACHINE: Final = Outside()
