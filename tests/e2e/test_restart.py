"""Nodes that stop and come back with their data directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .api import alert, matcher, silence
from .compositions import EVERY, REFERENCE, SINGLE
from .node import Node
from .polling import eventually, stays_quiet
from .settings import config_text, quiet_s

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .cluster import Cluster, StartCluster
    from .programs import Programs
    from .prometheus import Target
    from .sink import Sink


@pytest.mark.parametrize("kinds", [*SINGLE, *EVERY])
def test_a_restarted_node_neither_notifies_again_nor_loses_a_silence(
    kinds: Sequence[str],
    start_cluster: StartCluster,
    watch_with_prometheus: Callable[[Cluster], Target],
    sink: Sink,
) -> None:
    cluster = start_cluster(kinds, config_text(sink.url()))
    target = watch_with_prometheus(cluster)
    target.break_down("lasting")
    restarted = cluster.sender_of(sink.wait_for("lasting"))
    restarted.wait_next_flush()
    added = restarted.api.add_silence(silence(matcher("case", "quiet")))
    expired = restarted.api.add_silence(silence(matcher("case", "over")))
    restarted.api.expire_silence(expired)
    before = restarted.api.silences()
    restarted.terminate()
    restarted.start()
    restarted.wait_ready(len(cluster))
    assert restarted.api.silences() == before
    assert set(before) == {added, expired}
    restarted.wait_alert("lasting")
    eventually(lambda: restarted.flushes() >= 1, "the alert is flushed again")
    target.break_down("quiet")
    target.break_down("later")
    sink.wait_for("later")
    stays_quiet(quiet_s(len(cluster)))
    assert {case: sink.statuses(case) for case in ("lasting", "later", "quiet")} == {
        "lasting": ["firing"],
        "later": ["firing"],
        "quiet": [],
    }


_PAIRS = [("go", "amfast"), ("amfast", "go"), *([("go", "go")] if REFERENCE else [])]


@pytest.mark.parametrize(("writer", "reader"), _PAIRS)
def test_a_data_directory_written_by_one_kind_is_read_by_the_other(
    writer: str, reader: str, programs: Programs, sink: Sink
) -> None:
    data = programs.folder / "data"
    old = Node(programs, "writer", writer, config_text(sink.url()), data_folder=data)
    new = Node(programs, "reader", reader, config_text(sink.url()), data_folder=data)
    old.start()
    old.wait_ready(1)
    old.api.post_alerts(alert("known"))
    sink.wait_for("known")
    old.wait_next_flush()
    every_type = silence(
        matcher("case", 'equal "quoted" \\ ü'),
        matcher("case", "not equal", is_equal=False),
        matcher("job", "re.+|", is_regex=True),
        matcher("job", "not|re", is_regex=True, is_equal=False),
    )
    ids = {
        "active": old.api.add_silence(every_type),
        "pending": old.api.add_silence(silence(matcher("case", "soon"), starts_in_s=1800)),
        "expired": old.api.add_silence(silence(matcher("case", "over"))),
    }
    old.api.expire_silence(ids["expired"])
    before = old.api.silences()
    old.terminate()
    new.start()
    new.wait_ready(1)
    assert new.api.silences() == before
    assert {one["status"]["state"]: one["id"] for one in before.values()} == ids
    new.api.post_alerts(alert("known"), alert("unknown"))
    sink.wait_for("unknown")
    stays_quiet(quiet_s(1))
    assert (sink.statuses("known"), sink.statuses("unknown")) == (["firing"], ["firing"])
