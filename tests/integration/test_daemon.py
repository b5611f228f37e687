"""The daemon as a process: how it starts, and how a start ends."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

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


def test_a_configuration_that_asks_for_what_cannot_be_done_ends_the_start_with_a_line_for_each(
    tmp_path: Path,
) -> None:
    file = tmp_path / "am.yml"
    file.write_text(
        "route: {receiver: r}\n"
        "receivers: [{name: r, slack_configs: [{api_url: http://h}], sns_configs: [{topic_arn: t}]}]\n"
        "event_recorder: {file_outputs: [{path: events}]}\n"
    )
    command = [sys.executable, "-m", "amfast", f"--config.file={file}", f"--storage.path={tmp_path / 'data'}"]
    command += ["--cluster.listen-address=", "--web.listen-address=127.0.0.1:0"]
    command += ["--enable-feature=event-recorder"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    for text in (
        "am.yml:2:38: receivers[0].slack_configs: amfast cannot send through slack yet",
        "am.yml:2:74: receivers[0].sns_configs: amfast cannot send through sns yet",
        "am.yml: event_recorder: amfast cannot record events yet",
    ):
        assert text in done.stderr


def test_a_changed_file_is_taken_by_itself_when_that_is_asked_for(tmp_path: Path) -> None:
    process = daemon(tmp_path, "--cluster.listen-address=", "--config.auto-reload")
    assert process.stderr is not None
    try:
        _lines_up_to(process.stderr, "Listening on")
        (tmp_path / "alertmanager.yml").write_text(f"{CONFIG}# changed\n")
        _lines_up_to(process.stderr, "Completed loading of configuration file")
        (tmp_path / "alertmanager.yml").write_text("nonsense")
        _lines_up_to(process.stderr, "Loading configuration file failed")
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 0


def _lines_up_to(log: IO[str], text: str) -> None:
    """Read on until a line has the text."""
    assert any(text in line for line in log), f"the log ends without {text!r}"
