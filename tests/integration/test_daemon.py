"""The daemon as a process: how it starts, and how a start ends."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
END_S = 8.0
"""Far less than the 10 s that each silent peer may take."""


def daemon(folder: Path, *flags: str) -> subprocess.Popen[str]:
    (folder / "alertmanager.yml").write_text(CONFIG)
    command = [
        sys.executable,
        *("-m", "amfast"),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
        *flags,
    ]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True)


def test_a_signal_ends_a_start_that_waits_for_silent_peers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        peers = [f"--cluster.peer=127.0.0.1:{silent.getsockname()[1]}" for silent in (one, other)]
        process = daemon(tmp_path, "--cluster.listen-address=127.0.0.1:0", *peers)
        try:
            one.settimeout(30)
            connection, _ = one.accept()  # it is joining now, and will hear nothing
            started_s = time.monotonic()
            process.terminate()
            _, log = process.communicate(timeout=30)
            connection.close()
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0
    assert time.monotonic() - started_s < END_S
    assert "Listening on" not in log
    assert "Received shutdown signal" in log


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--storage.path=/dev/null/x"], "cannot create the data directory /dev/null/x"),
        (
            ["--config.file=/dev/zero"],
            "cannot read the configuration file /dev/zero: it is not a regular file",
        ),
        (["--web.external-url=ftp://x"], "no URL with the scheme http or https"),
        (["--web.config.file=x"], "--web.config.file: not supported by this version of amfast"),
    ],
)
def test_what_cannot_be_is_one_clear_line_and_status_one(tmp_path: Path, flags: list[str], text: str) -> None:
    (tmp_path / "alertmanager.yml").write_text(CONFIG)
    command = [
        sys.executable,
        "-m",
        "amfast",
        "--cluster.listen-address=",
        "--web.listen-address=127.0.0.1:0",
    ]
    named = {flag.partition("=")[0] for flag in flags}
    defaults = {"--storage.path": tmp_path / "data", "--config.file": tmp_path / "alertmanager.yml"}
    command += [f"{name}={value}" for name, value in defaults.items() if name not in named]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, *flags], cwd=root, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert 'msg="amfast exited with error"' in last
    assert text in last
    assert "Traceback" not in done.stderr
