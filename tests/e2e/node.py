"""One Alertmanager process, of either kind, that can stop, die and come back."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .api import Api
from .polling import eventually
from .ports import free_port
from .programs import Program, Programs, alertmanager_command
from .settings import CLUSTER_FLAGS, SPREAD_S

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Place:
    """Where a node runs: its address, its ports, and what stands before its command."""

    ip: str
    http_port: int
    gossip_port: int
    prefix: tuple[str, ...] = ()


def _name(flag: str) -> str:
    return flag.partition("=")[0]


def on_loopback() -> Place:
    return Place("127.0.0.1", free_port(), free_port())


class Node:
    """A node keeps its ports, its data directory and its log over all its lives.

    `data_folder` lets two nodes, one after the other, use one data directory.
    """

    def __init__(
        self,
        programs: Programs,
        name: str,
        kind: str,
        config: str,
        *,
        data_folder: Path | None = None,
        place: Place | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        self.name, self.kind = name, kind
        self._programs = programs
        self._folder = programs.folder / name
        self._folder.mkdir()
        self.data_folder = data_folder or self._folder / "data"
        self.config_file = self._folder / "alertmanager.yml"
        self.config_file.write_text(config)
        self.flags = flags
        """More flags, of its next life, which take the place of those that all nodes have."""
        self._place = place or on_loopback()
        self.http_port, self.gossip_port = self._place.http_port, self._place.gossip_port
        self.address = f"{self._place.ip}:{self.http_port}"
        self.gossip_address = f"{self._place.ip}:{self.gossip_port}"
        self.api = Api(f"http://{self.address}")
        self._peers: Sequence[str] = ()
        self._program: Program | None = None

    @property
    def program(self) -> Program:
        assert self._program is not None, f"{self.name} was never started"
        return self._program

    def start(self, peers: Sequence[str] | None = None) -> None:
        """Start it, with the peers (gossip addresses) of its last life unless others are given."""
        if peers is not None:
            self._peers = peers
        command = [
            *self._place.prefix,
            *alertmanager_command(self.kind),
            f"--config.file={self.config_file}",
            f"--storage.path={self.data_folder}",
            f"--web.listen-address={self.address}",
            f"--web.external-url=http://{self.address}",
            f"--cluster.listen-address={self.gossip_address}",
            *(f"--cluster.peer={peer}" for peer in self._peers),
            *(flag for flag in CLUSTER_FLAGS if _name(flag) not in map(_name, self.flags)),
            *self.flags,
        ]
        self._program = self._programs.start(f"{self.name} ({self.kind})", command, self._folder)

    def wait_ready(self, members: int) -> None:
        """Until it serves, has settled and sees this many members, itself among them."""

        def ready() -> bool:
            if not self.program.is_running:
                raise RuntimeError(f"{self.name} ended by itself:\n{self.program.log_tail}")
            cluster = self.api.status()["cluster"]
            return self.api.is_ready() and cluster["status"] == "ready" and len(cluster["peers"]) == members

        eventually(ready, f"{self.name} ({self.kind}) is ready in a cluster of {members}")

    def wait_members(self, members: int) -> None:
        eventually(lambda: len(self.api.members()) == members, f"{self.name} sees {members} members")

    def wait_alert(self, case: str) -> dict[str, Any]:
        """The alert of a case, once it is listed."""
        found = eventually(lambda: self.api.alert_of(case), f"{self.name} lists the alert {case}")
        assert found is not None
        return found

    def wait_silence(self, silence_id: str, state: str) -> None:
        """Until a silence made anywhere shows here in this state; it has SPREAD_S for that."""
        eventually(
            lambda: self.api.silence_state(silence_id) == state,
            f"{self.name} ({self.kind}) shows silence {silence_id} as {state}",
            within_s=SPREAD_S,
        )

    def wait_next_flush(self) -> None:
        """Until the only alert group of this node was looked at once more.

        Flushes of a group follow each other, so what an earlier one sent is recorded by then.
        """
        before = self.flushes()
        eventually(lambda: self.flushes() > before, f"{self.name} flushes its group again")

    def flushes(self) -> int:
        """How often a flush reached the notification log in this life."""
        return int(self.api.metric("alertmanager_nflog_queries_total"))

    def position(self) -> int:
        return int(self.api.metric("alertmanager_peer_position"))

    def terminate(self) -> None:
        code = self.program.terminate()
        assert code == 0, f"{self.name} ended with exit code {code} after SIGTERM"

    def kill(self) -> None:
        self.program.kill()

    def hang_up(self) -> None:
        self.program.signal(signal.SIGHUP)

    def resident_kib(self) -> int:
        status = Path(f"/proc/{self.program.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        assert found, f"{self.name} has no memory: it ended"
        return int(found[1])
