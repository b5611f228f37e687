"""What ``amfast-load`` says to its flags: errors are one line that says what to do."""

from __future__ import annotations

import builtins
import socket
import sys

import pytest

from amfast.load import __main__ as program
from amfast.load.flags import parse
from amfast.load.plan import Plan
from amfast.load.target import Target, parse_target
from amfast.model.errors import AmfastError


def test_without_flags_it_is_ten_seconds_of_a_thousand_alerts_to_this_machine():
    asked = parse([])
    assert asked.plan == Plan()
    assert asked.plan.targets == (Target("127.0.0.1", 9093),)
    assert (asked.plan.batch, asked.plan.duration_s, asked.report, asked.versus) == (64, 10.0, None, None)


def test_rounds_alone_have_no_end_by_time():
    assert parse(["--rounds=3"]).plan.duration_s is None
    assert parse(["--rounds=3", "--duration=1m30s"]).plan.duration_s == 90.0


def test_ends_are_four_resends_ahead_as_prometheus_has_it():
    assert parse([]).plan.validity_ns == 240 * 10**9
    assert parse(["--interval=2m"]).plan.validity_ns == 480 * 10**9


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("am:9093", Target("am", 9093)),
        ("http://127.0.0.1:80/alert/manager/", Target("127.0.0.1", 80, "/alert/manager")),
        ("[::1]:9093", Target("::1", 9093)),
    ],
)
def test_addresses(text, target):
    assert parse_target(text) == target


def test_a_prefix_is_part_of_the_path_and_not_of_the_host():
    head = parse_target("http://am:80/base").get("/-/healthy")
    assert head.startswith(b"GET /base/-/healthy HTTP/1.1\r\nHost: am:80\r\n")
    assert (
        parse_target("[::1]:9093")
        .post_head()
        .startswith(b"POST /api/v2/alerts HTTP/1.1\r\nHost: [::1]:9093\r\n")
    )


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--target=am"], "--target 'am' is no address: write host:port"),
        (["--target=am:0"], "is no address"),
        (["--target=https://am:1"], "is no address"),
        (["--target=a b:1"], "is no address"),
        (["--alerts=-1"], "--alerts: must be a whole number from 0 to"),
        (["--alerts=many"], "--alerts: must be a whole number from 0 to"),
        (["--labels=1"], "--labels: must be a whole number from 2 to"),
        (["--interval=5"], "--interval: not a duration: '5' (write it like 10s"),
        (["--interval=-5s"], "--interval: must be at least 0s"),
        (["--churn=nan"], "--churn: must be a number from 0 to"),
        (["--alerts=10", "--churn=11"], "--churn=11 ends more alerts each second than the 10 of --alerts"),
        (["--poll-rate=0"], "--poll-rate: must be a number from 0.001 to"),
        (["--alerts=0"], "nothing to do: --alerts or --pollers must be above 0"),
        (["--alerts=0", "--pollers=1", "--rounds=1"], "give --duration instead"),
        (["--poll-path=alerts"], "--poll-path must begin with /"),
        (["--poll-path=/a\r\nb"], "--poll-path must begin with / and be an encoded URL path"),
        (["--poll-path=/a b"], "write %20"),
        (["--pairs=2"], "--pairs is for comparing two servers: name the other one with --against"),
        (["--cores=0"], "--cores: must be two numbers of processors such as 0,1"),
        (["--against=b:1", "--target=a:1", "--target=c:1"], "name the first by one --target or --server"),
        (["--against=b"], "behind a route prefix; or a command, with {port} where the port goes"),
        (["--server=sleep 1", "--against=b:1"], "--server 'sleep 1' is no address: write host:port"),
        (["--nonsense"], "unrecognized arguments: --nonsense; try --help"),
    ],
)
def test_a_wrong_flag_is_one_line_with_what_to_do(flags, text, capsys):
    assert program.main(flags) == 2
    out, err = capsys.readouterr()
    assert text in err
    assert err.startswith("amfast-load: error: ")
    assert (out, err.count("\n")) == ("", 1)


def test_an_address_where_nobody_listens_is_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert program.main([f"--target=127.0.0.1:{port}"]) == 2
    _, err = capsys.readouterr()
    assert err == (
        f"amfast-load: error: cannot reach 127.0.0.1:{port} (connection refused): "
        "start the server, or name another address\n"
    )


def test_a_folder_that_cannot_be_made_is_one_line(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert program.main([f"--report={tmp_path}/file"]) == 2
    assert capsys.readouterr().err == (
        f"amfast-load: error: cannot make the folder --report={tmp_path}/file: File exists\n"
    )


def test_a_command_that_cannot_be_started_is_one_line(capsys):
    assert program.main(["--server=no-such-program {port}", "--against=x {port}"]) == 2
    assert "cannot start 'no-such-program': " in capsys.readouterr().err
    assert program.main(["--server=sh -c 'echo broken >&2; exit 3' {port}", "--against=x {port}"]) == 2
    assert capsys.readouterr().err == "amfast-load: error: sh ended: broken\n"


def test_a_missing_package_is_one_line_that_says_what_to_do(capsys, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "httptools":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.startswith("amfast.load.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("amfast.load.command", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    assert program.main([]) == 2
    assert capsys.readouterr().err == (
        "amfast-load: error: the package httptools is missing: pip install 'amfast[load]'\n"
    )


def test_help_names_every_flag(capsys):
    with pytest.raises(SystemExit) as ended:
        program.main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for name in ("target", "alerts", "churn", "pollers", "report", "against", "interval", "seed"):
        assert f"--{name}" in text


def test_two_servers_are_compared_three_times_unless_told_otherwise():
    versus = parse(["--target=a:1", "--against=b:2", "--cores=0,1", "--settle=0s"]).versus
    assert versus is not None
    assert (versus.server, versus.against, versus.pairs) == ("a:1", "b:2", 3)
    assert (versus.cores, versus.settle_s) == ((0, 1), 0.0)
    with pytest.raises(AmfastError):
        parse(["--cores=0,1"])
