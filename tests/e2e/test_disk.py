"""What is on disk when a node is killed, and what the next life makes of it."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import threading
import time
from typing import TYPE_CHECKING

import pytest

from .api import alert, in_seconds, matcher, silence
from .node import Node
from .polling import eventually, stays_quiet
from .settings import config_text, quiet_s
from .sink import Answer

if TYPE_CHECKING:
    from .cluster import StartCluster
    from .programs import Programs
    from .sink import Sink

LIVES = int(os.environ.get("AMFAST_E2E_LIVES", "4"))
REPEATED_S = 240
"""How long an alert holds that a Prometheus repeats every minute."""


def lone_node(programs: Programs, sink: Sink, *flags: str, group_wait_s: int = 1) -> Node:
    config = config_text(sink.url(), group_wait_s=group_wait_s)
    return Node(programs, "node", "amfast", config, flags=flags)


def start(node: Node) -> None:
    node.start()
    node.wait_ready(1)


def wait_written(node: Node) -> None:
    """Until everything the node knows of alerts is on disk."""
    path = node.data_folder / "alerts"
    eventually(path.exists, "the alerts are written")
    for _ in range(2):  # the first of the two may have begun before
        written = path.stat().st_mtime_ns
        eventually(lambda: path.stat().st_mtime_ns > written, "the alerts are written again")  # noqa: B023


def firing(case: str) -> dict[str, object]:
    return alert(case) | {"endsAt": in_seconds(REPEATED_S)}


def test_a_killed_node_has_every_silence_it_answered_and_repeats_no_notification(
    programs: Programs, sink: Sink
) -> None:
    node = lone_node(programs, sink)
    start(node)
    node.api.post_alerts(firing("told"))
    sink.wait_for("told")
    node.wait_next_flush()
    ids = [node.api.add_silence(silence(matcher("case", str(number)))) for number in range(5)]
    node.api.expire_silence(ids[0])
    before = node.api.silences()
    node.kill()
    start(node)
    assert node.api.silences() == before
    assert set(before) == set(ids)
    node.api.post_alerts(firing("told"), firing("4"), firing("new"))
    sink.wait_for("new")
    stays_quiet(quiet_s(1))
    assert {case: sink.statuses(case) for case in ("told", "4", "new")} == {
        "told": ["firing"],
        "4": [],
        "new": ["firing"],
    }


class Silencer(threading.Thread):
    """Makes silences as fast as it is answered, and ends every other one, until nobody answers."""

    def __init__(self, node: Node, number: int) -> None:
        super().__init__()
        self._node, self._number = node, number
        self.states: dict[str, str] = {}
        """By id, as far as was answered."""
        self.asked = ""
        """The id of the one whose end was asked for and not answered."""

    def run(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                made = self._node.api.add_silence(silence(matcher("case", f"{self._number}")))
                self.states[made] = "active"
                if len(self.states) % 2:
                    self.asked = made
                    self._node.api.expire_silence(made)
                    self.states[made] = "expired"


def test_whenever_a_node_is_killed_it_has_what_it_answered(programs: Programs, sink: Sink) -> None:
    node = lone_node(programs, sink, "--data.maintenance-interval=1s")
    answered: dict[str, str] = {}
    for life in range(LIVES):
        start(node)
        stored = {one: silence["status"]["state"] for one, silence in node.api.silences().items()}
        assert {one: stored.get(one) for one in answered} == answered, f"after {life} kills"
        silencers = [Silencer(node, number) for number in range(4)]
        for silencer in silencers:
            silencer.start()
        time.sleep(random.Random(life).uniform(0.5, 2.5))
        node.kill()
        for silencer in silencers:
            silencer.join()
            answered |= silencer.states
            if silencer.states.get(silencer.asked) == "active":
                del answered[silencer.asked]  # it may have ended or not
    assert len(answered) > LIVES * 10
    assert not list(node.data_folder.glob("*.damaged-*"))


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_what_was_accepted_and_not_yet_told_is_told_after_the_restart(
    programs: Programs, sink: Sink, end: str
) -> None:
    node = lone_node(programs, sink, "--data.maintenance-interval=1s", group_wait_s=6)
    start(node)
    node.api.post_alerts(firing("waiting"))
    wait_written(node)
    getattr(node, end)()
    start(node)
    assert node.api.alert_of("waiting") is not None
    sink.wait_for("waiting")
    stays_quiet(quiet_s(1))
    assert sink.statuses("waiting") == ["firing"]


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_what_a_dead_receiver_did_not_take_is_told_once_after_the_restart(
    programs: Programs, sink: Sink, end: str
) -> None:
    node = lone_node(programs, sink, "--data.maintenance-interval=1s")
    start(node)
    sink.plan(*[Answer(status=500)] * 1000)
    node.api.post_alerts(firing("refused"))
    sink.wait_for("refused", 2)
    wait_written(node)
    getattr(node, end)()
    sink.forget_plan()
    refused = len(sink.of("refused"))
    start(node)
    sink.wait_for("refused", refused + 1)
    stays_quiet(quiet_s(1))
    assert [one.status for one in sink.of("refused")][refused:] == [200]


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_what_waits_for_its_turn_is_told_once_after_the_restart(
    start_cluster: StartCluster, sink: Sink, end: str
) -> None:
    cluster = start_cluster(["amfast", "amfast"], config_text(sink.url()))
    for node in cluster:
        node.terminate()
        node.flags = ("--data.maintenance-interval=1s", "--cluster.peer-timeout=8s")
    cluster.start()
    first, second = cluster.by_position()
    first.kill()
    began = second.flushes()
    second.api.post_alerts(firing("waiting"))
    wait_written(second)
    stays_quiet(2)  # its flush has begun, and waits eight seconds for the first to speak
    assert second.flushes() == began
    getattr(second, end)()
    assert sink.statuses("waiting") == []
    second.start()
    sink.wait_for("waiting", within_s=60)
    stays_quiet(quiet_s(2))
    assert sink.statuses("waiting") == ["firing"]


def test_what_came_just_before_a_crash_is_told_once_when_it_is_said_again(
    programs: Programs, sink: Sink
) -> None:
    node = lone_node(programs, sink, group_wait_s=5)
    start(node)
    new, ending = firing("new"), firing("ending")
    node.api.post_alerts(ending)
    sink.wait_for("ending")
    node.wait_next_flush()
    node.api.post_alerts(new)
    node.kill()
    start(node)
    assert node.api.alerts() == [], "the file is written every minute"
    node.api.post_alerts(new, ending | {"endsAt": in_seconds(0)})
    sink.wait_for("new")
    assert sink.wait_for("ending", 2).body["status"] == "resolved"
    stays_quiet(quiet_s(1))
    assert (sink.statuses("new"), sink.statuses("ending")) == (["firing"], ["firing", "resolved"])


def test_an_end_that_came_just_before_the_stop_is_told_after_the_restart(
    programs: Programs, sink: Sink
) -> None:
    node = lone_node(programs, sink)
    start(node)
    said = firing("ending")
    node.api.post_alerts(said)
    sink.wait_for("ending")
    node.api.post_alerts(said | {"endsAt": in_seconds(0)})
    node.terminate()
    start(node)
    assert sink.wait_for("ending", 2).body["status"] == "resolved"
    stays_quiet(quiet_s(1))
    assert sink.statuses("ending") == ["firing", "resolved"]


def test_without_alerts_on_disk_a_restart_knows_none(programs: Programs, sink: Sink) -> None:
    node = lone_node(programs, sink)
    start(node)
    node.api.post_alerts(firing("forgotten"))
    node.terminate()
    assert (node.data_folder / "alerts").exists()
    node.flags = ("--no-storage.alerts",)
    start(node)
    assert node.api.alerts() == []
    node.terminate()
    assert sorted(path.name for path in node.data_folder.iterdir()) == ["nflog", "silences"]


def test_a_damaged_file_is_told_and_does_not_stop_the_start(programs: Programs, sink: Sink) -> None:
    node = lone_node(programs, sink)
    start(node)
    ids = [node.api.add_silence(silence(matcher("case", str(number)))) for number in range(3)]
    node.terminate()
    path = node.data_folder / "silences"
    path.write_bytes(path.read_bytes()[:-5])
    start(node)
    assert len(node.api.silences()) == 2
    assert set(node.api.silences()) < set(ids)
    assert node.api.metric("amfast_silences_damaged_files_total") == 1
    assert "level=ERROR" in node.program.log_tail
    assert len(list(node.data_folder.glob("silences.damaged-*"))) == 1
