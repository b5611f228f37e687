"""What the fuzzer starts from: real messages, and the cases that once were wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from amfast._ext import pb

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
    for vector in json.loads(VECTORS.read_text()):
        transport = {"packet": "udp", "stream": "tcp"}.get(target, "fragment")
        if vector["transport"] == transport and vector.get("hex"):
            data = bytes.fromhex(vector["hex"])
            yield b"\xff" + data if target == "stream" else data
