"""The command line's grammar, on its own and side by side with a Go Alertmanager where one is installed."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amfast.cli import flags, grammar, values

REFERENCE = shutil.which("prometheus-alertmanager")


def error_of(*argv: str) -> str:
    with pytest.raises(grammar.UsageError) as caught:
        flags.parse(argv)
    return str(caught.value)


def text_of(*argv: str) -> str:
    with pytest.raises(grammar.TextAsked) as caught:
        flags.parse(argv)
    return caught.value.text


def test_a_value_follows_an_equals_sign_or_stands_alone():
    assert flags.parse(["--config.file=a=b"]).config_file == "a=b"
    assert flags.parse(["--config.file", "a"]).config_file == "a"
    assert flags.parse(["--config.file="]).config_file == ""
    assert flags.parse(["--config.file", "--", "--x"]).config_file == "--x"


def test_a_repeatable_flag_replaces_its_default_and_collects_in_order():
    assert flags.parse([]).web_listen_address == (":9093",)
    assert flags.parse(["--web.listen-address=:1", "--web.listen-address", ":2"]).web_listen_address == (
        ":1",
        ":2",
    )
    assert flags.parse(["--cluster.peer=b:1", "--cluster.peer=a:1"]).cluster_peer == ("b:1", "a:1")


def test_a_switch_takes_no_value_and_has_an_opposite():
    assert flags.parse(["--log.silences"]).log_silences is True
    assert flags.parse(["--no-log.silences"]).log_silences is False
    assert error_of("--log.silences=true") == "unexpected true"


def test_new_units_and_levels_of_current_releases_are_known():
    assert flags.parse(["--data.retention=1w2d"]).data_retention_s == 9 * 86400
    assert flags.parse(["--log.level=WARN"]).log_level == "warn"


@pytest.mark.parametrize(
    ("text", "value_ns"),
    [
        ("1.5h", 5_400_000_000_000), ("+5m", 300_000_000_000), ("-.5s", -500_000_000), ("1.s", 1_000_000_000),
        ("0", 0), ("1h1ns", 3_600_000_000_001), ("2\u00b5s3\u03bcs4us", 9_000), ("1ms1s1m", 61_001_000_000),
        ("0.3333333333333333333333h", 1_199_999_999_999), ("-9223372036854775808ns", -(1 << 63)),
        ("9223372036854775807ns", (1 << 63) - 1), ("1.9ns", 1), ("2w", 1_209_600_000_000_000),
    ],
)  # fmt: skip
def test_durations_are_read_to_the_nanosecond(text, value_ns):
    assert values.parse_duration_ns(text) == value_ns


def test_numbers_may_be_written_as_fractions_and_are_cut():
    assert flags.parse(["--web.get-concurrency=1.9"]).web_get_concurrency == 1
    assert flags.parse(["--silences.max-silences=-1e3"]).silences_max_silences == -1000


def test_arguments_are_read_from_files_in_place(tmp_path):
    inner = tmp_path / "inner"
    inner.write_text("# a comment\n--log.level\nwarn\r\n")
    outer = tmp_path / "outer"
    outer.write_text(f"--config.file=with blank\n@{inner}\n")
    options = flags.parse([f"@{outer}", "--storage.path=s"])
    assert (options.config_file, options.log_level, options.storage_path) == ("with blank", "warn", "s")


def test_a_file_that_names_itself_ends_in_an_error(tmp_path):
    loop = tmp_path / "loop"
    loop.write_text(f"@{loop}\n@{loop}\n")
    assert "more than 100000 arguments from files" in error_of(f"@{loop}")


def test_an_endless_file_ends_in_an_error():
    assert "more than 1048576 bytes" in error_of("@/dev/zero")


def test_the_version_has_the_lines_that_scripts_look_for():
    lines = text_of("--version").splitlines()
    assert lines[0].startswith("amfast, version 0.")
    assert [line[:20].strip() for line in lines[1:]] == [
        "build user:", "build date:", "go version:", "platform:", "tags:",
    ]  # fmt: skip
    assert f"python{sys.version.split()[0]}" in lines[3]


def test_completion_offers_the_flags_while_one_is_typed():
    assert "--cluster.peer\n" in text_of("--completion-bash", "--clu")
    assert text_of("--completion-bash", "--log.level") == ""
    assert "complete " in text_of("--completion-script-bash")
    assert text_of("--completion-script-zsh").startswith("\n#compdef amfast")


@given(
    st.lists(
        st.text(max_size=20) | st.sampled_from(["--", "-h", "--version", "--data.retention", "@"]), max_size=5
    )
)
def test_whatever_the_arguments_there_are_options_a_text_or_one_clear_error(argv):
    with suppress(grammar.TextAsked, grammar.UsageError):
        flags.parse(argv)


WRONG = [
    ["--x"], ["-x"], ["-xh"], ["-hx"], ["-h=1"], ["-"], ["--=x"], ["--no-x"], ["--no-config.file"],
    ["--no-h"],
    ["--config.file"], ["--config.file", "--help"], ["--config.file", "-x"], ["--config.file", "@missing"],
    ["--data.retention", "-5m"], ["--config.file=", "x"], ["--config.fil=x"], ["-config.file=x"],
    ["--config.file=a", "--config.file=b"], ["--web.systemd-socket", "--no-web.systemd-socket"],
    ["--config.file=a", "--data.retention=x", "--config.file=b"],
    ["foo"], ["--", "foo"], ["--", "@missing"], [""], ["--config.file", "--", "x", "-h"], ["foo",
    "--version"],
    ["@missing"], ["@missing", "--version"], ["@"], ["@."], ["--x", "--version"], ["-h", "--x"], ["-h",
    "foo"],
    ["--web.systemd-socket=true"], ["--no-web.systemd-socket=true"], ["--help=true"],
    ["--log.level=foo"], ["--log.level="], ["--log.format=JSON"], ['--log.format=a"b'], ["--log.format=é"],
    ["--web.get-concurrency=a"], ["--web.get-concurrency="], ["--web.get-concurrency=1e400"],
    ["--web.get-concurrency=0x10"], ["--web.get-concurrency= 1"],
    *(
        [f"--data.retention={text}"]
        for text in (
            "5", "", "1x", "1 s", "5M", "-", "+", ".h", ".", "1.2.3h", "1h-", "1h 1m", '1"x', "1\tx",
            "1é", "1\\",
            "99999999999999h", "2562048h", "9223372036854775808ns", "1h1", " 1h", "0 ", "0x1s", "1y", "--1s",
        )
    ),
]  # fmt: skip
TEXTS = [
    ["--version"], ["--no-version"], ["--version=x"], ["--version", "--x"], ["-h", "--version"],
    ["--data.retention=x", "--version"], ["-h"], ["--help"], ["--no-help"], ["-hh"],
    ["--data.retention=x", "-h"],
    ["--config.file=a", "--config.file=b", "-h"], ["--help-long", "foo"], ["--help-man"],
    ["--completion-script-bash"], ["--completion-script-zsh"], ["--completion-bash", "--clu"],
    ["--version", "@missing"],
]  # fmt: skip
RIGHT = ["1.5h", "+5m", ".5s", "1.s", "0", "-0", "1h1ns", "100\u00b5s", "1\u03bcs", "-9223372036854775808ns"]


def run(program: list[str], argv: list[str], folder) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*program, *argv],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
        timeout=20,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.skipif(REFERENCE is None, reason="no Go Alertmanager installed")
@pytest.mark.parametrize("argv", WRONG, ids=repr)
def test_a_wrong_command_line_has_the_references_error(argv, tmp_path, monkeypatch):
    theirs = run([REFERENCE], argv, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert theirs.returncode == 1
    assert f"amfast: error: {error_of(*argv)}, try --help\n" == theirs.stderr.replace(
        "prometheus-alertmanager: error", "amfast: error", 1
    )


@pytest.mark.skipif(REFERENCE is None, reason="no Go Alertmanager installed")
@pytest.mark.parametrize("argv", TEXTS, ids=repr)
def test_what_prints_a_text_there_prints_one_here(argv, tmp_path):
    theirs = run([REFERENCE], argv, tmp_path)
    assert theirs.returncode == 0
    ours = text_of(*argv)
    their_start = theirs.stdout.replace("prometheus-alertmanager", "amfast").replace(
        "alertmanager,", "amfast,"
    )
    assert ours.lstrip().split()[0] == their_start.lstrip().split()[0]


@pytest.mark.skipif(REFERENCE is None, reason="no Go Alertmanager installed")
@pytest.mark.parametrize("text", RIGHT)
def test_durations_that_are_taken_there_are_taken_here(text, tmp_path):
    argv = [f"--data.retention={text}"]
    flags.parse(argv)
    theirs = run([REFERENCE], [*argv, "--storage.path="], tmp_path)  # stops it right after parsing
    assert "Unable to create data directory" in theirs.stderr


@pytest.mark.skipif(REFERENCE is None, reason="no Go Alertmanager installed")
def test_every_flag_of_the_older_reference_exists_with_the_same_default(tmp_path):
    ours = {
        line.split()[0]: line.split()[0:2] for line in text_of("-h").splitlines() if line[:8] == "      --"
    }
    theirs = run([REFERENCE], ["-h"], tmp_path).stdout
    debian = ("--config.file=", "--storage.path=", "--web.ui-path=")  # paths of the package
    checked = 0
    for line in theirs.splitlines():
        if not line.startswith("      --") or line.strip().startswith(debian):
            continue
        form = line.split()[0]
        switch = "=" not in form
        assert (form.replace("--", "--[no-]", 1) if switch else form) in ours
        checked += 1
    assert checked > 25


def test_a_wrong_command_line_ends_the_program_with_status_1_and_one_line():
    result = run([sys.executable, "-m", "amfast"], ["--x"], None)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "amfast: error: unknown long flag '--x', try --help\n"


def test_a_reader_that_went_away_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "amfast", "--help"]
    result = subprocess.run(command, check=False, stdout=writer, stderr=subprocess.PIPE, timeout=20)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, b"")
