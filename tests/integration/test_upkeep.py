"""What the flags of storage do, in a whole node on virtual time."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from amfast.app import App
from amfast.cli.flags import parse
from amfast.model.errors import AmfastError
from amfast.model.silence import MatcherSpec, Silence, SilenceRefused
from amfast.model.timestamp import NS
from amfast.notify.nflog import LogKey
from amfast.outside import Outside
from amfast.storage.whole import lock_folder
from tests.support.alert_side import post
from tests.support.alerts import alert
from tests.support.lives import at_once
from tests.support.virtual import VirtualClock, run_virtual

Main = Callable[[App, VirtualClock, Path], Coroutine[Any, Any, None]]
HOUR_S = 3600


def run(main: Main, folder: Path, *flags: str) -> None:
    """Run a node with these flags; it is stopped afterwards."""
    config = folder / "am.yml"
    config.write_text("route: {receiver: d}\nreceivers: [{name: d}]\n")

    async def whole(clock: VirtualClock) -> None:
        options = parse(
            [
                f"--config.file={config}",
                f"--storage.path={folder / 'data'}",
                "--cluster.listen-address=",
                "--web.listen-address=127.0.0.1:0",
                *flags,
            ]
        )
        app = App(options, clock, random.Random(1), Outside(run=at_once))
        await app.start()
        try:
            await main(app, clock, folder / "data")
        finally:
            await app.stop()

    run_virtual(whole)


def wish(clock: VirtualClock, text: str = "why") -> Silence:
    now_ns = clock.now_ns()
    matchers = (MatcherSpec(0, "job", "a"),)
    return Silence("", (matchers,), now_ns, now_ns + HOUR_S * NS, 0, "me", text, {})


def test_silences_and_log_are_written_at_every_maintenance_interval(tmp_path: Path) -> None:
    async def main(app: App, clock: VirtualClock, data: Path) -> None:
        app._silences.set(wish(clock))
        await clock.sleep(890)
        assert not (data / "silences").exists()
        await clock.sleep(300)
        assert {path.name for path in data.iterdir()} >= {"silences", "nflog", "alerts"}

    run(main, tmp_path)


def test_an_expired_silence_and_an_old_entry_go_when_their_retention_is_over(tmp_path: Path) -> None:
    async def main(app: App, clock: VirtualClock, _data: Path) -> None:
        app._silences.expire(app._silences.set(wish(clock)))
        app._nflog.record(LogKey(b"k", "r", "webhook", 0), {1}, (), 10**6 * NS)
        await clock.sleep(1.9 * HOUR_S)
        assert len(list(app._silences.list())) == 1
        assert app._nflog.marshal()
        await clock.sleep(0.3 * HOUR_S)
        assert list(app._silences.list()) == []
        assert app._nflog.marshal() == b""

    run(main, tmp_path, "--data.retention=2h", "--data.maintenance-interval=5m")


def test_a_resolved_alert_is_forgotten_at_the_interval_of_its_flag(tmp_path: Path) -> None:
    async def main(app: App, clock: VirtualClock, _data: Path) -> None:
        post(app._store, alert(i="1", ends=10), alert(i="2", ends=9000))
        await clock.sleep(590)
        assert len(app._store) == 2
        await clock.sleep(30)
        assert len(app._store) == 1

    run(main, tmp_path, "--alerts.gc-interval=10m")


def test_there_can_be_only_so_many_silences_of_such_a_size(tmp_path: Path) -> None:
    async def main(app: App, clock: VirtualClock, _data: Path) -> None:
        app._silences.expire(app._silences.set(wish(clock)))
        with pytest.raises(SilenceRefused, match="exceeded maximum size"):
            app._silences.set(wish(clock, "why " * 100))
        app._silences.set(wish(clock))
        with pytest.raises(SilenceRefused, match="exceeded maximum number of silences: 2"):
            app._silences.set(wish(clock))

    run(main, tmp_path, "--silences.max-silences=2", "--silences.max-silence-size-bytes=300")


def test_a_node_that_was_stopped_while_it_started_leaves_the_alerts_of_the_life_before(
    tmp_path: Path,
) -> None:
    async def first(app: App, _clock: VirtualClock, _data: Path) -> None:
        post(app._store, alert(i="1", ends=9000))

    async def again(app: App, _clock: VirtualClock, data: Path) -> None:
        before = (data / "alerts").read_bytes()
        app._is_up = False
        app._store.table.collect(3 * 10**18, 0, 1000)
        await app.stop()
        assert (data / "alerts").read_bytes() == before

    run(first, tmp_path)
    run(again, tmp_path)


def test_without_the_flag_no_alert_is_on_disk(tmp_path: Path) -> None:
    async def main(app: App, clock: VirtualClock, data: Path) -> None:
        assert not (data / "alerts").exists()
        post(app._store, alert(i="1", ends=9000))
        await clock.sleep(1000)
        assert not (data / "alerts").exists()

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "alerts").write_bytes(b"of an earlier life")
    run(main, tmp_path, "--no-storage.alerts")


def test_two_nodes_cannot_use_one_folder(tmp_path: Path) -> None:
    async def main(_app: App, _clock: VirtualClock, data: Path) -> None:
        with pytest.raises(AmfastError, match="another amfast uses the data directory"):
            lock_folder(data)

    run(main, tmp_path)
    os.close(lock_folder(tmp_path / "data"))
