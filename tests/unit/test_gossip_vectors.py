"""Gossip against bytes and tables of the real programs (reference gossip, section 20)."""

import json
from pathlib import Path

import pytest

from amfast._ext import broadcast, frame, lzw, state, wire
from amfast._ext.stream import wrap_stream
from amfast._ext.swim import ALIVE, Core, RemoteError, StreamReader

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "gossip.json").read_text())
BY_NAME = {vector["name"]: vector for vector in VECTORS}
LOCALHOST = bytes((127, 0, 0, 1))
SECOND = 1_000_000
A, B = "01HZY3W0000000000000000AAA", "01HZY3W0000000000000000BBB"


def named(prefix, *, without=()):
    names = [name for name in BY_NAME if name.startswith(prefix) and not name.startswith(without)]
    assert names
    return pytest.mark.parametrize("name", names)


def octets(value):
    """A vector's text, byte or nil value as bytes."""
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"])
    return value if value is None else value.encode()


BYTES_FIELDS = {"SourceAddr", "Target", "Payload", "Addr", "Meta", "Vsn", "Buf"}


def fields_of(decoded):
    out = {}
    for key, value in decoded.items():
        if key[0].isupper():
            if key in BYTES_FIELDS:
                out[key] = value if value is None else bytes.fromhex(value)
            else:
                out[key] = octets(value) if not isinstance(value, int) else int(value)
    return out


def shape_of(name, decoded):
    if "pushpull_header" in name:
        return 6
    if "usermsg_header" in name:
        return 8
    return 14 if "push_node" in name else decoded["type"]


MESSAGES = tuple(
    "enc/" + kind
    for kind in ("ping_", "indirect_ping", "ack_", "suspect", "dead", "alive", "nack", "err", "pushpull_header",
                 "usermsg_header", "push_node")
)  # fmt: skip


@named(MESSAGES, without=("enc/ping_stream", "enc/ack_stream"))
def test_every_body_is_encoded_to_the_bytes_of_the_real_encoder(name):
    vector = BY_NAME[name]
    decoded, data = vector["decoded"], bytes.fromhex(vector["hex"])
    shape = shape_of(name, decoded)
    body = data[1:] if "type" in decoded else data
    start = next((i for i in range(3) if i < len(data) and data[i] & 0xF0 == 0x80), 0)
    assert wire.encode_body(shape, fields_of(decoded)) == data[start:]
    read, size = wire.decode_body(shape, data[start:])
    assert size == len(data) - start
    assert len(body) <= len(data)
    for key, value in fields_of(decoded).items():
        assert read[key] == value or (not read[key] and not value)


@named("enc_old/")
def test_the_old_codecs_integers_are_read(name):
    vector = BY_NAME[name]
    data = bytes.fromhex(vector["hex"])
    start = next(i for i in range(3) if data[i] & 0xF0 == 0x80)
    read, _ = wire.decode_body(shape_of(name, vector["decoded"]), data[start:])
    assert read == {k: int(v) for k, v in vector["decoded"].items() if k != "note"}


@named("enc/lzw")
def test_compressed_parts_are_the_real_ones(name):
    vector = BY_NAME[name]
    inner = bytes.fromhex(vector["decoded"]["inner_hex"])
    assert b"\x09" + wire.encode_body(9, {"Buf": lzw.compress(inner)}) == bytes.fromhex(vector["hex"])


def split_compound(data):
    sizes = [int.from_bytes(data[2 + 2 * i : 4 + 2 * i]) for i in range(data[1])]
    at, parts = 2 + 2 * data[1], []
    for size in sizes:
        parts.append(data[at : at + size])
        at += size
    return parts


def layers(packet):
    """Label, whether summed, the messages inside."""
    label, summed = b"", False
    if packet[0] == 244:
        label, packet = packet[2 : 2 + packet[1]], packet[2 + packet[1] :]
    if packet[0] == 12:
        assert int.from_bytes(packet[1:5]) == frame.checksum(packet[5:])
        summed, packet = True, packet[5:]
    if packet[0] == 9:
        packet = lzw.decompress(wire.decode_body(9, packet[1:])[0]["Buf"], 1 << 20)
    return split_compound(packet) if packet[0] == 7 else [packet], label, summed


