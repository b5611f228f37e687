"""The table of failed peers, and settling."""

import logging

import pytest

from amfast.cluster.peers import FAILED_MAX, PeerTable
from amfast.cluster.settle import Settle, settle
from tests.support.virtual import run_virtual

A, B = "10.0.0.1:9094", "10.0.0.2:9094"
SECOND_US = 1_000_000


def test_initial_peers_count_as_failed_until_they_join():
    table = PeerTable()
    table.expect([A, B, "name.example:1", "[::1]:2"], B, 5)
    assert list(table.failed) == [A, "[::1]:2"]
    assert table.joined("a", A)
    assert not table.joined("b", B)
    assert list(table.failed) == ["[::1]:2"]
    assert (table.joined_total, table.left_total) == (2, 0)


def test_a_peer_that_left_is_failed_from_then_on():
    table = PeerTable()
    table.joined("a", A)
    table.left("a", A, 7)
    table.left("a", A, 8)
    assert table.failed[A].since_us == 7
    assert table.failed[A].name == "a"
    assert table.left_total == 1
    table.updated(A)
    assert table.updated_total == 0


def test_a_successor_at_the_same_address_keeps_it_alive():
    table = PeerTable()
    table.joined("old", A)
    table.joined("new", A)
    table.left("old", A, 7)
    assert not table.failed
    assert table.left_total == 1
    table.updated(A)
    assert table.updated_total == 1
    table.left("new", A, 8)
    assert list(table.failed) == [A]


def test_failed_peers_are_given_up_after_the_timeout():
    table = PeerTable()
    table.expect([A], "", 0)
    table.joined("b", B)
    table.left("b", B, 3 * SECOND_US)
    assert table.expire(10 * SECOND_US - 1, 10.0) == []
    assert [address for address, _ in table.expire(10 * SECOND_US, 10.0)] == [A]
    assert list(table.failed) == [B]


def test_invented_peers_cannot_fill_the_table():
    table = PeerTable()
    for number in range(FAILED_MAX + 10):
        address = f"10.1.{number >> 8}.{number & 255}:1"
        table.joined(str(number), address)
        table.left(str(number), address, number)
    assert len(table.failed) == FAILED_MAX
    assert min(peer.since_us for peer in table.failed.values()) == 10


@pytest.mark.parametrize(
    ("counts", "verdicts"),
    [
        ([1, 1, 1, 1, 1], [False, None, None, None, True]),
        ([3, 3, 3, 2, 2, 2, 2, 9], [False, None, None, False, None, None, None, True]),
        ([0, 0, 0, 0], [None, None, None, True]),
    ],
)
def test_three_equal_polls_in_a_row_are_settled(counts, verdicts):
    state = Settle()
    assert [state.poll(count) for count in counts] == verdicts


@pytest.mark.parametrize(
    ("timeout_s", "took_s", "last"),
    [
        (60.0, 10.0, "gossip settled; proceeding"),
        (10.0, 10.0, "gossip settled; proceeding"),
        (5.0, 5.0, "gossip not settled but continuing anyway"),
        (0.0, 0.0, "gossip not settled but continuing anyway"),
        (-1.0, 0.0, "gossip not settled but continuing anyway"),
    ],
)
def test_a_lone_node_settles_after_five_polls_or_the_timeout(caplog, timeout_s, took_s, last):
    caplog.set_level(logging.INFO)

    async def main(clock):
        await settle(lambda: 1, 2.0, timeout_s, clock, logging.getLogger("test.cluster"))
        return clock.monotonic_us()

    assert run_virtual(main) == pytest.approx(took_s * SECOND_US, abs=10)
    assert caplog.records[0].message == "Waiting for gossip to settle..."
    assert caplog.records[0].attrs == {"interval": "2s"}
    assert caplog.records[-1].message == last
    assert caplog.records[-1].attrs["elapsed"] == f"{took_s:g}s"
    assert ("polls" in caplog.records[-1].attrs) == (last != "gossip settled; proceeding")
