"""What the fuzzer starts from: real messages, and the cases that once were wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from amfast._ext import pb
from amfast._ext.intake import Intake
from amfast._ext.saved import dump
from amfast._ext.table import Table
from tests.fuzz.targets import KNOWN, NOW_NS
from tests.support.posts import Poster, spoilt

FOUND = Path(__file__).parent / "found"
VECTORS = Path(__file__).parents[1] / "vectors" / "gossip.json"


def seeds(target: str) -> Iterator[bytes]:
    """Inputs of one target, without duplicates."""
    yield from dict.fromkeys((*_known(target), *found(target)))


def found(target: str) -> list[bytes]:
    """Inputs that a fuzzer found something with; kept for ever."""
    return [path.read_bytes() for path in sorted(FOUND.glob(f"{target}-*"))]


def _known(target: str) -> Iterator[bytes]:
    if target == "records":
        silence = pb.SilenceFields("id", (((1, "a", "b|c"),),), 1, 2, 3, "me", "why", {"k": "v"}, b"", 9)
        entry = pb.EntryFields(b"{}:{}", "r", "webhook", 1, 10**18, (1, 2**63), (3,), b"", b"", 2 * 10**18)
        yield pb.encode_silence(silence, 5) * 2
        yield pb.encode_entry(entry, 5)
        yield pb.encode_full_state([("sil", b"abc"), ("nfl", b"")])
        return
    if target in ("damaged", "saved"):
        yield from _files(target)
        return
    if target == "http":
        head = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nAccept: */*\r\n\r\n"
        chunked = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
        for size in (b"\x01", b"\x07", b"\xff"):
            yield (
                size + (head + b"abcde") * 3 + chunked + head.replace(b"5", b"0") + b"GET / HTTP/1.1\r\n\r\n"
            )
        return
    if target == "alerts":
        yield from _bodies()
        return
    for vector in json.loads(VECTORS.read_text()):
        transport = {"packet": "udp", "stream": "tcp"}.get(target, "fragment")
        if vector["transport"] == transport and vector.get("hex"):
            data = bytes.fromhex(vector["hex"])
            yield b"\xff" + data if target == "stream" else data


def _bodies() -> Iterator[bytes]:
    """What is known, the same in parts and with another end, and bodies by chance."""
    first, second = KNOWN[1:-1].split(b",{", 1)
    yield KNOWN
    yield b"[" + first + b",{" + second.replace(b"09:00:00", b"10:00:00") + b"]"
    yield b"[{" + second + b"," + first + b"]"
    yield b"[" + first + b"," + first + b",{" + second.replace(b'"a"', b'"b"') + b"]"
    yield KNOWN.replace(b"Z", b".25Z")
    yield KNOWN.replace(b"labels", b"LABEL\xc5\xbf")
    yield b'[{"labels":{}}]'
    rng = random.Random(1)
    poster = Poster(rng)
    for _ in range(200):
        body = poster.body(NOW_NS)
        yield body
        yield spoilt(rng, body)


def _files(target: str) -> Iterator[bytes]:
    """Files of the data folder, whole and spoilt at every place."""
    if target == "damaged":
        entries = [
            pb.EntryFields(b"{}:{%d}" % n, "r", "webhook", 1, 10**18, (1, 2**63), (3,), b"", b"", 2 * 10**18)
            for n in range(5)
        ]
        whole = b"".join(pb.encode_entry(entry, entry.expires_at_ns) for entry in entries)
        yield whole
        for place in range(0, len(whole), 7):
            yield whole[:place] + b"\x0a" + whole[place + 1 :]
            yield whole[:place] + whole[place + 3 :]
    else:
        table = Table(3)
        Intake(table, classic_names=False, is_uri=bool).post(KNOWN, NOW_NS, 0, 300 * 10**9)
        _, whole = dump(table, NOW_NS, 0, 100)
        yield whole
        for place in range(len(whole)):
            yield whole[:place] + bytes([whole[place] ^ 0x81]) + whole[place + 1 :]
