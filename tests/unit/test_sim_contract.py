"""Clusters of whole nodes keep what docs/guarantees.md promises, and the checkers notice when they do not."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from amfast.cluster.peer import Peer
from amfast.dispatch.dispatcher import Dispatcher
from amfast.model.errors import AmfastError
from amfast.notify import delivery
from amfast.notify.nflog import NotificationLog
from amfast.sim import __main__ as command
from amfast.sim.contract.disk import Disk
from amfast.sim.contract.faults import FAULTS, NAMES
from amfast.sim.contract.promises import Promises
from amfast.sim.contract.run import run
from amfast.storage.alerts import AlertsFile, Restored

ROOT = Path(__file__).parents[2]
ONCE_FAILED = {
    "a log entry of a node whose clock was ahead stayed, and hid that an alert was over": (
        *("clocks", 3),
        Promises(3, 0, 120, 300, 3, answer_s=2, evaluation_s=15),
    ),
    "nothing was lost, but gossip missed one node of seven, which told again": (
        *("reloads", 2),
        Promises(7, 0, 120, 3600, 5, 10, answer_s=2),
    ),
    "gossip missed one node of six": (
        *("receivers", 3),
        Promises(6, 5, 60, 300, 3, evaluation_s=30),
    ),
    "nodes told what was over by the end of their wait, and corrected each other in turn": (
        *("deaf", 3),
        Promises(9, 30, 300, 900, 5, answer_s=2),
    ),
    "the turns of two nodes came at one moment": (
        *("calm", 12),
        Promises(6, 0, 300, 900, 15, evaluation_s=30),
    ),
    "the turns of two nodes of nine came at one moment": (
        *("reloads", 10),
        Promises(9, 30, 60, 900, 5, answer_s=2, evaluation_s=15),
    ),
    "a new node told that all is resolved, of the part it had heard of": (
        *("crashes", 3),
        Promises(5, 5, 300, 300, 3, 10, answer_s=2),
    ),
    "another new node did": (
        *("crashes", 12),
        Promises(3, 30, 300, 300, 5, 10, evaluation_s=30),
    ),
    "turns met by chance, which is not promised not to happen": (
        *("calm", 22),
        Promises(9, 0, 120, 900, 3, 10, answer_s=2, evaluation_s=30),
    ),
    "a node died that had just told, and the alert came back before the others told it again": (
        *("chaos", 1004),
        Promises(3, 5, 120, 900, 5, 10, evaluation_s=30),
    ),
    "three turns met, as they may when they last longer than the group interval": (
        *("crashes", 4),
        Promises(9, 30, 30, 3600, 15, 10, 201, evaluation_s=60),
    ),
    "a word whose teller had died before it was logged was said again long after": (
        *("crashes", 18),
        Promises(9, 5, 120, 900, 15, answer_s=2),
    ),
    "the log was lost with all processes, and an alert told before was told again when its silence ended": (
        *("blackouts", 33),
        Promises(3, 0, 120, 900, 5, start_delay_s=96, evaluation_s=15),
    ),
    "copies to a receiver that did not confirm were counted with the others": (
        *("chaos", 2028),
        Promises(3, 0, 30, 900, 5, 10, evaluation_s=30),
    ),
    "all nodes were restarted before they were ready until the log had forgotten that an alert was told": (
        *("upgrades", 3007),
        Promises(7, 0, 120, 300, 15, 60, 151, 300, answer_s=2, evaluation_s=30),
    ),
    "they were, and another log had": (
        *("upgrades", 6006),
        Promises(6, 30, 30, 300, 3, 60, 141, 300, answer_s=2, evaluation_s=30),
    ),
    "a node did not hear that an alert was over while its clock was set back, and told that it fires": (
        *("clocks", 6019),
        Promises(2, 5, 60, 900, 3, 60, 86, 300, answer_s=2, evaluation_s=15),
    ),
    "a node had collected an alert that was over and was held to have known that it fires": (
        *("losses", 6016),
        Promises(6, 30, 120, 900, maintenance_s=300, answer_s=2, evaluation_s=30),
    ),
    "a node had collected a silenced alert and was held to know of the silence after its end": (
        *("clocks", 6030),
        Promises(4, 0, 120, 3600, 15, 60, 106, 300, evaluation_s=15),
    ),
    "words crossed, and the log believed the one that told of fewer new alerts": (
        *("partitions", 6010),
        Promises(3, 0, 60, 300, 15, 10, 111, evaluation_s=30),
    ),
    "words crossed, and the log believed the one that told of fewer resolved alerts": (
        *("partitions", 3016),
        Promises(6, 0, 120, 300, 5, answer_s=2),
    ),
    "words crossed, and the log believed that an alert fires which the last one had left out": (
        *("partitions", 6006),
        Promises(2, 0, 30, 3600, 5, start_delay_s=131),
    ),
    "groups out of step by the difference of their waits told everything twice, as they kept their beat": (
        *("upgrades", 3002),
        Promises(5, 5, 120, 900, 15, 60, 131, 300, 2, evaluation_s=30),
    ),
    "a node that had forgotten an alert told that all is resolved, of another, and the log forgot that it fires": (
        *("deaf", 20022),
        Promises(3, 5, 120, 3600, 5, 60, 96, 300, answer_s=2, evaluation_s=15),
    ),
    "a node that had lost its disk told that all is resolved, and nobody told the end of what it had not heard of": (
        *("crashes", 10011),
        Promises(6, 30, 60, 3600, 3, 10, answer_s=2, evaluation_s=15),
    ),
    "the clocks of both nodes were behind when their Prometheus said that an alert was over": (
        *("clocks", 12081),
        Promises(2, 30, 60, 900, 5, 60, evaluation_s=15),
    ),
}
"""Faults, seed and settings of every run that ever had a violation, by what it was."""


def check(faults, seed, nodes=None, promises=None):
    result = run(faults, seed, nodes, promises)
    assert result.violation_texts == (), f"python -m amfast.sim contract {faults} --first {seed}"
    assert result.told > 0
    return result


@pytest.mark.parametrize("faults", NAMES)
def test_a_cluster_keeps_its_promises(faults):
    check(faults, seed=101, nodes=3)


@pytest.mark.parametrize("seed", range(201, 204))
def test_clusters_of_all_sizes_keep_their_promises_whatever_happens(seed):
    check("chaos", seed)


@pytest.mark.parametrize(("faults", "seed", "promises"), ONCE_FAILED.values(), ids=ONCE_FAILED)
def test_what_once_failed_keeps_its_promises(faults, seed, promises):
    check(faults, seed, promises=promises)


def test_a_calm_cluster_says_nothing_twice():
    result = check("calm", seed=102, nodes=4)
    assert (result.copies, result.told) == (0, result.reasons)


# The checkers notice.


def found(faults, seed, nodes=3):
    return " ".join(run(faults, seed, nodes).violation_texts)


def test_a_broken_dedup_is_noticed(monkeypatch):
    monkeypatch.setattr(delivery, "reason_to_notify", lambda *_args, **_more: "repeat interval elapsed")
    assert "allowed are 0" in found("calm", 101)


def test_a_broken_wait_is_noticed(monkeypatch):
    monkeypatch.setattr(Peer, "position", lambda _peer: 0)
    assert "allowed are 0" in found("calm", 101)


def test_a_log_that_is_not_gossiped_is_noticed(monkeypatch):
    monkeypatch.setattr(NotificationLog, "merge", lambda _log, _data: 0)
    text = found("calm", 101)
    assert "allowed are 0" in text
    assert "have not become equal" in text


def test_a_node_that_notifies_nobody_of_new_alerts_is_noticed(monkeypatch):
    right = delivery.reason_to_notify

    def wrong(*args, **more):
        reason = right(*args, **more)
        return None if reason == "new alerts added" else reason

    monkeypatch.setattr(delivery, "reason_to_notify", wrong)
    assert "was not told that" in found("calm", 101)


def test_a_node_that_forgets_its_silences_is_noticed(monkeypatch):
    monkeypatch.setattr("amfast.mute.silences.Silences.marshal", lambda _silences: b"")
    monkeypatch.setattr("amfast.notify.stages.Silence.__call__", pass_everything)
    assert "is not silenced, and has known better" in found("calm", 101)


async def pass_everything(_stage, _flush, alerts):
    return alerts


def test_a_journal_that_is_not_synced_is_noticed(monkeypatch):
    monkeypatch.setattr(Disk, "fdatasync", lambda _disk, _file: None)
    assert "has forgotten" in found("disks", 101)


def test_a_file_that_gets_its_name_before_it_is_synced_is_noticed(monkeypatch):
    monkeypatch.setattr(Disk, "fsync", lambda _disk, _file: None)
    assert "damaged" in found("disks", 101)


def test_alerts_that_do_not_survive_a_restart_are_noticed(monkeypatch):
    async def restore(_file):
        return Restored()

    monkeypatch.setattr(AlertsFile, "restore", restore)
    assert "has forgotten alert" in found("upgrades", 101)


def test_timers_that_begin_anew_after_a_restart_are_noticed(monkeypatch):
    monkeypatch.setattr(Dispatcher, "resume", lambda _dispatcher, _timers: None)
    assert "has moved the timer of" in found("upgrades", 102)


def test_merging_that_depends_on_the_order_is_noticed(monkeypatch):
    def keep_first(log, data):
        before = dict(log._entries)
        right(log, data)
        for entry in before.values():
            log._store(entry)
        return 0

    right = NotificationLog.merge
    monkeypatch.setattr(NotificationLog, "merge", keep_first)
    assert "depends on the order" in found("partitions", 101)


# Runs repeat.


def test_a_run_repeats_to_the_last_byte_under_any_hash_seed():
    here = run("chaos", 3).digest
    command_line = [sys.executable, "-m", "amfast.sim", "contract", "chaos", "--first", "3", "--json"]
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    done = subprocess.run(
        command_line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=True
    )
    assert json.loads(done.stdout)[0]["digest"] == here


# The command.


def test_the_command_prints_a_row_for_each_class(capsys):
    assert command.main(["contract", "calm", "--seeds", "2"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["faults", "runs"]
    assert row.split()[:2] == ["calm", "2"]


def test_the_command_says_what_was_violated_and_how_to_see_it_again(capsys, monkeypatch):
    monkeypatch.setattr(Peer, "position", lambda _peer: 0)
    assert command.main(["contract", "calm", "--first", "2", "--markdown"]) == 1
    out = capsys.readouterr().out
    assert "VIOLATION at " in out
    assert "again: python -m amfast.sim contract calm --first 2 --seeds 1" in out


def test_unknown_faults_are_an_error(capsys):
    assert command.main(["contract", "war"]) == 2
    assert "unknown faults 'war'" in capsys.readouterr().err
    with pytest.raises(AmfastError):
        run("war", 1)


def test_every_fault_is_explained():
    assert all(fault.__doc__ for faults in FAULTS.values() for fault in faults)


# The formulas.


def test_the_promises_with_the_usual_flags():
    usual = Promises(nodes=3)
    assert usual.is_sound
    assert usual.period_s == 120
    assert usual.wait_s == 30
    assert usual.flush_s == 330
    assert usual.turn_s == 33
    assert usual.notified_s == 121 + 330 + 33 + 10
    assert usual.skew_s == 240 - 120 - 1
    assert usual.copies_handover == 2


def test_the_document_has_the_names_and_the_values_of_the_formulas():
    text = (ROOT / "docs" / "guarantees.md").read_text()
    usual = Promises(nodes=3)
    rows = re.findall(r"^\| `(\w+)` \| .*? \| (\d+) \|", text, re.MULTILINE)
    assert len(rows) == 9
    assert [(name, round(getattr(usual, name))) for name, _ in rows] == [(name, int(v)) for name, v in rows]
    for name in ("notified_s", "skew_s", "attempts", "quiet_s", "equal_s", "learned_s", "saved_s"):
        assert re.search(rf"`{name}`.{{0,300}}\({getattr(usual, name):.0f}\b", text, re.DOTALL), name
    assert [name for name in re.findall(r"`(\w+_s|copies_\w+)`", text) if not hasattr(usual, name)] == []


@pytest.mark.parametrize(("evaluation_s", "period_s"), [(15, 75), (30, 90), (60, 120), (120, 120)])
def test_prometheus_repeats_at_the_first_evaluation_after_the_delay(evaluation_s, period_s):
    assert Promises(nodes=3, evaluation_s=evaluation_s).period_s == period_s


def test_eighteen_nodes_are_the_most_for_the_usual_group_interval():
    assert Promises(nodes=18).is_sound
    assert not Promises(nodes=19).is_sound
