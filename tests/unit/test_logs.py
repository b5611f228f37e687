"""Log lines: the two forms, quoting, levels, and what an error may show."""

import io
import json
import logging
import re

import pytest

from amfast import __main__, logs
from amfast.model.errors import AmfastError


@pytest.fixture(autouse=True)
def _restored_logging():
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.raiseExceptions)
    yield
    root.handlers[:], logging.raiseExceptions = before[0], before[2]
    root.setLevel(before[1])
    logging.getLogger("amfast").setLevel(logging.NOTSET)
    logging.captureWarnings(capture=False)


def lines_of(form: str, level: str, *records: tuple[int, str, dict[str, object]]) -> list[str]:
    stream = io.StringIO()
    logs.setup(level, form, stream)
    for number, text, attrs in records:
        logging.getLogger("amfast.test").log(number, text, extra={"attrs": attrs})
    return stream.getvalue().splitlines()


def test_a_logfmt_line_has_the_references_keys_in_order():
    (line,) = lines_of("logfmt", "info", (logging.INFO, "Listening on", {"address": "[::]:9093"}))
    assert re.fullmatch(
        r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d) level=INFO source=test_logs\.py:\d+ "
        r'msg="Listening on" component=test address=\[::\]:9093',
        line,
    )


def test_a_json_line_has_the_same_keys_and_keeps_types():
    (line,) = lines_of(
        "json", "info", (logging.WARNING, 'a "b"\n', {"n": 1, "ok": True, "err": ValueError("x")})
    )
    fields = json.loads(line)
    assert list(fields) == ["time", "level", "source", "msg", "component", "n", "ok", "err"]
    assert (fields["level"], fields["msg"], fields["n"], fields["ok"], fields["err"]) == (
        "WARN",
        'a "b"\n',
        1,
        True,
        "x",
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"), ("", '""'), ("a b", '"a b"'), ("a=b", '"a=b"'), ('a"b', r'"a\"b"'), ("a\\b",
        "a\\b"),
        ("a\nb", r'"a\nb"'), ("\x1b[31m", r'"\x1b[31m"'), ("é", "é"),
        ("\u00a0", r'"\u00a0"'), ("\u2028", r'"\u2028"'),
        (None, "<nil>"), (True, "true"), (1.5, "1.5"), ("\udcff", '"\ufffd\ufffd\ufffd"'),
    ],
)  # fmt: skip
def test_values_are_quoted_as_go_quotes_them(value, text):
    (line,) = lines_of("logfmt", "info", (logging.INFO, "m", {"v": value}))
    assert line.endswith(f" msg=m component=test v={text}")


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_hostile_text_stays_on_one_line_that_can_be_written(form):
    (line,) = lines_of(form, "info", (logging.INFO, "a\r\nlevel=ERROR\x00\udc80", {"k\n": "\n\ud800"}))
    assert len(line.encode().splitlines()) == 1


def test_the_level_decides_what_is_written():
    records = [(number, "m", {}) for number in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)]
    for level, count in (("debug", 4), ("info", 3), ("warn", 2), ("error", 1)):
        assert len(lines_of("logfmt", level, *records)) == count


def test_libraries_are_heard_from_warning_on():
    stream = io.StringIO()
    logs.setup("debug", "logfmt", stream)
    logging.getLogger("asyncio").info("chatter")
    logging.getLogger("asyncio").warning("matter")
    assert [line.split("msg=")[1] for line in stream.getvalue().splitlines()] == ["matter"]


@pytest.mark.parametrize(("level", "shows"), [("info", False), ("debug", True)])
def test_an_unexpected_error_is_one_line_with_its_traceback_only_for_debugging(level, shows):
    stream = io.StringIO()
    logs.setup(level, "logfmt", stream)
    try:
        {}["lost"]
    except KeyError:
        logging.getLogger("amfast").exception("failed")
    (line,) = stream.getvalue().splitlines()
    assert """err="KeyError: 'lost'\"""" in line
    assert ("Traceback" in line) is shows


def test_a_closed_stream_brings_nothing_down(capsys):
    stream = io.StringIO()
    logs.setup("info", "logfmt", stream)
    stream.close()
    logging.getLogger("amfast").info("m")
    assert capsys.readouterr().err == ""


def test_setting_up_again_replaces_the_first_setup():
    first, second = io.StringIO(), io.StringIO()
    logs.setup("info", "logfmt", first)
    logs.setup("info", "logfmt", second)
    logging.getLogger("amfast").info("m")
    assert (first.getvalue(), second.getvalue().count("msg=m")) == ("", 1)


def test_an_expected_error_ends_the_program_with_one_line(capsys):
    assert __main__.main(["--config.file="]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "level=ERROR" in err
    assert 'err="--config.file must not be empty"' in err


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (AmfastError("no data folder"), 1, 'err="no data folder"'),
        (RuntimeError("odd"), 1, 'err="RuntimeError: odd"'),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_whatever_the_node_raises_the_program_ends_in_good_order(monkeypatch, capsys, error, status, text):
    def run(_options):
        raise error

    app = type("app", (), {"run": staticmethod(run)})
    monkeypatch.setitem(__import__("sys").modules, "amfast.app", app)
    monkeypatch.setattr("amfast.app", app, raising=False)
    assert __main__.main([]) == status
    err = capsys.readouterr().err
    assert text in err
    assert err.count("\n") == bool(text)


def test_strangers_cannot_fill_the_disk_with_one_line():
    stream = io.StringIO()
    logs.setup("info", "logfmt", stream)
    (limit,) = logging.getLogger("amfast.cluster").filters
    seconds = iter([*[0.0] * 100, 59.0, 61.0, 61.0])
    for second in seconds:
        record = logging.LogRecord("amfast.cluster", logging.INFO, "f.py", 1, "peer joined", (), None)
        record.created = second
        if limit.filter(record):
            logging.getLogger().handle(record)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 22
    assert lines[20].endswith("held_back=81")
    logging.getLogger("amfast.cluster").filters.clear()
