"""Bytes that no honest node sends: nothing raises, nothing grows without bound, nothing harmful is sent on."""

import random
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amfast._ext import lzw
from amfast._ext.frame import pack
from amfast._ext.stream import wrap_stream
from amfast._ext.swim import ALIVE, Core, Member, RemoteError, StreamMessage, StreamReader
from amfast._ext.unpack import Unpacker
from amfast._ext.wire import decode_body, encode_body

IP = bytes((127, 0, 0, 1))
VSN = b"\x01\x05\x02\x00\x00\x00"
SECOND = 1_000_000
MIB = 1 << 20


def new_core(**options):
    core = Core(name="me", ip=IP, port=9094, seed=7, **options)
    core.start(0)
    core.events()
    return core


def alive(name=b"x", incarnation=1, addr=IP, port=9095, meta=b"", vsn=VSN):
    fields = {"Node": name, "Incarnation": incarnation, "Addr": addr, "Port": port, "Meta": meta, "Vsn": vsn}
    return b"\x04" + encode_body(4, fields)


def accuse(kind, name=b"x", incarnation=1, source=b"y"):
    return bytes((kind,)) + encode_body(kind, {"Node": name, "Incarnation": incarnation, "From": source})


def ping(seq_no=5, name=b"me", **more):
    return b"\x00" + encode_body(0, {"Node": name, "SeqNo": seq_no, **more})


def bomb(size):
    return b"\x09" + encode_body(9, {"Buf": lzw.compress(bytes(size))})


def names(core):
    return {member.name for member in core.members()}


def harmless(message):
    """Whether a message of ours keeps to what every node out there survives (reference gossip, section 17.2)."""
    if message[0] == 8:
        return True
    fields, size = decode_body(message[0], message[1:])
    texts = [fields.get(key) for key in ("Node", "From", "SourceNode") if fields.get(key) is not None]
    for text in texts:
        text.decode()
    if message[0] == 4:
        low, high, current, delegate_low, _, delegate = fields["Vsn"]
        sane = (
            low in (1, 2),
            high >= 2,
            current == 2,
            delegate_low == delegate == 0,
            len(fields["Addr"]) in (4, 16),
        )
        if not all(sane) or not fields["Node"] or fields["Incarnation"] == 0:
            return False
    return size == len(message) - 1 and all(len(text) <= 255 for text in texts)


def check_output(core):
    for packet, ip, port in core.packets():
        assert len(ip) in (4, 16)
        assert 0 < port <= 65535
        messages = Unpacker(b"").messages(packet)
        assert messages
        assert all(harmless(message) for message in messages)
    state = StreamReader(None).feed(core.push_pull_reply(False, b""))
    assert all(version[0] <= 2 <= version[1] and version[2] == 2 for version in state.versions)
    assert len(state.nodes) == len(core.members())


def answers_pings(core, now=0):
    core.packets()
    core.receive(now, ping(77), IP, 9095)
    return any(
        message[0] == 2 and decode_body(2, message[1:])[0]["SeqNo"] == 77
        for packet, _, _ in core.packets()
        for message in Unpacker(b"").messages(packet)
    )


VALID = [
    ping(SourceAddr=IP, SourcePort=9095, SourceNode=b"x"),
    b"\x01" + encode_body(1, {"SeqNo": 9, "Target": IP, "Port": 9, "Node": b"x", "Nack": 1, "SourceAddr": IP,
                               "SourcePort": 9095, "SourceNode": b"y"}),
    b"\x02" + encode_body(2, {"SeqNo": 1, "Payload": b""}),
    b"\x0b" + encode_body(11, {"SeqNo": 1}),
    accuse(3), accuse(5), accuse(3, b"me"), accuse(5, b"me", 3), alive(), alive(b"me", 4), alive(b"z" * 255, 7),
    b"\x08hello",
]  # fmt: skip
PACKETS = [
    *VALID,
    pack(VALID, b"", True),
    pack(VALID[:3], b"", False),
    pack([b"\x08" + bytes(700)], b"", True),
    pack([pack(VALID, b"", False), pack(VALID, b"", False)], b"", False),
]


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_mutated_packets_do_no_harm(chance):
    core = new_core()
    now = 0
    for _ in range(80):
        packet = bytearray(chance.choice(PACKETS))
        for _ in range(chance.randrange(4)):
            at = chance.randrange(len(packet) + 1)
            action = chance.randrange(4)
            if action == 0:
                packet[at : at + 1] = bytes((chance.randrange(256),))
            elif action == 1:
                del packet[at : at + chance.randrange(8)]
            elif action == 2:
                packet[at:at] = chance.randbytes(chance.randrange(8))
            else:
                packet[at : at + 4] = chance.choice((b"\xff" * 4, bytes(4), b"\xdf\xff\xff\xff\xff", b"\xc0"))
        core.receive(now, bytes(packet), IP, 9095)
        now += chance.randrange(SECOND)
        core.run(now)
        check_output(core)
    assert answers_pings(core, now)
    assert core.next_deadline_us() > now - SECOND


