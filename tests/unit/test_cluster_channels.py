"""Which way updates leave, what is merged, what is passed on."""

import logging

import pytest

from amfast._ext.pb import decode_full_state, decode_part, encode_full_state, encode_part
from amfast.cluster.channels import OVERSIZE_QUEUE_MAX, Channels
from amfast.cluster.ration import LINES_A_SECOND, Ration

LOG = logging.getLogger("test.cluster")


class Records:
    """A state that takes anything but b"bad"; everything unseen is news."""

    def __init__(self):
        self.seen = []

    def marshal(self):
        return b"".join(self.seen)

    def merge(self, data):
        if data == b"bad":
            raise ValueError("cannot decode record 0")
        news = data not in self.seen
        self.seen.append(data)
        return int(news)


class Wires:
    def __init__(self):
        self.gossiped = []
        self.woken = []
        self.may_warn = True
        self.channels = Channels(self.gossiped.append, self.woken.append, LOG, lambda: self.may_warn)
        self.nfl, self.sil = Records(), Records()
        self.nfl_channel = self.channels.add("nfl", self.nfl)
        self.sil_channel = self.channels.add("sil", self.sil)


@pytest.fixture
def wires():
    return Wires()


@pytest.mark.parametrize("size", [0, 1, 127, 128, 691, 692])
def test_a_part_of_at_most_700_bytes_is_gossiped(wires, size):
    wires.sil_channel.broadcast(bytes(size))
    assert [decode_part(part) for part in wires.gossiped] == [("sil", bytes(size))]
    assert len(wires.gossiped[0]) <= 700
    assert not wires.woken


@pytest.mark.parametrize("size", [693, 700, 701, 100_000])
def test_a_larger_part_is_queued_for_tcp(wires, size):
    wires.sil_channel.broadcast(bytes(size))
    assert wires.woken == [wires.sil_channel]
    assert decode_part(wires.sil_channel.oversize[0]) == ("sil", bytes(size))
    assert not wires.gossiped
    assert not wires.nfl_channel.oversize


def test_a_full_oversize_queue_drops_and_counts(wires):
    for _ in range(OVERSIZE_QUEUE_MAX + 3):
        wires.sil_channel.broadcast(bytes(1000))
    assert len(wires.sil_channel.oversize) == OVERSIZE_QUEUE_MAX == 200
    assert wires.sil_channel.oversize_dropped == 3


def test_news_is_passed_on_once_and_known_things_are_not(wires):
    part = encode_part("sil", b"record")
    wires.channels.receive_update(part)
    wires.channels.receive_update(part)
    assert wires.gossiped == [part]
    assert wires.sil_channel.propagated == 1
    assert wires.nfl.seen == []
    assert (wires.channels.update.received, wires.channels.update.received_bytes) == (2, 2 * len(part))


@pytest.mark.parametrize("size", [693, 700, 701])
def test_news_too_large_for_gossip_is_merged_but_not_passed_on(wires, size):
    wires.channels.receive_update(encode_part("nfl", bytes(size)))
    assert wires.nfl.seen == [bytes(size)]
    assert not wires.gossiped
    assert not wires.woken


@pytest.mark.parametrize(
    ("part", "warning"),
    [
        (b"\xff\xff", "decode broadcast"),
        (encode_part("sil", b"bad"), "merge broadcast"),
        (encode_part("new", b"record"), None),
        (b"", None),
    ],
)
def test_an_unusable_update_changes_nothing(wires, caplog, part, warning):
    wires.channels.receive_update(part)
    assert [record.message for record in caplog.records] == ([warning] if warning else [])
    assert not wires.gossiped
    assert not wires.sil.seen
    assert wires.channels.update.received == 1


def test_the_full_state_holds_every_channel_in_order(wires):
    wires.sil.seen = [b"a", b"b"]
    state = wires.channels.local_state()
    assert decode_full_state(state) == [("nfl", b""), ("sil", b"ab")]
    assert (wires.channels.full_state.sent, wires.channels.full_state.sent_bytes) == (1, len(state))


def test_without_channels_the_full_state_is_empty():
    assert Channels(lambda _: None, lambda _: None, LOG, lambda: True).local_state() == b""


def test_an_empty_full_state_is_the_reference_bytes(wires):
    assert wires.channels.local_state().hex() == "0a050a036e666c0a050a0373696c"


def test_unknown_parts_of_a_full_state_are_skipped(wires, caplog):
    wires.channels.receive_full_state(encode_full_state([("new", b"x"), ("sil", b"record")]))
    assert [record.message for record in caplog.records] == ["unknown state key"]
    assert wires.sil.seen == [b"record"]


def test_an_undecodable_part_ends_a_full_state(wires, caplog):
    wires.channels.receive_full_state(encode_full_state([("nfl", b"bad"), ("sil", b"record")]))
    assert [record.message for record in caplog.records] == ["merge remote state"]
    assert not wires.sil.seen


def test_a_broken_full_state_is_refused_whole(wires, caplog):
    wires.channels.receive_full_state(encode_full_state([("sil", b"record")])[:-1])
    assert [record.message for record in caplog.records] == ["merge remote state"]
    assert not wires.sil.seen
    assert wires.channels.full_state.received == 1


def test_a_state_that_no_receiver_takes_is_left_out_and_the_rest_is_sent(wires, caplog):
    wires.nfl.seen, wires.sil.seen = [b"entry"], [bytes(21 << 20)]
    assert decode_full_state(wires.channels.local_state()) == [("nfl", b"entry")]
    assert [record.message for record in caplog.records] == ["state is too large to be sent to a peer"]


def test_a_record_that_no_receiver_takes_is_dropped_and_counted(wires):
    wires.sil_channel.broadcast(bytes(21 << 20))
    assert not wires.sil_channel.oversize
    assert wires.sil_channel.oversize_dropped == 1


def test_what_strangers_send_costs_a_line_only_as_far_as_the_ration_goes(wires, caplog):
    wires.channels.receive_update(b"\xff")
    wires.may_warn = False
    for _ in range(100):
        wires.channels.receive_update(b"\xff")
    assert caplog.messages == ["decode broadcast"]


def test_the_ration_is_so_many_lines_a_second():
    class Clock:
        now_us = 0

        def monotonic_us(self):
            return self.now_us

    clock = Clock()
    ration = Ration(clock)
    assert sum(ration.allows() for _ in range(1000)) == LINES_A_SECOND
    clock.now_us = 1_000_000
    assert ration.allows()
