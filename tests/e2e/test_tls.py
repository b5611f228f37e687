"""Gossip under mutual TLS, with nodes of both kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.certificates import Authority, tls_file

from .api import alert, matcher, silence
from .node import Node
from .polling import eventually, stays_quiet
from .programs import alertmanager_command
from .settings import config_text, quiet_s

if TYPE_CHECKING:
    from pathlib import Path

    from .programs import Programs
    from .sink import Sink

KINDS = ("amfast", "go", "amfast")
BIG = silence(
    matcher("case", "big"), *(matcher("case", f"{i}-{'x' * 60}", is_equal=False) for i in range(600))
)
"""Some 60 kB on the wire: far beyond a packet."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "certificates"
    folder.mkdir()
    return Authority(folder)


def tls_flag(
    authority: Authority, name: str, *, trusted: Path | None = None, days: tuple[int, int] = (-1, 30)
) -> str:
    """The flag of a node whose certificate the authority signed."""
    pair = authority.sign(name, days=days)
    return f"--cluster.tls-config={tls_file(authority.folder, name, trusted=trusted or authority.file, pair=pair)}"


def nodes_of(programs: Programs, authority: Authority, sink: Sink) -> list[Node]:
    for kind in KINDS:
        alertmanager_command(kind)  # skips here, before anything runs
    return [
        Node(
            programs,
            f"node-{i}",
            kind,
            config_text(sink.url()),
            flags=[tls_flag(authority, f"node-{i}"), "--cluster.tcp-timeout=2s"],
        )
        for i, kind in enumerate(KINDS)
    ]


def start(nodes: list[Node]) -> None:
    for node in nodes:
        node.start([other.gossip_address for other in nodes if other is not node])
    for node in nodes:
        node.wait_ready(len(nodes))


def test_nodes_of_both_kinds_are_one_cluster_under_mutual_tls(
    programs: Programs, authority: Authority, sink: Sink
) -> None:
    nodes = nodes_of(programs, authority, sink)
    start(nodes)
    for node in nodes:
        silence_id = node.api.add_silence(silence(matcher("case", f"from {node.name}")))
        big_id = node.api.add_silence(BIG)
        for other in nodes:
            other.wait_silence(silence_id, "active")
            other.wait_silence(big_id, "active")
    for node in nodes:
        node.api.post_alerts(alert("encrypted"))
    sink.wait_for("encrypted")
    stays_quiet(quiet_s(len(nodes)))
    assert sink.statuses("encrypted") == ["firing"]
    assert nodes[0].api.metric("alertmanager_tls_transport_packet_bytes_received_total") > 0
    assert nodes[0].api.metric("alertmanager_tls_transport_stream_connections_sent_total") > 0


def test_under_tls_a_dead_node_of_ours_is_missed_and_found_again(
    programs: Programs, authority: Authority, sink: Sink
) -> None:
    # Between Go nodes it would not be: their TLS transport never comes to suspect a peer that refuses connections.
    nodes = nodes_of(programs, authority, sink)
    start(nodes)
    nodes[0].kill()
    eventually(lambda: len(nodes[2].api.members()) == 2, "the node of our kind misses the dead one")
    eventually(lambda: len(nodes[1].api.members()) == 2, "and tells the Go node")
    nodes[0].start()
    for node in nodes:
        node.wait_members(len(nodes))
    silence_id = nodes[1].api.add_silence(silence(matcher("case", "back")))
    nodes[0].wait_silence(silence_id, "active")


@pytest.mark.parametrize("what", ["another authority", "an expired certificate", "no TLS at all"])
def test_who_has_no_right_certificate_stays_out_and_gets_in_when_it_has(
    what: str, programs: Programs, authority: Authority, sink: Sink, tmp_path: Path
) -> None:
    inside, stranger = (
        Node(
            programs,
            name,
            "amfast",
            config_text(sink.url()),
            flags=[tls_flag(authority, name), "--cluster.tcp-timeout=2s"],
        )
        for name in ("inside", "stranger")
    )
    good = stranger.flags
    if what == "another authority":
        folder = tmp_path / "other"
        folder.mkdir()
        stranger.flags = [tls_flag(Authority(folder, "other"), "wrong")]
    elif what == "an expired certificate":
        stranger.flags = [tls_flag(authority, "expired", days=(-9, -1))]
    else:
        stranger.flags = []
    inside.start([stranger.gossip_address])
    stranger.start([inside.gossip_address])
    for node in (inside, stranger):
        node.wait_ready(1)
    reason = {
        "another authority": "certificate",
        "an expired certificate": "expired",
        "no TLS at all": "not TLS",
    }[what]
    eventually(
        lambda: any("WARN" in line and reason in line for line in inside.program.log_tail.splitlines()),
        "the log says why the stranger stays out",
    )
    assert len(inside.api.members()) == len(stranger.api.members()) == 1

    stranger.terminate()
    stranger.flags = good
    stranger.start()
    for node in (inside, stranger):
        node.wait_members(2)
