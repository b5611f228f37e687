"""The journal beside a snapshot: on disk before the answer, whole after any crash, gone with the next snapshot."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from amfast.model.matcher import MatcherMode
from amfast.model.silence import MatcherSpec, Silence
from amfast.model.timestamp import NS, Time, format_ms
from amfast.mute.silences import Silences
from amfast.storage.journal import HEADER, WAIT_MAX_S, Journal
from amfast.storage.snapshot import SnapshotFile
from amfast.web.api_silences import SilencesApi
from tests.support.crashes import CrashAt
from tests.support.lives import at_once
from tests.support.virtual import START_NS, VirtualClock, run_virtual

FULL = OSError(28, "No space left on device")
HOUR_NS = 3600 * 10**9
T = TypeVar("T")


class Life:
    """One life of a node's silences over a folder."""

    def __init__(self, folder: Path, clock: VirtualClock) -> None:
        self.clock = clock
        self.silences = Silences(
            clock=clock, retention_ns=HOUR_NS, new_id=lambda: "", log=logging.getLogger("test")
        )
        self.file = SnapshotFile(
            folder, "silences", self.silences, clock=clock, log=logging.getLogger("test"), run=at_once
        )
        self.file.load()

    async def add(self, name: str) -> None:
        """Create a silence with this id, and wait until it is kept as the API does."""
        self.silences._new_id = lambda: name  # type: ignore[method-assign]
        matchers = (MatcherSpec(0, "job", name),)
        self.silences.set(Silence("", (matchers,), START_NS, START_NS + HOUR_NS, 0, "me", "why", {}))
        settled = self.silences.settled()
        assert settled is not None
        await settled

    def ids(self) -> set[str]:
        return {silence.id for silence in self.silences.list()}

    def damages(self) -> float:
        (family,) = (one for one in self.file.metrics() if one.name == "amfast_silences_damaged_files_total")
        return float(next(iter(family.samples))[1])  # type: ignore[arg-type]


