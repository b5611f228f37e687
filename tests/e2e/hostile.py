"""Bytes that no honest peer sends, made from one source of chance.

None of them is a complete claim about a member with a usable address (that would be a valid message and may
change the cluster) and none asks a node to send anywhere. Layouts: reference gossip, sections 4 and 5.
"""

from __future__ import annotations

import functools
import struct
from typing import TYPE_CHECKING

import msgpack

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

_PING, _INDIRECT_PING, _ACK, _SUSPECT, _ALIVE, _DEAD, _PUSH_PULL = range(7)
_COMPOUND, _USER, _COMPRESS, _NACK, _CRC = 7, 8, 9, 11, 12
_DATAGRAM_BYTES_MAX = 60_000
_HUGE = 2**62


def _message(kind: int, body: object) -> bytes:
    packed: bytes = msgpack.packb(body, use_bin_type=False)
    return bytes([kind]) + packed


def _harmless(chance: random.Random) -> bytes:
    """A well-formed message about a node nobody knows."""
    name = f"stranger-{chance.randrange(1000)}"
    number = chance.randrange(2**32)
    return chance.choice(
        [
            _message(_PING, {"SeqNo": number, "Node": name}),
            _message(_ACK, {"SeqNo": number, "Payload": b""}),
            _message(_NACK, {"SeqNo": number}),
            _message(_SUSPECT, {"Incarnation": number, "Node": name, "From": name}),
            _message(_DEAD, {"Incarnation": number, "Node": name, "From": name}),
        ]
    )


def _random(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice([0, 1, 2, 10, 100, 1400, 9000]))


def _truncated(chance: random.Random) -> bytes:
    whole = _harmless(chance)
    return whole[: chance.randrange(len(whole))]


def _over_long(chance: random.Random) -> bytes:
    return _harmless(chance) + chance.randbytes(chance.randrange(1, _DATAGRAM_BYTES_MAX))


def _lying_length(chance: random.Random) -> bytes:
    head = chance.choice(
        [b"\xdb", b"\xdd", b"\xdf", b"\xc6", b"\xc9"]
    )  # str, array, map, bin, ext of 32 bits
    body = b"\x81\xa4Node" + head + struct.pack(">I", chance.choice([2**32 - 1, 2**31, 10**6])) + b"x"
    return bytes([chance.choice([_PING, _ACK, _SUSPECT, _ALIVE, _DEAD, _USER, _COMPRESS])]) + body


def _deep_msgpack(chance: random.Random) -> bytes:
    opening = chance.choice([b"\x91", b"\x81\xa1a"])
    deep = opening * chance.randrange(2000, 20_000) + b"\xc0"
    return bytes([chance.choice([_PING, _SUSPECT, _ALIVE])]) + b"\x82\xa5Extra" + deep + b"\xa4Node\xa1x"


def _compound(*parts: bytes) -> bytes:
    lengths = b"".join(struct.pack(">H", len(part) & 0xFFFF) for part in parts)
    return bytes([_COMPOUND, len(parts) & 0xFF]) + lengths + b"".join(parts)


def _nested_compound(chance: random.Random) -> bytes:
    core = _harmless(chance)
    depth = chance.randrange(1, 14_000)
    heads = (bytes([_COMPOUND, 1]) + struct.pack(">H", len(core) + 4 * i) for i in reversed(range(depth)))
    return b"".join(heads) + core


def _lying_compound(chance: random.Random) -> bytes:
    return chance.choice(
        [
            bytes([_COMPOUND, 255]) + chance.randbytes(20),
            bytes([_COMPOUND, 1]) + b"\xff\xff" + _harmless(chance),
            _compound(b"", b"", _harmless(chance), b""),
            _compound(*[_harmless(chance) for _ in range(300)]),
        ]
    )


