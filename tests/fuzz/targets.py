"""One function per reader: it takes any bytes, and raises only when a promise is broken."""

from __future__ import annotations

import contextlib

from amfast._ext import pb
from amfast._ext.lzw import compress, decompress
from amfast._ext.swim import LEFT, Core, RemoteError, StreamMessage, StreamReader

PACKET_BYTES_MAX = 65_536
DATAGRAM_BYTES_MAX = 1_500
IP = bytes([127, 0, 0, 1])
PORT = 9094


def new_core() -> Core:
    return Core(name="me", ip=IP, port=PORT, seed=1)


def _whole(core: Core) -> None:
    """Whatever came in: the node is there, and what it says fits the network and can be read back."""
    core.run(1_000_000)
    core.next_deadline_us()
    assert any(member.name == "me" and member.state != LEFT for member in core.members())
    core.events()
    core.dials()
    for packet, ip, port in core.packets():
        assert 0 < len(packet) <= DATAGRAM_BYTES_MAX
        assert len(ip) in (4, 16)
        assert 0 < port < PACKET_BYTES_MAX


def packet(data: bytes) -> None:
    """A datagram, to a node that has just started."""
    core = new_core()
    core.start(0)
    core.receive(500, data, IP, 1234)
    _whole(core)
    dropped = core.counters()["packets_dropped"]
    core.receive(1_000_100, b"\x00\x80", IP, 1234)
    assert core.packets(), "a ping is answered afterwards"
    assert core.counters()["packets_dropped"] == dropped


def stream(data: bytes) -> None:
    """A stream in pieces; the first byte says how long they are."""
    if not data:
        return
    size, rest = max(data[0], 1), data[1:]
    reader = StreamReader(b"")
    message: StreamMessage | None = None
    core = new_core()
    core.start(0)
    try:
        for start in range(0, len(rest), size):
            message = reader.feed(rest[start : start + size])
            if message is not None:
                break
        if message is not None and message.kind == "push_pull":
            core.merge(500, message)
    except RemoteError:
        pass
    _whole(core)


def lzw(data: bytes) -> None:
    """Decompression of anything within its bound, and back again of what was compressed."""
    with contextlib.suppress(RemoteError):
        assert len(decompress(data, PACKET_BYTES_MAX)) <= PACKET_BYTES_MAX
    assert decompress(compress(data), len(data)) == data


def records(data: bytes) -> None:
    """Files and user states: refused, or read into what is written and read the same again."""
    for decode, encode in ((pb.decode_silences, pb.encode_silence), (pb.decode_entries, pb.encode_entry)):
        try:
            found = decode(data)
        except ValueError:
            continue
        again = b"".join(encode(one, one.expires_at_ns) for one in found)  # type: ignore[arg-type]
        assert decode(again) == found
    for decode_parts in (pb.decode_part, pb.decode_full_state):
        try:
            decode_parts(data)
        except ValueError:
            continue


TARGETS = {"packet": packet, "stream": stream, "lzw": lzw, "records": records}
