"""Our templates beside Go's: the answers of tests/conformance/templates, one by one."""

import json
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from amfast.template.errors import TemplateError
from amfast.template.functions import FUNCTIONS, timed
from amfast.template.meter import DEPTH_MAX
from amfast.template.templates import Templates

from tests.support.template_data import moment, sets

TESTS = Path(__file__).parents[1]
VECTORS = TESTS / "vectors" / "templates"
GENERATOR = TESTS / "conformance" / "templates"
GO_DEPTH = "depth (100000)"
NOW = "2025-03-09T10:30:00Z"
DATA = sets()


def sections() -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for path in sorted((GENERATOR / "cases").glob("*.txt")):
        for case in json.loads((VECTORS / f"{path.stem}.json").read_text()):
            found[f"{path.stem}, {case['section']}"].append(case)
    return found


SECTIONS = sections()


def expected(case: dict[str, Any]) -> str:
    if "error" in case:
        return "error: " + case["error"].replace(GO_DEPTH, f"depth ({DEPTH_MAX})")
    if "out_hex" in case:
        return bytes.fromhex(case["out_hex"]).decode(errors="surrogateescape")
    return case["out"]


def rendered(case: dict[str, Any]) -> str:
    """What we make of a case, or our error."""
    functions = {**FUNCTIONS, **timed(lambda: moment(NOW))}
    sources = [tuple(source) for source in case.get("sources", ())]
    sources += [(name, (GENERATOR / "realworld" / name).read_text()) for name in case.get("use", ())]
    data = DATA[case["data"]] if "data" in case else None
    try:
        templates = Templates.of(sources, functions)
        render = templates.html if case.get("mode") == "html" else templates.text
        return render(case["text"], data)
    except TemplateError as error:
        return f"error: {error}"


def differences(cases: list[dict[str, Any]]) -> list[str]:
    wrong = []
    for case in cases:
        ours, theirs = rendered(case), expected(case)
        if ours != theirs:
            what = case.get("title", case["text"])
            wrong.append(f"{what!r} with {case.get('data')}\n    Go:   {theirs!r}\n    ours: {ours!r}")
    return wrong


@pytest.mark.parametrize("section", SECTIONS)
def test_templates_render_as_they_do_in_go(section):
    wrong = differences(SECTIONS[section])
    assert not wrong, f"{len(wrong)} of {len(SECTIONS[section])}:\n" + "\n".join(wrong)


@pytest.mark.skipif(shutil.which("go") is None, reason="needs a Go toolchain")
def test_go_still_says_what_the_vectors_say(tmp_path):
    subprocess.run(
        ["go", "run", ".", "-only", "definitions", "-out", tmp_path], cwd=GENERATOR, check=True, timeout=120
    )
    assert (tmp_path / "definitions.json").read_text() == (VECTORS / "definitions.json").read_text()