@functools.cache
def _zeros_compressed(bytes_max: int) -> bytes:
    """An LZW stream of about this size that expands, a thousandfold, to nothing but zero bytes."""
    clear, end, last = 256, 257, 4094
    bits, used = clear, 9
    out = bytearray()
    while len(out) < bytes_max:
        # Each code after the first is the one just being made: the previous text and one more zero.
        for code, width in [
            (0, 9),
            *((code, code.bit_length()) for code in range(258, last + 1)),
            (clear, 12),
        ]:
            bits |= code << used
            used += width
        out += (bits & ((1 << used - used % 8) - 1)).to_bytes(used // 8, "little")
        bits >>= used - used % 8
        used %= 8
    return bytes(out) + (bits | end << used).to_bytes(3, "little")


def bomb(bytes_max: int) -> bytes:
    return _message(_COMPRESS, {"Algo": 0, "Buf": _zeros_compressed(bytes_max)})


def _bomb(chance: random.Random) -> bytes:
    return bomb(chance.choice([10_000, 40_000]))


def _bad_compress(chance: random.Random) -> bytes:
    body = chance.choice(
        [
            {"Algo": 0, "Buf": chance.randbytes(500)},
            {"Algo": 9, "Buf": b"\x00\x83\x04\x04"},
            {"Algo": 0, "Buf": b""},
            {"Algo": 0},
            {"Buf": 12},
        ]
    )
    return _message(_COMPRESS, body)


def _wrong_types(chance: random.Random) -> bytes:
    values: list[object] = [-1, 2**64 - 1, 1.5, None, True, [], {}, "x", [1, 2]]
    names = ["SeqNo", "Node", "From", "Incarnation", "Payload", "Buf", "Algo"]
    body = {name: chance.choice(values) for name in names}
    return _message(chance.choice([_ACK, _SUSPECT, _DEAD, _NACK, _COMPRESS]), body)


def _impossible_alive(chance: random.Random) -> bytes:
    """A member without a name or an address anybody could use."""
    body: dict[str, object] = {
        "Incarnation": chance.randrange(2**32),
        "Node": "stranger",
        "Addr": b"\x7f\x00\x00\x01",
        "Port": 9,
        "Meta": b"",
        "Vsn": bytes([1, 5, 2, 0, 0, 0]),
    }
    wrongs: list[dict[str, object]] = [
        {"Node": ""},
        {"Node": b"\xff\xfe\xc0"},
        {"Node": "n" * 50_000},
        {"Addr": b""},
        {"Addr": b"abc"},
        {"Addr": chance.randbytes(100)},
        {"Meta": bytes(3000)},
        {"Vsn": b""},
        {"Vsn": bytes([1, 5, 2])},
        {"Vsn": bytes([0, 5, 2, 0, 0, 0])},
        {"Vsn": bytes([5, 1, 2, 0, 0, 0])},
    ]
    return _message(_ALIVE, body | chance.choice(wrongs))


def _bad_user_data(chance: random.Random) -> bytes:
    key = chance.choice([b"sil", b"nfl", b"xyz"])
    data = chance.choice([b"", b"\xff" * 11, b"\x05\x0a", b"\xff\xff\xff\x7f", chance.randbytes(300)])
    return bytes([_USER, 10, len(key)]) + key + b"\x12" + bytes([len(data) & 0x7F]) + data


def _bad_checksum(chance: random.Random) -> bytes:
    return bytes([_CRC]) + chance.choice([b"", b"\x00\x00", chance.randbytes(4) + _harmless(chance)])


_PACKETS: list[Callable[[random.Random], bytes]] = [
    _random,
    _truncated,
    _over_long,
    _lying_length,
    _deep_msgpack,
    _nested_compound,
    _lying_compound,
    _bomb,
    _bad_compress,
    _wrong_types,
    _impossible_alive,
    _bad_user_data,
    _bad_checksum,
]


def packets(chance: random.Random, count: int) -> Iterator[bytes]:
    for i in range(count):
        yield _PACKETS[i % len(_PACKETS)](chance)[:_DATAGRAM_BYTES_MAX]


def streams(chance: random.Random, count: int) -> Iterator[bytes]:
    """What to write on one connection each, before leaving it half open."""
    for i in range(count):
        claims = [(_HUGE, 0), (-1, 0), (2**20, 0), (0, _HUGE), (0, 20 * 2**20), (3, 3)]
        nodes, state = claims[i % len(claims)]
        header = _message(_PUSH_PULL, {"Nodes": nodes, "UserStateLen": state, "Join": False})
        yield chance.choice(
            [
                b"",
                header,
                header + chance.randbytes(2000),
                _message(_USER, {"UserMsgLen": chance.choice([_HUGE, -1, 2**31])}) + b"x",
                bomb(1_000_000),
                bytes([_PUSH_PULL]) + _lying_length(chance)[1:],
                bytes([244, 5]) + b"label" + header,
                next(packets(chance, 1)),
                _PACKETS[i % len(_PACKETS)](chance),
            ]
        )