@named(("cap/am0.25/udp", "cap/am0.34/udp", "cap/mixed/udp", "enc/crc_compress", "enc/label_crc"))
def test_a_packet_taken_apart_and_packed_again_is_the_same(name):
    """Every datagram of a real node comes out of our packer bit for bit."""
    packet = bytes.fromhex(BY_NAME[name]["hex"])
    messages, label, summed = layers(packet)
    assert frame.pack(messages, label, summed) == packet
    for message in messages:
        if message[0] != 8:
            wire.decode_body(message[0], message[1:])


@named(("enc/compound", "enc/crc_ping", "enc/label_ping"))
def test_layers_built_one_by_one_hold_what_our_packer_packs(name):
    """These were made without the step that compresses where that is shorter."""
    content = layers(bytes.fromhex(BY_NAME[name]["hex"]))
    assert layers(frame.pack(*content)) == content


@named("dec/indirect")
def test_the_decoder_accepts_what_the_real_one_accepts(name):
    vector = BY_NAME[name]
    decoded, data = vector["decoded"], bytes.fromhex(vector["hex"])
    if not decoded["accepted"]:
        with pytest.raises(RemoteError):
            wire.decode_body(1, data)
        return
    read, _ = wire.decode_body(1, data)
    assert read["Nack"] == decoded["Nack"]
    assert read["SeqNo"] in (
        decoded["SeqNo"],
        5,
    )  # one vector spells a key that the real decoder does not know


@named("dec/meta")
def test_byte_fields_come_in_every_form(name):
    vector = BY_NAME[name]
    data = bytes.fromhex(vector["hex"])
    read, _ = wire.decode_body(4, data)
    assert len(read["Meta"] or b"") == vector["decoded"]["Meta_len"]
    again = wire.encode_body(4, read)
    assert again[again.index(b"Meta") + 4 :].hex().startswith(vector["decoded"]["reencoded_new_codec"])


def stream_of(name):
    data = bytes.fromhex(BY_NAME[name]["hex"])
    return data, data[2 : 2 + data[1]] if data[0] == 244 else b""


@named(
    ("enc/pushpull_join", "enc/user_stream", "enc/ping_stream", "enc/ack_stream", "enc/err", "cap/mixed/tcp",
     "cap/am0.34/tcp", "cap/am0.25/tcp")
)  # fmt: skip
@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_streams_are_read_from_any_pieces(name, piece):
    data, label = stream_of(name)
    reader = StreamReader(label)
    message = None
    for at in range(0, len(data), piece):
        assert message is None
        message = reader.feed(data[at : at + piece])
    assert message is not None
    kind = next(
        k for k in ("push_pull", "pushPull", "user", "ping", "ack", "err") if k.lower() in name.lower()
    )
    assert message.kind == {"pushPull": "push_pull", "pushpull": "push_pull", "err": "error"}.get(kind, kind)
    decoded = BY_NAME[name]["decoded"]
    if "inner_hex" in decoded and not label:
        assert wrap_stream(bytes.fromhex(decoded["inner_hex"]), b"") == data


def test_our_push_pull_is_the_real_encoders():
    core = Core(name=A, ip=LOCALHOST, port=9094, seed=1)
    core.start(0)
    other = wire.encode_body(
        4, {"Addr": LOCALHOST, "Incarnation": 2, "Meta": b"", "Node": B.encode(), "Port": 9095,
            "Vsn": b"\x01\x05\x02\x00\x00\x00"},
    )  # fmt: skip
    core.receive(0, b"\x04" + other, LOCALHOST, 9095)
    vector = BY_NAME["enc/pushpull_join_2nodes_compressed"]
    state = bytes.fromhex(vector["decoded"]["inner"]["user_state"])
    wanted = StreamReader(b"").feed(bytes.fromhex(vector["hex"]))
    ours = StreamReader(b"").feed(core.push_pull_reply(True, state))
    assert sorted(ours.nodes) == sorted(wanted.nodes)
    assert ours._replace(nodes=()) == wanted._replace(nodes=())
    if [member.name for member in core.members()] == [A, B]:
        assert core.push_pull_reply(True, state).hex() == vector["hex"]


