"""The program amfast-tool: its commands, what it renders, what it says of wrong input."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amfast.model.errors import AmfastError
from amfast.tool.__main__ import main
from amfast.tool.decode import decode

RENDER = ("template", "render")
NO_FILES = "--template.glob=nothing/*.tmpl"


def run(capsysbinary: pytest.CaptureFixture[bytes], *argv: str) -> tuple[int, str, str]:
    status = main(argv)
    out, error = capsysbinary.readouterr()
    return status, out.decode(), error.decode()


def render(capsysbinary: pytest.CaptureFixture[bytes], text: str, *more: str) -> tuple[int, str, str]:
    return run(capsysbinary, *RENDER, NO_FILES, f"--template.text={text}", *more)


def test_a_text_is_rendered_over_a_made_up_group(capsysbinary):
    text = "{{ .Receiver }} {{ .Status }} {{ .CommonLabels }} {{ .GroupLabels }} {{ len .Alerts.Firing }}"
    assert render(capsysbinary, text) == (
        0,
        "receiver alertstatus commonlabelkey1=commonlabelvalue1, commonlabelkey2=commonlabelvalue2 "
        "grouplabelkey1=grouplabelvalue1, grouplabelkey2=grouplabelvalue2 1",
        "",
    )


def test_alerts_of_the_made_up_group_began_some_minutes_ago(capsysbinary):
    text = (
        "{{ range .Alerts }}{{ .EndsAt.Sub .StartsAt }} {{ end }}"
        "{{ lt (since (index .Alerts 0).EndsAt).Hours 1.0 }}"
    )
    assert render(capsysbinary, text)[1] == "5m0s 10m0s true"


def test_definitions_come_from_files(capsysbinary, tmp_path: Path):
    (tmp_path / "a.tmpl").write_text('{{ define "x" }}one{{ end }}')
    (tmp_path / "b.tmpl").write_text('{{ define "x" }}two {{ .Status }}{{ end }}the file')
    glob = f"--template.glob={tmp_path}/*.tmpl"
    text = '--template.text={{ template "x" . }}, {{ template "b.tmpl" . }}'
    assert run(capsysbinary, *RENDER, glob, text) == (0, "two alertstatus, the file", "")


def test_data_comes_from_json(capsysbinary, tmp_path: Path):
    file = tmp_path / "data.json"
    alert = {"status": "firing", "labels": {"b": "1", "a": "2"}, "startsAt": "2026-01-02T03:04:05.5+02:00"}
    file.write_text(
        json.dumps({"Status": "firing", "ALERTS": [alert, None], "unknown": [1], "receiver": None})
    )
    text = "{{ .Status }}[{{ .Receiver }}]{{ range .Alerts }}{{ .Labels }} {{ .StartsAt }} {{ .EndsAt }};{{ end }}"
    assert render(capsysbinary, text, f"--template.data={file}")[1] == (
        "firing[]a=2, b=1 2026-01-02 03:04:05.5 +0200 +0200 0001-01-01 00:00:00 +0000 UTC;"
        " 0001-01-01 00:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC;"
    )


def test_html_is_escaped_and_text_is_not(capsysbinary):
    text = '<b>{{ "<&>" }}</b>'
    assert render(capsysbinary, text)[1] == "<b><&></b>"
    assert render(capsysbinary, text, "--template.type=text")[1] == "<b><&></b>"
    assert render(capsysbinary, text, "--template.type=html")[1] == "<b>&lt;&amp;&gt;</b>"


def test_route_labels_of_the_data_are_templates(capsysbinary, tmp_path: Path):
    file = tmp_path / "data.json"
    file.write_text(
        json.dumps({"receiver": "r", "routeLabels": {"a": "{{ .Receiver }}", "b": '{{ routeLabels "b" }}'}})
    )
    assert render(capsysbinary, '{{ routeLabels "a" }}', f"--template.data={file}")[1] == "r"
    status, _, error = render(capsysbinary, '{{ routeLabels "b" }}', f"--template.data={file}")
    assert status == 1
    assert "route label cycle detected: b -> b" in error


WRONG = [
    (["template"], "must select a subcommand of 'template'"),
    (["templates"], 'expected command but got "templates"'),
    (["template", "help"], 'expected command but got "help"'),
    (["help", "templates"], 'expected command but got "templates"'),
    (["template", "--", "list"], 'expected command but got "list"'),
    ([*RENDER], "required flag(s) '--template.glob', '--template.text' not provided"),
    ([*RENDER, NO_FILES], "required flag(s) '--template.text' not provided"),
    ([*RENDER, NO_FILES, "--template.text"], "expected argument for flag '--template.text'"),
    ([*RENDER, NO_FILES, "--template.text=", "x"], "unexpected x"),
    ([*RENDER, NO_FILES, "--template.text=", "--template.text="], "flag 'template.text' cannot be repeated"),
    ([*RENDER, "--template.type=x"], "enum value must be one of html,text, got 'x'"),
    ([*RENDER, "--template.data=/missing/x"], "open /missing/x: no such file or directory"),
    ([*RENDER, "-x"], "unknown short flag '-x'"),
    (["--template.text=x", *RENDER], "unknown long flag '--template.text'"),
    ([*RENDER, NO_FILES, "--template.text={{ .X }}"],
     "template: :1:3: executing \"\" at <.X>: can't evaluate field X in type template.Data"),
    ([*RENDER, NO_FILES, "--template.text={{"], "template: :1: unclosed action"),
    ([*RENDER, "--template.glob=[", "--template.text=x"], "syntax error in pattern"),
]  # fmt: skip


@pytest.mark.parametrize(("argv", "error"), WRONG)
def test_what_cannot_be_done_is_said_in_one_line(capsysbinary, argv, error):
    assert run(capsysbinary, *argv) == (1, "", f"amfast-tool: error: {error}\n\n")


def test_a_file_that_cannot_be_parsed_is_named_with_its_line(capsysbinary, tmp_path: Path):
    (tmp_path / "a.tmpl").write_text("fine")
    (tmp_path / "b.tmpl").write_text("\n\n{{ end }}")
    status, _, error = run(capsysbinary, *RENDER, f"--template.glob={tmp_path}/*", "--template.text=x")
    assert (status, error) == (
        1,
        "amfast-tool: error: template: b.tmpl:3: unexpected {{end}}\n\n",
    )


def test_the_help_shows_what_is_there_and_nothing_else(capsysbinary):
    status, out, _ = run(capsysbinary)
    assert status == 0
    assert out == run(capsysbinary, "--help")[1] == run(capsysbinary, "help")[1]
    assert out.startswith("usage: amfast-tool [<flags>] <command> [<args> ...]\n\n")
    assert out.endswith(
        "Commands:\n  help [<command>...]\n  template\n"
        "    render --template.glob=TEMPLATE.GLOB --template.text=TEMPLATE.TEXT [<flags>]\n\n"
    )


def test_each_command_has_a_help_of_its_own(capsysbinary):
    status, out, _ = run(capsysbinary, *RENDER, "--help")
    assert status == 0
    assert out == run(capsysbinary, "help", *RENDER)[1]
    assert out.startswith(
        "usage: amfast-tool template render --template.glob=TEMPLATE.GLOB --template.text=TEMPLATE.TEXT [<flags>]\n"
    )
    assert "--template.data=TEMPLATE.DATA" in out
    assert run(capsysbinary, "template", "-h")[1].startswith(
        "usage: amfast-tool template <command> [<args> ...]\n"
    )


def test_everything_is_in_the_long_help_and_the_manual_page(capsysbinary):
    for flag in ("--help-long", "--help-man"):
        out = run(capsysbinary, flag)[1].replace("\\-", "-")
        assert "template render" in out or "    render" in out
        assert "--template.data" in out


def test_commands_and_flags_are_completed(capsysbinary):
    assert run(capsysbinary, "--completion-bash", "te")[1] == "template\n"
    assert "complete " in run(capsysbinary, "--completion-script-bash")[1]


def test_the_version_names_the_program(capsysbinary):
    assert run(capsysbinary, "template", "--version")[1].startswith("amfast-tool, version 0.")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("{", "the data is not JSON: line 1, column 2: "),
        ("[" * 100_000, "the data is not JSON: "),
        ('{"receiver": NaN}', "the data is not JSON: NaN is no value"),
        ("[]", "the data does not fit: expected an object, found a list"),
        ('{"receiver": 1}', "the data does not fit: receiver: expected text, found a number"),
        ('{"alerts": {}}', "the data does not fit: alerts: expected a list, found an object"),
        ('{"alerts": [{"labels": {"a": true}}]}',
         "the data does not fit: alerts[0].labels.a: expected text, found true or false"),
        ('{"alerts": [{"startsAt": "now"}]}', "the data does not fit: alerts[0].startsAt: "),
        ('{"groupLabels": "x"}', "the data does not fit: groupLabels: expected an object, found text"),
    ],
)  # fmt: skip
def test_data_that_does_not_fit_is_refused_with_its_place(content, error):
    with pytest.raises(AmfastError) as caught:
        decode(content.encode())
    assert str(caught.value).startswith(error)


@given(st.binary(max_size=60) | st.text('{}[]":,alertsnu1 ', max_size=40).map(str.encode))
def test_any_bytes_are_data_or_one_clear_error(content):
    with contextlib.suppress(AmfastError):
        decode(content)


WORDS = (
    "template",
    "render",
    "help",
    "--help",
    "--",
    "-h",
    "--template.text",
    "--template.glob=x",
    "--template.type=html",
)


@given(st.lists(st.sampled_from(WORDS) | st.text("{}.-=| x@", max_size=8), max_size=6))
def test_whatever_the_arguments_the_program_ends_with_a_status(argv):
    with contextlib.redirect_stderr(io.StringIO()) as error, contextlib.redirect_stdout(Bytes()):
        assert main(argv) in (0, 1)
    assert error.getvalue().startswith("amfast-tool: error: ") or not error.getvalue()


class Bytes(io.TextIOWrapper):
    """A standard output that takes text and bytes."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())


def test_the_program_runs_without_the_node_being_loaded():
    import subprocess

    program = (
        "import sys; from amfast.tool.__main__ import main; main(['template', 'render', '--template.glob=x', "
        "'--template.text={{ .Status }}']); "
        "print(sorted({'aiohttp', 'uvloop', 'amfast.web', 'amfast.cluster', 'amfast.app'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "alertstatus[]\n"