def test_what_was_answered_is_there_after_a_crash_without_any_snapshot(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        first = Life(tmp_path, clock)
        await first.add("a")
        await first.add("b")
        first.silences.expire("a")
        settled = first.silences.settled()
        assert settled is not None
        await settled
        assert not (tmp_path / "silences").exists()
        second = Life(tmp_path, clock)
        assert second.silences.marshal() == first.silences.marshal()
        await second.add("c")
        assert Life(tmp_path, clock).ids() == {"a", "b", "c"}

    run_virtual(main)


def test_what_peers_said_is_in_the_journal_too(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        (tmp_path / "there").mkdir()
        there = Life(tmp_path / "there", clock)
        await there.add("a")
        here = Life(tmp_path, clock)
        assert here.silences.merge(there.silences.marshal()) == 1
        settled = here.silences.settled()
        assert settled is not None
        await settled
        assert Life(tmp_path, clock).ids() == {"a"}

    run_virtual(main)


def test_after_a_clean_end_everything_is_in_the_snapshot_and_there_is_no_journal(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        life = Life(tmp_path, clock)
        await life.add("a")
        assert (tmp_path / "silences.journal").exists()
        await life.file.finish()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["silences"]
        assert Life(tmp_path, clock).ids() == {"a"}

    run_virtual(main)


def test_a_snapshot_leaves_in_the_journal_what_came_while_it_was_written(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        life = Life(tmp_path, clock)
        await life.add("a")
        prepared = life.file._prepare()
        await life.add("b")
        life.file._write(*prepared)
        await life.add("c")
        (tmp_path / "silences").unlink()
        assert Life(tmp_path, clock).ids() == {"b", "c"}

    run_virtual(main)


def test_a_disk_that_hangs_holds_up_nobody_for_ever(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        async def never(work: Callable[[], T]) -> T:
            await clock.sleep(10**6)
            return work()

        failures: list[Exception] = []
        journal = Journal(tmp_path / "j", failures.append, never)
        journal.add(b"x")
        settled = journal.settled()
        assert settled is not None
        await settled
        assert clock.monotonic_us() == 10_000_000
        assert [str(error) for error in failures] == ["a write has taken more than 10 s"]

    run_virtual(main)


def test_after_a_close_that_failed_nothing_is_written_to_whoever_got_the_descriptor(tmp_path: Path) -> None:
    async def main(_clock: VirtualClock) -> None:
        async def add(record: bytes) -> None:
            journal.add(record)
            if (settled := journal.settled()) is not None:
                await settled

        disk: Any = FailingDisk()
        failures: list[Exception] = []
        journal = Journal(tmp_path / "j", failures.append, at_once, disk=disk)
        await add(b"one")
        disk.is_broken = True
        await add(b"two")
        disk.is_broken = False
        with (tmp_path / "other").open("wb", buffering=0):
            await add(b"three")
        assert (tmp_path / "other").read_bytes() == b""
        assert len(failures) == 1
        journal.close()

    run_virtual(main)


class FailingDisk:
    """The machine's own, but while it is broken ``fdatasync`` and ``close`` fail; the descriptor is given back."""

    is_broken = False

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def fdatasync(self, file: int) -> None:
        if self.is_broken:
            raise OSError(errno.EIO, "broken")
        os.fdatasync(file)

    def close(self, file: int) -> None:
        os.close(file)
        if self.is_broken:
            raise OSError(errno.EIO, "broken")


def test_what_waits_for_a_disk_that_hangs_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amfast.storage.journal.PENDING_BYTES_MAX", 100)

    async def main(clock: VirtualClock) -> None:
        async def slowly(work: Callable[[], T]) -> T:
            await clock.sleep(5)
            return work()

        failures: list[Exception] = []
        journal = Journal(tmp_path / "j", failures.append, slowly)
        journal.add(b"first")
        await clock.sleep(1)
        for _ in range(11):
            journal.add(b"0123456789")
        assert [str(error) for error in failures] == ["changes come faster than the disk takes them"]
        settled = journal.settled()
        assert settled is not None
        await settled
        journal.add(b"last")
        settled = journal.settled()
        assert settled is not None
        await settled
        contents: list[bytes] = []
        with (tmp_path / "j").open("rb") as file:
            Journal(tmp_path / "j", failures.append, slowly).replay(file, contents.append)
        assert contents == [b"first", b"last"]
        assert len(failures) == 1

    run_virtual(main)


def test_of_two_snapshots_at_one_time_the_second_cuts_nothing_that_the_first_has_moved(
    tmp_path: Path,
) -> None:
    async def main(clock: VirtualClock) -> None:
        life = Life(tmp_path, clock)
        await life.add("a")
        first = life.file._prepare()
        await life.add("b")
        second = life.file._prepare()
        await life.add("c")
        life.file._write(*first)
        life.file._write(*second)
        assert Life(tmp_path, clock).ids() == {"a", "b", "c"}
        (tmp_path / "silences").unlink()
        assert "c" in Life(tmp_path, clock).ids()

    run_virtual(main)


def test_who_waits_is_answered_once_it_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    write, sync = os.write, os.fdatasync

    def noted_write(file: int, data: bytes) -> int:
        done.append("write")
        return write(file, data)

    def noted_sync(file: int) -> None:
        sync(file)
        done.append("sync")

    async def main(clock: VirtualClock) -> None:
        life = Life(tmp_path, clock)
        await life.add("a")
        monkeypatch.setattr(os, "write", noted_write)
        monkeypatch.setattr(os, "fdatasync", noted_sync)
        await life.add("b")
        assert done == ["write", "sync"]

    run_virtual(main)


def test_a_journal_that_has_grown_long_is_cut_before_the_interval_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amfast.storage.snapshot.JOURNAL_BYTES_MAX", 100)

    async def main(clock: VirtualClock) -> None:
        life = Life(tmp_path, clock)
        chore = asyncio.ensure_future(life.file.maintain_every(900))
        await life.add("a")
        await life.add("b")
        await clock.sleep(15)
        assert life.file.journal.size == 0
        assert (tmp_path / "silences").exists()
        chore.cancel()

    run_virtual(main)


def test_changes_that_come_while_the_disk_is_busy_are_written_together(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        async def slowly(work: Callable[[], T]) -> T:
            await clock.sleep(1)
            return work()

        journal = Journal(tmp_path / "j", lambda _error: None, slowly)
        journal.add(b"first")
        await clock.sleep(0.5)
        for number in range(50):
            journal.add(b"%02d" % number)
        settled = journal.settled()
        assert settled is not None
        await settled
        assert (clock.monotonic_us(), journal.writes, journal.settled()) == (2_000_000, 2, None)
        contents: list[bytes] = []
        again = Journal(tmp_path / "j", lambda _error: None, slowly)
        with (tmp_path / "j").open("rb") as file:
            again.replay(file, contents.append)
        assert contents == [b"first", b"".join(b"%02d" % number for number in range(50))]

    run_virtual(main)


def test_where_nobody_is_in_a_hurry_writes_keep_a_distance_and_the_first_does_not_wait(
    tmp_path: Path,
) -> None:
    async def main(clock: VirtualClock) -> None:
        async def at_once(work: Callable[[], T]) -> T:
            return work()

        journal = Journal(tmp_path / "j", lambda _error: None, at_once, spacing_s=0.05)
        ends_us = []
        for _ in range(3):
            journal.add(b"x")
            await clock.sleep(0.01)
            journal.add(b"y")
            settled = journal.settled()
            assert settled is not None
            await settled
            ends_us.append(clock.monotonic_us())
        assert (ends_us, journal.writes) == ([50_000, 100_000, 150_000], 4)

    run_virtual(main)


def test_who_gives_up_waiting_does_not_end_the_wait_of_others(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        async def slowly(work: Callable[[], T]) -> T:
            await clock.sleep(1)
            return work()

        journal = Journal(tmp_path / "j", lambda _error: None, slowly)
        journal.add(b"x")

        async def wait() -> None:
            settled = journal.settled()
            assert settled is not None
            await settled

        impatient, patient = asyncio.ensure_future(wait()), asyncio.ensure_future(wait())
        await clock.sleep(0.1)
        impatient.cancel()
        await patient
        assert clock.monotonic_us() >= 1_000_000

    run_virtual(main)


async def _scenario(folder: Path, clock: VirtualClock, answered: set[str]) -> None:
    """A life with changes before, between and after snapshots."""
    life = Life(folder, clock)
    for name in ("a", "b"):
        await life.add(name)
        answered.add(name)
    life.file.maintain()
    await life.add("c")
    answered.add("c")
    prepared = life.file._prepare()
    await life.add("d")
    answered.add("d")
    life.file._write(*prepared)
    await life.add("e")
    answered.add("e")
    await life.file.finish()


def test_a_crash_at_any_call_forgets_nothing_that_was_answered(tmp_path: Path) -> None:
    calls = 0
    for number in range(200):
        folder = tmp_path / str(number)
        folder.mkdir()
        answered: set[str] = set()

        async def main(clock: VirtualClock) -> None:
            life = asyncio.ensure_future(_scenario(folder, clock, answered))  # noqa: B023
            await asyncio.wait([life], timeout=WAIT_MAX_S / 2)
            life.cancel()

        with CrashAt(number) as crash:
            run_virtual(main)
        calls = crash.made

        async def look(clock: VirtualClock) -> None:
            again = Life(folder, clock)  # noqa: B023
            assert again.ids() >= answered  # noqa: B023
            assert again.damages() == 0
            assert not [path for path in folder.iterdir() if path.suffix == ".tmp"]  # noqa: B023
            await again.add("f")
            assert Life(folder, clock).ids() >= {*answered, "f"}  # noqa: B023

        run_virtual(look)
        if not crash.has_struck:
            break
    assert answered == {"a", "b", "c", "d", "e"}
    assert calls > 40, "it was tried at all of them"


def test_a_disk_that_fails_at_any_call_loses_nothing_once_a_snapshot_succeeds(tmp_path: Path) -> None:
    for number in range(200):
        folder = tmp_path / str(number)
        folder.mkdir()

        async def main(clock: VirtualClock) -> bool:
            answered: set[str] = set()
            with CrashAt(number, FULL) as failure:  # noqa: B023
                await _scenario(folder, clock, answered)  # noqa: B023
            again = Life(folder, clock)  # noqa: B023
            if number + 9 < failure.made:  # noqa: B023 - then the last snapshot has worked
                assert again.ids() == {"a", "b", "c", "d", "e"}
            assert again.damages() == 0
            return failure.has_struck

        if not run_virtual(main):
            break


def test_a_full_disk_is_told_once_and_silences_are_taken_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_file: int) -> None:
        raise FULL

    monkeypatch.setattr(os, "fdatasync", refuse)

    async def main(clock: VirtualClock) -> None:
        life = Life(tmp_path, clock)
        chore = asyncio.ensure_future(life.file.maintain_every(900))
        await life.add("a")
        await life.add("b")
        assert life.ids() == {"a", "b"}
        (line,) = caplog.messages
        assert line.startswith("Writing the journal failed")
        await clock.sleep(15)
        assert (tmp_path / "silences").exists(), "a snapshot is tried soon"
        assert "takes writes again" in caplog.messages[-1]
        assert Life(tmp_path, clock).ids() == {"a", "b"}
        chore.cancel()

    run_virtual(main)


def test_a_torn_tail_is_dropped_and_written_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main(clock: VirtualClock) -> None:
        life = Life(tmp_path, clock)
        await life.add("a")
        path = tmp_path / "silences.journal"
        whole = path.read_bytes()
        await life.add("b")
        longer = path.read_bytes()
        for torn in (longer[:-1], longer[: len(whole) + 3], longer[: len(whole) + 17], whole + bytes(5000)):
            path.write_bytes(torn)
            again = Life(tmp_path, clock)
            assert (again.ids(), again.damages()) == ({"a"}, 0)
            await again.add("c")
            assert Life(tmp_path, clock).ids() == {"a", "c"}
        assert not [record for record in caplog.records if record.levelname == "ERROR"]

    run_virtual(main)


def test_damage_within_a_journal_costs_that_write_only_and_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(clock: VirtualClock) -> None:
        life = Life(tmp_path, clock)
        sizes = []
        for name in "abc":
            await life.add(name)
            sizes.append(life.file.journal.size)
        path = tmp_path / "silences.journal"
        data = bytearray(path.read_bytes())
        data[sizes[0] + 20] ^= 1
        path.write_bytes(data)
        again = Life(tmp_path, clock)
        assert (again.ids(), again.damages()) == ({"a", "c"}, 1)
        assert (tmp_path / "silences.journal.damaged-2027-01-15T08:00:00Z").read_bytes() == data
        assert "The journal is damaged" in caplog.text
        assert Life(tmp_path, clock).damages() == 0, "what was kept has been written anew"

    run_virtual(main)


@pytest.mark.parametrize("flip", [0x01, 0x55, 0x80])
def test_a_damaged_byte_anywhere_costs_one_write_at_most_and_is_told(tmp_path: Path, flip: int) -> None:
    async def main(clock: VirtualClock) -> None:
        (tmp_path / "whole").mkdir()
        life = Life(tmp_path / "whole", clock)
        for name in "abc":
            await life.add(name)
        whole = (tmp_path / "whole" / "silences.journal").read_bytes()
        version = HEADER.index(b"2")
        for place in range(len(whole)):
            if (
                place in (version, version + 1) or whole[place] == flip
            ):  # see the next test; a zero may stand for an end
                continue
            damaged = bytearray(whole)
            damaged[place] ^= flip
            folder = tmp_path / str(place)
            folder.mkdir()
            (folder / "silences.journal").write_bytes(damaged)
            again = Life(folder, clock)
            assert len(again.ids()) >= (3 if place < version else 2), place
            assert again.damages() == 1, place

    run_virtual(main)


def test_a_journal_of_another_version_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main(clock: VirtualClock) -> None:
        (tmp_path / "silences.journal").write_bytes(HEADER.replace(b"2", b"3") + b"what comes then")
        life = Life(tmp_path, clock)
        assert life.damages() == 1
        assert "cannot be read" in caplog.text
        await life.add("a")
        assert Life(tmp_path, clock).ids() == {"a"}

    run_virtual(main)


def test_a_change_that_the_snapshot_has_in_a_later_form_is_not_brought_back(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        life = Life(tmp_path, clock)
        await life.add("a")
        old_journal = (tmp_path / "silences.journal").read_bytes()
        await clock.sleep(1)
        life.silences.expire("a")
        await life.file.finish()
        (tmp_path / "silences.journal").write_bytes(
            old_journal
        )  # as if another program had written the snapshot
        again = Life(tmp_path, clock)
        assert [silence.state(clock.now_ns()) for silence in again.silences.list()] == ["expired"]

    run_virtual(main)


def test_a_client_is_answered_when_its_silence_is_on_disk(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        life = Life(tmp_path, clock)
        life.silences._new_id = lambda: str(uuid.UUID(int=1))  # type: ignore[method-assign]

        async def slowly(work: Callable[[], T]) -> T:
            await clock.sleep(1)
            return work()

        life.file.journal._run = slowly  # type: ignore[assignment]
        api = SilencesApi(life.silences, clock, MatcherMode.FALLBACK)
        start, end = (format_ms(Time(clock.now_ns() + seconds * NS)) for seconds in (1, 60))
        body = {
            "matchers": [{"name": "a", "value": "b", "isRegex": False}],
            "startsAt": start,
            "endsAt": end,
            "createdBy": "me",
            "comment": "why",
        }
        request = SimpleNamespace(body=json.dumps(body).encode())
        answer = api.post(request)  # type: ignore[arg-type]
        assert isinstance(answer, Awaitable)
        assert (await answer).status == 200
        assert clock.monotonic_us() == 1_000_000
        answer = api.delete(request, str(uuid.UUID(int=1)))  # type: ignore[arg-type]
        assert isinstance(answer, Awaitable)
        assert (await answer).status == 200
        assert clock.monotonic_us() == 2_000_000
        assert [one.state(clock.now_ns()) for one in Life(tmp_path, clock).silences.list()] == ["expired"]

    run_virtual(main)