@given(st.binary(max_size=400))
def test_random_packets_do_no_harm(data):
    core = new_core()
    for first in (b"", b"\x09", b"\x07", b"\x0c"):
        core.receive(0, first + data, IP, 1)
    check_output(core)
    assert answers_pings(core)


@pytest.mark.parametrize("packet", PACKETS)
def test_every_cut_of_a_packet_does_no_harm(packet):
    core = new_core()
    for end in range(len(packet)):
        core.receive(0, packet[:end], IP, 9095)
    check_output(core)
    assert answers_pings(core)


@pytest.mark.parametrize(
    "message",
    [
        alive(name=b""),
        alive(name=b"n" * 256),
        alive(name=b"n" * 60000),
        alive(name=b"a\xff\xfeb"),
        alive(name=b"\xed\xa0\x80"),
        alive(name=b"\xc0\x80"),
        alive(name=b"\xf4\x90\x80\x80"),
        alive(name=b"cut\xe2\x82"),
        alive(meta=bytes(513)),
        alive(addr=b""),
        alive(addr=bytes(3)),
        alive(addr=bytes(100)),
        alive(incarnation=0),
        alive(vsn=b""),
        alive(vsn=VSN[:5]),
        alive(vsn=b"\x00\x05\x02\x00\x00\x00"),
        alive(vsn=b"\x05\x01\x02\x00\x00\x00"),
        alive(vsn=b"\x01\x05\x09\x00\x00\x00"),
        alive(vsn=b"\x03\x05\x03\x00\x00\x00"),
        alive(vsn=b"\x01\x01\x01\x00\x00\x00"),
        alive(vsn=b"\x01\x05\x02\x01\x02\x01"),
        alive(vsn=b"\x01\x05\x02\x00\x09\x05"),
    ],
)
def test_alive_messages_that_no_member_sends_are_refused(message):
    core = new_core()
    core.receive(0, message, IP, 9095)
    assert names(core) == {"me"}
    assert core.events() == []
    assert core.counters()["claims_refused"] == 1
    check_output(core)


def test_longer_version_bytes_are_cut_to_six():
    core = new_core()
    core.receive(0, alive(vsn=VSN + b"\xff\xff", meta=bytes(512), name=b"n" * 255), IP, 9095)
    assert len(names(core)) == 2
    core.run(SECOND)
    assert core.packets()
    check_output(core)


@pytest.mark.parametrize("source", [b"\xff", b"a" * 256])
@pytest.mark.parametrize("kind", [3, 5])
def test_accusers_that_no_member_can_be_are_refused(kind, source):
    core = new_core()
    core.receive(0, alive(), IP, 9095)
    core.receive(0, accuse(kind, source=source), IP, 9095)
    assert {member.state for member in core.members()} == {ALIVE}


def test_incarnations_at_the_end_of_their_range_are_survived():
    core = new_core()
    for kind in (3, 5, 3):
        core.receive(0, accuse(kind, b"me", 2**32 - 1), IP, 9095)
        (me,) = core.members()
        assert me.incarnation > 0
        assert me.state == ALIVE
    assert core.health_score() == 3
    core.receive(0, alive(b"me", 2**32 - 1, port=9094), IP, 9095)
    assert core.members()[0].incarnation == 1
    check_output(core)


