"""``python -m amfast.sim``: what it prints, and what it says to nonsense."""

import json
import xml.etree.ElementTree as ET

import pytest

from amfast.sim import __main__ as command
from amfast.sim.report import FalseRow, Report, SizeRow, expected_death_s, plots, tables
from amfast.sim.run import run
from amfast.sim.scenarios import SCENARIOS
from amfast.svg import Line, chart


def test_a_run_prints_a_table_and_how_to_repeat_it(capsys):
    assert command.main(["kill", "--nodes", "6", "--seed", "3", "--seconds", "20", "--progress"]) == 0
    out, err = capsys.readouterr()
    assert "kill, 6 nodes, seed 3" in out
    assert out.endswith("again: python -m amfast.sim kill --nodes 6 --seed 3 --seconds 20\n")
    assert "20 s of 20 s" in err


def test_json_has_the_same_and_the_command_repeats_it(capsys):
    args = ["swarm", "--nodes", "5", "--seed", "9", "--seconds", "20", "--loss", "0.1", "--json"]
    assert command.main(args) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["violations"] == 0
    assert command.main([*first["command"].split()[3:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == first


def test_violations_give_exit_status_1(capsys, monkeypatch):
    deaf = lambda *args: run(*args, packet_filter=lambda *_: False)  # noqa: E731
    monkeypatch.setattr(command, "run", deaf)
    assert command.main(["steady", "--nodes", "3", "--seconds", "20"]) == 1
    assert "VIOLATION at " in capsys.readouterr().out


def test_the_list_explains_every_scenario(capsys):
    assert command.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(SCENARIOS)
    assert all(len(line.split()) > 2 for line in lines)


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["nonsense"], "unknown scenario 'nonsense'"),
        (["loss-100"], "unknown scenario 'loss-100'"),
        (["--nodes", "1"], "--nodes must be from 2"),
        (["--nodes", "x"], "argument --nodes: invalid int value"),
        (["--seconds", "0"], "--seconds must be from 1 to 1,000,000"),
        (["--seconds", "nan"], "--seconds must be from 1 to 1,000,000"),
        (["--loss", "1"], "--loss must be a share"),
        (["--what"], "unrecognized arguments: --what"),
        (["report", "--sizes", "10,x"], "--sizes must be numbers"),
        (["report", "--sizes", "2"], "--sizes must be numbers"),
        (["report", "--seeds", "0"], "--seeds must be at least 1"),
        (["report", "--plots", "/dev/null/no"], "/dev/null"),
    ],
)
def test_errors_are_one_line(args, error, capsys):
    assert command.main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("amfast.sim: error: ")
    assert err.count("\n") == 1
    assert error in err


ROWS = tuple(
    SizeRow(n, 0.1, 0.2, None if n == 10 else 0.3, 5, 5, 0.2, 0.4, 6.0, 7.0, 3, 2.0, 90.0, 10.0)
    for n in (10, 30, 1000)
)
DATA = Report(1, 10, ROWS, (FalseRow(0.0, 0, 0, 0), FalseRow(0.3, 9, 1, 1)), (FalseRow(0.1, 3, 2, 1),) * 2, 0)


def test_the_report_is_written_as_tables_and_plots():
    text = tables(DATA)
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert rows[2] == "10 0.100 0.200 - 5/5 0.200 0.400 6.00 7.00 2.00 90 10"
    assert "30% 9.00 1.000 1.000" in rows
    for svg in plots(DATA).values():
        ET.fromstring(svg)


def test_the_expected_detection_time_grows_with_the_logarithm_of_the_cluster():
    assert expected_death_s(3) == expected_death_s(10) == pytest.approx(6.0)
    assert expected_death_s(1000) == pytest.approx(14.0)


def test_a_chart_puts_its_points_where_they_belong():
    root = ET.fromstring(chart("a < b", "x", "y", [Line("up", [(10, 0), (100, 5), (1000, 10)])], log_x=True))
    (line,) = root.iter("{http://www.w3.org/2000/svg}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]
    (x1, y1), (x2, y2), (x3, y3) = points
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y1 - y2 == pytest.approx(y2 - y3, abs=0.2)
    assert y3 < y1
    assert "a < b" in "".join(root.itertext())
