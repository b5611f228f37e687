"""The compiled kernels of gossip against plain twins: compression, bodies, checksum, broadcast queue."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amfast._ext import broadcast, frame, lzw, wire
from tests.models import bodies
from tests.models import broadcasts as plain_broadcasts
from tests.models import lzw as plain_lzw

MIB = 1 << 20
TEXTS = st.none() | st.binary(max_size=300)


def lcg(count: int) -> bytes:
    out, state = bytearray(), 12345
    for _ in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        out.append(state >> 24)
    return bytes(out)


@given(st.binary(max_size=3000) | st.text(alphabet="ab", max_size=3000).map(str.encode))
def test_compression_gives_the_twins_bytes_and_comes_back(data):
    packed = lzw.compress(data)
    assert packed == plain_lzw.compress(data)
    assert lzw.decompress(packed, MIB) == data


@pytest.mark.parametrize("count", [3836, 3837, 3838, 3839, 3840, 7676, 20000])
def test_compression_is_right_around_the_clearing_of_the_table(count):
    data = lcg(count)
    assert lzw.compress(data) == plain_lzw.compress(data)
    assert lzw.decompress(lzw.compress(data), MIB) == data == plain_lzw.decompress(lzw.compress(data))


@given(st.binary(max_size=60), st.integers(0, 300), st.binary(max_size=4))
def test_a_changed_stream_decompresses_as_the_twin_says(data, at, patch):
    packed = bytearray(lzw.compress(data))
    packed[at % len(packed) :][: len(patch)] = patch
    packed[at % len(packed) : at % len(packed) + len(patch)] = patch
    expected = plain_lzw.decompress(bytes(packed))
    try:
        assert lzw.decompress(bytes(packed), MIB) == expected
    except wire.RemoteError:
        assert expected is None


def test_a_full_table_without_a_clear_code_is_read_as_the_twin_says():
    """No encoder of ours writes this: 12-bit codes go on after the last entry."""
    bits = filled = 0
    width, high = 9, 257
    for step in range(5000):
        code = 256 if step == 0 else (step * 7) % 256 if step % 3 else min(high - 1, 258 + step // 3)
        code = code if code < 256 or high > 300 or step == 0 else step % 256
        bits, filled = bits | code << filled, filled + width
        if step > 0:
            high = min(high + 1, 4095)
            width = 12 if high >= 2048 else high.bit_length()
    bits, filled = bits | 257 << filled, filled + width
    packed = bits.to_bytes((filled + 7) // 8, "little")
    assert plain_lzw.decompress(packed) is not None
    assert lzw.decompress(packed, MIB) == plain_lzw.decompress(packed)


def test_a_bomb_is_refused_at_the_given_size():
    packed = lzw.compress(bytes(5 * MIB))
    assert len(packed) < 8192
    with pytest.raises(wire.RemoteError, match="more than 1048576"):
        lzw.decompress(packed, MIB)
    assert lzw.decompress(packed, 5 * MIB) == bytes(5 * MIB)


@st.composite
def shaped(draw):
    shape = draw(st.sampled_from(sorted(bodies.SHAPES)))
    fields = {}
    for name in bodies.SHAPES[shape]:
        if name in bodies.NUMBERS:
            largest = bodies.NUMBERS[name][1]
            near = [
                n for n in (0, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31, 2**32) if n <= largest
            ]
            fields[name] = draw(st.sampled_from(near) | st.integers(0, largest))
        else:
            fields[name] = draw(TEXTS)
    return shape, fields


@given(shaped(), st.binary(max_size=3))
def test_a_body_has_the_twins_bytes_and_reads_back(body, tail):
    shape, fields = body
    data = wire.encode_body(shape, fields)
    assert data == bodies.encode(shape, fields)
    read, size = wire.decode_body(shape, data + tail)
    assert size == len(data)
    left_out = {name for name in fields if name in bodies.OPTIONAL and not fields[name]}
    assert {n: v for n, v in read.items() if n not in left_out} == {
        n: v for n, v in fields.items() if n not in left_out
    }


@given(shaped())
def test_every_cut_of_a_body_is_refused(body):
    shape, fields = body
    data = wire.encode_body(shape, fields)
    for end in range(len(data)):
        with pytest.raises(wire.RemoteError):
            wire.decode_body(shape, data[:end])


@pytest.mark.parametrize(
    "data",
    [
        b"\xdf\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\x81\xa4Node\xdb\xff\xff\xff\xff",
        b"\x81\xa4Node\xdd\xff\xff\xff\xff\x01",
        b"\x81\xa1x\xdd\xff\xff\xff\xff" + b"\x90" * 100,
        b"\x81\xa1x" + b"\xdf\xff\xff\xff\xff" * 100,
        b"\x81\xa1x\xc9\xff\xff\xff\xff\x01",
        b"\x81\xa5SeqNo\xff",
        b"\x81\xa5SeqNo\xca\x00\x00\x00\x00",
        b"\x81\xa5SeqNo\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x81\xa5SeqNo\xc1",
        b"\x81\xa4Node\x01",
        b"\x81\xa4Node\x80",
        b"\x81\xaaSourcePort\xce\x00\x01\x11\x70",
    ],
)
def test_lying_lengths_and_wrong_types_are_refused(data):
    with pytest.raises(wire.RemoteError):
        wire.decode_body(0, data)


def test_a_deeply_nested_unknown_value_is_skipped_without_recursion():
    data = b"\x82\xa1x" + b"\x91" * 1_000_000 + b"\x00" + b"\xa5SeqNo\x05"
    assert wire.decode_body(11, data)[0] == {"SeqNo": 5}


@given(st.binary(max_size=200))
def test_the_checksum_is_crc32(data):
    assert frame.checksum(data) == zlib.crc32(data)


@settings(max_examples=200)
@given(
    st.integers(1, 12),
    st.lists(
        st.tuples(st.just("push"), st.binary(max_size=12), st.integers(-1, 5))
        | st.tuples(st.just("take"), st.integers(0, 60), st.integers(0, 5))
        | st.tuples(st.just("prune"), st.integers(0, 12), st.just(0)),
        max_size=60,
    ),
)
def test_the_queue_does_what_the_twin_does(count_max, steps):
    ours, twin = broadcast.Broadcasts(count_max), plain_broadcasts.Broadcasts(count_max)
    for step, what, number in steps:
        if step == "push":
            ours.push(what, number)
            twin.push(what, number)
        elif step == "take":
            assert ours.take(2, what, number) == twin.take(2, what, number)
        else:
            assert ours.prune(what) == twin.prune(what)
        assert len(ours) == len(twin)