def test_nested_layers_are_read_to_a_depth():
    core = new_core()
    nested = ping()
    depth = 0
    while len(nested) < 60000:
        nested = b"\x07\x01" + struct.pack(">H", len(nested)) + nested
        depth += 1
        core.receive(0, nested, IP, 9095)
        assert bool(core.packets()) == (depth <= 16)
    compressed = ping()
    for depth in range(1, 30):
        compressed = b"\x09" + encode_body(9, {"Buf": lzw.compress(compressed)})
        core.receive(0, compressed, IP, 9095)
        assert bool(core.packets()) == (depth <= 16)


def test_a_packet_is_decompressed_within_one_budget():
    unpacker = Unpacker(b"")
    assert unpacker.messages(bomb(65536)) == [bytes(65536)]
    assert unpacker.messages(bomb(65537)) == []
    many = bomb(30000)
    compound = b"\x07\x03" + struct.pack(">HHH", *[len(many)] * 3) + many * 3
    assert len(unpacker.messages(compound)) == 2
    # A bomb that fails once uses the budget up, so that a hundred of them take no longer than one.
    core = new_core()
    big = bomb(500_000)
    compound = b"\x07\x32" + struct.pack(">H", len(big)) * 50 + big * 50
    before = time.process_time()
    for _ in range(100):
        core.receive(0, compound, IP, 9095)
    assert time.process_time() - before < 0.5
    assert answers_pings(core)


def test_a_packet_holds_a_limited_number_of_messages():
    core = new_core()
    parts = b"\x07\xff" + b"\x00\x01" * 255 + b"\x08" * 255
    packet = b"\x07\x14" + struct.pack(">H", len(parts)) * 20 + parts * 20
    core.receive(0, packet, IP, 9095)
    assert len(core.events()) == 1024


def test_the_table_is_bounded():
    core = new_core()
    for number in range(17000):
        core.receive(0, alive(b"n%d" % number), IP, 9095)
        if number % 1000 == 0:
            core.events()
    assert len(core.members()) == 16384
    assert core.counters()["table_full"] == 17000 - 16383
    assert answers_pings(core)
    core.run(SECOND)
    core.receive(SECOND, accuse(5, b"n5"), IP, 9095)
    assert core.alive_count() == 16383


def test_relays_are_bounded_and_never_resolve_names():
    core = new_core()
    ask = {"SeqNo": 9, "Target": IP, "Port": 9, "Node": b"x", "Nack": 1}
    for _ in range(1000):
        core.receive(0, b"\x01" + encode_body(1, ask), IP, 9095)
    assert len(core.packets()) == 256
    assert core.counters()["relays_refused"] == 744
    core.run(600_000)
    assert len(core.packets()) == 256
    for target in (None, b"", b"abc", bytes(17)):
        core.receive(SECOND, b"\x01" + encode_body(1, {**ask, "Target": target}), IP, 9095)
    assert core.packets() == []
    core.run(2 * SECOND)
    nacks = [(p[0], ip, port) for p, ip, port in core.packets()]
    assert nacks == [(11, IP, 9095)] * 4


def test_answers_to_relayed_pings_go_back_once():
    core = new_core()
    ask = {"SeqNo": 900, "Target": bytes((9, 9, 9, 9)), "Port": 0, "Node": b"x", "Nack": 1}
    core.receive(0, b"\x01" + encode_body(1, ask), IP, 9095)
    ((packet, ip, port),) = core.packets()
    assert (ip, port) == (bytes((9, 9, 9, 9)), 9094)
    sent = decode_body(0, Unpacker(b"").messages(packet)[0][1:])[0]
    ack = b"\x02" + encode_body(2, {"SeqNo": sent["SeqNo"], "Payload": b""})
    for _ in range(2):
        core.receive(1000, ack, ip, port)
    ((packet, ip, port),) = core.packets()
    assert (ip, port) == (IP, 9095)
    assert decode_body(2, Unpacker(b"").messages(packet)[0][1:])[0] == {"SeqNo": 900, "Payload": None}
    core.run(SECOND - 1)
    assert core.packets() == []


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"SourceAddr": bytes((1, 2, 3, 4)), "SourcePort": 5}, (bytes((1, 2, 3, 4)), 5)),
        ({"SourceAddr": b"abc", "SourcePort": 5}, (IP, 9095)),
        ({"SourceAddr": bytes((1, 2, 3, 4))}, (IP, 9095)),
        ({"SourcePort": 5}, (IP, 9095)),
    ],
)
def test_an_ack_goes_to_a_sane_source(fields, where):
    core = new_core()
    core.receive(0, ping(**fields), IP, 9095)
    ((_, ip, port),) = core.packets()
    assert (ip, port) == where
    core.receive(0, ping(SourceAddr=b"abc"), b"", 0)
    assert core.packets() == []


