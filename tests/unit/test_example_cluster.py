"""The pieces of ``make cluster`` that need no node."""

import json
import os
import re
import socket
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

from amfast.cli import flags
from amfast.cli.checks import check_options

FOLDER = Path(__file__).parents[2] / "examples" / "cluster"


@pytest.fixture(autouse=True)
def _examples_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    for name in ("run", "hints", "ports", "sink"):
        sys.modules.pop(name, None)


def test_every_node_gets_a_command_line_of_its_own_that_amfast_understands():
    import run

    options = [flags.parse(run.command(node, [])[3:]) for node in run.NODES]
    for one in options:
        check_options(one)
        others = {other.cluster_listen_address for other in options} - {one.cluster_listen_address}
        assert set(one.cluster_peer) == others
    assert len({one.storage_path for one in options}) == len({one.web_listen_address for one in options}) == 3
    assert options[0].log_level == "warn"
    assert flags.parse(run.command(run.NODES[0], ["--log.level=info"])[3:]).log_level == "info"


def test_prometheus_is_told_of_all_three_nodes():
    import run

    nodes = [f"127.0.0.1:{node.web_port}" for node in run.NODES]
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == nodes
    assert (FOLDER / config["rule_files"][0]).exists()


def test_the_sink_is_where_the_configuration_sends_to():
    import run

    config = yaml.safe_load((FOLDER / "alertmanager.yml").read_text())
    assert config["receivers"][0]["webhook_configs"][0]["url"] == f"http://127.0.0.1:{run.SINK_PORT}/"


def test_the_commands_to_copy_carry_valid_json():
    import hints

    text = hints.text({"am1": ("http://127.0.0.1:9093", 12)})
    bodies = [json.loads(body) for body in re.findall(r"-d '(.*?)'$", text, re.MULTILINE)]
    assert bodies[0][0]["labels"] == {"alertname": "Demo", "instance": "web1"}
    assert bodies[1]["startsAt"] < bodies[1]["endsAt"]
    assert "kill 12\n" in text


@pytest.mark.parametrize(("kind", "type_"), [("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)])
def test_a_taken_port_is_named_with_the_process_that_holds_it(kind, type_):
    import ports

    with socket.socket(socket.AF_INET, type_) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind == "tcp":
            holder.listen()
        port = holder.getsockname()[1]
        (line,) = ports.taken([(kind, port)])
        assert line.startswith(f"{kind.upper()} port {port} is taken by ")
        assert line.endswith(f"free it with: kill {os.getpid()}")
    assert ports.taken([(kind, port)]) == []


def test_the_sink_prints_a_line_per_alert_and_survives_nonsense():
    import sink

    lines: list[str] = []
    server = sink.start(0, {"http://am1:9093": "am1"}, lines.append)
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        alert = {
            "status": "firing",
            "labels": {"alertname": "Down", "job": "web", "instance": "a"},
            "annotations": {"summary": "It is down"},
        }
        body = {"externalURL": "http://am1:9093", "alerts": [alert, {**alert, "status": "resolved"}]}
        with urllib.request.urlopen(url, data=json.dumps(body).encode(), timeout=5) as answer:
            assert answer.status == 200
        assert lines == [
            "FIRING   Down  instance=a job=web  It is down  (sent by am1)",
            "RESOLVED Down  instance=a job=web  It is down  (sent by am1)",
        ]
        for nonsense in (b"{", b"[]", b'{"alerts": 1, "externalURL": 2}'):
            with pytest.raises(urllib.error.HTTPError, match="400") as caught:
                urllib.request.urlopen(url, data=nonsense, timeout=5)
            caught.value.close()
        assert all(line.startswith("a request that is no notification") for line in lines[2:])
        assert len(lines) == 5
    finally:
        server.shutdown()
        server.server_close()
