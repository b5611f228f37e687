"""Makes ``tests/vectors/default_templates.json`` anew: its data go through the amtool of Alertmanager 0.34.

``python -m tests.conformance.defaults.make /path/to/amtool``. A case is added by writing its name and data into the
file.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.support.templates import VECTORS, Mail

APART = "\x1e"


def render(amtool: str, data: dict[str, Any], text: str, markup: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.json"
        file.write_text(json.dumps(data))
        command = [amtool, "template", "render", "--template.glob=nothing", f"--template.data={file}"]
        command += [f"--template.type={markup}", f"--template.text={text}"]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def made(amtool: str, vectors: dict[str, Any]) -> dict[str, Any]:
    """The same cases with what amtool makes of them; names are those of the first case."""
    names = sorted(name for row in vectors["cases"][0]["texts"] for name in row["of"])
    calls = [
        f'{{{{ template "{name}" {".Alerts" if name in vectors["on_alerts"] else "."} }}}}' for name in names
    ]

    def grouped(data: dict[str, Any], markup: str) -> list[dict[str, Any]]:
        found: dict[str, list[str]] = {}
        for name, text in zip(
            names, render(amtool, data, APART.join(calls), markup).split(APART), strict=True
        ):
            found.setdefault(text, []).append(name)
        return [{"text": text, "of": of} for text, of in found.items()]

    cases = []
    for case in vectors["cases"]:
        data = case["data"]
        mail = Mail.read(render(amtool, data, '{{ template "email.default.html" . }}', "html"))
        html = {"html": grouped(data, "html")} if "html" in case else {}
        made_of = {"case": case["case"], "data": data, "texts": grouped(data, "text"), **html}
        cases.append({**made_of, "mail": {"text": mail.text, "links": mail.links}})
    return {**vectors, "cases": cases}


if __name__ == "__main__":
    VECTORS.write_text(
        json.dumps(made(sys.argv[1], json.loads(VECTORS.read_text())), ensure_ascii=False, indent=1) + "\n"
    )
