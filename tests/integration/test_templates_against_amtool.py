"""Default texts and ``template render`` beside Debian's amtool 0.25, over the same data.

What 0.25 does not have is named in ``NEWER``; all that it has, it says in the same bytes. Debian keeps the default
templates in files, which are given to it like anybody's.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from amfast.tool.__main__ import main
from tests.support.templates import Mail, data_of_case, default_cases, expected_texts, on_alerts, renderer

AMTOOL = shutil.which("amtool")
DEFAULTS = Path("/usr/share/prometheus/alertmanager")
pytestmark = pytest.mark.skipif(
    AMTOOL is None or not (DEFAULTS / "default.tmpl").exists(),
    reason="needs amtool and its default templates (Debian package prometheus-alertmanager)",
)
CASES = pytest.mark.parametrize("case", default_cases(), ids=lambda case: case["case"].replace(" ", "_"))
NEWER = ("jira.", "mattermost.", "msteams.", "msteamsv2.", "rocketchat.")
"""Kinds of receivers that came after 0.25."""
NEWER_NAMES = {"__text_alert_list_markdown", "discord.default.content", "slack.default.color"}
APART = "\n\x1e\n"


def theirs(tmp_path: Path, case: dict[str, Any], *argv: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "data.json").write_text(json.dumps(case["data"]))
    return subprocess.run(
        [str(AMTOOL), "template", "render", *argv, f"--template.data={tmp_path / 'data.json'}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


Outcome = tuple[int, str, str]
"""Status, output and errors of a call."""


def ours(capsysbinary: pytest.CaptureFixture[bytes], *argv: str) -> Outcome:
    status = main(["template", "render", *argv])
    out, error = (content.decode() for content in capsysbinary.readouterr())
    return status, out, error


def outcome(done: subprocess.CompletedProcess[str]) -> Outcome:
    return done.returncode, done.stdout, done.stderr.replace("amtool:", "amfast-tool:", 1)


@CASES
def test_every_default_text_that_debians_has_is_the_same(tmp_path: Path, case: dict[str, Any]) -> None:
    names = [
        name for name, _ in expected_texts(case) if not name.startswith(NEWER) and name not in NEWER_NAMES
    ]
    calls = [f'{{{{ template "{name}" {".Alerts" if name in on_alerts() else "."} }}}}' for name in names]
    done = theirs(
        tmp_path, case, f"--template.glob={DEFAULTS}/*.tmpl", f"--template.text={APART.join(calls)}"
    )
    templates, data = renderer(), data_of_case(case)
    mine = [templates.text(call, data) for call in calls]
    assert dict(zip(names, done.stdout.split(APART), strict=True)) == dict(zip(names, mine, strict=True))


@CASES
def test_the_mail_says_what_debians_says(tmp_path: Path, case: dict[str, Any]) -> None:
    text = '{{ template "email.default.html" . }}'
    done = theirs(
        tmp_path,
        case,
        "--template.type=html",
        f"--template.glob={DEFAULTS}/*.tmpl",
        f"--template.text={text}",
    )
    other, mine = Mail.read(done.stdout), Mail.read(renderer().html(text, data_of_case(case)))
    assert (mine.text, mine.links) == (other.text, other.links)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        '{{ .Receiver | toUpper }} {{ .Status }}{{ "\\n" }}',
        "{{ range .Alerts }}{{ .Labels.alertname }} {{ .StartsAt }} {{ .EndsAt }} {{ .Fingerprint }};{{ end }}",
        '{{ template "one" . }}{{ template "two.tmpl" . }}',
        '{{ .CommonLabels.Names }} {{ (.CommonLabels.Remove .GroupLabels.Names).Values | join "/" }}',
        "{{ .Nothing }}",
        "{{",
        "a\n{{ nothing }}",
        '{{ template "nothing" . }}',
        "{{ range .Alerts }}{{ .Nothing }}{{ end }}",
        '{{ define "x" }}{{ .Status }}{{ end }}{{ template "x" . }}',
        '{{ reReplaceAll "[" "" .Status }}',
    ],
)
def test_texts_and_errors_are_the_same(
    tmp_path: Path, text: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    case = default_cases()[3]
    (tmp_path / "one.tmpl").write_text('{{ define "one" }}first{{ end }}')
    (tmp_path / "two.tmpl").write_text('{{ define "one" }}second {{ .Status }}{{ end }}the file')
    argv = [f"--template.glob={tmp_path}/*.tmpl", f"--template.text={text}"]
    done = theirs(tmp_path, case, *argv)
    assert ours(capsysbinary, *argv, f"--template.data={tmp_path / 'data.json'}") == outcome(done)


@pytest.mark.parametrize(
    "argv",
    [
        ["--template.glob=[", "--template.text=x"],
        ["--template.glob=bad.tmpl", "--template.text=x"],
        ["--template.glob=nothing/*.tmpl", "--template.text=x"],
        ["--template.glob=", "--template.text=x"],
        ["--template.glob=*.tmpl", "--template.text=x", "--template.type=xml"],
        ["--template.glob=one.tmpl", "--template.text=x", "--template.text=y"],
        ["--template.glob=one.tmpl", "--template.glob=two.tmpl", '--template.text={{ template "one" }}'],
        ["--template.glob=two.tmpl", "--template.glob=one.tmpl", '--template.text={{ template "one" }}'],
        ["--template.glob=one.tmpl", "--template.text=x", "more"],
        ["--template.glob=one.tmpl", "--template.text=x", "--nothing"],
        ["--template.glob=one.tmpl", "--template.text"],
        ["--template.glob=one.tmpl", "--template.text=x", "--template.data=nowhere.json"],
        ["--template.glob=one.tmpl", "--template.text=x", "--template.data="],
        ["--template.glob=one.tmpl", "--template.text=x", "--template.data=."],
        ["--template.glob=one.tmpl", "--template.text={{ .Status }}", "--template.data=names.json"],
        [
            "--template.glob=one.tmpl",
            "--template.type=html",
            "--template.text=<p {{ if .Status }}'{{ end }}>",
        ],
    ],
    ids=" ".join,
)
def test_arguments_and_files_that_are_wrong_are_told_alike(
    tmp_path: Path,
    argv: list[str],
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.tmpl").write_text('{{ define "one" }}first{{ end }}')
    Path("two.tmpl").write_text('{{ define "one" }}second{{ end }}')
    Path("bad.tmpl").write_text("a\n{{ if }}")
    Path("names.json").write_text('{"\u017fTATUS": "s", "unknown": [1], "alerts": null}')
    done = subprocess.run(
        [str(AMTOOL), "template", "render", *argv], capture_output=True, text=True, check=False, timeout=30
    )
    assert ours(capsysbinary, *argv) == outcome(done)
