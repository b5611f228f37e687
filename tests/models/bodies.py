"""Plain twin of the message bodies: which fields there are, and how each is written (reference gossip, 3 and 4)."""

NUMBERS = {  # name: (signed family, largest value)
    "SeqNo": (False, 2**32 - 1), "SourcePort": (False, 65535), "Port": (False, 65535), "Nack": (False, 1),
    "Incarnation": (False, 2**32 - 1), "Nodes": (True, 2**63 - 1), "UserStateLen": (True, 2**63 - 1),
    "Join": (False, 1), "State": (True, 2**63 - 1), "UserMsgLen": (True, 2**63 - 1), "Algo": (False, 255),
}  # fmt: skip
FLAGS = {"Nack", "Join"}
OPTIONAL = {"SourceAddr", "SourcePort", "SourceNode"}
SHAPES = {
    0: ("SeqNo", "Node", "SourceAddr", "SourcePort", "SourceNode"),
    1: ("SeqNo", "Target", "Port", "Node", "Nack", "SourceAddr", "SourcePort", "SourceNode"),
    2: ("SeqNo", "Payload"),
    3: ("Incarnation", "Node", "From"),
    4: ("Incarnation", "Node", "Addr", "Port", "Meta", "Vsn"),
    5: ("Incarnation", "Node", "From"),
    6: ("Nodes", "UserStateLen", "Join"),
    8: ("UserMsgLen",),
    9: ("Algo", "Buf"),
    11: ("SeqNo",),
    13: ("Error",),
    14: ("Name", "Addr", "Port", "Meta", "Incarnation", "State", "Vsn"),
}


def raw(data: bytes) -> bytes:
    size = len(data)
    if size < 32:
        return bytes((0xA0 | size,)) + data
    return (b"\xda" + size.to_bytes(2) if size < 65536 else b"\xdb" + size.to_bytes(4)) + data


def number(name: str, value: int) -> bytes:
    if name in FLAGS:
        return b"\xc3" if value else b"\xc2"
    if value < 128:
        return bytes((value,))
    signed = NUMBERS[name][0]
    for exponent, head in enumerate(b"\xd0\xd1\xd2\xd3" if signed else b"\xcc\xcd\xce\xcf"):
        bits = 8 << exponent
        if value < 1 << (bits - signed):
            return bytes((head,)) + value.to_bytes(bits // 8)
    raise OverflowError(value)


def encode(shape: int, fields: dict[str, bytes | int | None]) -> bytes:
    out = b""
    count = 0
    for name in sorted(SHAPES[shape]):
        value = fields[name]
        if name in OPTIONAL and not value:
            continue
        count += 1
        text = raw(value) if isinstance(value, bytes) else b"\xc0"
        out += raw(name.encode()) + (number(name, value) if isinstance(value, int) else text)
    return bytes((0x80 | count,)) + out
