"""The hashes that only compiled modules can call, through a module compiled for this test."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import xxhash

ROOT = Path(__file__).parents[2]
SEED = random.randrange(1 << 32)
SOURCE = """
from libc.stdint cimport uint64_t
from amfast._ext.xxh3 cimport SECRET_BYTES, make_secret, xxh3_long
from amfast._ext.xxh64 cimport xxh64, xxh64_with

def digest(const unsigned char[:] data, uint64_t seed):
    return xxh64(&data[0] if len(data) else NULL, len(data), seed)

def digest_with(const unsigned char[:] data, uint64_t seed, uint64_t factor):
    return xxh64_with(&data[0], len(data), seed, factor)

def long_digest(const unsigned char[:] data, const unsigned char[:] secret):
    return xxh3_long(&data[0], len(data), &secret[0])

def secret_of(uint64_t seed):
    cdef unsigned char secret[SECRET_BYTES]
    make_secret(secret, seed)
    return bytes(secret[i] for i in range(SECRET_BYTES))
"""
PUBLIC_SECRET = bytes.fromhex("""
    b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248e
    e03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d
    8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc
    8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e""")
"""Of the xxHash specification, section XXH3."""
BUILD = """
import sys
from Cython.Build import cythonize
from setuptools import setup
modules = cythonize(["calls_hashes.pyx"], include_path=[sys.argv.pop()], language_level=3, quiet=True)
setup(ext_modules=modules, script_args=["--quiet", "build_ext", "--inplace"])
"""


@pytest.fixture(scope="module", params=["", "-U__SSE2__"], ids=["as here", "without SSE2"])
def compiled(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> ModuleType:
    folder = tmp_path_factory.mktemp("hashes")
    (folder / "calls_hashes.pyx").write_text(SOURCE)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(ROOT)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"CFLAGS": request.param},
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("calls_hashes*.so")
    spec = importlib.util.spec_from_file_location("calls_hashes", built)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_hash_is_that_of_the_xxhash_package(compiled: ModuleType) -> None:
    rng = random.Random(SEED)
    for size in (*range(200), 1000, 4097):
        data, seed = rng.randbytes(size), rng.getrandbits(64)
        assert compiled.digest(data, seed) == xxhash.xxh64_intdigest(data, seed), (SEED, size)


def test_every_bit_counts_whatever_the_factor(compiled: ModuleType) -> None:
    rng = random.Random(SEED)
    for size in (1, 3, 4, 8, 31, 32, 33, 75):
        data, seed, factor = bytearray(rng.randbytes(size)), rng.getrandbits(64), rng.getrandbits(64) | 1
        hashes = {compiled.digest_with(data, seed, factor)}
        for bit in range(8 * size):
            data[bit // 8] ^= 1 << bit % 8
            hashes.add(compiled.digest_with(data, seed, factor))
            data[bit // 8] ^= 1 << bit % 8
        assert len(hashes) == 8 * size + 1, (SEED, size)


def test_the_hash_of_long_texts_is_that_of_the_xxhash_package(compiled: ModuleType) -> None:
    rng = random.Random(SEED)
    for size in (*range(241, 700), *range(1020, 1100), *range(2040, 2060), 4097, 65_537):
        data = rng.randbytes(size)
        expected = xxhash.xxh3_64_intdigest(data)
        assert compiled.long_digest(data, PUBLIC_SECRET) == expected, (SEED, size)


def test_every_bit_of_a_long_text_counts_whatever_the_secret(compiled: ModuleType) -> None:
    rng = random.Random(SEED)
    for size in (241, 256, 1025):
        data, secret = bytearray(rng.randbytes(size)), rng.randbytes(len(PUBLIC_SECRET))
        hashes = {compiled.long_digest(data, secret)}
        for bit in range(8 * size):
            data[bit // 8] ^= 1 << bit % 8
            hashes.add(compiled.long_digest(data, secret))
            data[bit // 8] ^= 1 << bit % 8
        assert len(hashes) == 8 * size + 1, (SEED, size)


def test_each_seed_makes_another_secret_of_words_that_differ(compiled: ModuleType) -> None:
    secrets = [compiled.secret_of(seed) for seed in range(100)]
    words = {secret[at : at + 8] for secret in secrets for at in range(0, len(secret), 8)}
    assert len(words) == 100 * len(PUBLIC_SECRET) // 8
