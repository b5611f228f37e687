"""Random templates, rendered here and by Go."""

import json
import re
import subprocess

import pytest

from tests.support.random_templates import Writer
from tests.support.template_vectors import GENERATOR, differences, needs_go

COUNT = 1000
LOOP = re.compile(r"(.*: )?at range loop (break|continue): ")
"""Go puts this before an error, with the jump's place, each time it passes a jump on its way, often more than once."""


def answers(cases: list[dict[str, str]]) -> list[dict[str, str]]:
    """What Go makes of them."""
    done = subprocess.run(
        ["go", "run", ".", "-answer"],
        cwd=GENERATOR,
        input="\n".join(map(json.dumps, cases)),
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
    )
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def alike(ours: str, theirs: str) -> bool:
    """Whether both are the same, but for how often a jump is mentioned."""
    if not LOOP.match(theirs):
        return ours == theirs
    return ours.startswith("error: ") and ours.endswith(LOOP.sub("", theirs))


@needs_go
@pytest.mark.parametrize("mode", ["text", "html"])
def test_random_templates_render_as_they_do_in_go(mode):
    writers = [Writer(seed, markup=mode == "html") for seed in range(COUNT)]
    cases = [
        {"section": "random", "mode": mode, "data": "random", "text": writer.template()} for writer in writers
    ]
    wrong = differences(answers(cases), alike)
    assert not wrong, f"{len(wrong)} of {COUNT}:\n" + "\n".join(wrong[:20])