@pytest.mark.parametrize("label", [b"", b"prod"])
def test_labels_must_match_on_packets_and_streams(label):
    core = new_core(label=label)
    headers = [b"", b"\xf4\x00", b"\xf4", b"\xf4\x04pro", b"\xf4\x04prod", b"\xf4\x05prod2", b"\xf4\x04dorp"]
    for header in headers:
        right = header == (b"\xf4\x04prod" if label else b"")
        core.receive(0, header + ping(), IP, 9095)
        assert bool(core.packets()) == right
        reader = StreamReader(label)
        if right:
            assert reader.feed(header + ping()).kind == "ping"
        else:
            with pytest.raises(RemoteError) as caught:
                reader.feed(header + ping())
            assert not caught.value.answer


# Streams.


def push_pull(nodes=0, state=0, entries=b"", user=b""):
    return b"\x06" + encode_body(6, {"Nodes": nodes, "UserStateLen": state, "Join": 1}) + entries + user


def entry(name=b"x", addr=IP, state=0, incarnation=1, port=9095, vsn=VSN, meta=b""):
    fields = {
        "Name": name,
        "Addr": addr,
        "Port": port,
        "Meta": meta,
        "Incarnation": incarnation,
        "State": state,
    }
    return encode_body(14, {**fields, "Vsn": vsn})


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"\x01", False),
        (b"\x07", False),
        (b"\x0e", False),
        (b"\x0a\x00\x00", True),
        (b"\x09\x82\xa4Algo\x01\xa3Buf\xa1x", True),
        (b"\x09\x81\xa4Algo\x00", True),
        (b"\x09\xc0", True),
        (b"\x09" + encode_body(9, {"Buf": b"garbage"}), True),
        (b"\x09" + encode_body(9, {"Buf": lzw.compress(b"")}), True),
        (b"\x09" + encode_body(9, {"Buf": lzw.compress(bomb(5))}), False),
        (b"\x09" + encode_body(9, {"Buf": lzw.compress(push_pull(1))}), False),
        (b"\x09\x82\xa4Algo\x00\xa3Buf\xdb\x7f\xff\xff\xff", True),
        (b"\x06\x81\xa5Nodes\xff", False),
        (b"\x06\x81\xa5Nodes\xcf" + b"\xff" * 8, False),
        (push_pull(nodes=1048577), False),
        (push_pull(state=20971521), False),
        (b"\x06\x81\xacUserStateLen\xff", False),
        (b"\x08" + encode_body(8, {"UserMsgLen": 20971521}), False),
        (b"\x08\x81\xaaUserMsgLen\xff", False),
        (b"\x00\x81\xa4Node\xa1\xff", False),
        (b"\x00\x01", False),
        (b"\x00\x81\xa4Node\xdb\xff\xff\xff\xff" + bytes(200_000), False),
        (push_pull(nodes=1) + b"\x05", False),
    ],
)
def test_broken_streams_are_refused_at_once(data, answer):
    with pytest.raises(RemoteError) as caught:
        StreamReader(b"").feed(data)
    assert caught.value.answer == answer
    assert len(str(caught.value)) < 120


def test_a_stream_bomb_is_refused_at_forty_mebibytes():
    with pytest.raises(RemoteError, match="more than 41943040"):
        StreamReader(b"").feed(bomb(45 * MIB))


@given(st.binary(max_size=300), st.integers(1, 50))
def test_random_streams_raise_one_error_only(data, piece):
    for first in (b"", b"\x06", b"\x09", b"\x08", b"\x00"):
        reader = StreamReader(b"")
        try:
            for at in range(0, len(data) + 1, piece):
                if reader.feed((first + data)[at : at + piece]) is not None:
                    break
        except RemoteError:
            pass


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_mutated_streams_do_no_harm(chance):
    core = new_core()
    core.receive(0, alive(), IP, 9095)
    valid = push_pull(3, 4, entry() + entry(b"me", state=2) + entry(b"z", state=3), b"user")
    for _ in range(30):
        data = bytearray(valid)
        for _ in range(chance.randrange(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        stream = wrap_stream(bytes(data), b"") if chance.random() < 0.5 else bytes(data)
        try:
            message = StreamReader(b"").feed(stream)
            if message is not None and message.kind == "push_pull":
                core.merge(0, message)
        except RemoteError:
            pass
        check_output(core)
    assert answers_pings(core)


def test_entries_that_no_table_could_hold_are_left_out():
    bad = [
        entry(b""), entry(b"n" * 256), entry(b"\xff"), entry(addr=b""), entry(addr=bytes(5)), entry(meta=bytes(513)),
        b"\x80", b"\xc0", b"\x90",
    ]  # fmt: skip
    message = StreamReader(b"").feed(push_pull(len(bad) + 1, 1, b"".join(bad) + entry(b"good"), b"u"))
    assert [node.name for node in message.nodes] == ["good"]
    assert message.user_state == b"u"


def test_a_million_announced_entries_take_memory_only_as_they_come():
    reader = StreamReader(b"")
    assert reader.feed(push_pull(1048576)) is None
    message = StreamReader(b"").feed(
        push_pull(100_000, 0, b"\x96\xa1x\xa4\x7f\x00\x00\x01\x01\xc0\x01\x00" * 100_000)
    )
    assert len(message.nodes) == 16384


VERSION_3_ALIVE = (
    b"\x03\x05\x03\x00\x00\x00",
    0,
)  # when it is dead, its version is inside the range of the living


@pytest.mark.parametrize(
    ("vsn", "state"),
    [(v, s) for v in (b"", VSN[:3], VSN[:5], b"\x01\x05\x00\x00\x00\x00") for s in (0, 2, 9)]
    + [VERSION_3_ALIVE],
)
def test_incompatible_versions_merge_nothing(vsn, state):
    core = new_core()
    message = StreamReader(b"").feed(push_pull(2, 0, entry(b"good") + entry(b"bad", vsn=vsn, state=state)))
    with pytest.raises(RemoteError, match="versions"):
        core.merge(0, message)
    assert names(core) == {"me"}


def test_unknown_states_are_passed_over_and_dead_is_only_suspicion():
    core = new_core()
    core.receive(0, alive(), IP, 9095)
    nodes = tuple(Member("x" if s == 2 else "q", IP, 9095, s, 1) for s in (9, -1, 2))
    core.merge(0, StreamMessage("push_pull", nodes=nodes, versions=(VSN,) * 3))
    assert {(m.name, m.state) for m in core.members()} == {("me", 0), ("x", 1)}


def test_the_dialled_side_needs_no_label_and_what_follows_is_ignored():
    core = new_core(label=b"prod")
    reader = StreamReader(None)
    assert reader.feed(core.ack_reply(7) + b"junk").seq_no == 7
    assert reader.feed(b"more junk") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 256},
        {"ip": b"abc"},
        {"port": 0},
        {"label": bytes(256)},
        {"probe_interval_us": 0},
    ],
)
def test_a_core_that_could_not_be_a_member_is_not_made(wrong):
    with pytest.raises(ValueError, match=r"peer|label|interval"):
        Core(**{"name": "a", "ip": IP, "port": 1, "seed": 1, **wrong})


def test_what_no_receiver_takes_is_not_sent():
    core = new_core()
    for call in (core.broadcast, core.user_request, lambda data: core.push_pull_request(True, data)):
        with pytest.raises(ValueError, match=r"does not fit|longer"):
            call(bytes(20 * MIB + 1))
    with pytest.raises(ValueError, match="255"):
        core.ping_request("x" * 256, 1)


def test_a_storm_of_accusations_leaves_one_timer_per_member():
    core = new_core()
    chance = random.Random(5)
    for number in range(2000):
        core.receive(number, alive(incarnation=number + 1), IP, 9095)
        core.receive(
            number, accuse(3, incarnation=number + 1, source=chance.randbytes(4).hex().encode()), IP, 9095
        )
    core.packets()
    core.run(2000)
    assert core.next_deadline_us() > 2000
    core.run(5 * SECOND)
    assert sorted(m.state for m in core.members()) == [0, 2]
