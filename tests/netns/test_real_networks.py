"""What a cluster of both kinds promises when the network between its hosts is bad."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

from tests.e2e.api import alert, matcher, silence
from tests.e2e.polling import eventually, stays_quiet
from tests.e2e.settings import config_text, quiet_s

from .switch import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.e2e.node import Node

    from .conftest import Network

    StartNodes = Callable[[Network, Sequence[str], str], list[Node]]

KINDS = ("amfast", "go", "amfast", "go", "amfast")
DEATH_S = 56.0
"""At most: a round of probes of the four others at the longest interval that bad health allows (8 s each), and the
longest suspicion of five nodes (24 s), which two nodes alone can confirm to each other only in part."""
HEAL_S = 20.0
"""After healing: one reconnect interval (1 s) to meet, one push/pull interval (5 s) and retransmissions."""


def post(nodes: Sequence[Node], body: dict[str, Any]) -> None:
    for node in nodes:
        node.api.post_alerts(body)


def all_see(nodes: Sequence[Node], members: int, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    for node in nodes:
        eventually(
            lambda node=node: len(node.api.members()) == members,
            f"{node.name} ({node.kind}) sees {members} members",
            within_s=max(deadline - time.monotonic(), 0.1),
        )


def agree(nodes: Sequence[Node], silence_ids: set[str]) -> None:
    """Within the bound every node lists the same members and the same silences."""
    all_see(nodes, len(nodes), HEAL_S)
    for node in nodes:
        eventually(
            lambda node=node: silence_ids <= set(node.api.silences()),
            f"{node.name} has every silence",
            within_s=HEAL_S,
        )
    assert len({str(sorted(node.api.members().items())) for node in nodes}) == 1


def test_both_halves_of_a_cut_cluster_notify_and_agree_again_after_healing(
    network: Network, start_nodes: StartNodes
) -> None:
    nodes = start_nodes(network, KINDS, config_text(network.sink.url()))
    small, large = nodes[:2], nodes[2:]
    network.switch.cut(network.hosts[:2], network.hosts[2:])
    all_see(small, 2, DEATH_S)
    all_see(large, 3, DEATH_S)

    post(nodes, alert("cut"))
    network.sink.wait_for("cut", 2)
    silences = {half[0].api.add_silence(silence(matcher("half", str(len(half))))) for half in (small, large)}
    stays_quiet(quiet_s(len(nodes)))
    senders = {one.body["externalURL"] for one in network.sink.of("cut")}
    assert len(network.sink.of("cut")) == 2
    assert len(senders & {f"http://{node.address}" for node in small}) == 1

    network.switch.heal()
    agree(nodes, silences)
    post(nodes, alert("healed"))
    network.sink.wait_for("healed")
    stays_quiet(quiet_s(len(nodes)))
    assert network.sink.statuses("healed") == ["firing"]
    assert network.sink.statuses("cut") == ["firing", "firing"], (
        "the news of the other half was no reason to repeat"
    )


def test_with_a_fifth_of_the_packets_lost_and_all_late_nobody_is_given_up(
    network: Network, start_nodes: StartNodes
) -> None:
    nodes = start_nodes(network, KINDS, config_text(network.sink.url()))
    network.switch.set_links(network.hosts, Link(loss=0.2, delay_s=0.1))
    until_s = time.monotonic() + 20
    silences = set()
    for round_number in itertools.count():
        node = nodes[round_number % len(nodes)]
        silences.add(node.api.add_silence(silence(matcher("round", str(round_number)))))
        post(nodes, alert(f"lossy {round_number}"))
        network.sink.wait_for(f"lossy {round_number}")
        assert [len(other.api.members()) for other in nodes] == [len(nodes)] * len(nodes)
        if time.monotonic() > until_s:
            break
    assert network.switch.lost > 100, "the network was as bad as it should be"  # some 1,800 frames in 20 s
    network.switch.heal()
    agree(nodes, silences)


def test_a_node_on_a_flapping_link_is_found_again_and_misses_nothing(
    network: Network, start_nodes: StartNodes
) -> None:
    nodes = start_nodes(network, KINDS, config_text(network.sink.url()))
    flapping = network.hosts[2]
    steady = [node for node in nodes if node is not nodes[2]]
    silences = set()
    for round_number in range(5):
        flapping.unplug()
        silences.add(steady[round_number % 4].api.add_silence(silence(matcher("round", str(round_number)))))
        post(steady, alert(f"flap {round_number}"))
        time.sleep(1.5)
        flapping.plug()
        network.sink.wait_for(f"flap {round_number}")
        time.sleep(1.5)
    agree(nodes, silences)
    post(nodes, alert("steady again"))
    network.sink.wait_for("steady again")
    stays_quiet(quiet_s(len(nodes)))
    assert network.sink.statuses("steady again") == ["firing"]
