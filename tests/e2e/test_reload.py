"""Changing the configuration of a running node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .api import alert
from .compositions import SINGLE
from .polling import eventually, stays_quiet
from .settings import config_text, quiet_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cluster import StartCluster
    from .sink import Sink

_LAST_RELOAD = "alertmanager_config_last_reload_successful"


@pytest.mark.parametrize("kinds", SINGLE)
def test_a_reload_takes_a_changed_file_refuses_a_broken_one_and_repeats_no_notification(
    kinds: Sequence[str], start_cluster: StartCluster, sink: Sink
) -> None:
    (node,) = start_cluster(kinds, config_text(sink.url("/started")))
    node.api.post_alerts(alert("at start"))
    assert sink.wait_for("at start").path == "/started"

    node.config_file.write_text(config_text(sink.url("/posted")))
    assert node.api.reload() == (200, "")
    node.api.post_alerts(alert("after POST"))
    assert sink.wait_for("after POST").path == "/posted"

    node.config_file.write_text(config_text(sink.url("/signalled"), group_wait_s=2))
    node.hang_up()
    eventually(lambda: "group_wait: 2s" in node.api.status()["config"]["original"], "SIGHUP has its effect")
    node.api.post_alerts(alert("after SIGHUP"))
    assert sink.wait_for("after SIGHUP").path == "/signalled"
    assert node.api.metric(_LAST_RELOAD) == 1

    node.config_file.write_text("route: {receiver: nobody}\nreceivers: []\n")
    node.hang_up()
    eventually(lambda: node.api.metric(_LAST_RELOAD) == 0, "SIGHUP refuses the broken file")
    status, text = node.api.reload()
    assert (status, text.startswith("failed to reload config: ")) == (500, True), text
    assert "nobody" in text
    node.api.post_alerts(alert("despite it"))
    assert sink.wait_for("despite it").path == "/signalled"

    stays_quiet(quiet_s(1))
    cases = ["at start", "after POST", "after SIGHUP", "despite it"]
    assert [sink.statuses(case) for case in cases] == [["firing"]] * len(cases)
