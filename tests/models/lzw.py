"""Plain twin of the LZW kernel, written from the text of reference gossip, section 5.3."""

CLEAR, END = 256, 257


def compress(data: bytes) -> bytes:
    bits = filled = 0
    width, high, bound = 9, 257, 512
    table: dict[tuple[int, int], int] = {}

    def emit(code: int) -> None:
        nonlocal bits, filled
        bits |= code << filled
        filled += width

    def advance(pair: tuple[int, int] | None) -> None:
        nonlocal width, high, bound
        high += 1
        if high == bound:
            width, bound = width + 1, bound * 2
        if high == 4095:
            emit(CLEAR)
            width, high, bound = 9, 257, 512
            table.clear()
        elif pair:
            table[pair] = high

    emit(CLEAR)
    current = None
    for byte in data:
        if current is None:
            current = byte
        elif (current, byte) in table:
            current = table[current, byte]
        else:
            emit(current)
            advance((current, byte))
            current = byte
    if current is not None:
        emit(current)
        advance(None)
    emit(END)
    return bits.to_bytes((filled + 7) // 8, "little")


def decompress(data: bytes) -> bytes | None:
    """The content, or None if the stream is broken."""
    bits, left = int.from_bytes(data, "little"), len(data) * 8
    width, high, bound = 9, 257, 512
    table: dict[int, bytes] = {}
    out, previous = b"", b""
    while left >= width:
        code, bits, left = bits & ((1 << width) - 1), bits >> width, left - width
        if code == END:
            return out
        if code == CLEAR:
            width, high, bound, previous = 9, 257, 512, b""
            continue
        if code > high and code > END:
            return None
        if previous:
            table[high] = previous + (
                bytes((code,)) if code < CLEAR else (table[code] if code != high else previous)[:1]
            )
        piece = bytes((code,)) if code < CLEAR else table[code]
        out, previous, high = out + piece, piece, high + 1
        if high == bound:
            if width == 12:
                previous, high = b"", high - 1
            else:
                width, bound = width + 1, bound * 2
    return None
