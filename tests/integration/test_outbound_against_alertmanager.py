"""What the outside sees of notifications: tokens, proxies and tunnels, ours beside what Alertmanager was seen to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.outbound import WAYS, Seen, known, run
from tests.support.reference import OurAlertmanager, ReferenceAlertmanager


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return run(OurAlertmanager, tmp_path_factory.mktemp("ours"), known())


@pytest.mark.parametrize("name", WAYS)
def test_the_outside_sees_the_same_requests_as_from_alertmanager(name: str, ours: Seen) -> None:
    assert ours[name] == known()[name]


def test_the_facts_are_those_of_the_alertmanager_at_hand_where_it_knows_the_keys(tmp_path: Path) -> None:
    names = tuple(name for name, way in WAYS.items() if way.since == "0.25")
    assert run(ReferenceAlertmanager, tmp_path, known(), names) == {name: known()[name] for name in names}
