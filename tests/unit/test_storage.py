"""The files of the data directory: snapshots, and what a damaged one is worth."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amfast._ext.pb import decode_silences, encode_silence
from amfast.model.errors import AmfastError
from amfast.model.keeper import NoKeeper
from amfast.model.silence import MatcherSpec, Silence
from amfast.notify.nflog import LogKey, NotificationLog
from amfast.storage.disk import Disk, RunInThread
from amfast.storage.salvage import salvage
from amfast.storage.snapshot import SnapshotFile
from amfast.storage.whole import NewFile, remove_leftovers, set_aside, write_atomically
from tests.support.crashes import CrashAt
from tests.support.lives import at_once
from tests.support.virtual import START_NS, VirtualClock, run_virtual

FULL = OSError(28, "No space left on device")
HOUR_NS = 3600 * 10**9


class State:
    """Refuses what does not begin as it should."""

    keeper = NoKeeper()

    def __init__(self, data: bytes = b"") -> None:
        self.data = data
        self.collections = 0

    def marshal(self) -> bytes:
        return self.data

    def load(self, data: bytes) -> None:
        if not data.startswith(b"ok"):
            raise ValueError("no record begins like this")
        self.data = data

    def merge(self, _data: bytes) -> int:
        return 0

    def is_certain(self, _record: bytes) -> bool:
        return False

    def collect_garbage(self) -> int:
        self.collections += 1
        return 0


def snapshot(
    directory: Path,
    state: State | NotificationLog,
    clock: VirtualClock,
    run: RunInThread = asyncio.to_thread,
) -> SnapshotFile:
    log = logging.getLogger("test")
    return SnapshotFile(directory, "nflog", state, clock=clock, log=log, run=run)


def samples(file: SnapshotFile) -> dict[str, list[tuple[tuple[str, ...], object]]]:
    return {family.name: list(family.samples) for family in file.metrics()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_read_by_the_next_start(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        first = State(b"ok 1")
        snapshot(tmp_path, first, clock).maintain()
        second = State()
        snapshot(tmp_path, second, clock).load()
        assert (second.data, first.collections) == (b"ok 1", 1)
        assert names(tmp_path) == ["nflog"]

    run_virtual(main)


def test_a_missing_file_is_an_empty_state(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        state = State(b"untouched")
        snapshot(tmp_path, state, clock).load()
        assert state.data == b"untouched"

    run_virtual(main)


def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        (tmp_path / "nflog").mkdir()
        with pytest.raises(AmfastError, match=r"cannot read .*nflog: Is a directory"):
            snapshot(tmp_path, State(), clock).load()

    run_virtual(main)


def test_maintenance_comes_at_every_interval(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        state = State(b"ok")
        file = snapshot(tmp_path, state, clock, at_once)
        chore = asyncio.ensure_future(file.maintain_every(900))
        await clock.sleep(899)
        assert (state.collections, names(tmp_path)) == (0, [])
        await clock.sleep(2)
        assert (state.collections, (tmp_path / "nflog").read_bytes()) == (1, b"ok")
        state.data = b"ok later"
        await clock.sleep(900)
        assert (tmp_path / "nflog").read_bytes() == b"ok later"
        assert samples(file)["alertmanager_nflog_maintenance_total"] == [((), 2.0)]
        chore.cancel()

    run_virtual(main)


def test_a_write_that_was_overtaken_does_not_bring_old_data_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, overtaken = threading.Event(), threading.Event()

    def slow(path: Path, pieces: Iterable[bytes], disk: Disk) -> int:
        pieces = list(pieces)
        if pieces == [b"ok old"]:
            held.set()
            overtaken.wait(5)
        return write_atomically(path, pieces, disk)

    async def main(clock: VirtualClock) -> None:
        state = State(b"ok old")
        file = snapshot(tmp_path, state, clock)
        monkeypatch.setattr("amfast.storage.snapshot.write_atomically", slow)
        first = threading.Thread(target=file.maintain)
        first.start()
        held.wait(5)
        state.data = b"ok new"
        last = threading.Thread(target=file.maintain)
        last.start()
        overtaken.set()
        first.join()
        last.join()
        assert (tmp_path / "nflog").read_bytes() == b"ok new"

    run_virtual(main)


# Crashes and full disks


def test_a_crash_at_any_call_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    path = tmp_path / "silences"
    seen = set()
    for number in range(20):
        write_atomically(path, [b"old"])
        with CrashAt(number) as crash:
            write_atomically(path, [b"n", b"e", b"w"])
        seen.add(path.read_bytes())
        remove_leftovers(path)
        assert names(tmp_path) == ["silences"]
        if not crash.has_struck:
            break
    assert seen == {b"old", b"new"}
    assert number > 7, "all calls were tried"


def test_an_error_at_any_call_leaves_the_old_or_the_new_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "silences"
    for number in range(20):
        write_atomically(path, [b"old"])
        with CrashAt(number, FULL), contextlib.suppress(OSError):
            write_atomically(path, [b"new"])
        assert path.read_bytes() in (b"old", b"new")
        assert names(tmp_path) == ["silences"]


def test_what_is_written_is_on_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (order.append("fsync"), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda old, new: (order.append("replace"), replace(old, new)))
    write_atomically(tmp_path / "silences", [b"new"])
    assert order == ["fsync", "replace", "fsync"], "the last one is the folder's"


def test_only_leftovers_of_our_own_are_removed(tmp_path: Path) -> None:
    ours = [f"nflog.{'0a' * 8}.tmp", f"nflog.journal.{'1b' * 8}.tmp"]
    others = [
        "nflog.5d3c2b1a",
        "nflog.tmp",
        f"nflog2.{'0a' * 8}.tmp",
        f"nflog.{'0A' * 8}.tmp",
        "nflog.damaged-x",
    ]
    for name in [*ours, *others]:
        (tmp_path / name).touch()

    async def main(clock: VirtualClock) -> None:
        snapshot(tmp_path, State(), clock).load()

    run_virtual(main)
    assert names(tmp_path) == sorted(others)


def test_a_full_disk_is_one_line_and_a_gauge_and_the_end_of_it_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_full = True
    fsync = os.fsync

    def sync(file: int) -> None:
        if is_full:
            raise FULL
        fsync(file)

    monkeypatch.setattr(os, "fsync", sync)

    async def main(clock: VirtualClock) -> None:
        nonlocal is_full
        file = snapshot(tmp_path, State(b"ok"), clock, at_once)
        chore = asyncio.ensure_future(file.maintain_every(900))
        await clock.sleep(1000)
        assert samples(file)["amfast_nflog_disk_failing"] == [((), 1.0)]
        assert len(caplog.records) == 1
        assert "the old file stays" in caplog.text
        assert caplog.records[0].attrs["err"] == "[Errno 28] No space left on device"  # type: ignore[attr-defined]
        is_full = False
        await clock.sleep(15)
        assert samples(file)["amfast_nflog_disk_failing"] == [((), 0.0)]
        assert (tmp_path / "nflog").read_bytes() == b"ok", "it was tried again before the next interval"
        assert "takes writes again" in caplog.text
        assert int(samples(file)["alertmanager_nflog_maintenance_errors_total"][0][1]) > 1  # type: ignore[call-overload]
        chore.cancel()

    run_virtual(main)


# Damage


def entries(clock: VirtualClock, count: int) -> tuple[NotificationLog, list[bytes]]:
    """A log, and the records that it wrote."""
    log = NotificationLog(clock=clock, retention_ns=120 * HOUR_NS)
    records: list[bytes] = []
    log.on_change = records.append
    for number in range(count):
        log.record(LogKey(b"{}:{%d}" % number, "team", "webhook", 0), {number, 2**63}, {9}, HOUR_NS)
    return log, records


def test_a_damaged_file_is_set_aside_and_what_can_be_read_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(clock: VirtualClock) -> None:
        _log, records = entries(clock, 10)
        records[3] = records[3][:2] + b"\xff" + records[3][3:]
        damaged = b"".join(records)
        (tmp_path / "nflog").write_bytes(damaged)
        state = NotificationLog(clock=clock, retention_ns=120 * HOUR_NS)
        file = snapshot(tmp_path, state, clock)
        file.load()
        assert state.marshal() == b"".join(records[:3] + records[4:])
        assert (tmp_path / "nflog").read_bytes() == state.marshal(), "it is on disk at once"
        aside = tmp_path / "nflog.damaged-2027-01-15T08:00:00Z"
        assert aside.read_bytes() == damaged
        assert samples(file)["amfast_nflog_damaged_files_total"] == [((), 1.0)]
        (record,) = (record for record in caplog.records if record.levelname == "ERROR")
        said = record.attrs  # type: ignore[attr-defined]
        assert said["first_damage_at"] == len(b"".join(records[:3]))
        assert (said["records_kept"], said["bytes_lost"]) == (9, len(records[3]))
        assert said["damaged_file_kept_as"] == str(aside)

    run_virtual(main)


def test_a_file_set_aside_never_takes_the_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "silences"
    for text in ("first", "second", "third"):
        path.write_text(text)
        set_aside(path, START_NS)
        path.unlink()
    stem = "silences.damaged-2027-01-15T08:00:00Z"
    assert {name: (tmp_path / name).read_text() for name in names(tmp_path)} == {
        stem: "first",
        f"{stem}-1": "second",
        f"{stem}-2": "third",
    }


def test_without_hard_links_a_copy_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_old: object, _new: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "silences"
    path.write_text("x")
    assert [set_aside(path, START_NS).read_text() for _ in range(2)] == ["x", "x"]
    assert len(names(tmp_path)) == 3


def test_a_length_that_leads_astray_costs_its_own_record_only() -> None:
    async def main(clock: VirtualClock) -> None:
        _log, records = entries(clock, 10)
        for length in (0, 1, 60, 127, 255):
            astray = [*records[:4], bytes([length]) + records[4][1:], *records[5:]]
            state = NotificationLog(clock=clock, retention_ns=120 * HOUR_NS)
            found = salvage(b"".join(astray), state.load, state.is_certain)
            assert state.marshal() == b"".join(records[:4] + records[5:])
            assert found.lost_bytes == len(records[4])

    run_virtual(main)


@given(
    place=st.integers(0, 2**20),
    change=st.sampled_from(["byte", "cut", "zeros", "insert", "remove"]),
    data=st.binary(min_size=1, max_size=40),
)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_to_a_file_all_before_it_is_kept(place: int, change: str, data: bytes) -> None:
    async def main(clock: VirtualClock) -> None:
        _log, records = entries(clock, 12)
        whole = b"".join(records)
        at = place % len(whole)
        damaged = {
            "byte": whole[:at] + data[:1] + whole[at + 1 :],
            "cut": whole[:at],
            "zeros": whole[:at] + bytes(len(whole) - at),
            "insert": whole[:at] + data + whole[at:],
            "remove": whole[:at] + whole[at + len(data) :],
        }[change]
        kept: list[bytes] = []
        state = NotificationLog(clock=clock, retention_ns=120 * HOUR_NS)

        def take(record: bytes) -> None:
            state.load(record)
            kept.append(record)

        salvage(damaged, take, state.is_certain)
        untouched, end = 0, 0
        while untouched < len(records) and end + len(records[untouched]) <= at:
            end += len(records[untouched])
            untouched += 1
        assert kept[:untouched] == records[:untouched]
        state.marshal()

    run_virtual(main)


def test_bytes_within_a_record_that_look_like_one_are_not_taken_for_one() -> None:
    specs = tuple((MatcherSpec(0, "alertname", f"some value {number}"),) for number in range(20))
    silence = Silence("i", specs, START_NS, START_NS + 1, START_NS, "me", "why", {"a" * 8: "b" * 8})
    record = encode_silence(silence, START_NS + 2)
    kept: list[bytes] = []

    def take(data: bytes) -> None:
        decode_silences(data)
        kept.append(data)

    def is_certain(data: bytes) -> bool:
        try:
            (fields,) = decode_silences(data)
        except ValueError:
            return False
        return bool(fields.id) and fields.starts_at_ns > 0

    salvage(b"\x01" + record[1:] + record, take, is_certain)
    assert kept == [record]


def test_a_large_file_of_nonsense_does_not_take_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amfast.storage.salvage.TRIES_MAX", 1000)
    state = State()
    for nonsense in (b"\x0a" * 100_000, bytes(100_000), b"\x0a\x0a\x02\x0a\x00" * 20_000):
        found = salvage(nonsense, state.load, state.is_certain)
        assert (found.records, found.lost_bytes) == (0, len(nonsense))


def test_what_a_thread_still_writes_to_a_file_that_was_given_up_reaches_nobody(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    path.write_bytes(b"old")
    new = NewFile(path)
    new.write(b"half")
    new.give_up()
    with (tmp_path / "other").open("wb", buffering=0):  # gets the descriptor
        new.write(b"the rest")
        new.put_in_place()
    assert (path.read_bytes(), (tmp_path / "other").read_bytes()) == (b"old", b"")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["alerts", "other"]
