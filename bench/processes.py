"""Nodes as processes of their own, on the loopback, and what they cost."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

GO_ALERTMANAGER = shutil.which("prometheus-alertmanager")
CONFIG = "route:\n  receiver: nobody\nreceivers:\n- name: nobody\n"
READY_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Node:
    """A running node; ``kind`` is ``amfast`` or ``go``."""

    kind: str
    pid: int
    http_port: int
    gossip_port: int

    @property
    def gossip_address(self) -> str:
        return f"127.0.0.1:{self.gossip_port}"


class Machine:
    """Starts processes and, however the measurement ends, stops each by its pid."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self._children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in self._children:
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(
        self, command: Sequence[str], core: int | None = None, environment: dict[str, str] | None = None
    ) -> int:
        """Start a program, on one core if asked, its output in a file; returns its pid."""
        if core is not None:
            command = [
                "taskset",
                "-c",
                str(core),
                *command,
            ]  # replaces itself with the program: the pid stays
        with (self.folder / f"{len(self._children)}.log").open("wb") as log:
            child = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | (environment or {}), cwd=self.folder
            )
        self._children.append(child)
        return child.pid

    def runs(self, pid: int) -> bool:
        """Whether the process has not ended yet."""
        return any(child.pid == pid and child.poll() is None for child in self._children)

    def node(
        self,
        kind: str,
        peers: Sequence[str] = (),
        *flags: str,
        core: int | None = None,
        environment: dict[str, str] | None = None,
        config: str = CONFIG,
        alone: bool = False,
    ) -> Node:
        """Start a node; ``peers`` are gossip addresses. One that is ``alone`` does not gossip."""
        http_port, gossip_port = free_port(), free_port()
        folder = self.folder / str(http_port)
        folder.mkdir()
        (folder / "alertmanager.yml").write_text(config)
        program = [sys.executable, "-m", "amfast"] if kind == "amfast" else [str(GO_ALERTMANAGER)]
        gossip = [
            f"--cluster.listen-address=127.0.0.1:{gossip_port}",
            f"--cluster.advertise-address=127.0.0.1:{gossip_port}",
        ]
        command = [
            *program,
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{http_port}",
            *(["--cluster.listen-address="] if alone else gossip),
            "--log.level=error",
            *(f"--cluster.peer={peer}" for peer in peers),
            *flags,
        ]
        root = {"PYTHONPATH": str(Path(__file__).parents[1])}
        pid = self.start(command, core, root | (environment or {}))
        return Node(kind, pid, http_port, gossip_port)


def free_port() -> int:
    """A port free for TCP and UDP, below those that the system gives to clients."""
    for port in range(20_000 + os.getpid() % 5000, 32_000):
        if port in _given:
            continue
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
            _given.add(port)
            return port
    raise RuntimeError("no free port")


_given: set[int] = set()


def status(node: Node) -> dict[str, Any]:
    """What the node says about its cluster. Raises OSError while it does not answer."""
    found: dict[str, Any] = json.loads(get(node, "/api/v2/status"))["cluster"]
    return found


def get(node: Node, path: str) -> bytes:
    """The body of an answer; empty unless its status is 200. Raises OSError."""
    connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        return body if answer.status == http.HTTPStatus.OK else b""
    finally:
        connection.close()


def wait_for_members(nodes: Sequence[Node], members: int, timeout_s: float = READY_TIMEOUT_S) -> None:
    """Return when every node sees so many members. Raises TimeoutError."""
    for node in nodes:
        wait_for(lambda node=node: len(status(node)["peers"]) == members, timeout_s)


def wait_for(condition: Callable[[], bool], timeout_s: float) -> None:
    """Return when the condition holds. Raises TimeoutError."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        with contextlib.suppress(OSError):
            if condition():
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing came of it within {timeout_s} seconds")


def cpu_ns(pid: int) -> int:
    """Time on the processor of all threads, user and system; threads that ended are left out."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total


def memory_kib(pid: int) -> tuple[int, int]:
    """Resident memory, and the same with shared pages divided by who shares them."""
    rss = pss = 0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name == "Rss":
            rss = int(rest.split()[0])
        elif name == "Pss":
            pss = int(rest.split()[0])
    return rss, pss


def kinds() -> Iterator[str]:
    """Who can be measured on this machine."""
    yield "amfast"
    if GO_ALERTMANAGER:
        yield "go"
