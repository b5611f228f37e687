"""Our templates beside Go's: the answers of tests/conformance/templates, one by one."""

import json
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.support.template_vectors import GENERATOR, differences, needs_go

VECTORS = Path(__file__).parents[1] / "vectors" / "templates"


def sections() -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for path in sorted((GENERATOR / "cases").glob("*.txt")):
        for case in json.loads((VECTORS / f"{path.stem}.json").read_text()):
            found[f"{path.stem}, {case['section']}"].append(case)
    return found


SECTIONS = sections()


@pytest.mark.parametrize("section", SECTIONS)
def test_templates_render_as_they_do_in_go(section):
    wrong = differences(SECTIONS[section])
    assert not wrong, f"{len(wrong)} of {len(SECTIONS[section])}:\n" + "\n".join(wrong)


@needs_go
def test_go_still_says_what_the_vectors_say(tmp_path):
    subprocess.run(
        ["go", "run", ".", "-only", "definitions", "-out", tmp_path], cwd=GENERATOR, check=True, timeout=120
    )
    assert (tmp_path / "definitions.json").read_text() == (VECTORS / "definitions.json").read_text()
