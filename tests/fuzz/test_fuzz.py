"""Known inputs through every target, and a short run of the fuzzer itself."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

RUNS = 20_000


@pytest.mark.parametrize("target", TARGETS)
def test_every_known_input_keeps_the_promises(target: str) -> None:
    inputs = list(seeds(target))
    assert inputs
    for data in inputs:
        TARGETS[target](data)
        TARGETS[target](data[: len(data) // 2])


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Extensions with coverage and the address sanitizer."""
    if shutil.which("clang") is None:
        pytest.skip("needs clang (Debian package clang)")
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("needs atheris, which has no wheel for this machine")
    folder = tmp_path_factory.mktemp("fuzz")
    _run("tests/fuzz/build", str(folder))
    return folder


@pytest.mark.parametrize("target", TARGETS)
def test_a_short_run_of_the_fuzzer_finds_nothing(target: str, build: Path) -> None:
    artifacts = build / target
    artifacts.mkdir()
    output = _run(
        "tests/fuzz/build", "--built", str(build), target, f"-runs={RUNS}", f"-artifact_prefix={artifacts}/"
    )
    assert f"Done {RUNS} runs" in output
    assert list(artifacts.iterdir()) == []


def _run(*command: str) -> str:
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, env=environment)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr
