"""Disks of simulated machines lose what real ones may lose, and nothing else."""

import os
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from amfast.sim.contract.disk import Disk, Gone, Machine
from amfast.sim.contract.loop import Process, VirtualLoop
from amfast.storage.frames import frame
from amfast.storage.journal import HEADER, Journal
from amfast.storage.whole import open_if_there, read_all, sync_folder, write_all, write_atomically

FILE = Path("data/silences")


@pytest.fixture
def loop():
    made = VirtualLoop()
    yield made
    made.close()


def mount(loop, machine):
    return Disk(machine, Process(loop), Random(1))


def cut_off(disk, calls):
    """Have the process end in place of a call."""
    disk.calls_left, disk.cut = calls, lambda: setattr(disk._process, "alive", False)


def left_of_a_write(loop, seed, *, synced):
    """What a machine without power has of two writes behind one that was synced."""
    machine = Machine(Random(seed))
    disk = mount(loop, machine)
    file = disk.open(FILE, os.O_WRONLY | os.O_CREAT)
    sync_folder(FILE.parent, disk)
    write_all(file, b"first.", disk)
    disk.fsync(file)
    write_all(file, b"second.", disk)
    write_all(file, b"third.", disk)
    if synced:
        disk.fdatasync(file)
    machine.lose("unsynced")
    return read_all(FILE, mount(loop, machine))


def test_what_was_written_but_not_synced_may_be_lost_or_torn(loop):
    found = {left_of_a_write(loop, seed, synced=False) for seed in range(200)}
    assert {b"first.", b"first.sec", b"first.second."} <= found
    assert all(one.rstrip(b"\0") in b"first.second.third." for one in found)
    assert any(one.endswith(b"\0") for one in found)
    assert all(one.startswith(b"first.") for one in found)


def test_what_was_synced_stays(loop):
    assert {left_of_a_write(loop, seed, synced=True) for seed in range(50)} == {b"first.second.third."}


def test_a_new_name_may_be_lost_until_its_folder_was_synced(loop):
    seen = set()
    for seed in range(50):
        machine = Machine(Random(seed))
        disk = mount(loop, machine)
        disk.close(disk.open(FILE, os.O_WRONLY | os.O_CREAT))
        machine.lose("unsynced")
        seen.add(tuple(machine.names))
    assert seen == {(), (FILE.name,)}


def test_whatever_call_the_power_goes_at_a_file_is_the_old_or_the_new_one(loop):
    seen = set()
    for calls in range(15):
        for seed in range(20):
            machine = Machine(Random(seed))
            disk = mount(loop, machine)
            write_atomically(FILE, [b"old"], disk)
            cut_off(disk, calls)
            with suppress(Gone):
                write_atomically(FILE, [b"n", b"ew"], disk)
            machine.lose("unsynced")
            seen.add(read_all(FILE, mount(loop, machine)))
    assert seen == {b"old", b"new"}


def test_a_process_that_ended_changes_nothing_any_more(loop):
    machine = Machine(Random(1))
    disk = mount(loop, machine)
    write_atomically(FILE, [b"old"], disk)
    cut_off(disk, 0)
    for _ in range(2):
        with pytest.raises(Gone):
            write_atomically(FILE, [b"new"], disk)
    assert list(machine.names) == [FILE.name]
    assert read_all(FILE, mount(loop, machine)) == b"old"


def test_a_disk_that_is_replaced_is_empty_and_one_whose_process_was_killed_is_as_it_was(loop):
    machine = Machine(Random(1))
    disk = mount(loop, machine)
    write_all(disk.open(FILE, os.O_WRONLY | os.O_CREAT), b"not synced", disk)
    machine.lose("nothing")
    assert read_all(FILE, mount(loop, machine)) == b"not synced"
    machine.lose("everything")
    assert mount(loop, machine).listdir(FILE.parent) == []


def test_what_a_new_process_reads_in_a_journal_outlasts_its_machine(loop):
    for seed in range(20):
        machine = Machine(Random(seed))
        before = mount(loop, machine)
        write_all(before.open(FILE, os.O_WRONLY | os.O_CREAT), HEADER + frame(b"a record"), before)
        machine.lose("nothing")  # it was killed before it could sync
        disk = mount(loop, machine)
        journal = Journal(FILE, pytest.fail, disk=disk)
        with open_if_there(FILE, disk) as file:
            assert journal.replay(file, lambda _record: None).records == 1
        journal.hold()
        machine.lose("unsynced")
        assert read_all(FILE, mount(loop, machine)) == HEADER + frame(b"a record")
