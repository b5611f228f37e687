"""The daemon as a process: how it starts, and how a start ends."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO
from urllib.request import Request, urlopen

import pytest

from tests.support.sink import PostSink

CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
END_S = 8.0
"""Far less than the 10 s that each silent peer may take."""


def daemon(folder: Path, *flags: str, config: str = CONFIG) -> subprocess.Popen[str]:
    (folder / "alertmanager.yml").write_text(config)
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
    )
    command = [sys.executable, "-m", "amfast", f"--config.file={file}", f"--storage.path={tmp_path / 'data'}"]
    command += ["--cluster.listen-address=", "--web.listen-address=127.0.0.1:0"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    for text in (
        "am.yml:2:38: receivers[0].slack_configs: amfast cannot send through slack yet",
        "am.yml:2:74: receivers[0].sns_configs: amfast cannot send through sns yet",
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


TEMPLATES = """
route: {receiver: r, group_wait: 10ms, labels: {who: '{{ .CommonLabels.team | toUpper }}'}}
receivers:
- name: r
  webhook_configs:
  - url: 'URL/{{ .RouteLabels.who }}'
    payload: {text: 'Alert {{ template "slack.default.title" . }}', own: '{{ template "own" . }}'}
templates: ['*.tmpl']
"""


def test_a_notification_says_what_templates_make_of_it(tmp_path: Path) -> None:
    sink = PostSink()
    (tmp_path / "own.tmpl").write_text('{{ define "own" }}{{ len .Alerts }}{{ end }}')
    process = daemon(tmp_path, "--cluster.listen-address=", config=TEMPLATES.replace("URL", sink.url))
    assert process.stderr is not None
    try:
        address = _lines_up_to(process.stderr, "Listening on").rpartition("address=")[2].strip()
        body = b'[{"labels": {"alertname": "X", "team": "a"}}]'
        headers = {"Content-Type": "application/json"}
        urlopen(Request(f"http://{address}/api/v2/alerts", body, headers), timeout=10).close()
        assert sink.wait_for(1) == [("/hook/A", b'{"own":1,"text":"Alert [FIRING:1]  (X a)"}\n')]
    finally:
        process.terminate()
        process.communicate(timeout=30)
        sink.close()


def test_template_files_that_cannot_be_parsed_end_the_start_with_a_line_for_each(tmp_path: Path) -> None:
    (tmp_path / "a.tmpl").write_text("\n{{ if }}")
    (tmp_path / "b.tmpl").write_text("{{ nothing }}")
    process = daemon(tmp_path, "--cluster.listen-address=", config=TEMPLATES.replace("URL", "http://h"))
    _, log = process.communicate(timeout=30)
    assert process.returncode == 1
    for text in (
        "a.tmpl:2: missing value for if",
        'b.tmpl:1: function \\"nothing\\" not defined',
        "(and 1 more, see above)",
    ):
        assert text in log


def _lines_up_to(log: IO[str], text: str) -> str:
    """Read on until a line has the text, and return that line."""
    found = next((line for line in log if text in line), "")
    assert found, f"the log ends without {text!r}"
    return found
