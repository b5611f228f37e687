"""The clusters that the scenarios run on."""

from __future__ import annotations

import os

import pytest

REFERENCE = bool(os.environ.get("AMFAST_E2E_REFERENCE"))  # run the scenarios on Go nodes too


def _named(*compositions: tuple[str, ...]) -> list[object]:
    return [pytest.param(kinds, id="-".join(kinds)) for kinds in compositions]


_ALL_GO = [("go", "go", "go")] if REFERENCE else []
SINGLE = _named(("amfast",), *([("go",)] if REFERENCE else []))
HOMOGENEOUS = _named(("amfast", "amfast", "amfast"), *_ALL_GO)
MIXED = _named(("amfast", "amfast", "go"), *_ALL_GO)
EVERY = _named(("amfast", "amfast", "amfast"), ("amfast", "amfast", "go"), *_ALL_GO)
