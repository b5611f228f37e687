"""What came of a template in Go (tests/conformance/templates), and what comes of it here."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amfast.template.errors import TemplateError
from amfast.template.functions import FUNCTIONS, timed
from amfast.template.templates import Templates
from tests.support.template_data import moment, sets

GENERATOR = Path(__file__).parents[1] / "conformance" / "templates"
WRITTEN_BY = "go1.26"
"""Other versions word some errors in another way."""
_NOW = moment("2025-03-09T10:30:00Z")
_DATA = sets()
_FUNCTIONS = {**FUNCTIONS, **timed(lambda: _NOW)}


def _has_go() -> bool:
    if shutil.which("go") is None:
        return False
    version = subprocess.run(["go", "version"], capture_output=True, check=False, text=True, cwd=GENERATOR)
    return f" {WRITTEN_BY}" in version.stdout


needs_go = pytest.mark.skipif(not _has_go(), reason=f"needs a Go toolchain ({WRITTEN_BY})")


def expected(case: dict[str, Any]) -> str:
    """What Go gave, or its error."""
    if "error" in case:
        return "error: " + case["error"]
    if "out_hex" in case:
        return bytes.fromhex(case["out_hex"]).decode(errors="surrogateescape")
    return case["out"]


def rendered(case: dict[str, Any]) -> str:
    """What we make of a case, or our error."""
    sources = [tuple(source) for source in case.get("sources", ())]
    sources += [(name, (GENERATOR / "realworld" / name).read_text()) for name in case.get("use", ())]
    data = _DATA[case["data"]] if "data" in case else None
    try:
        templates = Templates.of(sources, _FUNCTIONS)
        render = templates.html if case.get("mode") == "html" else templates.text
        return render(case["text"], data)
    except TemplateError as error:
        return f"error: {error}"


def _same(ours: str, theirs: str) -> bool:
    return ours == theirs


def differences(cases: list[dict[str, Any]], same: Callable[[str, str], bool] = _same) -> list[str]:
    """Where we are not of one mind, for people."""
    wrong = []
    for case in cases:
        ours, theirs = rendered(case), expected(case)
        if not same(ours, theirs):
            what = case.get("title", case["text"])
            wrong.append(f"{what!r} with {case.get('data')}\n    Go:   {theirs!r}\n    ours: {ours!r}")
    return wrong
