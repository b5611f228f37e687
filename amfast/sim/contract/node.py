"""A whole node: :class:`amfast.app.App` as production runs it, with everything outside it simulated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from amfast.app import App
from amfast.cli.flags import Options
from amfast.config.load import loads
from amfast.config.places import TemplateProblem
from amfast.config.types import Config
from amfast.model.errors import AmfastError
from amfast.model.matcher import MatcherMode
from amfast.outside import Outside
from amfast.sim.clock import MILLION
from amfast.sim.contract.disk import Disk, Machine
from amfast.sim.contract.loop import Process, ProcessClock, VirtualLoop, Wall
from amfast.sim.contract.port import Port
from amfast.sim.contract.promises import Promises
from amfast.sim.contract.receiver import Client, Receiver
from amfast.sim.node import PORT, name_of

_RESOLVE_TIMEOUT_NS = 300 * 10**9


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all nodes of a world share."""

    loop: VirtualLoop
    promises: Promises
    receivers: Mapping[str, Receiver]
    config: Callable[[], str]
    """The text of the configuration's file as it is now."""
    seed: int
    on_serving: Callable[[Node], None]
    on_failure: Callable[[Node, str], None]


class Node:
    """One machine; its process may end and begin again."""

    def __init__(self, index: int, around: Surroundings, port: Port) -> None:
        self.index = index
        self.wall = Wall()
        self.machine = Machine(Random(f"{around.seed}/disk {index}"))  # noqa: S311 - repeatable on purpose
        self.disk: Disk
        """As the process has it."""
        self.serving = False
        """It takes alerts."""
        self.process: Process | None = None
        self.app: App
        self.lives = 0
        self.started_us = 0
        """When the process began."""
        self._around = around
        self._port = port

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self.process is not None

    def now_ns(self) -> int:
        """What its wall clock shows."""
        return self.wall.now_ns(self._around.loop)

    def start(self) -> None:
        """Begin a process, which joins the others and then serves."""
        around, loop = self._around, self._around.loop
        self.lives += 1
        self.started_us = loop.now_us
        self.process = process = Process(loop)
        self._port.open(process)
        rng = Random(f"{around.seed}/node {self.index}/life {self.lives}")  # noqa: S311 - repeatable on purpose
        disk_rng = Random(f"{around.seed}/disk {self.index}/life {self.lives}")  # noqa: S311
        self.disk = Disk(self.machine, process, disk_rng)
        outside = Outside(
            network=self._port,
            http=Client(self.index, around.receivers, process),
            read_config=self._read_config,
            take_folder=lambda _folder: -1,
            disk=self.disk,
            run=self.disk.run,
        )
        self.app = process.run(App, self._options(), ProcessClock(loop, process, self.wall), rng, outside)
        process.spawn(self._start(process))

    async def _start(self, process: Process) -> None:
        try:
            await self.app.start()
        except AmfastError as error:
            self._around.on_failure(self, str(error))
            return
        if process.alive:
            self.serving = True
            self._around.on_serving(self)

    def crash(self) -> None:
        """Lose the process, without a word."""
        process, self.process = self.process, None
        self.serving = False
        if process is not None:
            process.kill()

    def stop(self, then: Callable[[], None]) -> None:
        """End in an orderly way; ``then`` is called afterwards, unless the process ended before."""
        process = self.process
        self.serving = False
        if process is not None:
            process.spawn(self._stop(process, then))

    async def _stop(self, process: Process, then: Callable[[], None]) -> None:
        await self.app.stop()
        if process is self.process:
            self.crash()
            then()

    def reload(self) -> None:
        """Have it read the configuration again."""
        if self.process is not None and self.serving:
            self.process.run(self.app.reload_soon)

    def post(self, body: bytes) -> None:
        """Take the body of a request that posts alerts."""
        if self.process is not None and self.serving:
            self.process.run(self.app.store.post, body, _RESOLVE_TIMEOUT_NS)

    def _read_config(
        self,
        path: str | Path,
        sendable: Collection[str],
        mode: MatcherMode,
        template_problem: TemplateProblem,
    ) -> Config:
        return loads(self._around.config(), str(path), sendable, mode, template_problem)

    def _options(self) -> Options:
        promises, timing = self._around.promises, self._around.promises.timing
        others = [index for index in range(promises.nodes) if index != self.index]
        return Options(
            web_listen_address=(),
            web_external_url=f"http://{name_of(self.index)}",
            data_maintenance_interval_s=promises.maintenance_s,
            dispatch_start_delay_s=promises.start_delay_s,
            cluster_listen_address=f"{address_of(self.index)}:{PORT}",
            cluster_peer_name=name_of(self.index),
            cluster_peer=tuple(f"{address_of(index)}:{PORT}" for index in others),
            cluster_peer_timeout_s=promises.peer_timeout_s,
            cluster_settle_timeout_s=promises.settle_timeout_s,
            cluster_gossip_interval_s=timing.gossip_interval_us / MILLION,
            cluster_pushpull_interval_s=timing.push_pull_interval_us / MILLION,
            cluster_probe_interval_s=timing.probe_interval_us / MILLION,
            cluster_probe_timeout_s=timing.probe_timeout_us / MILLION,
            cluster_tcp_timeout_s=timing.tcp_timeout_us / MILLION,
            cluster_reconnect_interval_s=timing.reconnect_interval_us / MILLION,
        )


def address_of(index: int) -> str:
    """A node's address as text."""
    return f"10.{index >> 16}.{index >> 8 & 255}.{index & 255}"
