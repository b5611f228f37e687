"""Fuzz one target: ``python -m tests.fuzz.run packet -runs=100000`` (further arguments are libFuzzer's).

Needs atheris, and extensions built by ``tests/fuzz/build``; see there.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS


def main(arguments: list[str]) -> None:
    if not arguments or arguments[0] not in TARGETS:
        sys.exit(f"which target? one of: {', '.join(TARGETS)}")
    name, *rest = arguments
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds(name)):
            (Path(corpus) / f"seed-{number}").write_bytes(data)
        atheris.Setup([sys.argv[0], *rest, corpus], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
