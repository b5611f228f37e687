"""The hash that only compiled modules can call, through a module compiled for this test."""

from __future__ import annotations

import importlib.util
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
from amfast._ext.xxh64 cimport xxh64, xxh64_with

def digest(const unsigned char[:] data, uint64_t seed):
    return xxh64(&data[0] if len(data) else NULL, len(data), seed)

def digest_with(const unsigned char[:] data, uint64_t seed, uint64_t factor):
    return xxh64_with(&data[0], len(data), seed, factor)
"""
BUILD = """
import sys
from Cython.Build import cythonize
from setuptools import setup
modules = cythonize(["calls_xxh64.pyx"], include_path=[sys.argv.pop()], language_level=3, quiet=True)
setup(ext_modules=modules, script_args=["--quiet", "build_ext", "--inplace"])
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    folder = tmp_path_factory.mktemp("xxh64")
    (folder / "calls_xxh64.pyx").write_text(SOURCE)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(ROOT)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("calls_xxh64*.so")
    spec = importlib.util.spec_from_file_location("calls_xxh64", built)
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
