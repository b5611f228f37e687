"""The programs that made the vectors of printing and of strings, run again where there is a Go toolchain.

Those of times are left out: the rules of zones are the machine's, and change.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.mark.skipif(shutil.which("go") is None, reason="needs a Go toolchain")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [("printf", ["-count", "1500", "-longest", "150"]), ("strings", ["-count", "110"])],
)
def test_go_still_says_what_the_vectors_say(name, arguments):
    program = TESTS / "conformance" / name / "main.go"
    told = subprocess.run(
        ["go", "run", program, "-seed", "7", *arguments], check=True, timeout=120, capture_output=True
    )
    assert told.stdout == (TESTS / "vectors" / "templates" / f"{name}.json").read_bytes()