def test_stream_messages_of_ours_are_the_real_encoders():
    core = Core(name=A, ip=LOCALHOST, port=9094, seed=1)
    assert core.ping_request(B, 42).hex() == BY_NAME["enc/ping_stream_compressed"]["hex"]
    assert core.ack_reply(42).hex() == BY_NAME["enc/ack_stream_compressed"]["hex"]
    body = bytes.fromhex(BY_NAME["enc/user_packet"]["decoded"]["body"])
    assert core.user_request(body).hex() == BY_NAME["enc/user_stream_compressed"]["hex"]
    assert StreamReader(None).feed(core.error_reply("what\ud800 happened")).error == "what? happened"


# Tables computed by the real functions.


@pytest.mark.parametrize("name", ["alg/queue_named_mult4_nodes3", "alg/queue_unnamed_mult3_nodes3"])
def test_the_queue_takes_what_the_real_one_takes(name):
    queue = broadcast.Broadcasts(100)
    limit = broadcast.retransmits(4 if "mult4" in name else 3, 3)
    for step in BY_NAME[name]["decoded"]:
        if step["op"] == "queue":
            queue.push(step["msg"].encode(), {"n1": 1, "n2": 2}.get(step.get("name"), -1))
            continue
        taken = queue.take(step["overhead"], step["limit"], limit)
        assert [message.decode() for message in taken] == (step["result"] or [])
        assert len(queue) == step["left"]


def test_retransmissions_follow_the_real_table():
    for row in BY_NAME["alg/retransmit_limit"]["decoded"]:
        assert broadcast.retransmits(row["mult"], row["n"]) == row["limit"]


def test_suspicion_times_follow_the_real_table():
    for row in BY_NAME["alg/suspicion_timeout"]["decoded"]:
        expected = row["mult4_interval1s_ms"] * 1000, row["max_ms"] * 1000
        assert state.suspicion_span_us(row["n"], SECOND) == expected


def test_confirmations_shorten_a_suspicion_as_in_the_real_table():
    for row in BY_NAME["alg/remaining_suspicion"]["decoded"]:
        total = state.suspicion_total_us(
            row["min_s"] * SECOND, row["max_s"] * SECOND, row["confirmations"], row["k"]
        )
        assert (total - row["elapsed_s"] * SECOND) // 1000 == row["remaining_ms"]


def test_the_table_goes_through_the_states_of_a_real_node():
    """Every step of ``alg/state_transitions``, but for what we do better with incarnation 0.

    An alive message with it is ignored instead of kept as dead, and our own counter passes over it.
    """
    core = Core(name="nodeT", ip=LOCALHOST, port=19096, seed=1)
    core.start(0)
    for step in BY_NAME["alg/state_transitions"]["decoded"]:
        core.receive(0, bytes.fromhex(step["sent_udp_hex"]), LOCALHOST, 5)
        ours = {
            m.name: {"incarnation": m.incarnation, "state": m.state, "port": m.port} for m in core.members()
        }
        theirs = {n: row for n, row in step["table_after"].items() if row["incarnation"] > 0 or n == "nodeT"}
        theirs["nodeT"]["incarnation"] = max(theirs["nodeT"]["incarnation"], 1)
        assert ours == theirs or _only_probed(ours, theirs), step["what"]


def _only_probed(ours, theirs):
    """In the recording a member turned suspect because nothing answered its probes; here nothing is probed."""
    return ours == {
        n: {**row, "state": ALIVE if row["state"] == 1 and ours[n]["state"] == 0 else row["state"]}
        for n, row in theirs.items()
    }
