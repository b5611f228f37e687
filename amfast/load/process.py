"""A server's process: what it costs, who it is, and starting one (Linux; elsewhere nothing is known of it)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from amfast.load.target import Target
from amfast.model.errors import AmfastError

_START_S: Final = 30.0
_STOP_S: Final = 15.0
_PORTS: Final = range(20_000, 32_000)
_LISTENING: Final = "0A"
_TAIL_BYTES: Final = 300


def cpu_ns(pid: int) -> int:
    """Processor time of all threads, user and system; threads that ended are left out."""
    total = 0
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError, IndexError):
                total += int((task / "schedstat").read_text().split()[0])
    return total


def rss_bytes(pid: int) -> int:
    """Resident memory; 0 when unknown."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def pid_of(target: Target) -> int | None:
    """The process on this machine that listens there, if it is ours to look at."""
    if not target.host.startswith("127.") and target.host not in ("localhost", "::1"):
        return None
    inodes = {f"socket:[{inode}]" for inode in _listeners(target.port)}
    for folder in Path("/proc").glob("[0-9]*") if inodes else ():
        with contextlib.suppress(OSError):
            for handle in (folder / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(handle.readlink()) in inodes:
                        return int(folder.name)
    return None


def _listeners(port: int) -> list[str]:
    found = []
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    found.append(fields[9])
    return found


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Be on one processor for a moment: a child that is started then stays there with all its threads."""
    if core is None:
        yield
        return
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


class Server:
    """A command that runs until the end of the ``async with`` block, in a folder that goes with it."""

    def __init__(self, command: str, core: int | None = None) -> None:
        self.target = Target("127.0.0.1", _free_port())
        self.pid = 0
        self._command = command
        self._core = core
        self._folder = Path(tempfile.mkdtemp(prefix="amfast-load-"))
        self._child: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        self._spawn()
        try:
            await self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop()

    def _spawn(self) -> None:
        words = self._command.replace("{port}", str(self.target.port)).replace("{folder}", str(self._folder))
        try:
            with on_core(self._core), (self._folder / "log").open("wb") as log:
                # In a session of its own: Ctrl-C at the terminal is for us, and the server goes on until we have done.
                self._child = subprocess.Popen(  # noqa: S603 - the user's
                    shlex.split(words), stdout=log, stderr=log, start_new_session=True
                )
        except (OSError, ValueError) as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise AmfastError(f"cannot start {self._command.split()[0]!r}: {error}") from None
        self.pid = self._child.pid

    def _stop(self) -> None:
        child = self._child
        if child is not None and child.poll() is None:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _wait(self) -> None:
        deadline_s = time.monotonic() + _START_S
        child = self._child
        while child is not None and not _is_ready(self.target):
            ended = child.poll() is not None
            if ended or time.monotonic() > deadline_s:
                log = (self._folder / "log").read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()
                last = log.splitlines()[-1] if log else "no output"
                what = "ended" if ended else f"is not ready on {self.target} after {_START_S:g} s"
                raise AmfastError(f"{self._command.split()[0]} {what}: {last}")
            await asyncio.sleep(0.05)


def _is_ready(target: Target) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{target}/-/ready", timeout=1):
            return True
    except (OSError, urllib.error.URLError):
        return False


def _free_port() -> int:
    """A port that nobody has, below those that the system gives to clients."""
    for port in _PORTS[os.getpid() % 6000 :]:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AmfastError("no free port from 20000 to 32000")
