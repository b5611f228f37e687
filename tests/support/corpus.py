"""The configurations of ``tests/config_corpus``, and what ``amtool`` says of them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

FOLDER = Path(__file__).parents[1] / "config_corpus"
_HEADING = re.compile(r"^### (good|bad) (\w+): (.*)\n", re.MULTILINE)
_SAID = "#! "
_FILES_AT_ONCE = 100
CRASHED = "(amtool crashed)"


@dataclass(frozen=True)
class Case:
    """One configuration: whether it is good, and if not, what is wrong with it."""

    title: str
    good: bool
    text: str
    said: str = ""

    def __str__(self) -> str:
        return self.title


def cases() -> list[Case]:
    """All of them."""
    return [case for path in sorted(FOLDER.glob("*.txt")) for case in _read(path.read_text())]


def _read(text: str) -> Iterable[Case]:
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    for heading, end in zip(headings, ends, strict=True):
        lines = text[heading.end() : end].splitlines(keepends=True)
        body = "".join(line for line in lines if not line.startswith(_SAID))
        said = "".join(line.removeprefix(_SAID).strip() for line in lines if line.startswith(_SAID))
        yield Case(heading[3], heading[1] == "good", framed(heading[2], body), said)


def framed(frame: str, body: str) -> str:
    """The whole file that a text stands for."""
    if frame == "file":
        return body
    if frame == "route":
        always = "time_intervals: [{name: always, time_intervals: [{}]}]\n"
        return (
            f"route:\n  receiver: r\n  routes:\n  -\n{indent(body, '    ')}receivers: [{{name: r}}]\n{always}"
        )
    if frame == "interval":
        named = f"- name: i\n  time_intervals:\n  -\n{indent(body, '    ')}"
        route = "route: {receiver: r, routes: [{mute_time_intervals: [i]}]}\nreceivers: [{name: r}]\n"
        return f"{route}time_intervals:\n- {{name: other, time_intervals: []}}\n{named}"
    common, _, own = body.partition("---\n") if frame == "both" else ("", "", body)
    if frame == "global":
        common, own = body, ""
    elif frame == "http":
        own = f"webhook_configs:\n- url: http://h\n  http_config:\n{indent(body, '    ')}"
    head = f"global:\n{indent(common, '  ')}" if common else ""
    return f"{head}route: {{receiver: r}}\nreceivers:\n- name: r\n{indent(own, '  ')}"


def amtool_verdicts(amtool: str, folder: Path, texts: Iterable[str]) -> list[str | None]:
    """What ``amtool check-config`` has against each configuration; None for nothing."""
    names = []
    for number, text in enumerate(texts):
        names.append(folder / f"{number}.yml")
        names[-1].write_text(text)
    verdicts: list[str | None] = []
    while len(verdicts) < len(names):
        some = names[len(verdicts) : len(verdicts) + _FILES_AT_ONCE]
        done = subprocess.run(
            [amtool, "check-config", *map(str, some)], capture_output=True, text=True, check=False
        )
        found = [_verdict(one) for one in done.stdout.split("Checking '")[1:]]
        if len(found) < len(some) or done.returncode not in (0, 1):
            found[-1] = CRASHED
        verdicts += found
    return verdicts


def _verdict(text: str) -> str | None:
    _, failed, reason = text.partition("FAILED: ")
    return reason.split("\nFound:")[0].strip() if failed else None
