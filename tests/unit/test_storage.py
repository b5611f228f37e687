"""The files of the data directory."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from amfast.model.errors import AmfastError
from amfast.storage import SnapshotFile, write_atomically
from tests.support.virtual import VirtualClock, run_virtual


class State:
    """Refuses what does not begin as it should."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = data
        self.collections = 0

    def marshal(self) -> bytes:
        return self.data

    def load(self, data: bytes) -> None:
        if not data.startswith(b"ok"):
            raise ValueError("no record begins like this")
        self.data = data

    def collect_garbage(self) -> int:
        self.collections += 1
        return 0


def snapshot(directory: Path, state: State, clock: VirtualClock) -> SnapshotFile:
    return SnapshotFile(directory, "nflog", state, clock=clock, log=logging.getLogger("test"))


def test_what_was_written_is_read_by_the_next_start(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        first = State(b"ok 1")
        snapshot(tmp_path, first, clock).maintain()
        second = State()
        snapshot(tmp_path, second, clock).load()
        assert (second.data, first.collections) == (b"ok 1", 1)
        assert [path.name for path in tmp_path.iterdir()] == ["nflog"]

    run_virtual(main)


def test_a_missing_file_is_an_empty_state(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        state = State(b"untouched")
        snapshot(tmp_path, state, clock).load()
        assert state.data == b"untouched"

    run_virtual(main)


def test_a_damaged_file_stops_the_start_with_a_line_that_names_it(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        (tmp_path / "nflog").write_bytes(b"bad")
        with pytest.raises(AmfastError, match=r"nflog is damaged \(no record begins like this\)"):
            snapshot(tmp_path, State(), clock).load()

    run_virtual(main)


def test_maintenance_comes_at_every_interval(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        state = State(b"ok")
        file = snapshot(tmp_path, state, clock)
        # The write runs in a thread, which virtual time does not wait for: one round is driven by hand.
        file.maintain()
        state.data = b"ok later"
        file.maintain()
        assert (tmp_path / "nflog").read_bytes() == b"ok later"
        values = {family.name: family for family in file.metrics()}
        assert list(values["alertmanager_nflog_maintenance_total"].samples) == [((), 2.0)]

    run_virtual(main)


def test_a_write_that_was_overtaken_does_not_bring_old_data_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, overtaken = threading.Event(), threading.Event()

    def slow(path: Path, data: bytes) -> None:
        if data == b"ok old":
            held.set()
            overtaken.wait(5)
        write_atomically(path, data)

    async def main(clock: VirtualClock) -> None:
        state = State(b"ok old")
        file = snapshot(tmp_path, state, clock)
        monkeypatch.setattr("amfast.storage.write_atomically", slow)
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


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "silences"
    write_atomically(path, b"old")

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_is_logged_and_counted_not_raised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(clock: VirtualClock) -> None:
        file = snapshot(tmp_path / "gone", State(b"ok"), clock)
        file.maintain()
        values = {family.name: list(family.samples) for family in file.metrics()}
        assert values["alertmanager_nflog_maintenance_errors_total"] == [((), 1.0)]

    run_virtual(main)
    assert "the old file stays" in caplog.text
