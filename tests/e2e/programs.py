"""Which programs there are, and the processes a test started: their logs, and their end."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

_STOP_S = 15
_LOG_TAIL_BYTES = 6000


def real_program(name: str, debian_package: str) -> str:
    """The path of a program we did not write; skips the test where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs {name} (Debian package {debian_package})")
    return path


def alertmanager_command(kind: str) -> list[str]:
    """How to start a node of a kind: `amfast`, or `go`, which AMFAST_E2E_GO may point at another release."""
    if kind == "amfast":
        return [sys.executable, "-m", "amfast"]
    return [
        os.environ.get("AMFAST_E2E_GO") or real_program("prometheus-alertmanager", "prometheus-alertmanager")
    ]


def environment(home: Path) -> dict[str, str]:
    """A small environment: no proxies, nobody's amtool defaults, and the amfast these tests import."""
    spec = importlib.util.find_spec("amfast")
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent.parent
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(home), "PYTHONPATH": str(root)}


class Program:
    """One running process with its output in a file."""

    def __init__(self, name: str, command: Sequence[str], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log_file = folder / "log"
        # The kernel ends it when the test process dies without its cleanup.
        guard = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*guard, *command],
                cwd=folder,
                env=environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def log_tail(self) -> str:
        return self.log_file.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def terminate(self) -> int:
        """SIGTERM, and its exit code; AssertionError when it does not end in time."""
        self.signal(signal.SIGTERM)
        try:
            return self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {_STOP_S} s of SIGTERM") from None

    def kill(self) -> None:
        """SIGKILL, also for one that has already ended."""
        self._process.kill()
        self._process.wait(_STOP_S)


class Programs:
    """Every process of one test, so that none outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._all: list[Program] = []

    def start(self, name: str, command: Sequence[str], folder: Path | None = None) -> Program:
        program = Program(name, command, folder or self.folder / name)
        self._all.append(program)
        return program

    def logs(self) -> dict[str, str]:
        return {f"log of {program.name}": program.log_tail for program in self._all}

    def stop(self) -> None:
        for program in self._all:
            program.kill()
