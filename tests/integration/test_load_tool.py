"""``amfast-load`` as a process, against running servers: its report agrees with what the servers counted."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.e2e.ports import free_port
from tests.e2e.programs import real_program

ROOT = Path(__file__).parents[2]
CONFIG = "route: {receiver: nobody, group_by: [alertname]}\nreceivers: [{name: nobody}]\n"
LOAD = (sys.executable, "-m", "amfast.load")
OPENER = build_opener(ProxyHandler({}))


def program(kind: str) -> list[str]:
    if kind == "amfast":
        return [sys.executable, "-m", "amfast"]
    return [real_program("prometheus-alertmanager", "prometheus-alertmanager")]


@contextmanager
def server(kind: str, folder: Path) -> Iterator[int]:
    """A server on its own; gives its port."""
    (folder / "alertmanager.yml").write_text(CONFIG)
    port = free_port()
    flags = [
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    process = subprocess.Popen([*program(kind), *flags], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                page(port, "/-/ready")
                break
            except OSError:
                assert process.poll() is None, "the server ended"
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


def page(port: int, path: str) -> str:
    with OPENER.open(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def counted(port: int, **labels: str) -> float:
    """What the server counts as received, over all series with these labels."""
    lines = re.findall(
        r"^alertmanager_alerts_received_total\{(.*)\} (\S+)$", page(port, "/metrics"), re.MULTILINE
    )
    return sum(
        float(value)
        for text, value in lines
        if all(f'{name}="{is_}"' in text for name, is_ in labels.items())
    )


def load(*flags: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*LOAD, *flags], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    return done


@pytest.mark.parametrize("kind", ["amfast", "go"])
def test_the_report_agrees_with_what_the_server_counted(kind, tmp_path):
    with server(kind, tmp_path) as port:
        out = tmp_path / "out"
        done = load(
            f"--target=127.0.0.1:{port}",
            *("--alerts=100", "--batch=30", "--senders=2", "--connections=2", "--churn=20", "--interval=1s"),
            *("--pollers=2", "--poll-rate=5", "--duration=2500ms", f"--report={out}"),
        )
        data = json.loads((out / "report.json").read_text())
        assert done.stderr == ""
        assert data["problems"] == 0
        kinds = data["kinds"]
        assert counted(port) == data["alerts"] == sum(one["alerts"] for one in kinds.values())
        assert kinds["new"]["alerts"] == 200
        churned = kinds["churn"]["alerts"] // 2
        assert churned >= 2 * 20
        resolved_again = kinds.get("resolved again", {"alerts": 0})["alerts"]
        assert counted(port, status="resolved") == churned + resolved_again
        listed = json.loads(page(port, "/api/v2/alerts"))
        assert len(listed) == 100
        assert {item["status"]["state"] for item in listed} == {"active"}
        assert 8 <= kinds["GET /api/v2/alerts/groups"]["requests"] <= 25
        assert data["server"]["cpu_us_per_alert"] > 1
        assert (out / "report.md").read_text().startswith("# Load test\n")


def test_every_sender_sends_to_every_target(tmp_path):
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    with server("amfast", first) as one, server("amfast", second) as other:
        load(
            f"--target=127.0.0.1:{one}",
            f"--target=127.0.0.1:{other}",
            "--alerts=70",
            "--senders=3",
            "--rounds=2",
        )
        assert counted(one) == counted(other) == 70 * 3 * 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_the_report_of_what_was_done(tmp_path, number):
    with server("amfast", tmp_path) as port:
        process = subprocess.Popen(
            [*LOAD, f"--target=127.0.0.1:{port}", "--duration=1h", f"--report={tmp_path / 'out'}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 20
        while counted(port) < 2000 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, "")
        assert "stopped before its end" in out
        assert json.loads((tmp_path / "out" / "report.json").read_text())["alerts"] == counted(port)


def test_a_server_that_goes_away_is_counted_and_the_exit_status_says_so(tmp_path):
    with server("amfast", tmp_path) as port:
        process = subprocess.Popen(
            [*LOAD, f"--target=127.0.0.1:{port}", "--duration=3s", "--alerts=200"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 20
        while counted(port) < 200 and time.monotonic() < deadline:
            time.sleep(0.05)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "connection lost" in out


def test_two_servers_in_turns(tmp_path):
    if shutil.which("prometheus-alertmanager") is None:
        pytest.skip("needs prometheus-alertmanager")
    (tmp_path / "am.yml").write_text(CONFIG)
    flags = f"--config.file={tmp_path}/am.yml --storage.path={{folder}} --cluster.listen-address="
    flags += " --web.listen-address=127.0.0.1:{port}"
    out = tmp_path / "out"
    cores = sorted(os.sched_getaffinity(0))
    load(
        f"--server={sys.executable} -m amfast {flags}",
        f"--against=env GOMAXPROCS=1 prometheus-alertmanager {flags}",
        *("--pairs=2", "--rounds=3", "--alerts=300", "--settle=100ms", f"--report={out}"),
        f"--cores={cores[0]},{cores[-1]}",
    )
    data = json.loads((out / "report.json").read_text())
    assert [pair["first"]["alerts"] for pair in data["pairs"]] == [900, 900]
    ratio = data["measures"]["CPU time of the server, µs an alert"]["ratio"]
    assert 0.01 < ratio["min"] <= ratio["median"] <= ratio["max"] < 1000
    assert "| POST p99, ms |" in (out / "report.md").read_text()
    assert (out / "ratios.svg").exists()
