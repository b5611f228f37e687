"""An Alertmanager that we did not write, of whatever version is named, started for a while."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.ports import free_port
from tests.support.web import ask


class Started(NamedTuple):
    port: int
    is_old: bool
    """Whether it is Debian's 0.25."""


def program() -> str:
    """Debian's, or what AMFAST_ALERTMANAGER names; the test is skipped where there is none."""
    found = os.environ.get("AMFAST_ALERTMANAGER") or shutil.which("prometheus-alertmanager")
    if found is None:
        pytest.skip("needs prometheus-alertmanager (Debian package of the same name) or AMFAST_ALERTMANAGER")
    return found


@contextmanager
def started(program: str, folder: Path, config: str) -> Iterator[Started]:
    """On its own, until the ``with`` ends."""
    (folder / "am.yml").write_text(config)
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    port = free_port()
    command = [
        program,
        f"--config.file={folder / 'am.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_until_healthy(port, process, folder)
        yield Started(port, "version 0.25" in version.stdout + version.stderr)
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_healthy(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(100):
        try:
            if ask(port, "GET", "/-/healthy").status == 200:
                return
        except OSError:
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
    pytest.fail("Alertmanager did not become healthy")
