"""The reports of ``amfast-load``: for people, for programs, as plots, and of two servers in turns."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET

import pytest

from amfast.load import pairs, report
from amfast.load.client import Answer
from amfast.load.flags import Versus
from amfast.load.measure import Cost, Measured
from amfast.load.pairs import Pair
from amfast.load.plan import Plan
from amfast.load.progress import Progress
from amfast.load.run import Outcome
from amfast.load.tally import Second, Tally
from amfast.svg import Bar, bars

BEGAN_NS = 1_795_608_000 * 10**9


def run_of(*, ms: float = 2.0, cpu_us: float = 1280.0, seconds: int = 3, stopped: bool = False) -> Measured:
    """128 alerts a second, and one GET that the server refused."""
    tally = Tally()
    for second in range(seconds):
        for _ in range(2):
            tally.add("re-sent" if second else "new", Answer(200, 0, int(ms * 1e6)), 64)
        tally.tick(second + 1.0)
    tally.add("GET /x", Answer(503, 10, 5_000_000, "status 503: later"))
    outcome = Outcome(Plan(alerts=128), BEGAN_NS, float(seconds), tally, stopped)
    return Measured(outcome, Cost(cpu_us * seconds, 10 * 2**20, 12 * 2**20))


def test_the_text_says_what_was_done_how_fast_and_what_went_wrong():
    text = report.markdown(run_of())
    assert "128 alerts of 10 labels and 3 annotations from 1 sender(s) to 127.0.0.1:9093" in text
    assert "Began 2026-11-25 12:00:00 UTC, took 3.0 s." in text
    assert "384 alerts taken, 128 a second; 1 requests failed or were refused." in text
    assert (
        "Server: 0.00 s of processor time, 10.00 µs an alert; resident memory 10.0 MiB before, 12.0" in text
    )
    assert "| new | 2 | 128 | 0 | 2.00 | 2.00 | 2.00 | 2.00 | 2.00 |" in text
    assert "| re-sent | 4 | 256 | 0 | 2.00 |" in text
    assert "| GET /x | 1 | 0 | 1 | - |" in text
    assert "- 1 times GET /x: status 503: later" in text


def test_the_text_says_so_when_the_run_was_stopped():
    assert "took 3.0 s, stopped before its end." in report.markdown(run_of(stopped=True))


def test_the_json_has_the_same_figures():
    data = json.loads(json.dumps(report.as_json(run_of())))
    assert (data["alerts"], data["alerts_per_s"], data["problems"], data["seconds"]) == (384, 128.0, 1, 3.0)
    assert data["kinds"]["re-sent"]["latency_ms"]["p99.9"] == 2.0
    assert data["kinds"]["GET /x"]["statuses"] == {"503": 1}
    assert data["server"]["cpu_us_per_alert"] == 10.0
    assert data["plan"]["targets"] == ["127.0.0.1:9093"]
    assert [second["alerts"] for second in data["per_second"]] == [128, 128, 128]
    assert {"cpu", "cores", "kernel", "python"} == set(data["machine"])


def test_the_files_are_written_with_plots_that_are_xml(tmp_path):
    paths = report.write(run_of(), tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["report.md", "report.json", "rate.svg", "latency.svg"]
    for path in paths[2:]:
        ET.fromstring(path.read_text())
    assert "![latency](latency.svg)" in paths[0].read_text()


def test_a_run_too_short_for_a_curve_has_no_plots(tmp_path):
    assert [path.name for path in report.write(run_of(seconds=1), tmp_path)] == ["report.md", "report.json"]


def test_a_ratio_is_taken_within_a_pair_and_above_one_when_the_first_is_cheaper():
    found = [
        Pair(run_of(cpu_us=1280), run_of(cpu_us=2560, ms=6.0)),
        Pair(run_of(cpu_us=2560), run_of(cpu_us=2560, ms=4.0)),
        Pair(run_of(cpu_us=1280), run_of(cpu_us=5120, ms=2.0)),
    ]
    cpu, p50, p99, *_ = pairs.rows(found)
    assert (cpu.name, cpu.first, cpu.against) == ("CPU time of the server, µs an alert", 10.0, 20.0)
    assert (cpu.ratio, cpu.ratio_min, cpu.ratio_max) == (2.0, 1.0, 4.0)
    assert (p50.ratio, p99.ratio, p50.ratio_max) == (2.0, 2.0, 3.0)
    text = pairs.markdown(found, Versus("us {port}", "them:1", 3, None, 1.0))
    assert "First: `us {port}`" in text
    assert "3 pairs, 6 requests failed" in text
    assert "\n1 pair, 2 requests failed" in pairs.markdown(
        found[:1], Versus("us {port}", "them:1", 1, None, 1.0)
    )
    assert "| CPU time of the server, µs an alert | 10.00 | 20.00 | 2.00 | 1.00 | 4.00 |" in text
    data = pairs.comparison(found, Versus("us", "them", 3, None, 1.0))
    assert data["measures"]["POST p50, ms"]["ratio"] == {"median": 2.0, "min": 1.0, "max": 3.0}
    ET.fromstring(pairs.plot(found)["ratios.svg"])


def test_a_server_that_cannot_be_seen_has_latencies_only():
    run = run_of()
    unseen = Measured(run.outcome, None)
    assert pairs.rows([Pair(unseen, run)])[0].name == "POST p50, ms"
    assert report.as_json(unseen)["server"] is None
    assert "Server:" not in report.markdown(unseen)


def test_the_line_on_the_terminal_has_the_rate_of_the_last_stretch():
    progress = Progress(io.StringIO())
    tally = Tally()
    tally.alerts = 5000
    progress.text(Second(1.0, 1000, 20, 1.5, 2.5), tally)
    line = progress.text(Second(3.0, 4000, 80, 1.25, 9.5), tally)
    assert line == "3 s  5,000 alerts, 2,000/s  POST p50 1.25 ms, p99 9.50 ms  80 requests  0 problems"
    progress.begin("pair 1 of 3, first")
    assert progress.text(Second(1.0, 0, 0, None, None), tally).startswith("pair 1 of 3, first: 1 s  ")


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_for_terminals_only(terminal):
    out = io.StringIO()
    out.isatty = lambda: terminal  # type: ignore[method-assign]
    Progress(out)(Second(1.0, 0, 0, None, None), Tally())
    Progress(out, quiet=True)(Second(9.0, 0, 0, None, None), Tally())
    assert out.getvalue().startswith("\r\x1b[K1 s") is terminal
    assert "9 s" not in out.getvalue()


def test_bars_begin_at_one_and_show_range_and_mark():
    root = ET.fromstring(bars("t", "x", [Bar("cheap", 20.0, 10.0, 40.0, 60.0), Bar("dear", 0.5, 0.5, 0.5)]))
    rects = [one for one in root if one.tag.endswith("rect")][1:]
    (cheap_at, cheap_width), (dear_at, dear_width) = (
        (float(one.attrib["x"]), float(one.attrib["width"])) for one in rects
    )
    assert dear_at + dear_width == pytest.approx(cheap_at, abs=0.2)
    assert cheap_width > dear_width > 0
