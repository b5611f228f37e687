"""Gossip messages of the usual sizes, for the benchmarks."""

from __future__ import annotations

from amfast._ext.wire import encode_body

IP = b"\x0a\x00\x00\x01"
VSN = b"\x01\x05\x02\x00\x00\x00"
NAME = b"01JZ5D3A7QK0V2M4N6P8R0T1W3"
OTHER = b"01JZ5D3B1HX2C4V6B8N0M2Q4S6"

FIELDS: dict[str, tuple[int, dict[str, bytes | int | None]]] = {
    "ping": (0, {"Node": NAME, "SeqNo": 70_000, "SourceAddr": IP, "SourceNode": OTHER, "SourcePort": 9094}),
    "indirect ping": (
        1,
        {"Node": NAME, "SeqNo": 70_000, "Target": IP, "Port": 9094, "Nack": 1, "SourceAddr": IP,
         "SourceNode": OTHER, "SourcePort": 9094},
    ),
    "ack": (2, {"SeqNo": 70_000, "Payload": b""}),
    "suspect": (3, {"Node": NAME, "Incarnation": 3, "From": OTHER}),
    "alive": (4, {"Node": NAME, "Addr": IP, "Port": 9094, "Incarnation": 3, "Meta": b"", "Vsn": VSN}),
    "dead": (5, {"Node": NAME, "Incarnation": 3, "From": OTHER}),
    "push/pull head": (6, {"Nodes": 10, "UserStateLen": 100_000, "Join": 1}),
    "user head": (8, {"UserMsgLen": 700}),
    "compress": (9, {"Algo": 0, "Buf": bytes(range(200))}),
    "nack": (11, {"SeqNo": 70_000}),
    "error": (13, {"Error": b"the label does not match"}),
    "push/pull entry": (
        14, {"Name": NAME, "Addr": IP, "Port": 9094, "Meta": b"", "Incarnation": 3, "State": 0, "Vsn": VSN},
    ),
}  # fmt: skip
"""By name of the message: the number of its shape, and its fields."""


def message(name: str, **changed: bytes | int) -> bytes:
    """The message with its type byte."""
    shape, fields = FIELDS[name]
    return bytes((shape,)) + encode_body(shape, {**fields, **changed})
