"""The codecs of gossip. Through the Python side of each: a dict is made or read as well."""

from __future__ import annotations

import random

import pytest
from messages import FIELDS
from pytest_benchmark.fixture import BenchmarkFixture

from amfast._ext import frame, lzw
from amfast._ext.wire import decode_body, encode_body

TEXT = b"".join(b'{"name":"instance","value":"host-%d.example:9100"},' % i for i in range(28))[:1400]
NOISE = random.Random(1).randbytes(1400)


@pytest.mark.parametrize("name", FIELDS)
def test_encode(benchmark: BenchmarkFixture, name: str) -> None:
    shape, fields = FIELDS[name]
    benchmark.pedantic(encode_body, (shape, fields), rounds=200, iterations=200)


@pytest.mark.parametrize("name", FIELDS)
def test_decode(benchmark: BenchmarkFixture, name: str) -> None:
    shape, fields = FIELDS[name]
    benchmark.pedantic(decode_body, (shape, encode_body(shape, fields)), rounds=200, iterations=200)


@pytest.mark.parametrize("content", [TEXT, NOISE], ids=["text", "noise"])
def test_lzw_compress_1400_bytes(benchmark: BenchmarkFixture, content: bytes) -> None:
    benchmark(lzw.compress, content)


@pytest.mark.parametrize("content", [TEXT, NOISE], ids=["text", "noise"])
def test_lzw_decompress_to_1400_bytes(benchmark: BenchmarkFixture, content: bytes) -> None:
    assert benchmark(lzw.decompress, lzw.compress(content), 1400) == content


@pytest.mark.parametrize("size", [64, 1400, 65_507])
def test_crc(benchmark: BenchmarkFixture, size: int) -> None:
    benchmark(frame.checksum, bytes(size))
